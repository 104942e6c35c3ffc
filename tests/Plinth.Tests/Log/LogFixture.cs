using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// A store in a folder of its own, with one model whose table is made by hand: the tests of the log are not tests of DDL.
/// </summary>
sealed class LogFixture : IDisposable
{
    public static readonly Model Note = new()
    {
        Name = "Note",
        Table = "notes",
        Route = "notes",
        Key = ["id"],
        Source = new SourceText("test", ""),
        Fields =
        [
            Field(0, "id", IntType.It), Field(1, "title", StringType.It), Field(2, "tags", StringType.It) with { IsList = true },
            Field(3, "secret", StringType.It) with { IsNullable = true, IsServerOnly = true },
            Field(4, "at", DateTimeType.It) with { IsNullable = true },
                Field(5, "price", new DecimalType(12, 2)) with { IsNullable = true },
            Field(6, "extra", JsonType.It) with { IsNullable = true },
        ],
    };

    public static readonly AppSchema Schema = new("test", new AppDefaults(), null, [], [], [], [Note]);

    public static readonly EventOrigin Origin = new("u1", "test", 1);

    public static string NotesTable => TestDatabase.IsPostgres
        ? """
        create table if not exists notes (id integer primary key, title text collate "C" not null unique, tags json not null, secret text,
          at timestamptz, price numeric(12, 2), extra json, _version bigint not null default 1, check (length(title) < 1000))
        """
        : """
        create table if not exists notes (id integer primary key, title text not null unique, tags text not null, secret text, at integer,
          price integer, extra text, _version integer not null default 1, check (length(title) < 1000))
        """;

    readonly TempFolder _folder = new();

    readonly Func<Database, Database>? _over;

    readonly TimeProvider _clock;

    /// <param name="with">Changes the options of the store.</param>
    /// <param name="limits">The usual ones when null.</param>
    /// <param name="over">What is put over the database.</param>
    /// <param name="clock">The system's when null.</param>
    public LogFixture(Func<StoreOptions, StoreOptions>? with = null, Limits? limits = null, Func<Database, Database>? over = null,
        TimeProvider? clock = null)
    {
        (_over, _clock) = (over, clock ?? TimeProvider.System);
        Options = new StoreOptions { Folder = _folder.Path };
        Options = with?.Invoke(Options) ?? Options;
        Limits = limits ?? Limits.Default;
        Store = Open();
        Store.Database.Writer.Execute(NotesTable);
    }

    public StoreOptions Options { get; }

    public Limits Limits { get; }

    public EventStore Store { get; private set; }

    public string Folder => _folder.Path;

    public static Value[] Row(long id, string title, string? secret = null) =>
    [
        Value.From(id), Value.From(title), Value.FromJson("[\"a\"]"u8.ToArray()), secret is null ? Value.Null : Value.From(secret),
        Value.FromDateTime(id * 1_000_001), Value.FromDecimal(id, 2), Value.FromJson("{\"n\":[1,null]}"u8.ToArray()),
    ];

    public EventStore Reopen()
    {
        Store.Dispose();
        return Store = Open();
    }

    public ValueTask<Result<long>> CreateAsync(long id, string title, string? secret = null) =>
        Store.Committer.RunAsync(new CreateNote(Store, Row(id, title, secret)), CancellationToken.None);

    public async Task<long> CreatedAsync(long id, string title, string? secret = null)
    {
        Result<long> result = await CreateAsync(id, title, secret);
        Assert.True(result.IsOk, result.Fault?.Message);
        return result.Value;
    }

    public void Dispose()
    {
        Store.Dispose();
        _folder.Dispose();
    }

    EventStore Open()
    {
        Database database = TestDatabase.Open(Options, _clock);
        return EventStore.Open(_over?.Invoke(database) ?? database, _clock, Limits);
    }

    static Field Field(int ordinal, string name, ScalarType type) =>
        new() { Name = name, Column = name, Ordinal = ordinal, Type = new ScalarFieldType(type) };
}

/// <summary>A create as the planner makes it: event ready before the database is touched, result the position of the event.</summary>
sealed class CreateNote(EventStore store, Value[] row) : WriteUnit<long>
{
    readonly LogEvent _created = store.Events.Created(LogFixture.Note, row, 1, LogFixture.Origin);

    public long CommittedAt { get; private set; }

    protected override Result<long> Execute(WriteTransaction transaction)
    {
        Insert(transaction, row);
        transaction.Append(_created);
        return row[0].Int;
    }

    protected internal override void Committed(long position) => CommittedAt = position;

    public static void Insert(WriteTransaction transaction, Value[] row)
    {
        using Statement insert = transaction.Prepare(
            "insert into notes (id, title, tags, secret, at, price, extra) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
        for (int i = 0; i < row.Length; i++) insert.Bind(i + 1, row[i]);
        insert.Run();
    }
}
