using System.Text.Json;
using Plinth.Cli;

namespace Plinth.Tests.Cli;

/// <summary><c>plinth schema convert | import | diagram</c> as a person runs them.</summary>
public sealed class SchemaCommandTests : IDisposable
{
    const string Native = """
        // a remark
        mixin Stamped { at DateTime @default(now()) }
        model Note {
          use Stamped
          id Int @id
          title String @length(1, 80)
          @@allow("read", true)
        }
        """;

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("plinth-schema-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_schema_goes_to_yaml_and_back_and_says_what_is_no_part_of_its_meaning()
    {
        Write("schema.plinth", Native);
        string before = (await RunAsync("schema", "print", "schema.plinth")).Out;
        var yaml = await RunAsync("schema", "convert", "--to", "yaml", "--out", "schema.yaml");
        Assert.True(yaml.Code == ExitCode.Done, yaml.Error);
        Assert.Contains("comments are not carried", yaml.Error, StringComparison.Ordinal);
        Assert.Contains("mixins are written out", yaml.Error, StringComparison.Ordinal);
        Assert.Equal(before, (await RunAsync("schema", "print", "schema.yaml")).Out);
        var back = await RunAsync("schema", "convert", "schema.yaml", "--to", "plinth", "--out", "back.plinth");
        Assert.True(back.Code == ExitCode.Done, back.Error);
        Assert.Equal(before, (await RunAsync("schema", "print", "back.plinth")).Out);
        Assert.Equal(ExitCode.Failed, (await RunAsync("schema", "convert", "schema.yaml", "--to", "plinth", "--out", "back.plinth")).Code);
    }

    [Fact]
    public async Task What_cannot_be_converted_is_an_error_that_names_it()
    {
        Write("schema.plinth", "enum date { a }\nmodel Note { id Int @id  day date  @@allow(\"read\", true) }");
        var run = await RunAsync("schema", "convert", "--to", "yaml");
        Assert.Equal((ExitCode.Found, ""), (run.Code, run.Out));
        Assert.Contains("cannot carry", run.Error, StringComparison.Ordinal);
        Write("schema.plinth", "model Note { id Itn @id }");
        run = await RunAsync("schema", "convert", "--to", "yaml");
        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains("unknown_type", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_imported_schema_checks_and_what_is_lost_is_listed()
    {
        Write("app.prisma", "model User {\n  id Int @id @default(autoincrement())\n  geo Unsupported(\"point\")?\n}\n");
        Write("api.json", """{ "$defs": { "Note": { "properties": { "id": { "type": "integer" }, "x": { "$ref": "http://x/y" } } } } }""");
        foreach (string file in (string[])["app.prisma", "api.json"])
        {
            var run = await RunAsync("schema", "import", file, "--out", file + ".plinth");
            Assert.True(run.Code == ExitCode.Done, run.Error);
            Assert.Contains("note: ", run.Error, StringComparison.Ordinal);
            var check = await RunAsync("check", file + ".plinth");
            Assert.True(check.Code == ExitCode.Done, check.Out);
            using JsonDocument json = JsonDocument.Parse((await RunAsync("schema", "import", file, "--json")).Out);
            Assert.Contains("model", json.RootElement.GetProperty("schema").GetString(), StringComparison.Ordinal);
            Assert.NotEqual(0, json.RootElement.GetProperty("notes").GetArrayLength());
        }
        Write("bad.prisma", "model {");
        var bad = await RunAsync("schema", "import", "bad.prisma");
        Assert.Equal((ExitCode.Found, ""), (bad.Code, bad.Out));
        Assert.Contains("bad.prisma:1:1: error:", bad.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("schema", "import", "none.prisma")).Code);
    }

    [Theory]
    [InlineData("svg", "<svg ")]
    [InlineData("mermaid", "erDiagram")]
    public async Task A_diagram_is_drawn(string format, string start)
    {
        Write("schema.plinth", Native);
        var run = await RunAsync("schema", "diagram", "--format", format);
        Assert.True(run.Code == ExitCode.Done, run.Error);
        Assert.StartsWith(start, run.Out, StringComparison.Ordinal);
        Assert.Contains("Note", run.Out, StringComparison.Ordinal);
    }

    void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder.FullName, file), text);

    Task<Ran> RunAsync(params string[] args) => Ran.OfAsync(_folder.FullName, args);
}
