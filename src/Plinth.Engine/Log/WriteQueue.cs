using System.Diagnostics.CodeAnalysis;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// The commands that wait for the committer. Each tenant has a line of its own, and so has what is no tenant's (all of it, where there are
/// none); a group takes one command of each line in turn. So however many one tenant sends, another's next command goes with the next
/// group, as long as no more tenants wait than a group has places. Within a line the order is that of arrival. Under the committer's lock.
/// </summary>
sealed class WriteQueue(Limits limits)
{
    readonly Dictionary<Value, Queue<WriteUnit>> _lines = [];

    // Those in which somebody waits, in the order in which their turn comes.
    readonly Queue<Queue<WriteUnit>> _turns = new();

    /// <summary>Of a line that has become empty: the usual case is one that is empty again and again.</summary>
    Queue<WriteUnit>? _spare;

    public int Count { get; private set; }

    /// <summary>Lets a command wait; the fault <c>overloaded</c> when its tenant, or everybody, has too many there already.</summary>
    public Fault? Add(WriteUnit unit)
    {
        if (Count >= limits.WriteQueue) return Full("Too many writes wait for the database.");
        Value tenant = unit.Tenant;
        if (!_lines.TryGetValue(tenant, out Queue<WriteUnit>? line))
        {
            line = _spare ?? new();
            _spare = null;
            _lines.Add(tenant, line);
        }
        else if (!tenant.IsNull && line.Count >= limits.TenantQueue)
        {
            return Full("Too many writes of this tenant wait for the database.");
        }

        if (line.Count == 0) _turns.Enqueue(line);
        line.Enqueue(unit);
        Count++;
        return null;
    }

    /// <summary>Whose turn it is.</summary>
    public bool TryPeek([NotNullWhen(true)] out WriteUnit? next)
    {
        next = _turns.TryPeek(out Queue<WriteUnit>? line) ? line.Peek() : null;
        return next is not null;
    }

    /// <summary>Takes the one whose turn it is; the next is that of another line, where others wait.</summary>
    public WriteUnit Take()
    {
        Queue<WriteUnit> line = _turns.Dequeue();
        WriteUnit unit = line.Dequeue();
        Count--;
        if (line.Count > 0)
        {
            _turns.Enqueue(line);
            return unit;
        }

        // Tenants come and go; a line is kept while somebody waits in it.
        _lines.Remove(unit.Tenant);
        _spare = line;
        return unit;
    }

    static Fault Full(string message) => Faults.Overloaded.Says(message) with { RetryAfterSeconds = 1 };
}
