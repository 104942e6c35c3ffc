using Plinth.Log;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>What becomes of what is remembered when this process lost its place in the log.</summary>
sealed partial class Engine
{
    long _fitAt;

    /// <summary>Told when the place in the log was lost. Must be quick and must not throw.</summary>
    public Action<LogBreak>? LostPlace { get; set; }

    /// <summary>
    /// Why this process cannot serve the database that is there now; null when it can, as far as is known. Once the place in the log was
    /// lost it is looked whether the tables are still those of the schema.
    /// </summary>
    public string? Unfit()
    {
        long breaks = Store.Tail.Breaks;
        if (Volatile.Read(ref _fitAt) == breaks) return null;
        try
        {
            using ReadLease lease = Store.Database.Read(CancellationToken.None);
            long version = lease.Connection.ScalarInt64($"select max(version) from {LogTables.Schemas}") ?? 0;
            if (version != Current.Version)
            {
                return FormattableString.Invariant(
                    $"the database was put back: its schema has version {version}, served is {Current.Version}; start the server again");
            }
        }
        catch (StoreException)
        {
            return "the database was put back, and cannot be read";
        }
        Volatile.Write(ref _fitAt, breaks);
        return null;
    }

    /// <summary>On the thread of the log's reader.</summary>
    void Broken(LogBreak broken)
    {
        Snapshot serving = Current;
        // What it remembers of the log and of projections may never have been. Whoever reads under the old one keeps it for nobody else.
        Snapshot anew = NewSnapshot(_options, Store, serving.Schema, serving.Version);
        Interlocked.CompareExchange(ref _current, anew, serving);
        LostPlace?.Invoke(broken);
    }
}
