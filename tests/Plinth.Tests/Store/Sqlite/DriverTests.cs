using System.Text;
using Plinth.Schema;

namespace Plinth.Store.Sqlite;

/// <summary>What every driver must do, on a real file.</summary>
public sealed class DriverTests : IDisposable
{
    readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    SqliteDatabase Open(Func<StoreOptions, StoreOptions>? with = null)
    {
        StoreOptions options = new() { Folder = _folder.Path };
        return SqliteDatabase.Open(with?.Invoke(options) ?? options, TimeProvider.System);
    }

    [Fact]
    public void Exactly_one_copy_of_the_library_is_loaded_and_named()
    {
        using SqliteDatabase database = Open();
        Assert.StartsWith("SQLite 3.", database.Version, StringComparison.Ordinal);
        if (OperatingSystem.IsLinux()) Assert.Single(SqliteLibrary.LoadedImages());
    }

    [Fact]
    public void Another_library_than_the_loaded_one_is_refused()
    {
        SqliteLibrary.Use(null);
        StoreException refused = Assert.Throws<StoreException>(() => SqliteLibrary.Use("/nowhere/libsqlite3.so"));
        Assert.Equal(StoreFailure.Unavailable, refused.Failure);
    }

    [Fact]
    public void Every_kind_of_value_comes_back_as_it_was_bound()
    {
        using SqliteDatabase database = Open();
        Guid uuid = Guid.Parse("0190f3a0-1111-7abc-8def-0123456789ab");
        (Value Value, ValueKind Kind)[] cases =
        [
            (Value.True, ValueKind.Boolean), (Value.False, ValueKind.Boolean),
            (Value.From(long.MinValue), ValueKind.Int), (Value.From(long.MaxValue), ValueKind.Int),
            (Value.From(0.1), ValueKind.Double), (Value.From(-0.0), ValueKind.Double), (Value.From(double.Epsilon), ValueKind.Double),
            (Value.FromDecimal(-12345, 2), ValueKind.Decimal),
            (Value.From(""), ValueKind.String), (Value.From("a\u00e9\u6f22\U0001f600"), ValueKind.String),
                (Value.From(new string('x', 70_000)), ValueKind.String),
            (Value.FromBytes([]), ValueKind.Bytes), (Value.FromBytes([0, 255, 0]), ValueKind.Bytes),
            (Value.FromDateTime(-1), ValueKind.DateTime), (Value.FromDate(20_000), ValueKind.Date),
            (Value.FromTime(86_399_999_999), ValueKind.Time), (Value.FromDuration(-5), ValueKind.Duration),
            (Value.From(uuid), ValueKind.Uuid), (Value.FromJson("{\"a\":[1]}"u8.ToArray()), ValueKind.Json), (Value.Null, ValueKind.Int),
        ];
        database.Writer.Execute("create table t (n integer primary key, v)");
        foreach ((Value value, ValueKind kind) in cases)
        {
            using Statement insert = database.Writer.Prepare("insert into t (v) values (?1) returning v");
            insert.Bind(1, value);
            Assert.True(insert.Step());
            Value back = insert.ColumnValue(0, kind, scale: 2);
            Assert.True(value == back, $"{kind} {value} came back as {back}");
            Assert.False(insert.Step());
        }

        using ReadLease lease = database.Read(CancellationToken.None);
        using Statement text = lease.Connection.Prepare("select v from t where v = ?1");
        text.BindText(1, "a\u00e9\u6f22\U0001f600"u8);
        Assert.True(text.Step());
        Assert.Equal("a\u00e9\u6f22\U0001f600", Encoding.UTF8.GetString(text.ColumnUtf8(0)));
        Assert.Equal(StoredKind.Text, text.ColumnType(0));
    }

    [Fact]
    public void Empty_text_and_empty_bytes_are_not_null()
    {
        using SqliteDatabase database = Open();
        using Statement select = database.Writer.Prepare("select ?1, ?2, ?3");
        select.BindText(1, ReadOnlySpan<byte>.Empty);
        select.BindBytes(2, ReadOnlySpan<byte>.Empty);
        Assert.True(select.Step());
        Assert.Equal(StoredKind.Text, select.ColumnType(0));
        Assert.Equal(StoredKind.Bytes, select.ColumnType(1));
        Assert.Equal(StoredKind.Null, select.ColumnType(2));
        Assert.Equal("", select.ColumnText(0));
    }

