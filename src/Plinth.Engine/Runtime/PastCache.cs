using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// The moments that were asked about last, each with what had to be undone for it: pages of one moment are mostly asked for one after the
/// other, and the past does not change. What happens meanwhile is added by who comes next. Belongs to one schema.
/// </summary>
sealed class PastCache
{
    readonly Lock _gate = new();
    readonly LinkedList<(Moment Of, PastRecords Records)> _kept = []; // The one asked for last is first.
    long _values;

    /// <param name="Model">The model's name.</param>
    /// <param name="Tenant">Text form of the tenant whose log was looked at; null for all.</param>
    /// <param name="Position">Of the log.</param>
    public readonly record struct Moment(string Model, string? Tenant, long Position);

    public PastRecords? Find(in Moment moment)
    {
        lock (_gate)
        {
            for (var node = _kept.First; node is not null; node = node.Next)
            {
                if (node.Value.Of != moment) continue;
                _kept.Remove(node);
                _kept.AddFirst(node);
                return node.Value.Records;
            }
        }
        return null;
    }

    /// <summary>Something was erased: what is kept may hold it.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _kept.Clear();
            _values = 0;
        }
    }

    /// <summary>Keeps it instead of what is kept of the moment, unless that has seen more of the log.</summary>
    public void Keep(in Moment moment, PastRecords records)
    {
        if (records.Size > Limits.PastValuesKept) return;
        lock (_gate)
        {
            for (var node = _kept.First; node is not null; node = node.Next)
            {
                if (node.Value.Of != moment) continue;
                if (node.Value.Records.Head > records.Head) return;
                _values -= node.Value.Records.Size;
                _kept.Remove(node);
                break;
            }
            _kept.AddFirst((moment, records));
            _values += records.Size;
            while (_values > Limits.PastValuesKept && _kept.Last is { } last)
            {
                _values -= last.Value.Records.Size;
                _kept.RemoveLast();
            }
        }
    }
}
