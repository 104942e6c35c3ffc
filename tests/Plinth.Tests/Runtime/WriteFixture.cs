using System.Text;
using Plinth.Language;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>A schema text, its tables in a database of its own, and the road of commands over them.</summary>
sealed class WriteFixture : IDisposable
{
    readonly TempFolder _folder = new();

    public WriteFixture(string schema, Limits? limits = null)
    {
        Limits = limits ?? Limits.Default;
        EngineOptions options = new()
        {
            Store = new StoreOptions { Folder = _folder.Path, Durability = Durability.Off },
            OpenDatabase = TestDatabase.Open,
            Limits = Limits,
            Migrate = true,
            Time = Clock,
        };
        var opened = Engine.OpenAsync(options, Read(schema), CancellationToken.None).GetAwaiter().GetResult();
        Engine = opened.IsOk ? opened.Value : throw new InvalidOperationException($"{opened.Fault.Message} {opened.Fault.Details}");
    }

    public Engine Engine { get; }

    public AppSchema Schema => Engine.Current.Schema;

    public Limits Limits { get; }

    public TestClock Clock { get; } = new();

    public EventStore Store => Engine.Store;

    public string Folder => _folder.Path;

    public static AppSchema Read(string schema)
    {
        SchemaReading reading = SchemaReader.Read([new SourceText("schema.plinth", schema)]);
        return reading.Schema
            ?? throw new InvalidOperationException(string.Join("\n", reading.Diagnostics.Select(d => $"{d.Place} {d.Code} {d.Message}")));
    }

    public static Caller As(string id, string role = "user") =>
        new(Value.FromMap(new ValueMap([new("id", Value.From(id)), new("role", Value.From(role))])), id);

    /// <summary>Runs a command as the product itself and demands that it succeeds.</summary>
    public async Task<string> Do(CommandKind kind, string model, string body = "", string? key = null, Caller? caller = null) =>
        Body(await Send(kind, model, body, key, caller));

    public static string Body(Result<WriteReply> result)
    {
        if (!result.IsOk) throw new Xunit.Sdk.XunitException(
            $"{result.Fault.Code}: {result.Fault.Message} {string.Join("; ", result.Fault.Details)}");
        using WriteReply reply = result.Value;
        return reply.Body is { } body ? Encoding.UTF8.GetString(body.Written) : "";
    }

    /// <summary>Runs a command and demands that it is refused; answers <c>code field:code field:code</c>.</summary>
    public async Task<string> Refused(CommandKind kind, string model, string body = "", string? key = null, Caller? caller = null) =>
        Told(await Send(kind, model, body, key, caller));

    public static string Told(Result<WriteReply> result)
    {
        if (result.IsOk) throw new Xunit.Sdk.XunitException($"accepted: {Body(result)}");
        return string.Join(" ", [result.Fault.Code, .. result.Fault.Details.Select(d => $"{d.Field}:{d.Code}")]);
    }

    public ValueTask<Result<WriteReply>> Send(
        CommandKind kind, string model, string body = "", string? key = null, Caller? caller = null) =>
        Send(Command(kind, model, body, key), caller);

    public ValueTask<Result<WriteReply>> Send(Command command, Caller? caller = null) =>
        Engine.WriteAsync(caller ?? Caller.System, command, CancellationToken.None);

    public static Command Command(CommandKind kind, string model, string body = "", string? key = null) => new()
    {
        Model = model,
        Kind = kind,
        Body = Encoding.UTF8.GetBytes(body),
        Key = key is null ? [] : [.. key.Split(',')],
    };

    /// <summary>Every row of a table, trashed ones too.</summary>
    public async Task<List<StoredRow>> Stored(string model)
    {
        RecordTable table = Engine.Current.Writes.Table(model);
        var rows = await Store.Committer.RunAsync(
            new WriteAction<List<StoredRow>>(tx => table.FindAll(tx, table.Statements.SelectBy([], locks: false), [], int.MaxValue)),
                CancellationToken.None);
        return [.. rows.Value.OrderBy(row => row.Row)];
    }

    /// <summary>Every row of a table as JSON, in the order of insertion, trashed ones marked.</summary>
    public async Task<List<string>> Rows(string model)
    {
        Model of = Schema.Model(model);
        return [.. (await Stored(model)).Select(row => (row.IsTrashed(of) ? "trashed " : "") + Json(of, row.Values))];
    }

    public static string Json(Model model, Value[] row)
    {
        using ByteOutput output = new();
        RecordJson.Write(output, model, row);
        return Encoding.UTF8.GetString(output.Written);
    }

    /// <summary>The events of the log as <c>kind Model id payload</c>.</summary>
    public List<string> Events()
    {
        using ReadLease lease = Store.Database.Read(CancellationToken.None);
        return [.. EventLog.Read(lease.Connection, 0, int.MaxValue)
            .Select(e => $"{e.Kind} {e.Model} {e.RecordId} {Encoding.UTF8.GetString(e.Data ?? [])}".TrimEnd())];
    }

    public long Scalar(string sql)
    {
        using ReadLease lease = Store.Database.Read(CancellationToken.None);
        return lease.Connection.ScalarInt64(sql) ?? -1;
    }

    public void Dispose()
    {
        Store.Dispose();
        _folder.Dispose();
    }
}

/// <summary>A clock that moves one millisecond each time it is asked, so that runs repeat and no two commands share a time.</summary>
sealed class TestClock : TimeProvider
{
    long _milliseconds = 1_700_000_000_000;

    public bool IsFrozen { get; set; }

    public override DateTimeOffset GetUtcNow() =>
        DateTimeOffset.FromUnixTimeMilliseconds(IsFrozen ? Volatile.Read(ref _milliseconds) : Interlocked.Increment(ref _milliseconds));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _milliseconds, (long)by.TotalMilliseconds);
}
