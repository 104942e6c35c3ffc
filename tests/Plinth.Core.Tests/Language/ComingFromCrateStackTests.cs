using System.Text;
using Plinth.Cases;
using Plinth.Language.Cstack;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// The guide <c>docs/guides/coming-from-cratestack.md</c> says what is so: its examples are read, its tables name every alias.
/// </summary>
public class ComingFromCrateStackTests
{
    static readonly string s_guide = File.ReadAllText(Path.Combine(Corpus.Root, "docs", "guides", "coming-from-cratestack.md"));

    public static TheoryData<int> Examples => [.. Enumerable.Range(0, Fences("cstack").Count)];

    public static TheoryData<string> Aliases => [.. CstackAliases.All.Select(a => a.Written)];

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_of_the_guide_says_what_stands_beside_it(int index)
    {
        (string written, string kind, string beside) = Fences("cstack")[index];
        SchemaReading reading = SchemaReader.Read([new SourceText("schema.cstack", written)]);
        if (kind == "refused")
        {
            string[] errors = [.. reading.Diagnostics.Where(d => d.Severity == Severity.Error).Select(d => d.Message)];
            Assert.Equal(beside.Split('\n', StringSplitOptions.RemoveEmptyEntries), errors);
            return;
        }
        Assert.Equal("plinth", kind);
        Assert.True(reading.Schema is not null, string.Join("\n\n", reading.Diagnostics.Select(DiagnosticText.Render)));
        Assert.Equal(Json(Schemas.Load(beside)), Json(reading.Schema));
        // What stands beside it is what fmt makes of it, comments aside.
        string formatted = SchemaFormatter.Format(new SourceText("schema.cstack", written));
        Assert.Equal(beside, string.Concat(formatted.Split('\n').Where(l => !l.StartsWith("// ", StringComparison.Ordinal))
            .Select(l => l + "\n")).Trim() + "\n");
    }

    [Theory]
    [MemberData(nameof(Aliases))]
    public void An_alias_is_read_written_natively_and_named_in_the_guide(string written)
    {
        foreach (CstackAlias alias in CstackAliases.All.Where(a => a.Written == written))
        {
            string text = $$"""
                mixin Stamps { createdAt DateTime }
                model Part { id BigInt @id  name String  thing Thing  @@allow("read", true) }
                model Thing { id BigInt @id  parts Part[]
                  {{alias.Example}}
                  @@allow("list", true)
                }
                """;
            SourceText source = new("schema.cstack", text);
            SchemaReading reading = SchemaReader.Read([source]);
            Assert.True(reading.Schema is not null, string.Join("\n\n", reading.Diagnostics.Select(DiagnosticText.Render)));
            string formatted = SchemaFormatter.Format(source);
            Assert.DoesNotContain(alias.Example + "\n", formatted, StringComparison.Ordinal);
            Assert.Contains(alias.Native.TrimStart('!'), formatted, StringComparison.Ordinal);
            Assert.Equal(Json(reading.Schema), Json(Schemas.Load(formatted)));
            Assert.Contains(written, s_guide, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_is_refused_is_named_in_the_guide()
    {
        foreach (string construct in CstackAliases.Refused.Keys.Where(k => k != "transport grpc"))
            Assert.Contains(construct, s_guide, StringComparison.Ordinal);
    }

    [Fact]
    public void A_native_file_takes_no_alias() => Assert.Equal(
        ["1:32 unknown_attribute", "1:54 unknown_operation"],
        Schemas.Places("model A { id Int @id  s String @server_only  @@allow(\"detail\", true) }"));

    static string Json(AppSchema schema) => Encoding.UTF8.GetString(SchemaJson.Write(schema));

    /// <summary>The blocks of a kind, each with the block that follows it: (text, kind of the other, its text).</summary>
    static List<(string Text, string Kind, string Beside)> Fences(string kind)
    {
        string[] parts = s_guide.Split("```");
        List<(string, string, string)> found = [];
        for (int i = 1; i + 2 < parts.Length; i += 2)
        {
            if (!parts[i].StartsWith(kind + "\n", StringComparison.Ordinal)) continue;
            int line = parts[i + 2].IndexOf('\n', StringComparison.Ordinal);
            found.Add((parts[i][(kind.Length + 1)..], parts[i + 2][..line], parts[i + 2][(line + 1)..]));
        }
        return found;
    }
}
