using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

sealed partial class Engine
{
    /// <summary>
    /// The events of one record, oldest first: who changed what, when, from what to what. Who may get the record may see them;
    /// values that are secret in the log are named as redacted, and server-only fields are not even named.
    /// </summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="key">The parts of the key as the URL has them, decoded.</param>
    /// <param name="after">Events after this position; 0 for the first page.</param>
    /// <param name="limit">Most events that are answered; null takes the schema's page size.</param>
    /// <param name="cancel">Stops the statements that run.</param>
    /// <returns><c>{items, page}</c>, where <c>page.next</c> is the position to go on after.</returns>
    public async ValueTask<Result<ReadReply>> HistoryAsync(
        Caller caller, string model, ImmutableArray<string> key, long after, int? limit, CancellationToken cancel)
    {
        Model asked = Current.Schema.Model(model);
        if (asked.Tenant is not null && caller is { IsSystem: true, Tenant.IsNull: true }) return KeyValues.NeedsTenant(asked);
        // The record is read under the caller's rules first: whoever may not get it learns nothing from its past either.
        var record = await ReadAsync(caller, new ReadRequest { Model = model, Kind = ReadKind.Get, Key = key }, cancel);
        if (record.Failed(out Fault? fault, out ReadReply? seen)) return fault;
        Snapshot snapshot = Current;
        if (snapshot.Schema.FindModel(model) is not { } of)
        {
            seen.Dispose();
            return Faults.NotReady.Says("the schema was replaced meanwhile") with { RetryAfterSeconds = 1 };
        }
        // What they may read of it now, they may read of its past.
        HashSet<string> shown = ShownFields(of, seen.Body.Written);
        seen.Dispose();
        int events = limit ?? snapshot.Schema.Defaults.PageSize;
        if (events < 1 || events > snapshot.Schema.Defaults.MaxPageSize)
        {
            return Faults.MalformedParameter.Says(string.Create(CultureInfo.InvariantCulture,
                $"limit: {events} is not from 1 to {snapshot.Schema.Defaults.MaxPageSize}"));
        }
        ByteOutput body = new();
        using ReadLease lease = Store.Database.Read(cancel);
        FormerNames former = FormerNames.Of(lease.Connection, model);
        List<LogEvent> history = former.History(lease.Connection, RecordId(of, caller.Tenant, key), after, events + 1);
        bool more = history.Count > events;
        body.Write("{\"items\":["u8);
        for (int i = 0; i < Math.Min(events, history.Count); i++)
        {
            if (i > 0) body.Write((byte)',');
            NamesThen then = former.Names.At(snapshot.Schema, history[i].Model, history[i].Position);
            EventJson.Open(body, history[i]);
            if (history[i].Data is not null) EventJson.WriteChange(body, of, history[i], then, shown.Contains);
            body.Write((byte)'}');
        }
        body.Write("],\"page\":{\"next\":"u8);
        if (more) JsonText.WriteIntString(body, history[events - 1].Position);
        else JsonText.WriteNull(body);
        body.Write(",\"limit\":"u8);
        JsonText.WriteInt(body, events);
        body.Write("}}"u8);
        return new ReadReply(body) { NeedsBodyHash = true, Position = Position };
    }

    /// <summary>The fields that the record showed to the caller, and those that have no rule but are answered elsewhere.</summary>
    static HashSet<string> ShownFields(Model model, ReadOnlySpan<byte> record)
    {
        HashSet<string> shown =
            [.. model.Fields.Where(static f => !f.IsServerOnly && !f.IsRuled(FieldAccess.Read)).Select(static f => f.Name)];
        Utf8JsonReader reader = new(record);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            shown.Add(reader.GetString() ?? "");
            reader.Read();
            reader.Skip();
        }
        return shown;
    }

    /// <summary>The record as the log names it. Its key was read already, so every part is a value.</summary>
    static string RecordId(Model model, in Value tenant, ImmutableArray<string> key)
    {
        Value[] row = new Value[model.Fields.Length], parts = new Value[key.Length];
        if (KeyValues.Bind(model, key, parts) is not null) throw new InvalidOperationException("a record was read by a key that is none");
        for (int i = 0; i < parts.Length; i++) row[model.KeyFields[i].Ordinal] = parts[i];
        if (model.StoredKey.Length > key.Length) row[model.StoredKey[0].Ordinal] = tenant;
        return EventWriter.RecordId(model, row);
    }
}
