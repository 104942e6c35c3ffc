using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>What a loop runs over: the items of a list, the keys of a map, the rows of a relation.</summary>
readonly struct LoopItems
{
    readonly ImmutableArray<Value> _items;
    readonly IReadOnlyList<Value[]>? _rows;
    readonly ValueMap? _map;

    LoopItems(ImmutableArray<Value> items, IReadOnlyList<Value[]>? rows, ValueMap? map) => (_items, _rows, _map) = (items, rows, map);

    /// <summary>False when the range is unknown, or nothing to run over.</summary>
    public static bool TryOf(in Value range, out LoopItems items)
    {
        items = range.Kind switch
        {
            ValueKind.List => new LoopItems(range.List, null, null),
            ValueKind.Other => new LoopItems([], (IReadOnlyList<Value[]>)range.Other, null),
            ValueKind.Map => new LoopItems([], null, range.Map),
            _ => default,
        };
        return range.Kind is ValueKind.List or ValueKind.Other or ValueKind.Map;
    }

    public int Count => _rows?.Count ?? _map?.Count ?? _items.Length;

    public Value this[int index] => _rows is not null ? Value.FromOther(_rows[index])
        : _map is not null ? Value.From(_map.Entries[index].Key)
        : _items[index];
}
