using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>
/// The product's own models, read and written through the engine like everyone's: each write is a command with its event, recorded for
/// the one who asked. Thread-safe.
/// </summary>
sealed class PlatformRecords(Engine engine)
{
    public const string User = "User", Session = "Session", ApiToken = "ApiToken", UserIdentity = "UserIdentity",
        UserFactor = "UserFactor", UserCode = "UserCode", SignInGuard = "SignInGuard", SigningKey = "SigningKey";

    /// <summary>Records of one kind that belong to one user, at most.</summary>
    const int OfOneUserMax = 1000;

    public AppSchema Schema => engine.Current.Schema;

    public long Now => engine.Now;

    /// <summary>
    /// Up to here, whatever is read from now on has seen the log. Where others write, the database says it: what this node has heard of may
    /// be older than what it reads next, and a token that claims less than it knows is void with the next event.
    /// </summary>
    public long Position(CancellationToken cancel)
    {
        if (!engine.Store.Database.IsShared) return Math.Max(engine.Position, engine.Log.Head);
        using ReadLease lease = engine.Store.Database.Read(cancel);
        return EventLog.ReadHead(lease.Connection).Position;
    }

    public PlatformRow? Get(string model, Guid id, CancellationToken cancel) => First(model, "id", Value.From(id), cancel);

    public PlatformRow? First(string model, string field, Value value, CancellationToken cancel) =>
        engine.FindStored(model, field, value, 1, cancel) is [var row] ? new(Schema.Model(model), row) : null;

    public ImmutableArray<PlatformRow> Where(string model, string field, Value value, CancellationToken cancel) =>
        Rows(model, engine.FindStored(model, field, value, OfOneUserMax, cancel));

    public ImmutableArray<PlatformRow> OfUser(string model, Guid userId, CancellationToken cancel) =>
        Rows(model, engine.FindStored(model, "userId", Value.From(userId), OfOneUserMax, cancel));

    public ImmutableArray<PlatformRow> All(string model, int rowsMax, CancellationToken cancel) =>
        Rows(model, engine.AllStored(model, rowsMax, cancel));

    /// <summary>A text of the field that begins with none of the prefixes; null when there is none.</summary>
    public string? TextUnlike(string model, string field, IReadOnlyList<string> prefixes, CancellationToken cancel) =>
        engine.FindUnlike(model, field, prefixes, cancel) is { } row ? new PlatformRow(Schema.Model(model), row).Text(field) : null;

    ImmutableArray<PlatformRow> Rows(string model, List<StoredRow> rows)
    {
        Model of = Schema.Model(model);
        return [.. rows.Select(row => new PlatformRow(of, row))];
    }

    public static Command Create(string model, Action<Utf8JsonWriter> members) =>
        new() { Model = model, Kind = CommandKind.Create, Body = Body(members), AsServer = true, Minimal = true };

    /// <param name="ifVersion">The version that was read; null changes the record whatever it is by now.</param>
    public static Command Update(string model, string key, long? ifVersion, Action<Utf8JsonWriter> members) => new()
    {
        Model = model, Kind = CommandKind.Update, Key = [key], Body = Body(members), IfVersion = ifVersion, AsServer = true, Minimal = true,
    };

    public static Command Update(string model, PlatformRow row, Action<Utf8JsonWriter> members) =>
        Update(model, row.Id.ToString(), row.Version, members);

    /// <summary>Changes every record that the filter finds in the writer's turn, however many.</summary>
    public static Command UpdateAll(string model, string filter, Action<Utf8JsonWriter> members) => new()
    {
        Model = model, Kind = CommandKind.UpdateMany, Filter = filter, Body = Body(members), AsServer = true, Minimal = true,
    };

    /// <summary>Deletes every record of the model that belongs to the user.</summary>
    public static Command DeleteOfUser(string model, Guid userId) =>
        new() { Model = model, Kind = CommandKind.DeleteMany, Filter = $"userId == \"{userId}\"" };

    public static Command Delete(string model, Guid id) => new() { Model = model, Kind = CommandKind.Delete, Key = [id.ToString()] };

    /// <summary>The keys of records that a condition holds for, as text; at most so many.</summary>
    public async ValueTask<Result<ImmutableArray<string>>> KeysAsync(
        string model, string condition, int rowsMax, CancellationToken cancel)
    {
        string key = Schema.Model(model).KeyFields[0].Name;
        ReadRequest request = new() { Model = model, Kind = ReadKind.List, Filter = condition, Select = [key], Limit = rowsMax };
        Result<ReadReply> read = await engine.ReadAsync(Caller.System, request, cancel).ConfigureAwait(false);
        if (!read.IsOk) return read.Fault;
        using ReadReply reply = read.Value;
        using JsonDocument list = JsonDocument.Parse(reply.Body.WrittenMemory);
        return list.RootElement.GetProperty("items").EnumerateArray()
            .Select(item => item.GetProperty(key).GetString() ?? "").ToImmutableArray();
    }

    /// <summary>Deletes the records with these keys, of those that are still there.</summary>
    public Command DeleteKeys(string model, ImmutableArray<string> keys) => new()
    {
        Model = model, Kind = CommandKind.DeleteMany,
        ShortFilters = [new ShortFilter(Schema.Model(model).KeyFields[0].Name, "in", string.Join(',', keys))],
    };

    /// <summary>Runs one command.</summary>
    /// <param name="actor">Who is recorded as having done it; null is the system.</param>
    public async ValueTask<Fault?> RunAsync(string? actor, Command command, CancellationToken cancel)
    {
        Result<WriteReply> written = await engine.WriteAsync(As(actor), command, cancel).ConfigureAwait(false);
        if (written.IsOk) written.Value.Dispose();
        return written.Fault;
    }

    /// <summary>Runs all commands or none.</summary>
    public async ValueTask<Fault?> RunAllAsync(string? actor, ImmutableArray<Command> commands, CancellationToken cancel)
    {
        if (commands.IsEmpty) return null;
        var written = await engine.BatchAsync(As(actor), commands, atomic: true, cancel).ConfigureAwait(false);
        if (!written.IsOk) return written.Fault;
        foreach (Result<WriteReply> reply in written.Value)
        {
            if (!reply.IsOk) return reply.Fault;
            reply.Value.Dispose();
        }
        return null;
    }

    /// <summary>A time as bodies have it.</summary>
    public static string Time(long microseconds) => DateTime.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond)
        .ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>One field of a record as JSON.</summary>
    public static void WriteField(ByteOutput output, Field field, Value value) => WireJson.Write(output, field, value);

    static Caller As(string? actor) => actor is null ? Caller.System : new Caller(Value.Null, actor, isSystem: true);

    static byte[] Body(Action<Utf8JsonWriter> members)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
