using Plinth.Log;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Writes events as an auditor may see them.</summary>
sealed class AuditWriter(Snapshot snapshot, NameHistory names, Caller caller, long now)
{
    readonly Dictionary<string, HashSet<string>?> _shown = new(StringComparer.Ordinal);

    public void WritePage(ByteOutput body, AuditPage page, int limit)
    {
        body.Write("{\"items\":["u8);
        for (int i = 0; i < page.Events.Count; i++)
        {
            if (i > 0) body.Write((byte)',');
            Write(body, page.Events[i]);
        }
        body.Write("],\"page\":{\"next\":"u8);
        if (page.GoesOnAt is { } next) JsonText.WriteIntString(body, next);
        else JsonText.WriteNull(body);
        body.Write(",\"limit\":"u8);
        JsonText.WriteInt(body, limit);
        body.Write("}}"u8);
    }

    public void Write(ByteOutput body, LogEvent happened)
    {
        NamesThen then = names.At(snapshot.Schema, happened.Model, happened.Position);
        EventJson.Open(body, happened);
        body.Write(",\"model\":"u8);
        JsonText.WriteString(body, then.Model?.Name ?? happened.Model);
        body.Write(",\"id\":"u8);
        if (happened.RecordId.Length == 0) JsonText.WriteNull(body);
        else JsonText.WriteString(body, then.Model is { } of ? KeyText(of, happened.RecordId) : happened.RecordId);
        if (happened.TenantId is { } tenant && caller.IsSystem)
        {
            body.Write(",\"tenant\":"u8);
            JsonText.WriteString(body, tenant);
        }
        if (happened.Cause is { } cause)
        {
            body.Write(",\"cause\":"u8);
            JsonText.WriteString(body, cause);
        }
        if (then.Model is { } model && Shown(model) is { } shown && happened.Data is not null)
        {
            EventJson.WriteChange(body, model, happened, then, shown.Contains);
        }
        body.Write((byte)'}');
    }

    /// <summary>The key as a URL has it: without the tenant, which the caller's identity says.</summary>
    static string KeyText(Model model, string recordId)
    {
        if (model.StoredKey.Length == model.Key.Length) return recordId;
        string key = recordId[(recordId.IndexOf(',', StringComparison.Ordinal) + 1)..];
        return model.Key.Length > 1 ? key
            : key.Replace("%2C", ",", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);
    }

    /// <summary>
    /// The fields whose values the auditor may see: those that he could read in every record. Null for a model of which he could read
    /// none: that something happened to it is no secret from him, and what, is.
    /// </summary>
    HashSet<string>? Shown(Model model)
    {
        if (_shown.TryGetValue(model.Name, out HashSet<string>? known)) return known;
        RowRules rules = snapshot.Policies.Of(model);
        bool isClosed = rules.For(Operation.List, caller, now).IsNever && rules.For(Operation.Get, caller, now).IsNever;
        FieldRules fields = snapshot.Policies.Fields;
        return _shown[model.Name] = isClosed ? null : [.. model.Fields
            .Where(f => !f.IsServerOnly && fields.For(model, f, FieldAccess.Read, caller, now).Outcome == RuleOutcome.Always)
            .Select(static f => f.Name)];
    }

    /// <summary>A page of readings; one more than the limit says that it goes on.</summary>
    public static void WriteReadings(ByteOutput body, AppSchema schema, List<ReadNote> notes, int limit, Caller caller)
    {
        body.Write("{\"items\":["u8);
        for (int i = 0; i < Math.Min(limit, notes.Count); i++)
        {
            ReadNote note = notes[i];
            body.Write(i == 0 ? "{\"position\":"u8 : ",{\"position\":"u8);
            JsonText.WriteIntString(body, note.Position);
            body.Write(",\"at\":"u8);
            DateTimeType.WriteJson(body, note.At);
            foreach (var (name, text) in new[] { ("actor", note.Actor), ("model", note.Model), ("kind", note.Kind), ("asOf", note.AsOf) })
            {
                if (name is "asOf" && text is null) continue;
                body.Write((byte)',');
                JsonText.WriteName(body, name);
                if (text is null) JsonText.WriteNull(body);
                else JsonText.WriteString(body, text);
            }
            if (note.Tenant is { } tenant && caller.IsSystem)
            {
                body.Write(",\"tenant\":"u8);
                JsonText.WriteString(body, tenant);
            }
            body.Write(",\"count\":"u8);
            JsonText.WriteInt(body, note.Count);
            body.Write(",\"records\":["u8);
            Model? model = schema.FindModel(note.Model);
            for (int j = 0; j < note.Records.Count; j++)
            {
                if (j > 0) body.Write((byte)',');
                JsonText.WriteString(body, model is null ? note.Records[j] : KeyText(model, note.Records[j]));
            }
            body.Write("]}"u8);
        }
        body.Write("],\"page\":{\"next\":"u8);
        if (notes.Count > limit) JsonText.WriteIntString(body, notes[limit - 1].Position);
        else JsonText.WriteNull(body);
        body.Write(",\"limit\":"u8);
        JsonText.WriteInt(body, limit);
        body.Write("}}"u8);
    }
}
