using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>What a unit sees of its group's transaction: statements on the writing connection, and the list of events.</summary>
sealed class WriteTransaction(Connection connection, EventLog log, TimeProvider clock)
{
    /// <summary>Events that a unit of very many holds in memory at a time.</summary>
    public const int HeldMax = 1000;

    readonly List<LogEvent> _events = [];
    readonly Dictionary<object, SharedStatement> _shared = [];

    public Connection Connection { get; } = connection;

    /// <summary>Whether units may join in one statement; not while it is looked for whose part has failed.</summary>
    public bool IsShared { get; internal set; } = true;

    /// <summary>Rows that shared statements have changed: they are not the doing of the unit that takes the answer first.</summary>
    public long SharedRows { get; set; }

    /// <summary>The statement of all units that give this; made by the first of them.</summary>
    public T Share<T>(object by, Func<T> make) where T : SharedStatement
    {
        if (_shared.TryGetValue(by, out SharedStatement? shared)) return (T)shared;
        T made = make();
        _shared.Add(by, made);
        return made;
    }

    /// <summary>Lets go what has been joined in so far.</summary>
    internal void SendShared()
    {
        foreach (SharedStatement shared in _shared.Values) shared.Send(this);
        _shared.Clear();
    }

    /// <summary>Events appended so far by the group, this unit's included, in order. They have no positions yet.</summary>
    public IReadOnlyList<LogEvent> Events => _events;

    /// <summary>Writes what follows from events in their own transaction; null where nothing does.</summary>
    internal Action<Connection, IReadOnlyList<LogEvent>>? Derive { get; set; }

    /// <summary>Microseconds since 1970-01-01T00:00:00Z: the node's clock.</summary>
    public long Now => (clock.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public Statement Prepare(string sql) => Connection.Prepare(sql);

    public Statement Prepare(SqlText sql) => Connection.Prepare(sql.Text);

    /// <summary>Adds an event to the group; it gets its position at the end of the transaction, if its unit succeeds.</summary>
    public void Append(LogEvent happened) => _events.Add(happened);

    /// <summary>
    /// Adds an event of a unit of very many (a bulk create, a back-fill): what has gathered is written out before it fills the memory. Only
    /// for exclusive units, like <see cref="Flush"/>.
    /// </summary>
    public void AppendOfMany(LogEvent happened)
    {
        _events.Add(happened);
        if (_events.Count >= HeldMax) Flush();
    }

    /// <summary>
    /// Writes the events so far to the log already, so that a unit of very many does not hold them all in memory. They are seen with the
    /// commit, like all others. Only for exclusive units, which are not undone in part.
    /// </summary>
    public void Flush()
    {
        Derive?.Invoke(Connection, _events);
        Written = EventLog.Append(Connection, Written ?? log.Last, TakeEvents(), Now);
        _events.Clear();
    }

    /// <summary>The position that the last event so far has, or will have with the commit.</summary>
    public long Position => (Written ?? log.Last).Position + _events.Count;

    /// <summary>The head that flushed events made; null when none were.</summary>
    internal LogHead? Written { get; private set; }

    /// <summary>Removes the payloads of all events of a record that came before: those in the log, and those of this group.</summary>
    public void RemovePayloads(string model, string recordId)
    {
        EventLog.RemovePayloads(Connection, model, recordId);
        foreach (LogEvent happened in _events)
        {
            bool isOfRecord = string.Equals(happened.Model, model, StringComparison.Ordinal)
                && string.Equals(happened.RecordId, recordId, StringComparison.Ordinal);
            if (isOfRecord) (happened.Data, happened.Salt) = (null, null);
        }
    }

    /// <summary>Values up to a position go with this transaction: nobody answers with what they remember of them from here on.</summary>
    public void CutAt(long position) => log.Cut.Move(position);

    internal void Truncate(int count) => _events.RemoveRange(count, _events.Count - count);

    internal void Clear()
    {
        _events.Clear();
        _shared.Clear();
        Written = null;
    }

    internal LogEvent[] TakeEvents() => [.. _events];
}
