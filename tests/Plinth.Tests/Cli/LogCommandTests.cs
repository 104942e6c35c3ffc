using System.Globalization;
using Plinth.Cli;
using Plinth.Examples.Nodes;
using Plinth.Rest;
using Plinth.Sinks;

namespace Plinth.Tests.Cli;

/// <summary>What an operator does to the log by the program: taking old values away, and erasing a person.</summary>
public sealed class LogCommandTests : IDisposable
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("plinth-log-commands-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Old_values_are_cut_only_when_told_so_and_what_needs_them_says_it()
    {
        await RunAsync("init", "app", "--template", "crm");
        await RunAsync("db", "reset", "app", "--yes");
        string file = Path.Combine(_folder.FullName, "cut.checkpoint");
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("audit", "cut", "app", "--before", "999999", "--out", file)).Code);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("audit", "cut", "app", "--before", "soon", "--out", file, "--yes")).Code);
        Ran cut = await RunAsync("audit", "cut", "app", "--before", "999999", "--out", file, "--yes");
        Assert.True(cut.Code == ExitCode.Done && cut.Out.Contains("were taken away", StringComparison.Ordinal), cut.All);
        Assert.Equal(ExitCode.Done, (await RunAsync("audit", "verify", "app", "--checkpoint", file)).Code);
        Ran replay = await RunAsync("replay", "app");
        Assert.True(replay.Code == ExitCode.Failed && replay.Error.Contains("--from", StringComparison.Ordinal), replay.All);
        Ran doctor = await RunAsync("doctor", "app", "--deep");
        Assert.True(doctor.Code == ExitCode.Done, doctor.All);
        Ran nothing = await RunAsync("audit", "cut", "app", "--before", "2000-01-01T00:00:00Z", "--out", file, "--yes");
        Assert.Contains("nothing in the log is that old", nothing.Out, StringComparison.Ordinal);
        string signed = await File.ReadAllTextAsync(file);
        await File.WriteAllTextAsync(file, signed.Replace("\"position\":\"", "\"position\":\"1", StringComparison.Ordinal));
        Ran changed = await RunAsync("audit", "verify", "app", "--checkpoint", file);
        Assert.True(changed.Code == ExitCode.Found && changed.Error.Contains("was changed after", StringComparison.Ordinal), changed.All);
    }

    [Fact]
    public async Task The_log_is_made_shorter_when_told_so_and_verifying_says_from_where_on()
    {
        await RunAsync("init", "app", "--template", "crm");
        await RunAsync("db", "reset", "app", "--yes");
        Ran whole = await RunAsync("audit", "verify", "app");
        Assert.True(whole.Code == ExitCode.Done && !whole.Out.Contains("from position", StringComparison.Ordinal), whole.All);
        string file = Path.Combine(_folder.FullName, "cut.checkpoint");
        Ran cut = await RunAsync("audit", "cut", "app", "--before", "999999", "--events", "--out", file, "--yes");
        Assert.True(cut.Code == ExitCode.Done && cut.Out.Contains("the log begins after position", StringComparison.Ordinal), cut.All);
        Ran verify = await RunAsync("audit", "verify", "app", "--checkpoint", file);
        Assert.True(verify.Code == ExitCode.Done && verify.Out.Contains("from position", StringComparison.Ordinal), verify.All);
        Ran json = await RunAsync("audit", "verify", "app", "--json");
        Assert.True(json.Code == ExitCode.Done && !json.Out.Contains("\"after\":0", StringComparison.Ordinal), json.All);
        Ran doctor = await RunAsync("doctor", "app", "--deep");
        Assert.True(doctor.Code == ExitCode.Done && doctor.Out.Contains("from position", StringComparison.Ordinal), doctor.All);
        foreach (var (key, says) in new[] { ("no base64!", "--key is not base64"), ("AAAA", "signed by another key") })
        {
            Ran other = await RunAsync("audit", "verify", "app", "--key", key);
            Assert.True(other.Code == ExitCode.Found && other.All.Contains(says, StringComparison.Ordinal), other.All);
        }
    }

    [Fact]
    public async Task Followers_are_listed_and_only_parked_ones_are_let_go_on()
    {
        await RunAsync("init", "app", "--template", "empty");
        await RunAsync("db", "reset", "app", "--yes");
        Ran list = await RunAsync("followers", "list", "app");
        Assert.True(list is { Code: ExitCode.Done, Out: "" }, list.All);
        Ran resume = await RunAsync("followers", "resume", "sink:http", "app");
        Assert.True(resume.Code == ExitCode.Found && resume.Error.Contains("no follower 'sink:http' is parked"), resume.All);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("followers", "skip", "sink:http", "app")).Code);
        Assert.Equal(ExitCode.Found, (await RunAsync("followers", "skip", "sink:http", "app", "--yes")).Code);
        Ran counted = await RunAsync("followers", "skip", "projection ByStage", "app", "--yes");
        Assert.True(counted.Code == ExitCode.WrongUse && counted.Error.Contains("cannot leave an event out"), counted.All);
    }

    [Fact]
    public async Task A_parked_sink_of_a_server_that_runs_goes_on_by_way_of_that_server()
    {
        await RunAsync("init", "app", "--template", "empty");
        await using HttpReceiver receiver = new() { Status = 400 };
        string project = Path.Combine(_folder.FullName, "app"), data = Path.Combine(_folder.FullName, "data");
        await File.WriteAllTextAsync(
            Path.Combine(project, "schema.plinth"), """model Note { id Int @id  @@allow("all", true) }""");
        const string Token = "an operator's token";
        using ServedProcess server = new(project, data,
        [
            ("PLINTH_SINKS__URL", receiver.Url.ToString()), ("PLINTH_SINKS__FAILURES", "1"), ("PLINTH_OPS__TOKEN", Token),
        ]);
        int port = await server.PortAsync();
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false })
            { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")) };
        Assert.Equal(201, (await http.SendAsync("POST", "/api/notes", """{"id":1}""")).Status);
        await UntilAsync(async () => (await http.SendAsync("GET", "/followers", null, $"Authorization: Bearer {Token}"))
            .Body.Contains("\"parked\"", StringComparison.Ordinal));

        string at = port.ToString(CultureInfo.InvariantCulture);
        Ran closed = await ByAsync(at);
        Assert.True(closed.Code == ExitCode.Failed && closed.Error.Contains("token", StringComparison.Ordinal), closed.All);
        Ran away = await ByAsync("1");
        Assert.True(away.Code == ExitCode.Failed && away.Error.Contains("--port", StringComparison.Ordinal), away.All);
        Ran none = await ByAsync(at, "sink:file", Token);
        Assert.True(none.Code == ExitCode.Found && none.Error.Contains("sink:file", StringComparison.Ordinal), none.All);
        receiver.Status = 204;
        // What is parked is written down a moment after it is told.
        await UntilAsync(async () => (await ByAsync(at, token: Token)).Code == ExitCode.Done);
        await UntilAsync(() => Task.FromResult(receiver.Accepted.Contains(1)));

        Task<Ran> ByAsync(string at, string follower = "sink:http", string? token = null) => Ran.OfAsync(
            _folder.FullName, ["followers", "resume", follower, "app", "--data", data, "--port", at],
            environment: token is null ? [] : [("PLINTH_OPS__TOKEN", token)]);
    }

    static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(60));
        while (!await holds()) await Task.Delay(25, bound.Token);
    }

    [Fact]
    public async Task A_person_is_erased_only_when_told_so()
    {
        await RunAsync("init", "app", "--template", "empty");
        string schema = Path.Combine(_folder.FullName, "app", "schema.plinth");
        await File.WriteAllTextAsync(schema, """
            model Person { id Int @id  name String @pii  @@allow("all", true) }
            model Town { id Int @id  name String  @@allow("all", true) }
            """);
        string people = Path.Combine(_folder.FullName, "people.ndjson");
        await File.WriteAllTextAsync(people, """{"id":1,"name":"Zebulon"}""" + "\n");
        Ran import = await RunAsync("import", "Person", people, "app");
        Assert.True(import.Code == ExitCode.Done, import.All);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("erase", "Person", "1", "app")).Code);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("erase", "Nobody", "1", "app", "--yes")).Code);
        Assert.Equal(ExitCode.Found, (await RunAsync("erase", "Person", "2", "app", "--yes")).Code);
        Assert.Equal(ExitCode.Found, (await RunAsync("erase", "Town", "1", "app", "--yes")).Code);
        Ran erased = await RunAsync("erase", "Person", "1", "app", "--yes", "--json");
        Assert.True(erased.Code == ExitCode.Done, erased.All);
        Assert.Equal("""{"records":1,"events":1,"answers":0,"scrubbed":true}""", erased.Out.Trim());
        Ran replay = await RunAsync("replay", "app", "--verify");
        Assert.True(replay.Code == ExitCode.Done, replay.All);
    }

    Task<Ran> RunAsync(params string[] args) => Ran.OfAsync(_folder.FullName, args);
}
