using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// What goes ahead where the database is a way off: the first statements of a group in front of its commands' turns, and those of the next
/// group right behind the commit of this one.
/// </summary>
sealed partial class Committer
{
    /// <summary>Fewer commands are left to gather while the group before them is committed.</summary>
    const int NextMin = 2;

    readonly List<(string Record, int Arrived, WriteUnit Unit)> _ahead = [];
    List<WriteUnit> _ordered = [];
    List<WriteUnit> _next = [];

    /// <summary>The statements of the next group are on their way, behind the commit of the one before.</summary>
    bool _isNextBegun;

    /// <summary>
    /// Takes those of the next group whose statements may go behind the commit of this one. None when there are too few, since a group
    /// has a price of its own; when the connection is needed between the two; or while it is looked for whose statement has failed.
    /// </summary>
    bool TryTakeNext()
    {
        // Without parts the log is embedded, where there is no way to wait for.
        if (_partitions is not { } parts || !_database.Writer.GoesOn || _isCareful || !_transaction.IsShared) return false;
        if (_group[0].IsExclusive || parts.IsShort(_log.Head)) return false;
        lock (_gate)
        {
            if (_next.Count == 0 && _queue.Count < NextMin) return false;
            while (_next.Count < _limits.GroupCommands && _queue.TryPeek(out WriteUnit? next)
                && next is { IsExclusive: false, Ahead: not null })
            {
                _next.Add(_queue.Take());
            }
        }

        return _next.Count > 0;
    }

    /// <summary>Begins the next group behind the commit of this one; false when that is not possible: then it begins in its turn.</summary>
    bool BeginNext()
    {
        try
        {
            _transaction.IsShared = true;
            Begin(ref _next);
            return true;
        }
        catch (Exception)
        {
            // Whose fault it is comes to light when the group is begun by itself.
            return false;
        }
    }

    /// <summary>Starts a transaction of a group, with what can go ahead of it.</summary>
    void Begin(ref List<WriteUnit> group)
    {
        Connection connection = _database.Writer;
        _transaction.Clear();
        _transaction.Derive = group[0].IsDerivedFrom ? Derive : null;
        connection.BeginWrite();
        foreach (WriteUnit unit in group)
        {
            unit.WentAhead = false;
            unit.Begin();
        }

        SendAhead(connection, ref group);
    }

    /// <summary>
    /// Lets the statements of those that can go ahead go together, in front of the others. Records are locked in one order, so that two
    /// nodes that change the same ones wait, and do not wait for one another.
    /// </summary>
    void SendAhead(Connection connection, ref List<WriteUnit> group)
    {
        if (!connection.SendsAhead || _isCareful || group.Count == 1) return;
        _ahead.Clear();
        for (int i = 0; i < group.Count; i++)
        {
            if (group[i] is { HasFailed: false, IsAlone: false, Cancel.IsCancellationRequested: false, Ahead: { } record } unit)
                _ahead.Add((record, i, unit));
        }

        if (_ahead.Count < 2) return;
        _ahead.Sort(ByRecordAndArrival);
        Bound(connection);
        _ordered.Clear();
        string last = "";
        foreach (var (record, _, unit) in _ahead)
        {
            // Who changes what another one of the group changes has to see it changed.
            if (record.Length > 0 && string.Equals(record, last, StringComparison.Ordinal)) continue;
            if (record.Length > 0) SendShared(connection);
            connection.Owner = unit;
            if (!unit.Send(_transaction)) continue;
            unit.WentAhead = true;
            _ordered.Add(unit);
            last = record;
        }

        SendShared(connection);
        foreach (WriteUnit unit in group)
        {
            if (!unit.WentAhead) _ordered.Add(unit);
        }

        (group, _ordered) = (_ordered, group);
    }

    static int ByRecordAndArrival((string Record, int Arrived, WriteUnit) a, (string Record, int Arrived, WriteUnit) b)
    {
        int byRecord = string.CompareOrdinal(a.Record, b.Record);
        return byRecord != 0 ? byRecord : a.Arrived.CompareTo(b.Arrived);
    }

    void SendShared(Connection connection)
    {
        connection.Owner = null;
        _transaction.SendShared();
    }
}
