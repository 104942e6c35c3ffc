using System.Diagnostics;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language.Yaml;

public class YamlNotationTests
{
    const string Small = """
        version: 1
        collections:
          posts:
            fields:
              id: { type: uuid, primary: true, default: auto }
              title: string
            rules: { read: "true" }
        """;

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void Line_ends_and_a_byte_order_mark_move_no_place(string lineEnd)
    {
        string text = "\uFEFF" + Small.Replace("title: string", "title: strin", StringComparison.Ordinal).ReplaceLineEndings(lineEnd);
        Diagnostic found = Assert.Single(YamlSchemas.Read(text).Diagnostics);
        Assert.Equal("schema.yaml:6:14", found.Place);
        Assert.Equal("strin", found.Source.Slice(found.Span));
        Assert.Equal("did you mean 'string'?", found.Hint);
        YamlSchemas.Load("\uFEFF" + Small.ReplaceLineEndings(lineEnd));
    }

    [Fact]
    public void A_tab_is_refused_with_the_remedy()
    {
        Diagnostic found = Assert.Single(YamlSchemas.Read("version: 1\ncollections:\n\tposts: {}\n").Diagnostics);
        Assert.Equal(Codes.UnexpectedToken, found.Code);
        Assert.True(found.Hint?.Contains("spaces", StringComparison.Ordinal), DiagnosticText.Render(found));
        Assert.StartsWith("schema.yaml:3:", found.Place, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", Codes.EmptyBlock)]
    [InlineData("# nothing\n", Codes.EmptyBlock)]
    [InlineData("just text", Codes.UnexpectedToken)]
    [InlineData("- a\n- b\n", Codes.UnexpectedToken)]
    [InlineData("version: 1\ncollections: {}\n---\nversion: 1\n", Codes.UnexpectedToken)]
    [InlineData("version: [1\n", Codes.UnexpectedToken)]
    [InlineData("version: 2\ncollections: {}\n", Codes.UnknownValue)]
    [InlineData("collections: {}\n", Codes.MissingArgument)]
    [InlineData("version: 1\n", Codes.MissingArgument)]
    [InlineData("version: 1\ncollections: {}\nbuckets: { a: {} }\n", Codes.MissingArgument)]
    [InlineData("version: 1\ncollections: {}\nfunctions: { a: {} }\n", Codes.NotAvailable)]
    [InlineData("version: 1\ncollections: {}\nversion: 1\n", Codes.DuplicateName)]
    [InlineData("version: 1\ncollections: {}\n? [a]\n: b\n", Codes.BadName)]
    [InlineData("version: 1\ncollections: {}\n~: b\n", Codes.BadName)]
    [InlineData("version: 1\ncollections: {}\n12: b\n", Codes.UnknownSetting)]
    [InlineData("version: 1\ncollections: !!map {}\n", Codes.NotAvailable)]
    [InlineData("version: 1\ncollections: *nothing\n", Codes.UnknownName)]
    [InlineData("version: 1\ncollections: {}\napp: { name: \"a\u202Eb\" }\n", Codes.BidiControl)]
    [InlineData("version: 1\ncollections: { 1a: {} }\n", Codes.BadName)]
    [InlineData("version: 1\ncollections: { p\u0430ge: {} }\n", Codes.BadName)]
    public void What_is_no_schema_is_said_once(string text, string code)
    {
        SchemaReading reading = YamlSchemas.Read(text);
        Assert.Null(reading.Schema);
        Assert.Equal([code], reading.Diagnostics.Where(d => d.Severity == Severity.Error).Select(d => d.Code));
    }

    [Fact]
    public void Aliases_and_merges_are_what_they_stand_for()
    {
        AppSchema schema = YamlSchemas.Load("""
            version: 1
            collections:
              a:
                fields: &fields
                  id: &id { type: uuid, primary: true, default: auto }
                  name: { type: string }
                rules: &open { read: "true" }
              b:
                fields: { <<: *fields, name: { type: text } }
                rules: *open
            """);
        Assert.Equal(["id", "name"], schema.Model("B").Fields.Select(f => f.Name).Order());
        Assert.Equal("Text", schema.Model("B").Field("name")!.Type.Name);
    }

    [Fact]
    public void An_alias_inside_of_what_it_refers_to_is_a_cycle() =>
        Assert.Contains("2:22 cycle", YamlSchemas.Places("version: 1\ncollections: &a { x: *a }\n"));

    [Fact]
    public void A_bomb_of_aliases_is_refused_by_the_name_of_the_limit()
    {
        StringBuilder text = new("version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 20; i++)
            text.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 9))}]\n");
        Stopwatch watch = Stopwatch.StartNew();
        Diagnostic found = YamlSchemas.Read(text.ToString()).Diagnostics.Single();
        Assert.Equal(Codes.LimitExceeded, found.Code);
        Assert.Contains("limits.yamlNodes", found.Message, StringComparison.Ordinal);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{watch.Elapsed}");
    }

    [Fact]
    public void More_aliases_than_the_limit_are_refused()
    {
        string text = $"version: 1\nx: &x 1\ny: [{string.Join(", ", Enumerable.Repeat("*x", 12))}]\n";
        Assert.Contains("3:45 limit_exceeded", YamlSchemas.Places(text, Limits.Default with { YamlAliases = 10 }));
        Assert.DoesNotContain(YamlSchemas.Places(text, Limits.Default with { YamlAliases = 12 }),
            p => p.EndsWith("limit_exceeded", StringComparison.Ordinal));
    }

    [Fact]
    public void More_values_than_the_limit_are_refused()
    {
        Assert.Contains(YamlSchemas.Read(Small, Limits.Default with { YamlNodes = 10 }).Diagnostics,
            d => d.Message.Contains("limits.yamlNodes", StringComparison.Ordinal));
    }

    [Fact]
    public void Nesting_is_bounded_in_text_and_through_aliases()
    {
        string deep = $"version: 1\ncollections: {new string('[', 100_000)}";
        Assert.Contains("limits.schemaDepth", YamlSchemas.Read(deep).Diagnostics.Single().Message, StringComparison.Ordinal);
        StringBuilder chain = new("version: 1\na0: &a0 [x]\n");
        for (int i = 1; i < 200; i++) chain.Append($"a{i}: &a{i} [*a{i - 1}]\n");
        Assert.Contains("limits.schemaDepth", YamlSchemas.Read(chain.ToString()).Diagnostics.Single().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_over_the_limit_is_refused_and_ten_megabytes_are_answered()
    {
        Assert.Contains("limits.schemaBytes",
            YamlSchemas.Read(new string('#', (10 << 20) + 1)).Diagnostics.Single().Message, StringComparison.Ordinal);
        foreach (string noise in (string[])[string.Concat(Enumerable.Repeat("- a\n", 600_000)), "a: \"" + new string('x', 10_000_000),
            string.Concat(Enumerable.Range(0, 100_000).Select(i => $"k{i}: {i}\n")), new string('\t', 1_000_000),
            string.Concat(Enumerable.Repeat("? ", 200_000)), string.Concat(Enumerable.Repeat("&a ", 200_000))])
        {
            Stopwatch watch = Stopwatch.StartNew();
            SchemaReading reading = YamlSchemas.Read(noise);
            Assert.Null(reading.Schema);
            Assert.InRange(reading.Diagnostics.Length, 1, Limits.Default.SchemaFindings + 1);
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{watch.Elapsed} for '{noise[..10]}…'");
        }
    }

    [Theory]
    [InlineData("true) @@allow(\\\"all\\\", true")]
    [InlineData("true, message: \\\"x\\\"")]
    [InlineData("after: true")]
    [InlineData("true // ) @@deny(\\\"all\\\", true")]
    [InlineData("(true")]
    [InlineData("true)")]
    [InlineData("\\\"abc")]
    [InlineData("true }")]
    [InlineData("")]
    public void An_expression_cannot_become_syntax(string expression)
    {
        SchemaReading reading = YamlSchemas.Read(Small.Replace("\"true\"", $"\"{expression}\"", StringComparison.Ordinal));
        Assert.Null(reading.Schema);
        Assert.All(reading.Diagnostics, d => Assert.StartsWith("schema.yaml:7:", d.Place, StringComparison.Ordinal));
        Assert.All(reading.Diagnostics, d => Assert.StartsWith("collections.posts.rules.read: ", d.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_text_cannot_become_syntax()
    {
        string evil = "x\\\") @@allow(\\\"all\\\", true) // \\n} model Evil { id Int @id";
        AppSchema schema = YamlSchemas.Load(YamlSchemas.WithFields(
            $"name: {{ type: string, default: \"{evil}\", description: \"{evil}\", deprecated: \"{evil}\" }}"));
        Model model = Assert.Single(schema.Models);
        Assert.Single(model.Rules);
        Assert.Equal(evil.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal),
            model.Field("name")!.Deprecated);
    }

    [Fact]
    public void A_mistake_in_an_expression_is_shown_where_it_stands_in_every_style_of_scalar()
    {
        foreach (string rule in (string[])["doc.titel == 'x'", "\"doc.titel == 'x'\"", "'doc.titel == ''x'''",
            "|\n        true &&\n        doc.titel == 'x'",
            ">-\n        true &&\n        doc.titel == 'x'"])
        {
            string text = Small.Replace("{ read: \"true\" }", "\n      read: " + rule, StringComparison.Ordinal);
            Diagnostic found = Assert.Single(YamlSchemas.Read(text).Diagnostics);
            Assert.Equal("titel", found.Source.Slice(found.Span));
            Assert.Equal("did you mean 'title'?", found.Hint);
        }
    }

    [Fact]
    public void The_record_is_used_for_its_fields_only()
    {
        Assert.Equal(["7:21 bad_argument"], YamlSchemas.Places(Small.Replace("\"true\"", "\"doc != null\"", StringComparison.Ordinal)));
        string shadowed = Small.Replace("title: string", "title: { type: string, list: true }", StringComparison.Ordinal)
            .Replace("\"true\"", "\"doc.title.exists(title, title == doc.title[0])\"", StringComparison.Ordinal);
        Assert.All(YamlSchemas.Places(shadowed), p => Assert.EndsWith("name_collision", p, StringComparison.Ordinal));
        Assert.NotEmpty(YamlSchemas.Places(shadowed));
    }

    [Fact]
    public void A_collection_without_rules_is_closed_and_named()
    {
        SchemaReading reading = YamlSchemas.Read(Small.Replace("    rules: { read: \"true\" }", "", StringComparison.Ordinal));
        Diagnostic warning = Assert.Single(reading.Diagnostics);
        Assert.Equal((Severity.Warning, Codes.UnreachableModel), (warning.Severity, warning.Code));
        Assert.StartsWith("collections.posts: ", warning.Message, StringComparison.Ordinal);
        Assert.Empty(reading.Schema!.Model("Post").Rules);
    }

    [Theory]
    [InlineData("posts", "Post")]
    [InlineData("blog_posts", "BlogPost")]
    [InlineData("companies", "Company")]
    [InlineData("boxes", "Box")]
    [InlineData("addresses", "Address")]
    [InlineData("statuses", "Status")]
    [InlineData("news", "New")]
    [InlineData("status", "Status")]
    [InlineData("people", "People")]
    [InlineData("courses", "Course")]
    [InlineData("web-hooks", "WebHook")]
    public void A_collection_names_its_model_and_keeps_its_table_and_route(string collection, string model)
    {
        AppSchema schema = YamlSchemas.Load(Small.Replace("posts", collection, StringComparison.Ordinal));
        Assert.Equal((model, collection.Replace('-', '_'), collection),
            (schema.Models[0].Name, schema.Models[0].Table, schema.Models[0].Route));
    }
}