    [Theory]
    [InlineData("insert into child (id, code, parent) values (1, 'x', null)", ConstraintKind.PrimaryKey, "child", "id", null)]
    [InlineData("insert into child (id, code, parent) values (2, 'a', null)", ConstraintKind.Unique, "child", "code,parent", null)]
    [InlineData("insert into child (id, code, parent, low) values (2, 'b', null, 'ONE')", ConstraintKind.Unique, null, "", "child_low")]
    [InlineData("insert into child (id, code, parent) values (2, null, null)", ConstraintKind.NotNull, "child", "code", null)]
    [InlineData("insert into child (id, code, score) values (2, 'c', -1)", ConstraintKind.Check, null, "", "child_score")]
    [InlineData("insert into child (id, code, parent) values (2, 'c', 77)", ConstraintKind.ForeignKey, null, "", null)]
    public void A_refused_statement_tells_which_constraint(string sql, object kind, string? table, string columns, string? name)
    {
        using SqliteDatabase database = Open();
        database.Writer.Execute("""
            create table parent (id integer primary key);
            create table child (id integer not null, code text not null, parent integer references parent (id), low text, score integer,
              primary key (id), constraint child_score check (score >= 0)) without rowid;
            create unique index child_low on child (lower(low));
            create unique index child_code on child (code, ifnull(parent, 0));
            drop index child_code;
            create unique index child_code on child (code, parent);
            insert into parent values (5);
            insert into child (id, code, parent, low) values (1, 'a', 5, 'one');
            """);
        string bound = sql.Replace("'a', null", "'a', 5", StringComparison.Ordinal);
        using Statement statement = database.Writer.Prepare(bound);
        StoreException refused = Assert.Throws<StoreException>(() => statement.Step());
        Assert.Equal(StoreFailure.Constraint, refused.Failure);
        StoreConstraint constraint = Assert.IsType<StoreConstraint>(refused.Constraint);
        Assert.Equal(kind, constraint.Kind);
        Assert.Equal(table, constraint.Table);
        Assert.Equal(columns, string.Join(',', constraint.Columns));
        Assert.Equal(name, constraint.Name);
    }

    [Fact]
    public void A_failed_statement_can_run_again_and_leaves_the_transaction_usable()
    {
        using SqliteDatabase database = Open();
        database.Writer.Execute("create table t (id integer primary key)");
        database.Writer.BeginWrite();
        using (Statement insert = database.Writer.Prepare("insert into t values (?1)"))
        {
            insert.BindInt64(1, 1);
            insert.Run();
            Assert.Throws<StoreException>(insert.Run);
            insert.BindInt64(1, 2);
            insert.Run();
        }

        database.Writer.Commit();
        Assert.Equal(2, database.Writer.ScalarInt64("select count(*) from t"));
    }

    [Fact]
    public void Statements_are_prepared_once_per_connection_and_the_cache_is_bounded()
    {
        using SqliteDatabase database = Open(o => o with { StatementsKeptMax = 8 });
        SqliteConnection writer = (SqliteConnection)database.Writer;
        Statement first = writer.Prepare("select 1");
        using (Statement second = writer.Prepare("select 1"))
        {
            Assert.NotSame(first, second);
            Assert.True(first.Step());
            Assert.True(second.Step());
        }

        first.Dispose();
        using (Statement again = writer.Prepare("select 1")) Assert.Same(first, again);
        for (int i = 0; i < 100; i++)
        {
            using Statement other = writer.Prepare($"select {i} + ?1");
            other.BindInt64(1, 1);
            Assert.True(other.Step());
            Assert.Equal(i + 1, other.ColumnInt64(0));
        }

        Assert.InRange(writer.StatementsKept, 1, 8);
    }

