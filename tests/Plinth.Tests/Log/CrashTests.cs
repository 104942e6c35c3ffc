using System.Diagnostics;
using System.Globalization;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Log;

public sealed class CrashTests
{
    [Fact]
    public async Task Killed_under_load_every_acknowledged_write_is_there_with_its_event_and_replay_equals_the_tables()
    {
        using TempFolder folder = new();
        int seed = Counts.Seed(), rounds = Counts.Of(15, 200);
        Random random = new(seed);
        Dictionary<long, int> told = [];
        for (int round = 0; round < rounds; round++)
        {
            await WriteAndKillAsync(folder.Path, random, told);
            using EventStore store = StoreProcess.Open(folder.Path);
            RequireAll(store, told, $"seed {seed}, round {round}");
        }

        Assert.Contains(told.Values, version => version == 0);
        Assert.Contains(told.Values, version => version > 1);
        Counts.Report("kill -9 under write load", rounds, seed, $"{told.Count} records, none lost");
    }

    [Fact]
    public async Task Another_process_on_the_folder_is_named_and_its_death_frees_the_folder()
    {
        using TempFolder folder = new();
        using Process holder = StoreProcess.Start([], "store-hold", folder.Path);
        Assert.Equal("ready", await holder.StandardOutput.ReadLineAsync());
        StoreException refused = Assert.Throws<StoreException>(() => StoreProcess.Open(folder.Path).Dispose());
        Assert.Equal(StoreFailure.Unavailable, refused.Failure);
        Assert.Contains(holder.Id.ToString(CultureInfo.InvariantCulture), refused.Message, StringComparison.Ordinal);
        holder.Kill();
        await holder.WaitForExitAsync();
        StoreProcess.Open(folder.Path).Dispose();
    }

    static async Task WriteAndKillAsync(string folder, Random random, Dictionary<long, int> told)
    {
        using Process writer = StoreProcess.Start([], "store-write", folder, random.Next().ToString(CultureInfo.InvariantCulture));
        Assert.Equal("ready", await writer.StandardOutput.ReadLineAsync());

        // By progress, not by time: on a busy machine a time may pass before the first write.
        for (int acknowledged = random.Next(3, 150); acknowledged > 0; acknowledged--)
            Take(await writer.StandardOutput.ReadLineAsync(), told);
        writer.Kill();
        string rest = await writer.StandardOutput.ReadToEndAsync();
        await writer.WaitForExitAsync();

        // What follows the last line end was cut off in the middle of being told.
        foreach (string line in rest[..(rest.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries)) Take(line, told);
    }

    static void Take(string? line, Dictionary<long, int> told)
    {
        string[] parts = Assert.IsType<string>(line).Split(' ');
        told[long.Parse(parts[0], CultureInfo.InvariantCulture)] = int.Parse(parts[1], CultureInfo.InvariantCulture);
    }

    static void RequireAll(EventStore store, Dictionary<long, int> told, string place)
    {
        Assert.Empty(store.Database.CheckIntegrity());
        using Connection reader = store.Database.OpenReader();
        Assert.Null(EventLog.Verify(reader, CancellationToken.None).Wrong);
        foreach ((long id, int version) in told)
        {
            // The write after the last one told may have been committed as well.
            long there = reader.ScalarInt64(string.Create(CultureInfo.InvariantCulture, $"select _version from notes where id = {id}"))
                ?? 0;
            bool isDeleted =
                EventLog.History(reader, "Note", id.ToString(CultureInfo.InvariantCulture), 0, 100)[^1].Kind == EventKinds.Deleted;
            Assert.True(version == 0 ? isDeleted && there == 0 : isDeleted || there >= version,
                $"{place}: {id} was told at {version}, is at {there}");
            long events = EventLog.History(reader, "Note", id.ToString(CultureInfo.InvariantCulture), 0, 100).Count;
            Assert.True(events >= version, $"{place}: {id} has {events} events at version {version}");
        }

        using Connection replaying = store.Database.OpenReader();
        ReplayReport replay = new Replay(LogFixture.Schema, store.Keys, new Ddl(store.Database.Dialect, LogFixture.Schema))
            .Run(replaying, null, CancellationToken.None);
        Assert.True(replay.Differences.Count == 0, $"{place}: {string.Join(' ', replay.Differences)}");
    }
}
