using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// Counts the rows of a page as they come and remembers the places that cursors are made of: of the first row and of the last. One row
/// more than the page tells that the list goes on in the direction walked.
/// </summary>
/// <param name="columns">Where the values of the sort terms are.</param>
/// <param name="limit">Rows of the page.</param>
/// <param name="backward">Walked from its end to its start.</param>
/// <param name="cameFrom">Against the direction walked there are rows.</param>
sealed class Page(ReadColumns columns, int limit, bool backward, bool cameFrom)
{
    Value[]? _first;
    Value[]? _last;
    bool _goesOn;

    /// <summary>A page whose rows are known already.</summary>
    /// <param name="first">The place of its first row as it was walked; null when it is empty.</param>
    /// <param name="last">The place of its last row.</param>
    /// <param name="backward">Walked from its end to its start.</param>
    /// <param name="cameFrom">Against the direction walked there are rows.</param>
    /// <param name="goesOn">In the direction walked there are more.</param>
    public static Page Of(Value[]? first, Value[]? last, bool backward, bool cameFrom, bool goesOn) =>
        new(ReadColumns.None, limit: 0, backward, cameFrom) { _first = first, _last = last, _goesOn = goesOn };

    /// <summary>Rows taken.</summary>
    public int Count { get; private set; }

    /// <summary>The place behind which the next page starts; null when there is none, or when no row came that could name it.</summary>
    public Value[]? Next => backward ? Behind : Ahead;

    public Value[]? Previous => backward ? Ahead : Behind;

    Value[]? Ahead => _goesOn ? _last : null;

    Value[]? Behind => cameFrom ? _first : null;

    /// <summary>Whether the row that the statement stands on belongs to the page.</summary>
    public bool Take(Statement row)
    {
        if (Count == limit)
        {
            _goesOn = true;
            return false;
        }
        Count++;
        if (Count == 1) _first = Place(row);
        if (Count == limit) _last = limit == 1 ? _first : Place(row);
        return true;
    }

    Value[] Place(Statement row)
    {
        Value[] place = new Value[columns.Sort.Length];
        for (int i = 0; i < place.Length; i++)
        {
            Field field = columns.Paths[columns.Sort[i]].Field;
            place[i] = row.ColumnValue(columns.Sort[i], field.StoredKind, field.Scale);
        }
        return place;
    }
}
