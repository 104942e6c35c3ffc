using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>The two forms of maps as one.</summary>
static class Maps
{
    public static bool Is(in Value value) => value.Kind == ValueKind.Map || (value.Kind == ValueKind.Other && value.Other is MixedMap);

    public static int Count(in Value map) => map.Kind == ValueKind.Map ? map.Map.Count : ((MixedMap)map.Other).Entries.Length;

    public static Value Key(in Value map, int index) =>
        map.Kind == ValueKind.Map ? Value.From(map.Map.Entries[index].Key) : ((MixedMap)map.Other).Entries[index].Key;

    public static Value Item(in Value map, int index) =>
        map.Kind == ValueKind.Map ? map.Map.Entries[index].Value : ((MixedMap)map.Other).Entries[index].Value;

    /// <summary>Numbers are the same key when they are equal, whatever their kinds.</summary>
    public static bool TryGet(in Value map, in Value key, out Value value)
    {
        value = default;
        if (map.Kind == ValueKind.Map) return key.Kind == ValueKind.String && map.Map.TryGet(key.String, out value);
        foreach (ref readonly var entry in ((MixedMap)map.Other).Entries.AsSpan())
        {
            if (Comparison.Equal(entry.Key, key) != Truth.True) continue;
            value = entry.Value;
            return true;
        }
        return false;
    }

    public static bool IsKey(in Value key) => key.Kind is ValueKind.String or ValueKind.Boolean or ValueKind.Int or ValueKind.Uint;

    /// <summary>An error when a key is none, or stands twice.</summary>
    public static Value Of(List<KeyValuePair<Value, Value>> entries)
    {
        HashSet<(ValueKind, Value)> seen = new(entries.Count);
        bool areTexts = true;
        foreach (var (key, _) in entries)
        {
            if (!IsKey(key)) return EvaluationError.BadKey;
            // Whole numbers are one kind of key.
            Value unified = key is { Kind: ValueKind.Uint, Uint: <= long.MaxValue } ? Value.From((long)key.Uint) : key;
            if (!seen.Add((unified.Kind, unified))) return EvaluationError.RepeatedKey;
            areTexts &= key.Kind == ValueKind.String;
        }
        return areTexts ? Value.FromMap(new ValueMap([.. entries.Select(e => KeyValuePair.Create(e.Key.String, e.Value))]))
            : Value.FromOther(new MixedMap([.. entries]));
    }
}
