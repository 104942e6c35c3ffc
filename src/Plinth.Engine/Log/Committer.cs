using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// The one lane through which everything is written: one thread, one connection, one transaction per group of commands. It clocks itself:
/// idle, it takes what is there and leaves at once, so a lone command never waits for a timer; busy, the next group gathers meanwhile.
/// Every command of a group is acknowledged after the group's durable commit, and never before.
/// </summary>
/// <remarks>
/// A command that fails is undone to its savepoint and costs its neighbours nothing; one that takes too long is stopped, and its
/// neighbours run again without it, so a command may run twice before it is committed once. A failure of the group as a whole (a full
/// disk) fails every command in it, and nothing of it is there. The order within a group is the order of arrival, tenant by tenant in turn.
/// Where the database is a way off, commands whose one statement can be refused without an error go first and together: their statements
/// are one way there and back, and so are what they change then, the events and the commit (<see cref="WriteUnit.Send"/>).
/// Those of the next group may begin right behind the commit (<see cref="Connection.CommitThen"/>), so that the database has work while
/// this group's callers are answered and the next is decided.
/// Where the database cannot undo a failed statement by itself, a group runs without savepoints first, and again with them when one of
/// its statements has failed. Where others write to the database too, a group that they came before is run again, and a commit whose
/// answer was lost is looked up by its transaction's id: never repeated blindly, never called lost while it may be there.
/// </remarks>
sealed partial class Committer : IDisposable
{
    /// <summary>
    /// Nobody came for so long: the lane is idle. A queue that is empty for a moment, because those who wait were just answered,
    /// is not: taken for one, it cost a checkpoint for every few groups, and creates under load a fifth of their rate.
    /// </summary>
    const int IdleMs = 100;

    readonly Database _database;
    readonly EventLog _log;
    readonly Limits _limits;
    readonly Thread _thread;
    readonly object _gate = new();
    readonly WriteQueue _queue;
    readonly LogPartitions? _partitions;
    List<WriteUnit> _group = [];
    readonly WriteTransaction _transaction;
    bool _isTended = true;
    bool _isClosing;
    bool _isSleeping;
    bool _isCareful;

    /// <summary>Made by <see cref="EventStore"/>, which reads the head of the log first.</summary>
    public Committer(Database database, EventLog log, LogPartitions? partitions, TimeProvider clock, Limits limits)
    {
        (_database, _log, _limits, _partitions, _queue) = (database, log, limits, partitions, new WriteQueue(limits));
        _transaction = new WriteTransaction(database.Writer, log, clock);
        _thread = new Thread(Loop) { Name = "plinth committer", IsBackground = true };
        _thread.Start();
    }

    /// <summary>
    /// Called on the writer's thread with the events of a group that is about to be committed: here caches drop what the events change.
    /// Must be cheap and must not throw. On a database that others write to as well, the events get their positions with the commit.
    /// </summary>
    public Action<Announcement>? Announce { get; set; }

    /// <summary>
    /// Called on the writer's thread, in the transaction, with the events of a group before it is committed (of a unit of very many in
    /// parts): writes what follows from them. What it throws fails the group.
    /// </summary>
    public Action<Connection, IReadOnlyList<LogEvent>>? Derive { get; set; }

    /// <summary>
    /// Called on the writer's thread after each announced commit, whether it succeeded or not, with the position of the last event that
    /// is committed; before its commands are acknowledged. Must be cheap and must not throw.
    /// </summary>
    public Action<long>? Settle { get; set; }

    /// <summary>
    /// Called on the writer's thread, before an acknowledgement, when a group came to stand before what this process has committed: the
    /// log is not the one that it was. Must be cheap and must not throw.
    /// </summary>
    public Action? Doubt { get; set; }

    /// <summary>Called on the writer's thread with the events of each committed group, after its commands are acknowledged.</summary>
    public Action<IReadOnlyList<LogEvent>>? Publish { get; set; }

    /// <summary>Groups committed since the start; with the count of commands, what grouping gains.</summary>
    public long Groups { get; private set; }

    public long Commands { get; private set; }

