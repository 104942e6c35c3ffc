using System.Globalization;
using System.Text;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>Which events an audit asks for: all that is given holds.</summary>
sealed record AuditScope
{
    /// <summary>A model, by its name then.</summary>
    public string? Model { get; init; }

    /// <summary>A record of the model, by the id that the log has.</summary>
    public string? RecordId { get; init; }

    public string? Actor { get; init; }

    /// <summary>A kind of event.</summary>
    public string? Kind { get; init; }

    public string? Tenant { get; init; }

    /// <summary>Events after this position.</summary>
    public long After { get; init; }

    /// <summary>Events up to this position.</summary>
    public long UpTo { get; init; } = long.MaxValue;

    /// <summary>Newest first.</summary>
    public bool IsDescending { get; init; }
}

/// <summary>One page of events.</summary>
/// <param name="Events">In order.</param>
/// <param name="GoesOnAt">The last position looked at, when there may be more; null at the end.</param>
sealed record AuditPage(List<LogEvent> Events, long? GoesOnAt);

/// <summary>
/// Events for auditors. A page walks one index, the narrowest of those that the question names, and holds what else is asked against the
/// entries that it passes: no more than <see cref="Limits.AuditScan"/> of them, so a page of any question costs about the same whatever
/// the size of the log, and a rare event is found over several pages. What is asked stands in the index (<see cref="LogIndexes"/>), but
/// for questions about one record: of the rows those of the page alone are read.
/// </summary>
sealed class AuditEvents
{
    /// <summary>Kinds of which there are so many that an index over them would be as long as the log are not in it.</summary>
    public const string Rare = "kind <> 'created' and kind <> 'updated'";

    const string All = "1 = 1";

    readonly AuditScope _scope;
    readonly StringBuilder _sql = new();
    readonly List<object> _values = [];

    AuditEvents(AuditScope scope) => _scope = scope;

    string Order => _scope.IsDescending ? " order by position desc limit " : " order by position limit ";

    public static async ValueTask<AuditPage> PageAsync(Connection connection, AuditScope scope, int limit, CancellationToken cancel)
    {
        AuditEvents page = new(scope);
        // One more than the page: whether it comes says whether there is a next page.
        int passed = page.WritePage(limit + 1);
        List<LogEvent> events = [];
        using (Statement select = page.Bound(connection))
        {
            await select.OpenAsync(cancel);
            while (select.Step()) events.Add(EventLog.ReadOne(select));
        }
        if (events.Count > limit)
        {
            events.RemoveAt(limit);
            return new AuditPage(events, events[^1].Position);
        }
        AuditEvents walk = new(scope);
        walk.WriteEnd(passed);
        using Statement end = walk.Bound(connection);
        await end.OpenAsync(cancel);
        end.Step();
        return new AuditPage(events, end.ColumnInt64(0) < passed ? null : end.ColumnInt64(1));
    }

    /// <summary>The statement of a page, and its parameters, for who asks how the database runs it.</summary>
    public static Statement Prepared(Connection connection, string before, AuditScope scope, int limit)
    {
        AuditEvents page = new(scope);
        page._sql.Append(before);
        page.WritePage(limit);
        return page.Bound(connection);
    }

    /// <summary>
    /// How many there are of each model, kind and actor among the newest that the walk passes, and the first and the last position of them;
    /// and of each tenant, where one is asked about.
    /// </summary>
    /// <param name="connection">Where to ask.</param>
    /// <param name="scope">Which events.</param>
    /// <param name="eventsMax">The newest that are looked at.</param>
    /// <param name="before">What stands before the statement, for who asks how the database runs it.</param>
    public static Statement Counts(Connection connection, AuditScope scope, int eventsMax, string before = "")
    {
        AuditEvents counts = new(scope with { IsDescending = true });
        const string By = "model, kind, actor";
        string also = scope.Tenant is null ? "" : ", tenant_id";
        counts._sql.Append(before).Append("select ").Append(By).Append(", count(*), min(position), max(position)");
        counts._sql.Append(also).Append(" from (select position, ").Append(By).Append(also);
        counts.WriteWalk(eventsMax);
        counts._sql.Append(") as newest group by ").Append(By).Append(also);
        return counts.Bound(connection);
    }

