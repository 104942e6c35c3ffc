using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Plinth.Plan;
using Plinth.Schema;

namespace Plinth.Log;

/// <summary>Who changes something, and why: the same for all events of one command.</summary>
/// <param name="Actor">The caller's subject; null when anonymous.</param>
/// <param name="Cause">A request id, or what else made it happen.</param>
/// <param name="SchemaVersion">Version of the schema under which it was decided.</param>
sealed record EventOrigin(string? Actor, string? Cause, int SchemaVersion);

/// <summary>
/// Makes events of rows: payload, seal and digest. Costs some microseconds, so creates, which are decided before the database is
/// touched, make theirs on the thread of the request. Thread-safe.
/// </summary>
sealed class EventWriter(LogKeys keys)
{
    // Asks the system for random bytes by the block: an id of the framework's own is a call of the system each.
    readonly IdSource _ids = new(RandomNumberGenerator.Fill);

    public LogEvent Created(Model model, Value[] row, long version, EventOrigin origin) =>
        Of(model, row, version, EventKinds.Created, model.Fields, row, null, origin, (null, row));

    /// <summary>An event of the fields that differ; with none, still an event of the version.</summary>
    public LogEvent Updated(Model model, Value[] before, Value[] after, long version, EventOrigin origin) =>
        Of(model, after, version, EventKinds.Updated, Changed(model, before, after), after, before, origin, (before, after));

    /// <summary>The row stays, marked as deleted.</summary>
    public LogEvent SoftDeleted(Model model, Value[] before, Value[] after, long version, EventOrigin origin) =>
        Of(model, after, version, EventKinds.Deleted, Changed(model, before, after), after, before, origin, (before, after));

    public LogEvent Restored(Model model, Value[] before, Value[] after, long version, EventOrigin origin) =>
        Of(model, after, version, EventKinds.Restored, Changed(model, before, after), after, before, origin, (before, after));

    /// <summary>The row goes; its last values stay in the event.</summary>
    public LogEvent Deleted(Model model, Value[] before, long version, EventOrigin origin) =>
        Of(model, before, version, EventKinds.Deleted, model.Fields, null, before, origin, (before, null));

    /// <summary>The row goes, and no value stays.</summary>
    public LogEvent Purged(Model model, Value[] before, long version, EventOrigin origin) =>
        Of(model, before, version, EventKinds.Purged, [], null, null, origin, (before, null));

    /// <summary>The row as it is without what was personal, whole: the log says of it nothing else any more.</summary>
    public LogEvent Erased(Model model, Value[] before, Value[] after, long version, EventOrigin origin) =>
        Of(model, after, version, EventKinds.Erased, model.Fields, after, null, origin, (before, after));

    /// <summary>What the log had of a record that was gone before is erased.</summary>
    public LogEvent ErasedGone(Model model, string recordId, string? tenant, EventOrigin origin)
    {
        Guid eventId = NewId();
        byte[] data = Payload.Write([], null, null, eventId, keys, out _);
        return New(eventId, model.Name, recordId, version: 0, EventKinds.Erased, data, origin, tenant);
    }

    /// <summary>An event of a whole model, with a payload of its own form.</summary>
    public static LogEvent Migrated(Model model, byte[] payload, EventOrigin origin) =>
        New(Guid.CreateVersion7(), model.Name, "", 0, EventKinds.Migrated, payload, origin);

    /// <summary>The text form of a record's stored key (tenant first): the parts' text forms, joined by commas.</summary>
    public static string RecordId(Model model, Value[] row)
    {
        // The binder admits only keys of the model's own fields.
        if (model is { Tenant: null, Key: [var single] }) return Part(model.Field(single)!, row);
        ImmutableArray<Field> key = model.StoredKey;
        if (key is [var only]) return Part(only, row);
        StringBuilder text = new();
        for (int i = 0; i < key.Length; i++)
        {
            // Not by what is written so far: the first part may be an empty text.
            if (i > 0) text.Append(',');
            text.Append(Escaped(Part(key[i], row)));
        }

        return text.ToString();
    }

    /// <summary>The text form of one field's value.</summary>
    public static string Part(Field field, Value[] row) => field.Type is ScalarFieldType { Scalar: var scalar }
        ? scalar.Format(row[field.Ordinal])
        : row[field.Ordinal].String;

    static List<Field> Changed(Model model, Value[] before, Value[] after)
    {
        List<Field> changed = [];
        foreach (Field field in model.Fields)
        {
            if (before[field.Ordinal] != after[field.Ordinal]) changed.Add(field);
        }

        return changed;
    }

    LogEvent Of(
        Model model, Value[] keyed, long version, string kind, IReadOnlyList<Field> fields, Value[]? set, Value[]? was, EventOrigin origin,
        (Value[]? Before, Value[]? After) rows)
    {
        Guid eventId = NewId();
        byte[] data = Payload.Write(fields, set, was, eventId, keys, out byte[]? salt);
        string? tenant = model.TenantField is { } field ? Part(field, keyed) : null;
        string? subject = salt is null ? null : SubjectOf(model, keyed);
        LogEvent made = New(eventId, model.Name, RecordId(model, keyed), version, kind, data, origin, tenant, rows, (salt, subject));
        (made.Row, made.RowBefore) = (keyed, ReferenceEquals(was, keyed) ? null : was);
        return made;
    }

    Guid NewId() =>
        _ids.Next(IdGenerator.Uuid7, (DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond).Uuid;

    static string? SubjectOf(Model model, Value[] row) =>
        model is { SubjectField: { } field, SubjectRelation: { } relation } && !row[field.Ordinal].IsNull
            ? SubjectName(relation.Target, Part(field, row)) : null;

    /// <summary>
    /// How events name the record that their personal values are about: its model and its key, within the event's tenant.
    /// </summary>
    public static string SubjectName(string model, string key) => $"{model}:{key}";

    static string Escaped(string part) =>
        part.Replace("%", "%25", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal);

    static LogEvent New(
        Guid eventId, string model, string recordId, long version, string kind, byte[] data, EventOrigin origin, string? tenant = null,
        (Value[]? Before, Value[]? After)? rows = null, (byte[]? Salt, string? Subject) personal = default) => new()
    {
        TenantId = tenant,
        Salt = personal.Salt,
        Subject = personal.Subject,
        EventId = eventId,
        Model = model,
        RecordId = recordId,
        Version = version,
        Kind = kind,
        Data = data,
        Digest = Payload.Digest(data),
        Actor = origin.Actor,
        Cause = origin.Cause,
        SchemaVersion = origin.SchemaVersion,
        Rows = rows,
    };
}
