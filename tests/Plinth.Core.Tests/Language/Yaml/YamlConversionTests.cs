using System.Text;
using System.Text.RegularExpressions;
using Plinth.Cases;
using Plinth.Cli.Schemas;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>From one notation to the other and back: the same model to the last byte, or an error that says what is lost.</summary>
public class YamlConversionTests
{
    public static TheoryData<string> Examples =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Corpus.Root, "examples"), "schema.plinth", SearchOption.AllDirectories)
            .Append(Path.Combine(Corpus.Root, "bench/schema/schema.plinth")).Where(File.Exists)
            .Select(p => Path.GetRelativePath(Corpus.Root, p)).Where(p => !p.Contains("node_modules", StringComparison.Ordinal)).Order(),
    ];

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_goes_to_yaml_and_back(string path)
    {
        // What YAML has no form for is refused by name (below); the rest of the example goes there.
        string text = File.ReadAllText(Path.Combine(Corpus.Root, path));
        RoundTrip(
            Regex.Replace(text, @"^(channel|projection) \w[^{]*\{.*?^\}", "", RegexOptions.Multiline | RegexOptions.Singleline), path);
    }

    [Theory]
    [InlineData("channel board { @@allow(\"join\", true) }", "YAML has no form for a channel: 'board'")]
    [InlineData(
        "projection Sums from A { key x  n Int = count()  @@allow(\"read\", true) }", "YAML has no form for a projection: 'Sums'")]
    public void What_has_no_form_in_yaml_is_refused_by_name(string block, string refusal)
    {
        AppSchema schema = Schemas.Load("model A { id Int @id  x Int  @@allow(\"read\", true) }\n" + block);
        Assert.Equal((null, refusal), YamlConversion.ToYaml(schema, YamlEvents.Of, Limits.Default));
    }

    [Fact]
    public void The_schema_of_the_tests_goes_to_yaml_and_back() => RoundTrip(Schemas.Crm, "crm");

    [Fact]
    public void Random_schemas_go_to_yaml_and_back()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 300, soak: 30_000), valid = 0;
        Random random = new(seed);
        for (int i = 0; i < count; i++)
        {
            string text = RandomSchema.Text(random);
            if (Schemas.Read(text).Schema is null) continue;
            valid++;
            RoundTrip(text, $"seed {seed}, schema {i}");
        }
        Assert.True(valid > count / 2, $"only {valid} of {count} were valid (seed {seed})");
        Counts.Report("schema: native to YAML and back", count, seed, $"{valid} valid");
    }

    /// <summary>Every attribute is carried, or refused by the conversion: nothing is dropped.</summary>
    [Fact]
    public void Every_attribute_is_carried_or_refused()
    {
        List<string> refused = [];
        foreach (AttributeSpec spec in Attributes.All.Where(a => a.IsAvailable))
        {
            string id = spec.Example.Contains("@id", StringComparison.Ordinal) ? "" : "id Int @id";
            string text = "auth { id Uuid }\nmodel Company { id Uuid @id  @@allow(\"read\", true) }\n"
                + $"model Example {{\n  {id}\n  {spec.Example}\n}}\n";
            AppSchema? schema = Schemas.Read(text).Schema;
            if (schema is null) continue;
            var (yaml, lost) = YamlConversion.ToYaml(schema, YamlEvents.Of, Limits.Default);
            if (yaml is null)
            {
                Assert.StartsWith("YAML cannot carry", lost, StringComparison.Ordinal);
                refused.Add(spec.Name);
            }
            else
            {
                Assert.Equal(SchemaJson.Write(schema), SchemaJson.Write(YamlSchemas.Load(yaml)));
            }
        }
        Assert.True(refused.Count <= 3, "the YAML notation lags behind: " + string.Join(' ', refused));
    }

    [Fact]
    public void What_yaml_cannot_say_is_an_error_that_names_it()
    {
        // A word of the notation as the name of an enum would be read as the type of that word.
        AppSchema schema = Schemas.Load("enum date { a b }\nmodel A { id Int @id  day date  @@allow(\"read\", true) }");
        var (text, lost) = YamlConversion.ToYaml(schema, YamlEvents.Of, Limits.Default);
        Assert.Null(text);
        Assert.Contains("day", lost, StringComparison.Ordinal);
    }

    [Fact]
    public void A_field_called_doc_is_not_the_record()
    {
        string text = "type D { x Int }\nmodel A { id Int @id  doc D  n Int  @@allow(\"read\", doc.x == n && has(doc.x))  @@check(n > 0) }";
        RoundTrip(text, "doc");
    }

    [Fact]
    public void Tenants_are_carried() => RoundTrip("""
        app shop { tenancy = row }
        auth { id Uuid  tenantId Uuid }
        model Usual { id Uuid @id  @@allow("read", true) }
        model Named { id Uuid @id  orgId Uuid  @@tenant(orgId)  @@allow("read", true) }
        model Shared { id Uuid @id  @@tenant(none)  @@allow("read", true) }
        """, "tenants");

    [Fact]
    public void Buckets_are_no_part_of_the_model_and_are_not_lost_by_a_conversion()
    {
        const string Yaml = """
            version: 1
            auth: none
            collections:
              posts:
                fields: { id: { type: uuid, primary: true }, cover: { type: file, file: { bucket: covers } } }
                rules: { read: "true" }
            buckets: { covers: { backend: local } }
            """;
        SourceText file = new("schema.yaml", Yaml);
        AppSchema schema = SchemaReader.Read([file], Limits.Default, YamlEvents.Of).Schema!;
        var (text, lost) = YamlConversion.ToNative(schema, [file], YamlEvents.Of, Limits.Default);
        Assert.Null(text);
        Assert.Contains("buckets.covers", lost, StringComparison.Ordinal);
    }

    static void RoundTrip(string native, string what)
    {
        AppSchema schema = Schemas.Load(native);
        byte[] before = SchemaJson.Write(schema);
        var (yaml, lost) = YamlConversion.ToYaml(schema, YamlEvents.Of, Limits.Default);
        Assert.True(yaml is not null, $"{what}: {lost}\n{native}\n{YamlWriter.Write(schema)}");
        SourceText file = new("schema.yaml", yaml);
        var (back, lostBack) = YamlConversion.ToNative(YamlSchemas.Load(yaml), [file], YamlEvents.Of, Limits.Default);
        Assert.True(back is not null, $"{what}: {lostBack}\n{yaml}");
        string after = Encoding.UTF8.GetString(SchemaJson.Write(Schemas.Load(back)));
        Assert.True(Encoding.UTF8.GetString(before) == after, $"{what}:\n{native}\n→\n{yaml}\n→\n{back}");
    }
}
