using Plinth.Text;

namespace Plinth.Store;

/// <summary>Why the database did not do what a statement asked.</summary>
enum StoreFailure
{
    /// <summary>A declared constraint of the data refused the statement; <see cref="StoreException.Constraint"/> says which.</summary>
    Constraint,

    /// <summary>No space for the write.</summary>
    Full,

    /// <summary>The file, or its file system, cannot be written.</summary>
    ReadOnly,

    /// <summary>Another connection or process holds what the statement needs.</summary>
    Busy,

    /// <summary>Another transaction came first: the same statements may succeed when they are run again.</summary>
    Conflict,

    /// <summary>The part of the log for its next events has not been made yet: the same statements succeed when it is.</summary>
    NoPlace,

    /// <summary>The file is damaged, or is not a database.</summary>
    Corrupt,

    /// <summary>The statement ran past its time.</summary>
    TimedOut,

    /// <summary>A value or a statement is over a bound of the database.</summary>
    TooLarge,

    /// <summary>The operating system failed to read or write.</summary>
    InputOutput,

    /// <summary>The file cannot be opened, or belongs to a running process.</summary>
    Unavailable,

    /// <summary>The answer to a commit was lost, and what became of it could not be found out.</summary>
    Unknown,

    /// <summary>Wrong SQL, wrong use of the driver: a bug of ours.</summary>
    Bug,
}

/// <summary>The kinds of constraint that the tables declare.</summary>
enum ConstraintKind
{
    Unique,
    PrimaryKey,
    NotNull,
    Check,
    ForeignKey,
}

/// <summary>The constraint that refused a statement, as far as the database tells.</summary>
/// <param name="Kind">What sort of constraint it is.</param>
/// <param name="Table">The table, where the database names it.</param>
/// <param name="Columns">The columns of a unique or not-null constraint; empty where the database does not name them.</param>
/// <param name="Name">The name of a check constraint or of an expression index.</param>
sealed record StoreConstraint(ConstraintKind Kind, string? Table, IReadOnlyList<string> Columns, string? Name);

/// <summary>
/// A failure of the database. Drivers raise it from one method each. A constraint's failure is what a caller can cause, and the
/// committer turns it into that command's fault; all others fail the request, and are turned into a problem once, at the edge.
/// </summary>
sealed class StoreException(StoreFailure failure, string message, StoreConstraint? constraint = null, Exception? inner = null)
    : Exception(message, inner)
{
    public StoreFailure Failure { get; } = failure;

    public StoreConstraint? Constraint { get; } = constraint;

    /// <summary>Whose statement it was (<see cref="Connection.Owner"/>), where it can be told from the others that went with it.</summary>
    public object? Owner { get; init; }

    /// <summary>
    /// What a caller is told, where there is something to tell: the storage refuses, and nothing was written. Null for a constraint,
    /// which the planner names by its fields, and for what is broken on our side.
    /// </summary>
    public Fault? ToFault() => Failure switch
    {
        StoreFailure.Full =>
            Faults.StorageUnavailable.Says("The disk is full. Nothing was written.", "Make room; writing resumes by itself."),
        StoreFailure.ReadOnly => Faults.StorageUnavailable.Says("The storage cannot be written. Nothing was written."),
        StoreFailure.InputOutput => Faults.StorageUnavailable.Says("The storage failed to read or write. Nothing was written."),
        StoreFailure.Unavailable => Faults.StorageUnavailable.Says("The storage is not available. Nothing was written."),
        StoreFailure.Unknown => Faults.StorageUnavailable.Says(
            "The connection to the storage was lost while the change was committed, and whether it was written is not known.",
            "Repeat the request with the same Idempotency-Key, or read the record first."),
        StoreFailure.Conflict => Faults.Overloaded.Says("Others change the same records.") with { RetryAfterSeconds = 1 },
        StoreFailure.NoPlace => Faults.Overloaded.Says("The log is being extended.") with { RetryAfterSeconds = 1 },
        StoreFailure.Busy => Faults.Overloaded.Says("The database is busy.") with { RetryAfterSeconds = 1 },
        StoreFailure.TimedOut => Faults.Timeout.Says("A statement ran past its time and was stopped."),
        StoreFailure.TooLarge => Faults.LimitExceeded.Says("A value is larger than the database holds."),
        StoreFailure.Constraint or StoreFailure.Corrupt or StoreFailure.Bug => null,
        _ => throw new InvalidOperationException($"no such failure: {Failure}"),
    };
}
