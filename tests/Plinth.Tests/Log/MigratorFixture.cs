using System.Text;
using Plinth.Language;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>A store whose tables the migrator makes, and the smallest honest writer of records: row and event in one unit.</summary>
sealed class MigratorFixture : IDisposable
{
    readonly TempFolder _folder = new();

    public MigratorFixture()
    {
        Store = EventStore.Open(
            TestDatabase.Open(new StoreOptions { Folder = _folder.Path }, TimeProvider.System), TimeProvider.System, Limits.Default);
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

    public async Task InsertManyAsync(string model, int count, Func<int, Value[]> row)
    {
        Model of = Schema.Model(model);
        Result<Done> result = await Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            Ddl ddl = new(Store.Database.Dialect, Schema);
            using Statement insert = tx.Prepare(ddl.InsertRow(of.Table, [.. of.Fields.Select(f => f.Column)]));
            for (int number = 0; number < count; number++)
            {
                Value[] values = row(number);
                for (int i = 0; i < values.Length; i++) insert.Bind(i + 1, values[i]);
                insert.Run();
                tx.AppendOfMany(Store.Events.Created(of, values, 1, LogFixture.Origin));
            }

            return Done.It;
        }, isExclusive: true), CancellationToken.None);
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
                StoredKind.Integer => select.ColumnInt64(i).ToString(System.Globalization.CultureInfo.InvariantCulture),
                StoredKind.Bytes => Convert.ToHexString(select.ColumnBytes(i)),
                _ => select.ColumnText(i),
            })));
        }

        return string.Join(' ', rows);
    }

    public ReplayReport Replay(long from = 0)
    {
        using Connection reader = Store.Database.OpenReader();
        return new Replay(Schema, Store.Keys, new Ddl(Store.Database.Dialect, Schema))
            .Run(reader, new ReplayScope([], from), null, CancellationToken.None);
    }

    public void Dispose()
    {
        Migrator.Dispose();
        Store.Dispose();
        _folder.Dispose();
    }

    /// <summary>The columns of a table, in order.</summary>
    public string Columns(string table)
    {
        using ReadLease lease = Store.Database.Read(CancellationToken.None);
        return string.Join(',', lease.Connection.Tables()[table]);
    }

    /// <summary>What a table refers to: table, column, column there, and what the database does by itself.</summary>
    public string References(string table) => Query(TestDatabase.IsPostgres
        ? $"""
          select f.relname::text, a.attname::text, b.attname::text,
              case confdeltype when 'a' then 'NO ACTION' end, case confupdtype when 'a' then 'NO ACTION' end
            from pg_constraint c join pg_class r on r.oid = c.conrelid join pg_class f on f.oid = c.confrelid
              join pg_attribute a on a.attrelid = r.oid and a.attnum = c.conkey[1]
              join pg_attribute b on b.attrelid = f.oid and b.attnum = c.confkey[1]
            where c.contype = 'f' and r.relname = '{table}' and r.relnamespace = current_schema()::regnamespace
          """
        : $"select \"table\", \"from\", \"to\", on_delete, on_update from pragma_foreign_key_list('{table}')");

    /// <summary>The indexes of a table beside the one that numbers its rows, unique ones with a mark.</summary>
    public string Indexes(string table) => Query(TestDatabase.IsPostgres
        ? $"""
          select c.relname::text || case when i.indisunique then '!' else '' end from pg_index i join pg_class c on c.oid = i.indexrelid
            where i.indrelid = '{table}'::regclass and not i.indisprimary
          """
        : $"select name || case when \"unique\" = 1 then '!' else '' end from pragma_index_list('{table}')");

    /// <summary>Rows of a full-text table that hold both words, the first of them in whole.</summary>
    public string Search(string table, string word, string prefix) => Query(TestDatabase.IsPostgres
        ? $"select rowid from {table} where terms @@ '{word} & {prefix}:*'"
        : $"select rowid from {table} where {table} match '\"{word}\" AND \"{prefix}\" *'");

    public bool HoldsReferences() => TestDatabase.IsPostgres || Query("pragma foreign_keys") == "1";

    byte[] Dump()
    {
        using ReadLease lease = Store.Database.Read(CancellationToken.None);
        string[] tables = [.. lease.Connection.Tables().OrderBy(t => t.Key, StringComparer.Ordinal)
            .Select(t => $"{t.Key}: {string.Join(',', t.Value)} {References(t.Key)} {Indexes(t.Key)}")];
        return Encoding.UTF8.GetBytes(string.Join('\n', tables) + Query("select position, hash from plinth_log_head"));
    }
}
