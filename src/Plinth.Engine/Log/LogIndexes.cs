using Plinth.Store;

namespace Plinth.Log;

/// <summary>An index over the events.</summary>
/// <param name="Name">Behind the table's.</param>
/// <param name="Columns">In order.</param>
/// <param name="Only">Which events are in it; null for all.</param>
/// <param name="Instead">The one of an earlier version that it takes the place of.</param>
sealed record LogIndex(string Name, string Columns, string? Only = null, string? Instead = null)
{
    public string FullName => $"{LogTables.Events}_{Name}";

    /// <summary>Of the one that it takes the place of; empty where there was none.</summary>
    public string FullNameBefore => Instead is null ? "" : $"{LogTables.Events}_{Instead}";

    public string Drop => $"drop index if exists {FullNameBefore}";

    public string Create => CreateAs(FullName, LogTables.Events);

    public string CreateAs(string name, string on, string how = "") =>
        $"create index {how}if not exists {name} on {on} ({Columns}){(Only is null ? "" : $" where {Only}")}";
}

/// <summary>
/// The indexes over the events. Those that auditors' questions walk have what else may be asked of an event behind its position, so that a
/// walk touches no event's row: the events of one user lie on as many pages as they are. An index whose columns change gets another name,
/// by which a database of an earlier version is known to need it.
/// </summary>
static class LogIndexes
{
    public static readonly IReadOnlyList<LogIndex> All =
    [
        new("record", "model, record_id, position"),
        new("by_model", "model, position, kind", Instead: "model"),
        new("by_tenant", "tenant_id, position, kind, model, actor", "tenant_id is not null", Instead: "tenant"),
        new("by_actor", "actor, position, kind, model, tenant_id", "actor is not null", Instead: "actor"),
        new("subject", "subject, position", "subject is not null"),
        new("by_kind", "kind, position, model, tenant_id", AuditEvents.Rare, Instead: "kind"),
        new("whole", "position", "record_id = ''"),
    ];

    /// <summary>
    /// Brings the indexes of a table that is there to those of this version; before the table is divided, which would make them then.
    /// </summary>
    public static void Bring(Database database)
    {
        Connection writer = database.Writer;
        if (!writer.Tables().ContainsKey(LogTables.Events)) return;
        if (database.IsShared)
        {
            LogIndexBuild.Make(writer, All);
            return;
        }

        foreach (LogIndex index in All)
        {
            // Each on its own: what is done stays done, and the pages that one held are free for the next.
            MakeInPlace(writer, index);
            database.Tend(idle: false);
        }
    }

    /// <summary>Nobody else is there yet.</summary>
    static void MakeInPlace(Connection writer, LogIndex index)
    {
        writer.BeginWrite();
        try
        {
            writer.Execute(index.Create);
            if (index.Instead is not null) writer.Execute(index.Drop);
            writer.Commit();
        }
        finally
        {
            writer.Rollback();
        }
    }
}
