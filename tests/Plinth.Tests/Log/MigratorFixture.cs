using System.Text;
using Plinth.Language;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Store.Sqlite;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>A store whose tables the migrator makes, and the smallest honest writer of records: row and event in one unit.</summary>
sealed class MigratorFixture : IDisposable
{
    readonly TempFolder _folder = new();

    public MigratorFixture()
    {
        Store = EventStore.Open(
            SqliteDatabase.Open(new StoreOptions { Folder = _folder.Path }, TimeProvider.System), TimeProvider.System, Limits.Default);
        byte next = 0;
        IdSource ids = new(bytes =>
        {
            foreach (ref byte b in bytes) b = next++;
        });

        Migrator = new Migrator(Store, ids);
    }

    public EventStore Store { get; }

    public Migrator Migrator { get; }

    public AppSchema Schema { get; private set; } = null!; // Set by the first migration, without which there is nothing to test.

    public AppSchema Read(string text)
    {
        SchemaReading reading = SchemaReader.Read([new SourceText("test.plinth", text)]);
        Assert.True(reading.Schema is not null, string.Join('\n', reading.Diagnostics.Select(d => d.Message)));
        return reading.Schema;
    }

    public async Task<MigrationReport> MigrateAsync(string text)
    {
        AppSchema desired = Read(text);
        Result<MigrationReport> result = await Migrator.ApplyAsync(desired, null, CancellationToken.None);
        Assert.True(result.IsOk, result.Fault?.Message + result.Fault?.Hint);
        Schema = desired;
        return result.Value;
    }

    public async Task<Fault> RefusedAsync(string text)
    {
        byte[] before = Dump();
        Result<MigrationReport> result = await Migrator.ApplyAsync(Read(text), null, CancellationToken.None);
        Assert.False(result.IsOk);
        Assert.Equal(before, Dump());
        return result.Fault;
    }

    public async Task InsertAsync(string model, params Value[] row)
    {
        Model of = Schema.Model(model);
        Result<Done> result = await Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            Ddl ddl = new(Store.Database.Dialect, Schema);
            using Statement insert = tx.Prepare(ddl.InsertRow(of.Table, [.. of.Fields.Select(f => f.Column)]));
            for (int i = 0; i < row.Length; i++) insert.Bind(i + 1, row[i]);
            insert.Run();
            tx.Append(Store.Events.Created(of, row, 1, LogFixture.Origin));
            return Done.It;
        }), CancellationToken.None);
        Assert.True(result.IsOk, result.Fault?.Message);
    }

    public string Query(string sql)
    {
        using ReadLease lease = Store.Database.Read(CancellationToken.None);
        using Statement select = lease.Connection.Prepare(sql);
        List<string> rows = [];
        while (select.Step())
        {
            rows.Add(string.Join(',', Enumerable.Range(0, select.ColumnCount).Select(i => select.ColumnType(i) switch
            {
                StoredKind.Null => "null",
                StoredKind.Bytes => Convert.ToHexString(select.ColumnBytes(i)),
                _ => select.ColumnText(i),
            })));
        }

        return string.Join(' ', rows);
    }

    public ReplayReport Replay()
    {
        using Connection reader = Store.Database.OpenReader();
        return new Replay(Schema, Store.Keys, new Ddl(Store.Database.Dialect, Schema)).Run(reader, null, CancellationToken.None);
    }

    public void Dispose()
    {
        Migrator.Dispose();
        Store.Dispose();
        _folder.Dispose();
    }

    byte[] Dump() => Encoding.UTF8.GetBytes(
        Query("select type, name, tbl_name, sql from sqlite_schema order by name") + Query("select position, hash from plinth_log_head"));
}