    /// <summary>The times of two positions, in order; of one, where they are the same.</summary>
    public static Statement Times(Connection connection, long first, long last)
    {
        Statement select = connection.Prepare($"select at from {LogTables.Events} where position in (?1, ?2) order by position");
        select.BindInt64(1, first);
        select.BindInt64(2, last);
        return select;
    }

    /// <returns>Entries of the index that it passes at most.</returns>
    int WritePage(int limit)
    {
        _sql.Append("select ").AppendJoin(", ", EventLog.Columns.Split(", ").Select(static column => "e." + column));
        _sql.Append(" from (select position from (select position");
        foreach (var (column, _) in Asked()) _sql.Append(", ").Append(column);
        string rest = Rest();
        int passed = rest == All ? limit : Limits.AuditScan;
        WriteWalk(passed);
        _sql.Append(") as passed where ").Append(rest);
        _sql.Append(Order).Append(Parameter((long)limit)).Append(") as found join ").Append(LogTables.Events);
        _sql.Append(" e on e.position = found.position order by e.position").Append(_scope.IsDescending ? " desc" : "");
        return passed;
    }

    /// <summary>What else is asked of the entries that the walk passes, as a condition.</summary>
    string Rest()
    {
        string rest = string.Join(" and ", Asked().Select(asked => $"{asked.Column} = {Parameter(asked.Value)}"));
        return rest.Length == 0 ? All : rest;
    }

    /// <summary>What else is asked, and is not what the walk goes along.</summary>
    List<(string Column, string Value)> Asked()
    {
        (string Column, string Value)[] walked = Walked();
        List<(string, string)> asked = [];
        Add("model", _scope.Model);
        Add("actor", _scope.Actor);
        Add("kind", _scope.Kind);
        Add("tenant_id", _scope.Tenant);
        return asked;

        void Add(string column, string? value)
        {
            if (value is null || Array.Exists(walked, held => string.Equals(held.Column, column, StringComparison.Ordinal))) return;
            asked.Add((column, value));
        }
    }

    void WriteEnd(int passed)
    {
        _sql.Append("select count(*), coalesce(").Append(_scope.IsDescending ? "min" : "max").Append("(position), 0)");
        _sql.Append(" from (select position");
        WriteWalk(passed);
        _sql.Append(") as passed");
    }

    /// <summary>The walk along one index, between two positions.</summary>
    void WriteWalk(int passed)
    {
        _sql.Append(" from ").Append(LogTables.Events).Append(" where position > ").Append(Parameter(_scope.After));
        _sql.Append(" and position <= ").Append(Parameter(_scope.UpTo));
        foreach ((string column, string value) in Walked())
        {
            _sql.Append(" and ").Append(column).Append(" = ").Append(Parameter(value));
            if (string.Equals(column, "kind", StringComparison.Ordinal)) _sql.Append(" and ").Append(Rare);
        }
        _sql.Append(Order).Append(Parameter((long)passed));
    }

    /// <summary>The columns of the narrowest index that the question names, and what they have to be.</summary>
    (string Column, string Value)[] Walked()
    {
        if (_scope.RecordId is { } record && _scope.Model is { } itsModel) return [("model", itsModel), ("record_id", record)];
        if (_scope.Actor is { } actor) return [("actor", actor)];
        if (_scope.Kind is { } kind && kind is not (EventKinds.Created or EventKinds.Updated)) return [("kind", kind)];
        if (_scope.Tenant is { } tenant) return [("tenant_id", tenant)];
        return _scope.Model is { } model ? [("model", model)] : [];
    }

    string Parameter(object value)
    {
        _values.Add(value);
        return string.Create(CultureInfo.InvariantCulture, $"?{_values.Count}");
    }

    Statement Bound(Connection connection)
    {
        Statement statement = connection.Prepare(_sql.ToString());
        for (int i = 0; i < _values.Count; i++)
        {
            if (_values[i] is long number) statement.BindInt64(i + 1, number);
            else statement.BindText(i + 1, (string)_values[i]);
        }
        return statement;
    }
}
