using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// Requests for lists of one plan and one limit, or for their keys. As many statements go at once as the database has connections for
/// them: only those who would have waited for one share a statement, and each writes its own part of the rows.
/// </summary>
/// <remarks>
/// The server joins each item with its page by a loop, since a page has a limit: the rows of an item follow one another, in its order.
/// </remarks>
class ListsTogether(ReadPace pace, SqlText statement) : ReadsTogether(pace, statement)
{
    // They are read one after the other: the first waits for the last.
    protected const int ListsMax = 8;

    protected override int ItemsMax => ListsMax;

    protected override int LanesMax(Database database) => Math.Max(1, database.UsualReadsMax);

    protected override ValueTask<bool> ShareAsync(Reading reading, Statement rows, Waiting[] items) => new(TryDivide(rows, items));

    /// <summary>Gives each item its rows; false where they do not follow one another.</summary>
    protected static bool TryDivide(Statement rows, Waiting[] items)
    {
        int row = 0, first = 0;
        Waiting? of = null;
        for (; rows.Step(); row++)
        {
            Waiting item = items[(int)rows.ColumnInt64(0) - 1];
            if (ReferenceEquals(item, of)) continue;
            if (of is not null) of.Rows = rows.Part(first, row - first, firstColumn: 1);
            if (item.Rows is not null) return false;
            (of, first) = (item, row);
        }

        if (of is not null) of.Rows = rows.Part(first, row - first, firstColumn: 1);
        foreach (Waiting item in items) item.Rows ??= rows.Part(0, 0, firstColumn: 1);
        return true;
    }
}
