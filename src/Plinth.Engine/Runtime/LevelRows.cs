using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// The rows of one level, each an open JSON object in one buffer, with the keys of what they include. Levels are read top down, one
/// statement each; when all are there the answer is put together by copying.
/// </summary>
sealed class LevelRows : IDisposable
{
    readonly LevelProgram _program;
    readonly ByteOutput _bytes = new(4096);
    readonly List<int> _ends = [];
    readonly KeyRows[] _keys;
    readonly IncludedRows?[] _included;

    readonly RecordKeeper? _keeper;

    /// <param name="program">Of the level.</param>
    /// <param name="keeper">Takes the records too, when they are to be kept.</param>
    public LevelRows(LevelProgram program, RecordKeeper? keeper)
    {
        (_program, _keeper) = (program, keeper);
        _keys = new KeyRows[program.Includes.Length];
        _included = new IncludedRows[program.Includes.Length];
        for (int i = 0; i < _keys.Length; i++) _keys[i] = new KeyRows(program.Columns.Includes[i], program.Includes[i].Shape.ParentFields);
    }

    public int Count => _ends.Count;

    public KeyRows Keys(int include) => _keys[include];

    /// <summary>Takes over the rows that a relation leads to.</summary>
    public void Attach(int include, IncludedRows rows) => _included[include] = rows;

    /// <summary>Takes the row that the statement stands on.</summary>
    public void Add(Statement row, int firstColumn)
    {
        int start = _bytes.Length;
        _program.Writer.Write(_bytes, row, firstColumn);
        if (_program.Records is { } records)
            _keeper?.Take(records, row, firstColumn, firstColumn + _program.Columns.Version, _bytes.Written[start..]);
        _ends.Add(_bytes.Length);
        foreach (KeyRows keys in _keys) keys.Add(row, firstColumn);
    }

    /// <summary>Writes one row whole, with all that it includes.</summary>
    public void Write(ByteOutput output, int row)
    {
        int start = row == 0 ? 0 : _ends[row - 1];
        output.Write(_bytes.Written[start.._ends[row]]);
        for (int i = 0; i < _keys.Length; i++)
        {
            IncludeProgram include = _program.Includes[i];
            output.Write(include.Prefix);
            IncludedRows? rows = _included[i];
            int key = _keys[i].OfRows[row];
            if (include.Shape.Single) WriteOne(output, rows, key);
            else WriteMany(output, rows, key);
        }
        output.Write((byte)'}');
    }

    public void Dispose()
    {
        _bytes.Dispose();
        foreach (IncludedRows? rows in _included) rows?.Rows.Dispose();
    }

    static void WriteOne(ByteOutput output, IncludedRows? rows, int key)
    {
        if (rows is null || key < 0 || rows.Starts[key] == rows.Ends[key]) JsonText.WriteNull(output);
        else rows.Rows.Write(output, rows.Starts[key]);
    }

    static void WriteMany(ByteOutput output, IncludedRows? rows, int key)
    {
        output.Write((byte)'[');
        if (rows is not null && key >= 0)
        {
            for (int i = rows.Starts[key]; i < rows.Ends[key]; i++)
            {
                if (i > rows.Starts[key]) output.Write((byte)',');
                rows.Rows.Write(output, i);
            }
        }
        output.Write((byte)']');
    }
}

/// <summary>Rows of an included relation, those of one parents' key behind one another.</summary>
/// <param name="Rows">All of them.</param>
/// <param name="Starts">Of each key its first row, and</param>
/// <param name="Ends">the one behind its last; the same where it has none.</param>
sealed record IncludedRows(LevelRows Rows, int[] Starts, int[] Ends);
