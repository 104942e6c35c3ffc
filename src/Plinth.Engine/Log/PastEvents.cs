using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// The statements by which requests look back into the log, given out bound but not opened, so that whoever asks waits without holding a
/// thread.
/// </summary>
static class PastEvents
{
    // Cast: beside a bare parameter the embedded database looks whether its value fits a partial index (where record_id = ''), and so
    // parses the statement anew for each value.
    const string Scope = $" from {LogTables.Events} where model = ?1 and position > ?2 and position <= ?3",
        OfRecord = " and record_id = cast(?5 as text)", OfTenant = " and tenant_id = ?5";

    const string Events = $"select {EventReader.Columns}{Scope}", InOrder = " order by position limit ?4";

    const string Counting = $"select count(*) from (select 1{Scope}", Counted = " limit ?4) as since";

    const string ErasedText = $"select count(*) from (select 1 from {LogTables.Events} where kind = '{EventKinds.Erased}' "
        + $"and {AuditEvents.Rare} and position > ?1 and position <= ?2 limit 1) as erased";

    // Where the values of the log begin comes with each event: whoever has read the row before knows whether some went meanwhile.
    const string OfOne = $"select {EventReader.Columns}, {LogCut.At}{Scope}{OfRecord}{InOrder}";

    // Positions are dense and times never fall, so the last event of a time is found by halving: some twenty look-ups, and no index.
    const string Upwards = "with recursive s(low, high) as ("
        + $"select coalesce((select min(position) - 1 from {LogTables.Events}), 0), ";

    const string Halving = " union all "
        + $"select case when (select at from {LogTables.Events} where position = (low + high + 1) / 2) <= cast(?1 as bigint) "
        + "then (low + high + 1) / 2 else low end, "
        + $"case when (select at from {LogTables.Events} where position = (low + high + 1) / 2) <= cast(?1 as bigint) "
        + "then high else (low + high + 1) / 2 - 1 end from s where low < high) select low";

    const string Halved = " from s where low >= high";

    const string PositionText = Upwards + "cast(?2 as bigint)" + Halving + Halved;

    const string PositionNow = Upwards + LogTables.Position + Halving + ", " + LogTables.Position + ", " + LogStart.At + Halved;

    const string ExtentText = $"select position, coalesce((select position + 1 from {LogCut.Table} where id = 1), 1) "
        + $"from {LogTables.Head} where id = 1";

    /// <summary>The events in order, at most so many, as <see cref="EventReader"/> reads them.</summary>
    public static Statement Of(Connection connection, in PastScope scope, long eventsMax) => scope switch
    {
        { RecordId: { } record } => Bound(connection.Prepare(Events + OfRecord + InOrder), scope, eventsMax, record),
        { Tenant: { } tenant } => Bound(connection.Prepare(Events + OfTenant + InOrder), scope, eventsMax, tenant),
        _ => Bound(connection.Prepare(Events + InOrder), scope, eventsMax, null),
    };

    /// <summary>Column of the last position whose values were taken away, behind those of an event of <see cref="OfTheRecord"/>.</summary>
    public const int CutColumn = 9;

    /// <summary>Those of one record, in order, at most so many; each with where the values of the log begin.</summary>
    public static Statement OfTheRecord(Connection connection, in PastScope scope, long eventsMax) => Bound(
        connection.Prepare(OfOne), scope, eventsMax, scope.RecordId ?? throw new InvalidOperationException("events of no record"));

    /// <summary>How many they are, counted no further than so many.</summary>
    public static Statement Count(Connection connection, in PastScope scope, long eventsMax) => scope switch
    {
        { RecordId: { } record } => Bound(connection.Prepare(Counting + OfRecord + Counted), scope, eventsMax, record),
        { Tenant: { } tenant } => Bound(connection.Prepare(Counting + OfTenant + Counted), scope, eventsMax, tenant),
        _ => Bound(connection.Prepare(Counting + Counted), scope, eventsMax, null),
    };

    /// <summary>One, when something was erased between; 0 else. Along the index of the rare kinds.</summary>
    public static Statement Erased(Connection connection, long after, long upTo)
    {
        Statement select = connection.Prepare(ErasedText);
        select.BindInt64(1, after);
        select.BindInt64(2, upTo);
        return select;
    }

    /// <summary>The last position whose time is not after a time.</summary>
    /// <param name="connection">Where to ask.</param>
    /// <param name="at">Microseconds since the epoch.</param>
    /// <param name="head">The last position of all.</param>
    public static Statement PositionAt(Connection connection, long at, long head)
    {
        Statement select = connection.Prepare(PositionText);
        select.BindInt64(1, at);
        select.BindInt64(2, head);
        return select;
    }

    /// <summary>
    /// The last position whose time is not after a time, the last of all, and what <see cref="LogStart.Placed"/> needs to tell whether the
    /// first of them is meant.
    /// </summary>
    public static Statement PositionAt(Connection connection, long at)
    {
        Statement select = connection.Prepare(PositionNow);
        select.BindInt64(1, at);
        return select;
    }

    /// <summary>The position of the last event, and that of the oldest whose values are still there.</summary>
    public static Statement Extent(Connection connection) => connection.Prepare(ExtentText);

    static Statement Bound(Statement select, in PastScope scope, long eventsMax, string? of)
    {
        select.BindText(1, scope.Model);
        select.BindInt64(2, scope.After);
        select.BindInt64(3, scope.UpTo);
        select.BindInt64(4, eventsMax);
        if (of is not null) select.BindText(5, of);
        return select;
    }
}

/// <summary>Which events: those of a model, by its name then, after one position and up to another.</summary>
/// <param name="RecordId">Of this record only; null for all.</param>
/// <param name="Tenant">Of this tenant's records only; null for all.</param>
readonly record struct PastScope(string Model, string? RecordId, string? Tenant, long After, long UpTo);
