using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Plinth.Examples;
using Plinth.Tests.Cli;

namespace Plinth.Store.Postgres;

/// <summary>
/// A PgBouncer as its package sets it up, but for who may come and for the transactions that it pools: it takes none of a session's own
/// settings.
/// </summary>
public class PoolerTests
{
    [Fact]
    public async Task The_program_starts_and_answers_behind_a_pooler_that_takes_no_settings_of_sessions()
    {
        using PostgresCluster cluster = PostgresCluster.Start("fsync=off");
        using Pooler pooler = Pooler.Start(cluster);
        using TempFolder folder = Project();
        await using RunningProgram server = await RunningProgram.StartAsync(
            folder.Path, "serve", "--set", "database.url=" + pooler.Url, "--set", "database.prepared=0");
        using HttpClient http = new() { BaseAddress = server.Address, Timeout = TimeSpan.FromSeconds(60) };

        // More at once than the pooler has sessions.
        await Task.WhenAll(Enumerable.Range(1, 30).Select(async id =>
        {
            using HttpResponseMessage created = await http.PostAsJsonAsync("/api/notes", new { id, text = "q" });
            Assert.Equal(HttpStatusCode.Created, created.StatusCode);
            using HttpResponseMessage got = await http.GetAsync($"/api/notes/{id}");
            Assert.Equal(HttpStatusCode.OK, got.StatusCode);
        }));
        JsonElement list = await http.GetFromJsonAsync<JsonElement>("/api/notes?count=exact&limit=5");
        Assert.Equal(5, list.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task Who_forgot_to_say_that_there_is_a_pooler_is_told_which_setting_it_is()
    {
        using PostgresCluster cluster = PostgresCluster.Start("fsync=off");
        using Pooler pooler = Pooler.Start(cluster);
        using TempFolder folder = Project();
        (int code, string said) = await Ran.OfAsync(folder.Path, ["serve", "--port", "0", "--set", "database.url=" + pooler.Url]);
        Assert.NotEqual(0, code);
        Assert.Contains("database.prepared = 0", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Plans_are_not_compiled_in_sessions_of_our_own_and_behind_a_pooler_as_the_role_says()
    {
        using PostgresCluster cluster = PostgresCluster.Start("fsync=off -c jit=on");
        using TempFolder folder = new();
        StoreOptions options = new() { Folder = folder.Path };
        PostgresServer direct = PostgresServer.Of(cluster.Url(), "tests");
        using (NpgsqlDataSource readers = direct.Readers(options)) Assert.Equal("off", Jit(readers));
        using NpgsqlDataSource writers = direct.Writers(options);
        Assert.Equal("off", Jit(writers));

        Assert.Equal("on", JitBehindPooler());
        using (NpgsqlCommand say = writers.CreateCommand("alter role plinth set jit = off")) say.ExecuteNonQuery();
        Assert.Equal("off", JitBehindPooler());

        // A pooler of its own each time: what one holds was opened before the role said anything.
        string JitBehindPooler()
        {
            using Pooler pooler = Pooler.Start(cluster);
            using NpgsqlDataSource readers = (PostgresServer.Of(pooler.Url, "tests") with { PreparedMax = 0 }).Readers(options);
            return Jit(readers);
        }
    }

    static string Jit(NpgsqlDataSource source)
    {
        using NpgsqlCommand show = source.CreateCommand("show jit");
        return (string?)show.ExecuteScalar() ?? "";
    }

    static TempFolder Project()
    {
        TempFolder folder = new();
        File.WriteAllText(folder.File("schema.plinth"), PostgresNodes.Schema);
        return folder;
    }
}
