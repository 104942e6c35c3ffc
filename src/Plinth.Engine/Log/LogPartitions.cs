using System.Globalization;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// Where the database divides large tables, the events are kept in parts by position, each with indexes of its own: an index stays as
/// deep as a part is large, what is old is not touched by what is new, and the oldest part can be dropped in one step. Parts are made
/// ahead, so that no commit waits for one: there is always place for as many events as a part has.
/// </summary>
/// <remarks>
/// A new part is made apart and then attached, which holds up neither readers nor writers. A transaction that needs more place than there
/// is (a bulk create beyond anything) fails as <see cref="StoreFailure.NoPlace"/>, and runs again when it has been made.
/// </remarks>
sealed class LogPartitions
{
    const string FindKind =
        $"select relkind::text from pg_class where relname = '{LogTables.Events}' and relnamespace = current_schema()::regnamespace";

    /// <summary>Upper bounds are exclusive; those of a part that is being attached are in the catalog with its commit.</summary>
    const string FindParts = $"""
        select c.relname::text, (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''?(\d+)'))[1]::bigint as until
          from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
          where p.relname = '{LogTables.Events}' and p.relnamespace = current_schema()::regnamespace order by 2
        """;

    /// <summary>The check of a table that was not divided: what an earlier start has begun is gone on with.</summary>
    const string FindBound = $"""
        select (regexp_match(conname, '_until_(\d+)$'))[1]::bigint from pg_constraint
          where conrelid = to_regclass('{LogTables.Events}') and conname like '{LogTables.Events}\_until\_%'
        """;

    readonly Connection _writer;
    readonly long _partEvents;
    long _until;

    /// <param name="writer">Used by whoever is the writer: the start, then the committer's thread.</param>
    /// <param name="partEvents">Events of one part.</param>
    public LogPartitions(Connection writer, long partEvents) => (_writer, _partEvents) = (writer, partEvents);

    /// <summary>What the table of the events is made with.</summary>
    public const string Clause = " partition by range (position)";

    /// <summary>The parts that are there, oldest first, each with the first position that is no longer in it.</summary>
    public static List<(string Name, long Until)> All(Connection connection)
    {
        List<(string, long)> parts = [];
        using Statement select = connection.Prepare(FindParts);
        while (select.Step()) parts.Add((select.ColumnText(0), select.ColumnInt64(1)));
        return parts;
    }

    /// <summary>
    /// Turns a table that was not divided into the first part of one that is. Its rows are looked through once, while others read and
    /// write; the exchange itself is short.
    /// </summary>
    /// <param name="create">Makes the table and its indexes.</param>
    public void Divide(string create)
    {
        if (_writer.ScalarText(FindKind) is not "r") return;
        long until = 0;
        _writer.Define(() => until = Bound());
        _writer.Define(() => _writer.Execute($"alter table {LogTables.Events} validate constraint {BoundName(until)}"));
        _writer.Define(() => Exchange(until, create));
    }

    /// <summary>Place has to be made before long.</summary>
    public bool IsShort(long head) => head + _partEvents >= _until;

    /// <summary>Makes place for the events that come after a position; at once when there is enough.</summary>
    /// <param name="head">The last position, as far as it is known here.</param>
    /// <param name="parts">For as many events as so many parts have.</param>
    public void Keep(long head, int parts = 1)
    {
        if (parts == 1 && !IsShort(head)) return;
        _writer.Define(() =>
        {
            // One more than is needed now, so that this is done once for each part.
            long last = EventLog.ReadHead(_writer).Position + ((parts + 1) * _partEvents);
            List<(string Name, long Until)> made = All(_writer);
            long until = made.Count > 0 ? made[^1].Until : 1;
            for (; until <= last; until += _partEvents) Add(until, until + _partEvents);
            _until = until;
        });
    }

    /// <summary>
    /// Drops the parts that hold nothing but events up to a position: one step each, however many events. What is told by those events is
    /// gone, their part of the chain of hashes too: <see cref="LogStart"/> has signed where the log begins from then on.
    /// </summary>
    public static async Task<Result<Done>> DropAsync(EventStore store, long upTo, CancellationToken cancel)
    {
        List<(string Name, long Until)> parts;
        using (ReadLease lease = store.Database.Read(cancel)) parts = All(lease.Connection);
        foreach (var (name, _) in parts.Where(part => part.Until - 1 <= upTo))
        {
            Result<Done> gone = await store.Committer.RunAsync(
                new WriteAction<Done>(
                    transaction =>
                    {
                        // Whoever reads the log holds it up; behind it all others would wait, so it does not wait long.
                        transaction.Connection.Execute($"set local lock_timeout = 2000; drop table {name}");
                        return Done.It;
                    },
                    isExclusive: true),
                cancel).ConfigureAwait(false);
            if (!gone.IsOk) return gone;
        }

        return Done.It;
    }

    /// <summary>Checks that all positions lie below a bound, for now without looking at those that are there.</summary>
    long Bound()
    {
        if (_writer.ScalarInt64(FindBound) is { } begun) return begun;
        long head = EventLog.ReadHead(_writer).Position, until = (((head / _partEvents) + 1) * _partEvents) + 1;
        if (until - head < _partEvents / 2) until += _partEvents;
        _writer.Execute($"alter table {LogTables.Events} add constraint {BoundName(until)} "
            + string.Create(CultureInfo.InvariantCulture, $"check (position < {until}) not valid"));
        return until;
    }

    void Exchange(long until, string create)
    {
        string old = Name(1);
        _writer.Execute($"alter table {LogTables.Events} rename to {old}");
        List<string> renames = [];
        using (Statement select = _writer.Prepare(
            $"select indexrelid::regclass::text from pg_index where indrelid = '{old}'::regclass"))
        {
            while (select.Step())
            {
                // Their names are those of the indexes of the whole, which are made now.
                string index = select.ColumnText(0);
                if (!index.StartsWith(LogTables.Events, StringComparison.Ordinal)) continue;
                renames.Add($"alter index {index} rename to {index.Replace(LogTables.Events, old, StringComparison.Ordinal)}");
            }
        }

        foreach (string rename in renames) _writer.Execute(rename);
        _writer.Execute(create);
        _writer.Execute(string.Create(CultureInfo.InvariantCulture,
            $"alter table {LogTables.Events} attach partition {old} for values from (minvalue) to ({until}); "
            + $"alter table {old} drop constraint {BoundName(until)}"));
    }

    void Add(long from, long until) => _writer.Execute(string.Create(CultureInfo.InvariantCulture,
        $"create table {Name(from)} (like {LogTables.Events} including defaults including constraints); "
        + $"alter table {LogTables.Events} attach partition {Name(from)} for values from ({from}) to ({until})"));

    static string Name(long from) => string.Create(CultureInfo.InvariantCulture, $"{LogTables.Events}_from_{from}");

    static string BoundName(long until) => string.Create(CultureInfo.InvariantCulture, $"{LogTables.Events}_until_{until}");
}
