using Plinth.Expressions;
using Plinth.Policy;
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

    Value[]? _values;
    ulong _valueFields;
    FoldedRules? _rules;
    bool _isSeen, _isUsed;
    ChildList? _lists;

    /// <summary>The record behind it in its chain of the cache's table. The cache's own, like the members below.</summary>
    public CachedRecord? Next;

    public RecordKey Key { get; private set; }

    /// <summary>The record is at most this new.</summary>
    public long Position { get; private set; }

    /// <summary>Its place in the ring of its shard; below 0 while it is not in the cache.</summary>
    public int Index { get; set; } = -1;

    public long Version { get; } = version;

    public int SchemaVersion { get; } = schemaVersion;

    public byte[] Json { get; } = json;

    /// <summary>What it costs in memory, about, without the lists that it keeps.</summary>
    public int OwnBytes => Json.Length + EntryBytes;

    /// <summary>What it costs in memory, about. Exact for whoever holds the lock of its shard.</summary>
    public int Bytes
    {
        get
        {
            int bytes = OwnBytes;
            for (ChildList? list = _lists; list is not null; list = list.Next) bytes += list.Bytes;
            return bytes;
        }
    }

    /// <summary>The record without its last brace, so that relations can follow.</summary>
    public ReadOnlySpan<byte> Open => Json.AsSpan(0, Json.Length - 1);

    /// <summary>It becomes part of the cache, which it can once.</summary>
    public void Enter(in RecordKey key, long position, int index) => (Key, Position, Index) = (key, position, index);

    /// <summary>Brings what an answer will need of it into the processor's caches. Changes nothing.</summary>
    public void Fetch(bool hasIncludes)
    {
        Prefetch.Object(Json);
        if (!hasIncludes) return;
        FetchValues();
        if (_lists is { } lists) Prefetch.Object(lists);
    }

    /// <summary>The same of the values that rules and relations ask for, as far as they were asked for before.</summary>
    public void FetchValues()
    {
        if (_values is { } values) Prefetch.Items(values);
    }

    public void Use()
    {
        // Mostly it is so already, and a write would take the memory from the other processors.
        if (!_isUsed) _isUsed = true;
    }

    /// <summary>Whether it was used since it was last asked.</summary>
    public bool TakeUse()
    {
        bool was = _isUsed;
        _isUsed = false;
        return was;
    }

    /// <summary>The kept list of a relation in an order, whether it still holds or not; null where there is none.</summary>
    public ChildList? List(string order)
    {
        ChildList? list = Volatile.Read(ref _lists);
        while (list is not null && !string.Equals(list.Order, order, StringComparison.Ordinal)) list = list.Next;
        return list;
    }

    /// <summary>Takes a list in, in place of the one of its order. Under the lock of the shard.</summary>
    /// <returns>By how many bytes it grew.</returns>
    public int Keep(ChildList list)
    {
        int before = Bytes;
        Volatile.Write(ref _lists, list.Before(_lists));
        return Bytes - before;
    }

    /// <summary>It left the cache: what it leads to would count nowhere.</summary>
    public void DropLists() => Volatile.Write(ref _lists, null);

    /// <summary>
    /// Whether a caller may see it, by rules that the record alone decides. An outcome that hangs on nothing but the record is remembered,
    /// for the rules that were first held against it.
    /// </summary>
    /// <param name="level">The rules, and the fields that they ask for.</param>
    /// <param name="caller">Who asks, when, and the values of the request's plan.</param>
    /// <param name="firstSlot">Where among those are the rules' own.</param>
    public bool IsSeen(RecordLevel level, in EvaluationContext caller, int firstSlot)
    {
        FoldedRules rules = level.Rules;
        if (rules.Outcome != RuleOutcome.Depends) return rules.Outcome == RuleOutcome.Always;
        // The outcome was written before the rules were.
        if (ReferenceEquals(Volatile.Read(ref _rules), rules)) return _isSeen;
        bool seen = rules.InMemory.IsTrue(caller with { Row = Values(level.Model, level.Fields), FirstSlot = firstSlot });
        if (level.IsDecidedByRecordAlone && _rules is null)
        {
            lock (Json)
            {
                if (_rules is null)
                {
                    _isSeen = seen;
                    Volatile.Write(ref _rules, rules);
                }
            }
        }
        return seen;
    }

    /// <summary>
    /// Values by ordinal of at least the fields asked for, read from the JSON when they are first asked for; what was not asked for may be
    /// null. Only fields that are answered can be.
    /// </summary>
    public Value[] Values(Model model, FieldSet fields)
    {
        // Values are written before the set that they are known by, and each write knows more than the one before: whoever reads the set
        // first finds at least its values.
        FieldSet known = new(Volatile.Read(ref _valueFields));
        if (known.Contains(fields) && Volatile.Read(ref _values) is { } values) return values;
        lock (Json)
        {
            FieldSet all = new FieldSet(_valueFields).With(fields);
            values = RecordValues.Read(model, Json, all);
            Volatile.Write(ref _values, values);
            Volatile.Write(ref _valueFields, all.Bits);
            return values;
        }
    }
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
