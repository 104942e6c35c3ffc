using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>A record as it is answered by default: every field that may leave, no relation. Safe for any number of threads.</summary>
/// <param name="version">Its hidden version.</param>
/// <param name="schemaVersion">The schema that it was written out under.</param>
/// <param name="json">UTF-8, whole: an object with one field at least.</param>
sealed class CachedRecord(long version, int schemaVersion, byte[] json)
{
    /// <summary>What an entry costs beside its JSON: the entry, its slots in table and ring, the values that were asked for.</summary>
    const int EntryBytes = 400;

    ReadValues? _read;

    public long Version { get; } = version;

    public int SchemaVersion { get; } = schemaVersion;

    public byte[] Json { get; } = json;

    /// <summary>What it costs in memory, about.</summary>
    public int Bytes => Json.Length + EntryBytes;

    /// <summary>The record without its last brace, so that relations can follow.</summary>
    public ReadOnlySpan<byte> Open => Json.AsSpan(0, Json.Length - 1);

    /// <summary>
    /// Values by ordinal of at least the fields asked for, read from the JSON when they are first asked for; what was not asked for may be
    /// null. Only fields that are answered can be.
    /// </summary>
    public Value[] Values(Model model, FieldSet fields)
    {
        ReadValues? read = _read;
        if (read is not null && read.Fields.Contains(fields)) return read.Values;
        FieldSet all = read is null ? fields : read.Fields.With(fields);
        read = new ReadValues(all, RecordValues.Read(model, Json, all));
        _read = read;
        return read.Values;
    }

    sealed record ReadValues(FieldSet Fields, Value[] Values);
}

/// <summary>Some fields of a model, by ordinal. Beyond the first 63 it knows only "all".</summary>
readonly record struct FieldSet(ulong Bits)
{
    const ulong Rest = 1UL << 63;

    public static FieldSet Of(IEnumerable<Field> fields)
    {
        ulong bits = 0;
        foreach (Field field in fields) bits |= field.Ordinal < 63 ? 1UL << field.Ordinal : ulong.MaxValue;
        return new FieldSet(bits);
    }

    public bool Has(int ordinal) => (Bits & (ordinal < 63 ? 1UL << ordinal : Rest)) != 0;

    public bool Contains(FieldSet other) => (other.Bits & ~Bits) == 0;

    public FieldSet With(FieldSet other) => new(Bits | other.Bits);
}