    [Fact]
    public void Statements_run_are_counted()
    {
        using SqliteDatabase database = Open();
        database.Writer.Execute("create table t (id integer primary key)");
        using ReadLease lease = database.Read(CancellationToken.None);
        long before = lease.Connection.StatementsRun, all = database.StatementsRun;
        lease.Connection.BeginRead();
        using (Statement select = lease.Connection.Prepare("select id from t"))
        {
            for (int i = 0; i < 3; i++)
            {
                select.Step();
                select.Reset();
            }
        }

        Assert.Equal(3, lease.Connection.StatementsRun - before);
        Assert.Equal(3, database.StatementsRun - all);
    }

    [Fact]
    public void A_misspelt_quoted_column_is_an_error_and_not_a_text()
    {
        using SqliteDatabase database = Open();
        database.Writer.Execute("create table t (id integer primary key)");
        Assert.Equal(StoreFailure.Bug, Assert.Throws<StoreException>(() => database.Writer.Prepare("select \"idd\" from t")).Failure);
        Assert.Throws<StoreException>(() => database.Writer.Prepare("select 1; select 2"));
        Assert.Throws<StoreException>(() => database.Writer.Prepare(""));
    }

    [Fact]
    public void A_reader_sees_one_snapshot_while_the_writer_goes_on_and_cannot_write()
    {
        using SqliteDatabase database = Open();
        database.Writer.Execute("create table t (id integer primary key); insert into t values (1)");
        using (ReadLease lease = database.Read(CancellationToken.None))
        {
            lease.Connection.BeginRead();
            Assert.Equal(1, lease.Connection.ScalarInt64("select count(*) from t"));
            database.Writer.Execute("insert into t values (2)");
            Assert.Equal(1, lease.Connection.ScalarInt64("select count(*) from t"));
            using Statement write = lease.Connection.Prepare("insert into t values (9)");
            Assert.Equal(StoreFailure.ReadOnly, Assert.Throws<StoreException>(() => write.Step()).Failure);
        }

        using ReadLease after = database.Read(CancellationToken.None);
        Assert.False(after.Connection.InTransaction);
        Assert.Equal(2, after.Connection.ScalarInt64("select count(*) from t"));
    }

    const string Endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";

    [Fact]
    public void A_statement_stops_when_its_time_is_over()
    {
        using SqliteDatabase database = Open(o => o with { ReadTimeMax = TimeSpan.FromMilliseconds(50) });
        using ReadLease lease = database.Read(CancellationToken.None);
        using Statement endless = lease.Connection.Prepare(Endless);
        Assert.Equal(StoreFailure.TimedOut, Assert.Throws<StoreException>(() => endless.Step()).Failure);
    }

    [Fact]
    public void A_statement_stops_when_the_caller_leaves()
    {
        using SqliteDatabase database = Open();
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(50));
        using (ReadLease lease = database.Read(source.Token))
        {
            using Statement endless = lease.Connection.Prepare(Endless);
            bool stopped = false;
            try
            {
                endless.Step();
            }
            catch (OperationCanceledException)
            {
                stopped = true;
            }

            Assert.True(stopped);
        }

        using ReadLease next = database.Read(CancellationToken.None);
        Assert.Equal(1, next.Connection.ScalarInt64("select 1"));
    }

    [Fact]
    public async Task Readers_are_bounded_and_shared_by_many_threads()
    {
        using SqliteDatabase database = Open(o => o with { ReadersMax = 3 });
        database.Writer.Execute("create table t (id integer primary key); insert into t values (1)");
        Task[] readers = [.. Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(
            () =>
            {
                for (int i = 0; i < 500; i++)
                {
                    using ReadLease lease = database.Read(CancellationToken.None);
                    Assert.Equal(1, lease.Connection.ScalarInt64("select count(*) from t"));
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        await Task.WhenAll(readers);
    }

    [Fact]
    public void No_reader_in_time_is_busy()
    {
        using SqliteDatabase database = Open(o => o with { ReadersMax = 1, ReadTimeMax = TimeSpan.FromMilliseconds(30) });
        using ReadLease lease = database.Read(CancellationToken.None);
        Assert.Equal(StoreFailure.Busy, Assert.Throws<StoreException>(() => database.Read(CancellationToken.None).Dispose()).Failure);
    }
}