    /// <summary>Commands that wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate) return _queue.Count;
        }
    }

    /// <summary>Queues a unit; completes when it is durable, or refused and undone.</summary>
    /// <param name="unit">Used once.</param>
    /// <param name="cancel">Takes it out of the queue; once it runs, it runs to its end.</param>
    /// <returns>Its result, or the fault <c>overloaded</c>, <c>not_ready</c>, <c>storage_unavailable</c>.</returns>
    public ValueTask<Result<T>> RunAsync<T>(WriteUnit<T> unit, CancellationToken cancel)
    {
        unit.Cancel = cancel;
        lock (_gate)
        {
            if (_isClosing) return new(Faults.NotReady.Says("The server is stopping."));
            if (_queue.Add(unit) is { } full) return new(full);
            if (_isSleeping) Monitor.Pulse(_gate);
        }

        return unit.Task;
    }

    /// <summary>Refuses what comes, finishes what waits, and ends the thread.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosing = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
    }

    void Loop()
    {
        while (TakeGroup())
        {
            RunGroup();
            _isTended = false;
            // In the middle of a transaction is no time for either.
            if (_isNextBegun) continue;
            TryMakePlace(1);
            Tend(idle: false);
        }
    }

    /// <summary>
    /// Waits for work and moves up to a group of it; an exclusive unit is a group by itself. False when there is none and none will come.
    /// </summary>
    bool TakeGroup()
    {
        _group.Clear();
        if (_next.Count > 0)
        {
            (_group, _next) = (_next, _group);
            return true;
        }

        lock (_gate)
        {
            while (_queue.Count == 0 && !_isClosing)
            {
                _isSleeping = true;
                bool isWoken = Monitor.Wait(_gate, _isTended ? Timeout.Infinite : IdleMs);
                _isSleeping = false;
                if (isWoken || _queue.Count > 0) continue;
                _isTended = true;
                // Whoever comes meanwhile waits, as behind a group.
                Monitor.Exit(_gate);
                try
                {
                    Tend(idle: true);
                }
                finally
                {
                    Monitor.Enter(_gate);
                }
            }

            while (_group.Count < _limits.GroupCommands && _queue.TryPeek(out WriteUnit? next))
            {
                if (next.IsExclusive && _group.Count > 0) break;
                _group.Add(_queue.Take());
                if (next.IsExclusive) break;
            }
        }

        return _group.Count > 0;
    }

    /// <summary>Times that a group is run again because others changed what it was about to change.</summary>
    const int AgainMax = 8;

    /// <summary>Commands of one group that are taken out of it because their statements failed, before each goes by itself.</summary>
    const int ApartMax = 4;

    void RunGroup()
    {
        LogEvent[] events = [];
        bool isSettled = false, isBegun = _isNextBegun;
        (_isNextBegun, _isCareful, _transaction.IsShared) = (false, false, true);
        for (int again = 0, apart = 0; !isSettled;)
        {
            try
            {
                (bool isOnItsWay, isBegun) = (isBegun, false);
                events = CommitGroup(isOnItsWay);
                Groups++;
                Commands += _group.Count;
                isSettled = true;
            }
            catch (StoppedException)
            {
                // The unit that was stopped has its fault and took the transaction with it; the others run again without it.
            }
            catch (CarefulException e)
            {
                // One that can be named runs again by itself behind the others; too many, or one without a name, make all go by themselves.
                // A statement of several is without a name: the first thing is a statement for each.
                _database.Writer.Rollback();
                if (e.Offender is not null && apart++ < ApartMax) e.Offender.IsAlone = true;
                else if (e.Offender is null && _transaction.IsShared) _transaction.IsShared = false;
                else _isCareful = true;
            }
            catch (StoreException e) when (IsPassing(e) && again++ < AgainMax)
            {
                _database.Writer.Rollback();

                // How much a long transaction needs is not known, so each time it is twice as much.
                if (e.Failure == StoreFailure.NoPlace) TryMakePlace(1 << again);
            }
            catch (Exception e)
            {
                Abandon(e);
                isSettled = true;
            }
        }

        foreach (WriteUnit unit in _group)
        {
            if (!unit.HasFailed) unit.Committed(unit.EventCount > 0 ? events[unit.FirstEvent + unit.EventCount - 1].Position : _log.Head);
        }

        foreach (WriteUnit unit in _group) unit.Acknowledge();
        if (events.Length == 0) return;
        foreach (LogEvent happened in events) happened.ForgetRows();
        Publish?.Invoke(events);
    }

    /// <param name="isBegun">Its statements are on their way.</param>
    LogEvent[] CommitGroup(bool isBegun)
    {
        Connection connection = _database.Writer;
        if (_group[0].RunsOutside)
        {
            _transaction.Clear();
            _group[0].Run(_transaction);
            return [];
        }

        bool suspends = _group[0].SuspendsForeignKeys;
        if (suspends) connection.SuspendForeignKeys();
        try
        {
            if (!isBegun) Begin(ref _group);
            bool hasWork = false;
            foreach (WriteUnit unit in _group) hasWork |= RunUnit(unit, connection);
            if (!hasWork)
            {
                connection.Rollback();
                return [];
            }

            if (suspends) RequireForeignKeys(connection);
            if (_transaction.Events.Count > 0) _transaction.Derive?.Invoke(connection, _transaction.Events);
            LogEvent[] events = _transaction.TakeEvents();
            if (connection.SendsAhead && events.Length > 0)
            {
                AppendAndCommit(connection, events);
                return events;
            }

            LogHead head = EventLog.Append(connection, _transaction.Written ?? _log.Last, events, _transaction.Now);
            Commit(connection, events, head);
            return events;
        }
        finally
        {
            if (suspends)
            {
                connection.Rollback();
                connection.ResumeForeignKeys();
            }
        }
    }

    void Commit(Connection connection, LogEvent[] events, LogHead head)
    {
        bool isWhole = _transaction.Written is null;
        if (events.Length > 0 || !isWhole) Announce?.Invoke(new Announcement(events, head.Position, isWhole));
        try
        {
            Commit(connection, events);
            _log.Advance(head);
        }
        finally
        {
            Settle?.Invoke(_log.Head);
        }
    }

    void Commit(Connection connection, LogEvent[] events)
    {
        try
        {
            connection.Commit();
        }
        catch (StoreException e) when (connection.IsShared && events.Length > 0 && e.Failure == StoreFailure.Unavailable)
        {
            LogHead? head = null;
            if (!_database.IsCommitted(reader => (head = EventLog.Find(reader, events)) is not null)) throw;
        }
    }

    /// <summary>What the group changed, its events and the commit go together; where the events stand comes with the answer.</summary>
    void AppendAndCommit(Connection connection, LogEvent[] events)
    {
        Announce?.Invoke(new Announcement(events, 0, _transaction.Written is null));
        try
        {
            using Statement append = SharedAppend.Prepare(connection, events, _transaction.Now);
            append.Send();
            LogHead? head = null;
            try
            {
                if (TryTakeNext()) _isNextBegun = connection.CommitThen(BeginNext);
                else connection.Commit();
                head = SharedAppend.Place(append, events);
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Unavailable)
            {
                if (!_database.IsCommitted(reader => (head = EventLog.Find(reader, events)) is not null)) throw;
            }
            catch (StoreException e) when (!_isCareful && !_group[0].IsExclusive && !IsPassing(e) && !IsOfAll(e, connection)
                && e.Failure != StoreFailure.Corrupt)
            {
                // What was not waited for may fail on the way to the commit, and who it was is found as anywhere.
                // (A log without its head is noticed behind the commit: what went there does not go again.)
                throw new CarefulException(e.Owner as WriteUnit);
            }

            if (events[0].Position <= _log.Head) Doubt?.Invoke();
            _log.Advance(head!); // Placed, or found.
        }
        finally
        {
            Settle?.Invoke(_log.Head);
        }
    }

    void Bound(Connection connection) => connection.SetLimits(TimeSpan.FromMilliseconds(_limits.StatementMs), CancellationToken.None);

    /// <summary>Runs one unit; false when it failed and was undone.</summary>
    bool RunUnit(WriteUnit unit, Connection connection)
    {
        if (unit.HasFailed) return false;
        // Where its statement is on its way, it is too late to leave: what that changes has to be told to the log.
        if (unit.Cancel.IsCancellationRequested && !unit.WentAhead)
        {
            unit.Fail(new OperationCanceledException("The caller left before its command ran.", unit.Cancel));
            return false;
        }

        bool savepoint = (unit.NeedsSavepoint || unit.IsAlone || _isCareful) && !unit.IsExclusive;
        long changedBefore = Changed(connection);
        unit.FirstEvent = _transaction.Events.Count;
        if (savepoint) connection.Savepoint();
        if (!unit.IsExclusive) Bound(connection);
        connection.Owner = unit;
        try
        {
            unit.Run(_transaction);
            if ((savepoint || unit.IsExclusive) && !unit.HasFailed) connection.Flush();
        }
        catch (StoreException e) when (!connection.InTransaction && e is { Failure: StoreFailure.TimedOut })
        {
            // Stopping a statement that changes rows ends the transaction: the database does not know how to undo half a statement alone.
            unit.Fail(Faults.Timeout.Says("The command ran past its time in the writer's turn, and was stopped."));
            throw new StoppedException();
        }
        catch (StoreException e) when (IsPassing(e) || IsOfAll(e, connection))
        {
            throw;
        }
        catch (StoreException e) when (!_isCareful && connection.InTransaction
            && (IsOfAnother(e, unit) || !(connection.UndoesStatements || savepoint || unit.IsExclusive)))
        {
            throw new CarefulException(e.Owner as WriteUnit);
        }
        catch (StoreException e) when (connection.InTransaction && e is { Failure: StoreFailure.Constraint, Constraint: { } constraint })
        {
            unit.Fail(unit.Refused(constraint));
        }
        catch (StoreException e) when (connection.InTransaction && e.ToFault() is { } fault)
        {
            unit.Fail(fault);
        }
        catch (Exception) when (connection.InTransaction && unit.WentAhead)
        {
            // What it changed ahead may be there, and only a savepoint takes it back: it runs again by itself.
            throw new CarefulException(unit);
        }
        catch (Exception e) when (connection.InTransaction)
        {
            unit.Fail(e);
        }
        finally
        {
            connection.ClearLimits();
            connection.Owner = null;
        }

        if (!unit.HasFailed)
        {
            if (savepoint) connection.ReleaseSavepoint();
            unit.EventCount = _transaction.Events.Count - unit.FirstEvent;
            return true;
        }

        Undo(unit, connection, savepoint, changedBefore);
        return false;
    }

    /// <summary>Rows that were changed so far, but for those of statements that several units share.</summary>
    long Changed(Connection connection) => connection.RowsChanged - _transaction.SharedRows;

    /// <summary>Takes back what a unit that failed has changed.</summary>
    void Undo(WriteUnit unit, Connection connection, bool savepoint, long changedBefore)
    {
        if (savepoint)
        {
            connection.RollbackToSavepoint();
        }
        else if (!unit.IsExclusive && (Changed(connection) != changedBefore || _transaction.Events.Count != unit.FirstEvent))
        {
            InvalidOperationException broken = new($"{unit.GetType().Name} changed rows, failed, and had promised to need no savepoint");
            unit.Fail(broken);
            throw broken;
        }

        _transaction.Truncate(unit.FirstEvent);
    }

    /// <summary>The same statements may succeed when they are run again.</summary>
    static bool IsPassing(StoreException e) => e.Failure is StoreFailure.Conflict or StoreFailure.NoPlace;

    /// <summary>
    /// It is nobody's fault, and the next one would find the same: no room, or nothing that can be written. Where the failure has ended the
    /// transaction, the group is refused as a whole and at once, and nothing of it is tried again by parts.
    /// </summary>
    static bool IsOfAll(StoreException e, Connection connection) => !connection.UndoesStatements
        && e.Failure is StoreFailure.Full or StoreFailure.ReadOnly or StoreFailure.InputOutput;

    /// <summary>Where the log is divided: makes the parts for what is to come, long before it is needed.</summary>
    void TryMakePlace(int parts)
    {
        try
        {
            _partitions?.Keep(_log.Head, parts);
        }
        catch (StoreException)
        {
            // Tried again behind the next group; and a group that has no place says so.
        }
    }

    /// <summary>What failed was a change of another unit, which went along with this one's statement.</summary>
    static bool IsOfAnother(StoreException failed, WriteUnit unit) => failed.Owner is WriteUnit other && !ReferenceEquals(other, unit);

    static void RequireForeignKeys(Connection connection)
    {
        IReadOnlyList<string> broken = connection.BrokenForeignKeys();
        if (broken.Count > 0) throw new InvalidOperationException($"a rebuilt table left references to nothing: {broken[0]}");
    }

    /// <summary>The group as a whole failed: nothing of it is there, and each of its commands is told.</summary>
    void Abandon(Exception failure)
    {
        try
        {
            _database.Writer.Rollback();
        }
        catch (StoreException)
        {
            // The connection is in no transaction, or cannot end it; the next group's begin will say so.
        }

        Fault? fault = (failure as StoreException)?.ToFault();
        foreach (WriteUnit unit in _group)
        {
            if (unit.HasFailed) continue;
            if (fault is not null) unit.Fail(fault);
            else unit.Fail(failure);
        }
    }

    void Tend(bool idle)
    {
        try
        {
            _database.Tend(idle);
        }
        catch (StoreException)
        {
            // A checkpoint that cannot be made now (a full disk) loses nothing: the log keeps the pages until the next.
        }
    }

    /// <summary>A unit was stopped and the transaction of its group is gone.</summary>
    sealed class StoppedException : Exception;

    /// <summary>A statement failed where no savepoint had been set, and the transaction is of no more use.</summary>
    sealed class CarefulException(WriteUnit? offender) : Exception
    {
        /// <summary>Whose statement it was; null where that cannot be told.</summary>
        public WriteUnit? Offender => offender;
    }
}
