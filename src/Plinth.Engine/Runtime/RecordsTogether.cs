using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>Requests for single records: what the database answers is written here, one after the other.</summary>
sealed class RecordsTogether(ReadProgram program, SqlText statement, int positionColumn) : ReadsTogether(program.Pace, statement)
{
    protected override int ItemsMax => 64;

    // While one is answered, the next is asked.
    protected override int LanesMax(Database database) => 2;

    protected override ValueTask<bool> ShareAsync(Reading reading, Statement rows, Waiting[] items)
    {
        LevelProgram root = program.Root;
        while (rows.Step())
        {
            Waiting item = items[(int)rows.ColumnInt64(0) - 1];
            item.Version = rows.ColumnInt64(root.Columns.Version + 1);
            item.Position = rows.ColumnInt64(positionColumn + 1);
            root.Writer.Write(item.Output, rows, 1);
            item.Output.Write((byte)'}');
        }

        return new(true);
    }
}
