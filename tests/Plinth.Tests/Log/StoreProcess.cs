using System.Diagnostics;
using System.Globalization;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Store.Sqlite;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// A process that uses a store, to be killed or watched by a test: both its sides, the one that starts it and the one that runs.
/// </summary>
static class StoreProcess
{
    const int Writers = 8;

    /// <summary>Starts this assembly as a process; <paramref name="before"/> is a program to run it under.</summary>
    public static Process Start(IReadOnlyList<string> before, params IReadOnlyList<string> arguments)
    {
        string[] line = [.. before, "dotnet", typeof(StoreProcess).Assembly.Location, .. arguments];
        ProcessStartInfo start =
            new(line[0], line[1..]) { RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false };
        start.Environment["DOTNET_TieredPGO"] = "0";
        return Process.Start(start) ?? throw new InvalidOperationException("no process");
    }

    public static EventStore Open(string folder, Durability durability = Durability.Full)
    {
        StoreOptions options = new() { Folder = folder, Durability = durability, CheckpointBytes = 256 << 10 };
        EventStore store = EventStore.Open(SqliteDatabase.Open(options, TimeProvider.System), TimeProvider.System, Limits.Default);
        store.Database.Writer.Execute(LogFixture.NotesTable);
        return store;
    }

    /// <summary>
    /// Many writers create, change and delete notes, some refused; every acknowledged write is told on standard output, as
    /// <c>id version</c>, version 0 when deleted.
    /// </summary>
    public static async Task WriteUntilKilledAsync(string folder, int seed)
    {
        using EventStore store = Open(folder);
        Console.WriteLine("ready");
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(writer => WriteAsync(store, writer, new Random(seed + writer)))];
        await Task.WhenAll(writers);
    }

    /// <summary>Puts a database file in the place of the folder's.</summary>
    public static void Replace(string folder, string from)
    {
        using SqliteReplacement replacement = SqliteReplacement.Begin(new StoreOptions { Folder = folder });
        File.Copy(from, Path.Combine(replacement.Workplace, "data.db"));
        replacement.Commit();
    }

    public static void Hold(string folder)
    {
        using EventStore store = Open(folder);
        Console.WriteLine("ready");
        Console.ReadLine();
    }

    /// <summary>One write after the other, each told with one system call of its own once it is acknowledged.</summary>
    public static async Task WriteInTurnAsync(string folder, Durability durability)
    {
        using EventStore store = Open(folder, durability);
        using Stream output = Console.OpenStandardOutput();
        for (int i = 1; i <= 40; i++)
        {
            Result<long> result = await store.Committer.RunAsync(
                new CreateNote(store, LogFixture.Row(i, $"note {i}")), CancellationToken.None);
            if (!result.IsOk) throw new InvalidOperationException(result.Fault.Message);
            output.Write("ack\n"u8);
            output.Flush();
        }
    }

    static async Task WriteAsync(EventStore store, int writer, Random random)
    {
        // Ids of earlier rounds are passed over: each writer has its own, above what is there.
        long next;
        using (ReadLease lease = store.Database.Read(CancellationToken.None))
        {
            next = (lease.Connection.ScalarInt64("select max(id) from notes") ?? 0) / Writers * Writers + (2 * Writers) + writer;
        }

        while (true)
        {
            long id = next;
            next += Writers;
            string title = random.Next(50) == 0 ? "taken" : $"note {id}";
            Result<long> created =
                await store.Committer.RunAsync(new CreateNote(store, LogFixture.Row(id, title, "secret")), CancellationToken.None);
            if (!created.IsOk) continue;
            Tell(id, 1);
            for (int version = 2; version <= 1 + random.Next(3); version++)
            {
                ChangeNote change = new(store, id, $"note {id} at {version}", version);
                if (!(await store.Committer.RunAsync(change, CancellationToken.None)).IsOk)
                    throw new InvalidOperationException("a change was refused");
                Tell(id, version);
            }

            if (random.Next(4) > 0) continue;
            await store.Committer.RunAsync(new DeleteNote(store, id), CancellationToken.None);
            Tell(id, 0);
        }
    }

    // One write per line: a line that is there in part was not told.
    static void Tell(long id, int version) => Console.Write(string.Create(CultureInfo.InvariantCulture, $"{id} {version}\n"));
}

/// <summary>An update as it is made: read in the turn, decided, written with its version.</summary>
sealed class ChangeNote(EventStore store, long id, string title, long version) : WriteUnit<long>
{
    protected override Result<long> Execute(WriteTransaction transaction)
    {
        Value[] before = StoredNote.Read(transaction.Connection, id);
        Value[] after = [.. before];
        after[1] = Value.From(title);
        using Statement update = transaction.Prepare("update notes set title = ?1, _version = ?2 where id = ?3 and _version = ?2 - 1");
        update.BindText(1, title);
        update.BindInt64(2, version);
        update.BindInt64(3, id);
        update.Run();
        transaction.Append(store.Events.Updated(LogFixture.Note, before, after, version, LogFixture.Origin));
        return version;
    }
}

sealed class DeleteNote(EventStore store, long id) : WriteUnit<Done>
{
    protected override Result<Done> Execute(WriteTransaction transaction)
    {
        Value[] before = StoredNote.Read(transaction.Connection, id);
        using Statement delete = transaction.Prepare("delete from notes where id = ?1");
        delete.BindInt64(1, id);
        delete.Run();
        transaction.Append(store.Events.Deleted(LogFixture.Note, before, 9, LogFixture.Origin));
        return Done.It;
    }
}

static class StoredNote
{
    public static Value[] Read(Connection connection, long id)
    {
        using Statement select = connection.Prepare("select id, title, tags, secret, at, price, extra from notes where id = ?1");
        select.BindInt64(1, id);
        Assert.True(select.Step());
        return [.. LogFixture.Note.Fields.Select(field => select.ColumnValue(field.Ordinal, field))];
    }
}
