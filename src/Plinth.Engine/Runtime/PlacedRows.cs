using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Rows of a list, written, each with its place in the order. Once sealed it is shared.</summary>
sealed class PlacedRows(PastProgram program)
{
    readonly List<Row> _rows = [];

    /// <param name="Place">Values of the sort terms.</param>
    /// <param name="Json">The record.</param>
    public readonly record struct Row(Value[] Place, byte[] Json);

    ImmutableArray<SortTerm> Sort => program.Plan.Shape.Root.Sort;

    public int Count => _rows.Count;

    /// <summary>About what they take in memory.</summary>
    public long Bytes => 128 + _rows.Sum(static row => row.Json.Length + 32L * row.Place.Length + 64);

    public Row this[int index] => _rows[index];

    public void Clear() => _rows.Clear();

    /// <summary>Takes the row that the statement stands on.</summary>
    public void Add(Statement row)
    {
        ImmutableArray<int> columns = program.Columns.Sort;
        Value[] place = new Value[columns.Length];
        for (int i = 0; i < place.Length; i++)
        {
            Field field = program.Columns.Paths[columns[i]].Field;
            place[i] = row.ColumnValue(columns[i], field.StoredKind, field.Scale);
        }
        using ByteOutput json = new(512);
        program.Writer.Write(json, row, 0);
        json.Write((byte)'}');
        _rows.Add(new Row(place, json.ToArray()));
    }

    /// <summary>Puts them into the order of the list.</summary>
    public void Order() => _rows.Sort((a, b) => Compare(a.Place, b.Place));

    /// <summary>Keeps of the ordered rows those that a page can need: so many from its start, in the direction it is walked.</summary>
    public void Trim(Value[]? boundary, bool backward, int rowsMax)
    {
        int first = First(boundary, backward);
        if (backward)
        {
            _rows.RemoveRange(first + 1, _rows.Count - first - 1);
            if (_rows.Count > rowsMax) _rows.RemoveRange(0, _rows.Count - rowsMax);
        }
        else
        {
            _rows.RemoveRange(0, first);
            if (_rows.Count > rowsMax) _rows.RemoveRange(rowsMax, _rows.Count - rowsMax);
        }
    }

    /// <summary>
    /// The first of the ordered rows behind a place: after it, or, walked backwards, before it. Null is the end one comes from.
    /// </summary>
    public int First(Value[]? boundary, bool backward)
    {
        if (boundary is null) return backward ? _rows.Count - 1 : 0;
        int low = 0, high = _rows.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            int order = Compare(_rows[middle].Place, boundary);
            bool isBefore = backward ? order < 0 : order <= 0;
            if (isBefore) low = middle + 1;
            else high = middle;
        }
        return backward ? low - 1 : low;
    }

    /// <summary>The order of the list, forwards.</summary>
    public int Compare(Value[] a, Value[] b)
    {
        for (int i = 0; i < a.Length; i++)
        {
            int order = Comparison.Order(a[i], b[i]);
            if (order != 0) return Sort[i].Descending ? -order : order;
        }
        return 0;
    }
}
