using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Writes the fields of one row as a JSON object whose end is left open, so that included relations can follow.</summary>
sealed class RowWriter(ImmutableArray<Field> fields)
{
    readonly CellWriter[] _cells = [.. fields.Select(CellWriter.Of)];

    /// <param name="output">Where to.</param>
    /// <param name="row">A statement that stands on a row.</param>
    /// <param name="column">Column of the first field; the others follow.</param>
    public void Write(ByteOutput output, Statement row, int column)
    {
        bool first = true;
        foreach (CellWriter cell in _cells)
        {
            cell.Write(output, row, column++, first);
            first = false;
        }
    }
}
