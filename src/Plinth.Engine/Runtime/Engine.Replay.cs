using Plinth.Log;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Runtime;

sealed partial class Engine
{
    /// <summary>Folds the whole log and compares the outcome with the tables, over one snapshot; requests go on meanwhile.</summary>
    /// <param name="progress">Told the position folded so far, and the last one.</param>
    /// <param name="cancel">Stops between pages.</param>
    public ReplayReport Replay(Action<long, long>? progress, CancellationToken cancel) => Replay(ReplayScope.Whole, progress, cancel);

    /// <summary>The same of a part of the log.</summary>
    public ReplayReport Replay(ReplayScope scope, Action<long, long>? progress, CancellationToken cancel)
    {
        Snapshot snapshot = Current;
        using Connection reader = Store.Database.OpenReader();
        Ddl ddl = new(Store.Database.Dialect, snapshot.Schema);
        return new Replay(snapshot.Schema, Store.Keys, ddl).Run(reader, scope, progress, cancel);
    }
}
