using System.Diagnostics;
using System.Text.Json;
using Plinth.Codegen;
using Plinth.Schema;

namespace Plinth.Http;

public class OpenApiTests
{
    static byte[] Document(Func<Model, Operation, bool>? allows = null) =>
        OpenApi.Write(SampleSchema.Schema, new OpenApiOptions("1", allows ?? ((_, _) => true)));

    [Fact]
    public void Every_reference_in_the_document_leads_somewhere()
    {
        JsonElement document = JsonDocument.Parse(Document()).RootElement;
        int references = 0;
        Walk(document, node =>
        {
            if (!node.TryGetProperty("$ref", out JsonElement reference)) return;
            references++;
            JsonElement at = document;
            foreach (string part in reference.GetString()![2..].Split('/')) Assert.True(
                at.TryGetProperty(part, out at), reference.GetString());
        });
        Assert.True(references > 100, "the walk saw the references");
    }

    [Fact]
    public void Every_operation_has_its_own_id_and_declares_its_path_parameters()
    {
        JsonElement paths = JsonDocument.Parse(Document()).RootElement.GetProperty("paths");
        HashSet<string> ids = [];
        foreach (JsonProperty path in paths.EnumerateObject())
        {
            foreach (JsonProperty operation in path.Value.EnumerateObject().Where(o => o.Name != "parameters"))
                Assert.True(ids.Add(operation.Value.GetProperty("operationId").GetString()!), operation.Value.ToString());
            bool hasKey = path.Name.Contains('{', StringComparison.Ordinal);
            Assert.Equal(hasKey, path.Value.TryGetProperty("parameters", out _));
        }
        Assert.Contains("listNotes", ids);
        Assert.Contains("restoreSeat", ids);
        Assert.DoesNotContain("restoreNote", ids);
    }

    [Fact]
    public void Where_there_are_users_the_ways_to_sign_in_are_described_and_elsewhere_not()
    {
        AppSchema schema = Language.SchemaReader.Read([new Text.SourceText("s", "extend User { }")]).Schema!; // a sound text
        JsonElement document = JsonDocument.Parse(OpenApi.Write(schema, new OpenApiOptions("1", (_, _) => true))).RootElement;
        RouteTable table = new(schema);
        JsonElement paths = document.GetProperty("paths");
        foreach (Route route in table.All().Where(r => r.Template.StartsWith("/auth/", StringComparison.Ordinal)
            || r.Template.StartsWith("/audit/", StringComparison.Ordinal)))
        {
            Assert.True(paths.TryGetProperty(route.Template, out JsonElement path), route.Template);
            foreach (Method method in new[] { Method.Get, Method.Post, Method.Delete }.Where(m => route.Methods.HasFlag(m)))
                Assert.True(path.TryGetProperty(Methods.Allow(method).ToLowerInvariant(), out _), $"{method} {route.Template}");
        }
        Assert.Equal(["bearer", "cookie"], document.GetProperty("components").GetProperty("securitySchemes").EnumerateObject()
            .Select(s => s.Name));
        Walk(document, node =>
        {
            if (!node.TryGetProperty("$ref", out JsonElement reference)) return;
            JsonElement at = document;
            foreach (string part in reference.GetString()![2..].Split('/')) Assert.True(
                at.TryGetProperty(part, out at), reference.GetString());
        });
        Assert.DoesNotContain("securitySchemes", System.Text.Encoding.UTF8.GetString(Document()), StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_reader_could_never_do_or_see_is_not_described()
    {
        string all = System.Text.Encoding.UTF8.GetString(Document());
        Assert.DoesNotContain("secret", all, StringComparison.Ordinal);
        JsonElement readers = JsonDocument.Parse(
            Document((m, o) => m.Name == "Note" && o is Operation.List or Operation.Get && m.Name == "Note")).RootElement;
        JsonElement notes = readers.GetProperty("paths").GetProperty("/api/notes");
        Assert.True(notes.TryGetProperty("get", out _));
        Assert.False(notes.TryGetProperty("post", out _));
        Assert.False(readers.GetProperty("paths").TryGetProperty("/api/authors", out _));
        Assert.False(readers.GetProperty("components").GetProperty("schemas").GetProperty("Note").GetProperty("properties")
            .TryGetProperty("author", out _));
        JsonElement nobody = JsonDocument.Parse(Document((_, _) => false)).RootElement;
        Assert.False(nobody.GetProperty("paths").TryGetProperty("/api/batch", out _));
        Assert.True(nobody.GetProperty("paths").TryGetProperty("/livez", out _));
    }

    [Fact]
    public async Task A_linter_of_others_finds_no_error_in_it()
    {
        if (await Tool("node", "--version", null) is null) return;
        string folder = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "plinth",
            "redocly-2.77.0");
        string program = Path.Combine(folder, "node_modules", "@redocly", "cli", "bin", "cli.js");
        if (!File.Exists(program))
        {
            Directory.CreateDirectory(folder);
            (int code, string output)? installed = await Tool(
                "npm", "install --prefix . --ignore-scripts --no-audit --no-fund @redocly/cli@2.77.0", folder);
            Assert.True(installed is { code: 0 }, installed?.output);
        }
        string file = Path.Combine(Path.GetTempPath(), $"plinth-openapi-{Guid.NewGuid():N}.json");
        await File.WriteAllBytesAsync(file, Document());
        try
        {
            (int code, string output)? lint = await Tool(
                "node", $"\"{program}\" lint \"{file}\" --format=stylish --skip-rule=info-license --skip-rule=no-ambiguous-paths", folder);
            Assert.NotNull(lint);
            Assert.True(lint.Value.code == 0, lint.Value.output);
            Assert.DoesNotContain("You have", lint.Value.output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Exit code and output; null when there is no such program.</summary>
    static async Task<(int Code, string Output)?> Tool(string name, string arguments, string? folder)
    {
        ProcessStartInfo start = new(name, arguments) { RedirectStandardOutput = true, RedirectStandardError = true,
            WorkingDirectory = folder ?? "" };
        start.Environment["REDOCLY_TELEMETRY"] = "off";
        try
        {
            using Process process = Process.Start(start)!; // Never null: the shell is not used.
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            using CancellationTokenSource bound = new(TimeSpan.FromMinutes(5));
            await process.WaitForExitAsync(bound.Token);
            return (process.ExitCode, await output + await errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    static void Walk(JsonElement node, Action<JsonElement> visit)
    {
        if (node.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in node.EnumerateArray()) Walk(item, visit);
        }
        if (node.ValueKind != JsonValueKind.Object) return;
        visit(node);
        foreach (JsonProperty member in node.EnumerateObject()) Walk(member.Value, visit);
    }
}
