using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>What a loop runs over: the items of a list, the keys of a map, the rows of a relation.</summary>
readonly struct LoopItems
{
    readonly ImmutableArray<Value> _items;
    readonly IReadOnlyList<Value[]>? _rows;
    readonly Value _map;

    LoopItems(ImmutableArray<Value> items, IReadOnlyList<Value[]>? rows, Value map) => (_items, _rows, _map) = (items, rows, map);

    /// <summary>False when the range is unknown, or nothing to run over.</summary>
    public static bool TryOf(in Value range, out LoopItems items)
    {
        items = range.Kind switch
        {
            ValueKind.List => new LoopItems(range.List, null, default),
            ValueKind.Other when range.Other is IReadOnlyList<Value[]> rows => new LoopItems([], rows, default),
            _ when Maps.Is(range) => new LoopItems([], null, range),
            _ => default,
        };
        return range.Kind == ValueKind.List || items._rows is not null || !items._map.IsNull;
    }

    public int Count => _rows?.Count ?? (_map.IsNull ? _items.Length : Maps.Count(_map));

    /// <summary>What one variable stands for.</summary>
    public Value this[int index] => _rows is not null ? Value.FromOther(_rows[index])
        : _map.IsNull ? _items[index]
        : Maps.Key(_map, index);

    /// <summary>The first of two variables.</summary>
    public Value Key(int index) => _map.IsNull ? Value.From((long)index) : Maps.Key(_map, index);

    /// <summary>The second.</summary>
    public Value Second(int index) => _map.IsNull ? this[index] : Maps.Item(_map, index);
}
