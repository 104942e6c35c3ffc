using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Writes the fields of one row as a JSON object whose end is left open, so that included relations can follow.</summary>
/// <param name="fields">The fields, in the order of their columns.</param>
/// <param name="shown"><see cref="Sql.ReadColumns.Shown"/>; empty where every row shows every field.</param>
sealed class RowWriter(ImmutableArray<Field> fields, ImmutableArray<int> shown)
{
    readonly CellWriter[] _cells = [.. fields.Select(CellWriter.Of)];

    /// <param name="output">Where to.</param>
    /// <param name="row">A statement that stands on a row.</param>
    /// <param name="column">Column of the first field; the others follow.</param>
    public void Write(ByteOutput output, Statement row, int column)
    {
        bool first = true;
        if (!shown.IsEmpty)
        {
            for (int i = 0; i < _cells.Length; i++)
            {
                // The row does not show the field to this caller: it is absent, not null.
                if (shown[i] >= 0 && row.ColumnInt64(column + shown[i]) == 0) continue;
                _cells[i].Write(output, row, column + i, first);
                first = false;
            }
            return;
        }
        foreach (CellWriter cell in _cells)
        {
            cell.Write(output, row, column++, first);
            first = false;
        }
    }
}
