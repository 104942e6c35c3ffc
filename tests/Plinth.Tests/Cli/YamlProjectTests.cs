using System.Net;
using System.Text;
using System.Text.Json;
using Plinth.Cli;
using Plinth.Examples;

namespace Plinth.Tests.Cli;

/// <summary>A project whose schema is YAML, as a person has it: checked, served, asked, changed while it runs.</summary>
public sealed class YamlProjectTests : IDisposable
{
    const string Schema = """
        version: 1
        collections:
          posts:
            fields:
              id: { type: uuid, primary: true, default: auto }
              title: { type: string, validate: { minLength: 2, maxLength: 40 } }
              author_id: { type: uuid, default: { auth: id } }
              secret: { type: string, nullable: true, internal: true }
              published: { type: bool, default: false }
            rules:
              create: auth.id != null
              read: doc.published || doc.author_id == auth.id
              update: doc.author_id == auth.id
          drafts:
            fields:
              id: { type: id, primary: true, default: auto }
        """;

    const string Ann = """{"id":"0190a000-0000-7000-8000-000000000001"}""";
    const string Bob = """{"id":"0190a000-0000-7000-8000-000000000002"}""";

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("plinth-yaml-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_yaml_schema_is_checked_and_served_and_its_rules_hold_for_each_caller()
    {
        Write(Schema);
        var (code, said) = await RunAsync("check");
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("schema.yaml:14:3: warning: collections.drafts: no rule", said, StringComparison.Ordinal);
        string id;
        await using (RunningProgram ann = await RunningProgram.StartAsync(_folder.FullName, "dev", "--as", Ann))
        {
            using HttpClient client = new() { BaseAddress = ann.Address };
            using JsonDocument made = JsonDocument.Parse(await SendAsync(client, "POST", "/api/posts", """{"title":"Hello"}""", HttpStatusCode.Created));
            id = made.RootElement.GetProperty("id").GetString()!;
            Assert.False(made.RootElement.TryGetProperty("secret", out _));
            await SendAsync(client, "POST", "/api/posts", """{"title":"H"}""", HttpStatusCode.UnprocessableEntity);
            await SendAsync(client, "PATCH", "/api/posts/" + id, """{"title":"Hello you"}""", HttpStatusCode.OK);
        }
        await using (RunningProgram bob = await RunningProgram.StartAsync(_folder.FullName, "serve"))
        {
            // serve has no identity to play: everyone is anonymous.
            using HttpClient client = new() { BaseAddress = bob.Address };
            await SendAsync(client, "GET", "/api/posts/" + id, null, HttpStatusCode.NotFound);
            await SendAsync(client, "POST", "/api/posts", """{"title":"Hello"}""", HttpStatusCode.Unauthorized);
            Assert.NotEqual(HttpStatusCode.OK, (await client.GetAsync("/api/drafts")).StatusCode);
        }
        await using (RunningProgram bob = await RunningProgram.StartAsync(_folder.FullName, "dev", "--as", Bob))
        {
            using HttpClient client = new() { BaseAddress = bob.Address };
            await SendAsync(client, "GET", "/api/posts/" + id, null, HttpStatusCode.NotFound);
            Assert.DoesNotContain(id, await client.GetStringAsync("/api/posts"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Dev_follows_a_yaml_schema_and_keeps_the_old_one_when_the_new_is_wrong()
    {
        Write(Schema);
        await using RunningProgram dev = await RunningProgram.StartAsync(_folder.FullName, "dev", "--as", Ann);
        using HttpClient client = new() { BaseAddress = dev.Address };
        Write(Schema.Replace("    rules:\n      create", "      stars: { type: int, default: 3 }\n    rules:\n      create",
            StringComparison.Ordinal));
        string made = "";
        for (int i = 0; i < 200 && !made.Contains("\"stars\":3", StringComparison.Ordinal); i++)
        {
            await Task.Delay(50);
            made = await SendAsync(client, "POST", "/api/posts", """{"title":"Hello"}""", HttpStatusCode.Created);
        }
        Assert.Contains("\"stars\":3", made, StringComparison.Ordinal);
        Write(Schema.Replace("type: bool", "type: bol", StringComparison.Ordinal));
        await Task.Delay(300);
        Assert.Contains("\"stars\":3", await SendAsync(client, "POST", "/api/posts", """{"title":"Hello"}""", HttpStatusCode.Created),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fmt_leaves_yaml_to_its_author()
    {
        Write(Schema);
        var (code, said) = await RunAsync("fmt");
        Assert.Equal(ExitCode.WrongUse, code);
        Assert.Contains("YAML", said, StringComparison.Ordinal);
        Assert.Equal(Schema, File.ReadAllText(Path.Combine(_folder.FullName, "schema.yaml")));
    }

    void Write(string text) => File.WriteAllText(Path.Combine(_folder.FullName, "schema.yaml"), text);

    static async Task<string> SendAsync(HttpClient client, string method, string path, string? json, HttpStatusCode expected)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await client.SendAsync(request);
        string body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == expected, $"{method} {path}: {answer.StatusCode}\n{body}");
        return body;
    }

    Task<Ran> RunAsync(params string[] args) => Ran.OfAsync(_folder.FullName, args);
}
