using Plinth.Schema;

namespace Plinth.Live;

/// <summary>
/// The queries that a change of one model may concern. Those whose records share a value are found by it, so a change costs what the
/// queries cost that it touches, however many others there are.
/// </summary>
sealed class LiveIndex
{
    readonly HashSet<LiveQuery> _others = [];
    readonly Dictionary<int, Dictionary<Value, HashSet<LiveQuery>>> _byTerm = [];
    readonly HashSet<LiveQuery> _dependents = [];

    public bool IsEmpty => _others.Count == 0 && _byTerm.Count == 0 && _dependents.Count == 0;

    /// <summary>Queries that reach the model by a relation.</summary>
    public IReadOnlyCollection<LiveQuery> Dependents => _dependents;

    /// <summary>Queries over the model's own records.</summary>
    public IEnumerable<LiveQuery> Roots =>
        _others.Concat(_byTerm.Values.SelectMany(static values => values.Values).SelectMany(static queries => queries));

    public void Add(LiveQuery query, bool isRoot)
    {
        if (!isRoot) _dependents.Add(query);
        else if (query.Plan.Term is not { } term) _others.Add(query);
        else
        {
            if (!_byTerm.TryGetValue(term.Ordinal, out var values)) _byTerm.Add(term.Ordinal, values = []);
            if (!values.TryGetValue(term.Value, out HashSet<LiveQuery>? queries)) values.Add(term.Value, queries = []);
            queries.Add(query);
        }
    }

    public void Remove(LiveQuery query, bool isRoot)
    {
        if (!isRoot) _dependents.Remove(query);
        else if (query.Plan.Term is not { } term) _others.Remove(query);
        else if (_byTerm.TryGetValue(term.Ordinal, out var values) && values.TryGetValue(term.Value, out HashSet<LiveQuery>? queries))
        {
            queries.Remove(query);
            if (queries.Count == 0) values.Remove(term.Value);
            if (values.Count == 0) _byTerm.Remove(term.Ordinal);
        }
    }

    /// <summary>Queries over the model's records that a change may concern, each once.</summary>
    public void Find(LiveChange change, List<LiveQuery> found)
    {
        found.AddRange(_others);
        foreach (var (ordinal, values) in _byTerm)
        {
            if (!change.IsWhole)
            {
                foreach (HashSet<LiveQuery> all in values.Values) found.AddRange(all);
                continue;
            }
            Value before = change.Before is { } b ? b[ordinal] : Value.Null, after = change.After is { } a ? a[ordinal] : Value.Null;
            if (values.TryGetValue(before, out HashSet<LiveQuery>? queries)) found.AddRange(queries);
            if (before != after && values.TryGetValue(after, out queries)) found.AddRange(queries);
        }
    }
}
