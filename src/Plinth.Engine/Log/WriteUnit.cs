using System.Threading.Tasks.Sources;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// A command as the committer sees it: something that runs once, synchronously, on the writer's thread, inside the transaction of its
/// group. Derive from <see cref="WriteUnit{T}"/>.
/// </summary>
abstract class WriteUnit
{
    private protected WriteUnit()
    {
    }

    /// <summary>
    /// False promises that the first statement is the only one that can refuse, and that a fault is returned only when nothing was
    /// changed. Then no savepoint is needed, which saves two statements. A broken promise fails the whole group, loudly.
    /// </summary>
    protected internal virtual bool NeedsSavepoint => true;

    /// <summary>True gives it a transaction of its own: migrations, bulk writes, restores.</summary>
    protected internal virtual bool IsExclusive => false;

    /// <summary>What follows from its events in the same transaction is written: inline projections.</summary>
    protected internal virtual bool IsDerivedFrom => true;

    /// <summary>
    /// True (with <see cref="IsExclusive"/>) stops foreign key checks while it runs; they are checked as a whole before the commit.
    /// </summary>
    protected internal virtual bool SuspendsForeignKeys => false;

    /// <summary>For whom it is: each tenant waits in a line of its own. Null for what is no tenant's.</summary>
    protected internal virtual Value Tenant => Value.Null;

    /// <summary>
    /// True (with <see cref="IsExclusive"/>) runs it on the writer's thread outside any transaction: housekeeping that a transaction does
    /// not take, and that changes nothing of what anybody reads.
    /// </summary>
    protected internal virtual bool RunsOutside => false;

    /// <summary>
    /// Says that its first statement may go ahead together with those of others, in front of every unit that says nothing: the record
    /// whose row that statement locks, or an empty text where it locks none that others change. Null where it has to wait for its turn.
    /// </summary>
    protected internal virtual string? Ahead => null;

    /// <summary>Its group is started, perhaps anew: what it kept of an earlier start is gone.</summary>
    protected internal virtual void Begin()
    {
    }

    /// <summary>
    /// Sends its first statement ahead and keeps it for <see cref="Run"/>, which takes the answer; false when it did not. Asked only of
    /// those with an <see cref="Ahead"/>, anew whenever the group is started anew.
    /// </summary>
    protected internal virtual bool Send(WriteTransaction transaction) => false;

    /// <summary>Its statement failed the group once: it runs by itself, behind the others.</summary>
    internal bool IsAlone { get; set; }

    /// <summary>Its first statement is on its way, in front of its turn.</summary>
    internal bool WentAhead { get; set; }

    internal CancellationToken Cancel { get; set; }

    /// <summary>Range of this unit's events in the group's list.</summary>
    internal int FirstEvent { get; set; }

    internal int EventCount { get; set; }

    internal abstract bool HasFailed { get; }

    internal abstract void Run(WriteTransaction transaction);

    internal abstract void Fail(Exception failure);

    internal abstract void Fail(Fault fault);

    /// <summary>
    /// The fault for a constraint that the statements did not guard against. The planner knows the fields; here only the columns.
    /// </summary>
    protected internal virtual Fault Refused(StoreConstraint constraint) => Faults.Conflict.Says(
        $"A {constraint.Kind} constraint refused the change.",
        [.. constraint.Columns.Select(static column => new FaultDetail(column, Faults.Conflict.Code, "is refused by a constraint"))]);

    /// <summary>
    /// Runs on the writer's thread after the durable commit and before the acknowledgement: for what must be true when the caller reads
    /// the answer. Must be cheap and must not throw.
    /// </summary>
    /// <param name="position">Position of the last event of this unit; the head of the log when it has none.</param>
    protected internal virtual void Committed(long position)
    {
    }

    internal abstract void Acknowledge();
}

/// <summary>A command with a result. One object, used once: it is also what its caller awaits.</summary>
abstract class WriteUnit<T> : WriteUnit, IValueTaskSource<Result<T>>
{
    // Not on the writer's thread: a continuation of a request there would hold up the next group.
    ManualResetValueTaskSourceCore<Result<T>> _source = new() { RunContinuationsAsynchronously = true };
    Result<T> _result;
    Exception? _failure;

    internal override bool HasFailed => _failure is not null || !_result.IsOk;

    internal ValueTask<Result<T>> Task => new(this, _source.Version);

    /// <summary>
    /// Makes the changes and appends their events. A fault, or an exception, undoes all that this unit did. Runs again, from the start,
    /// when its group had to be started anew.
    /// </summary>
    protected abstract Result<T> Execute(WriteTransaction transaction);

    internal override void Run(WriteTransaction transaction) => _result = Execute(transaction);

    internal override void Fail(Exception failure) => _failure = failure;

    internal override void Fail(Fault fault) => _result = fault;

    internal override void Acknowledge()
    {
        if (_failure is null) _source.SetResult(_result);
        else _source.SetException(_failure);
    }

    Result<T> IValueTaskSource<Result<T>>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<Result<T>>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<Result<T>>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

/// <summary>A unit made of a function, for those that are not worth a class.</summary>
sealed class WriteAction<T>(Func<WriteTransaction, Result<T>> action, bool isExclusive = false) : WriteUnit<T>
{
    protected internal override bool IsExclusive => isExclusive;

    protected override Result<T> Execute(WriteTransaction transaction) => action(transaction);
}
