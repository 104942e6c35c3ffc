using Plinth.Store;

namespace Plinth.Log;

/// <summary>What a copy shows, in the snapshot in which it was asked.</summary>
/// <param name="Position">Of the last event.</param>
/// <param name="Follows">It follows another server: one that does not is a copy no longer, and its log may be another one.</param>
/// <param name="SchemaVersion">Of the tables.</param>
readonly record struct CopyState(long Position, bool Follows, int SchemaVersion);

/// <summary>A copy of the database, and how it is doing. Safe for any number of threads.</summary>
sealed class Replica(DatabaseCopy copy)
{
    long _position = -1;
    int _isUp, _isAsked;
    long _answers, _refusals, _askedAt;

    public string Name => copy.Name;

    /// <summary>It answers and follows, as far as is known.</summary>
    public bool IsUp => Volatile.Read(ref _isUp) != 0;

    /// <summary>The last position that it has shown.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Its age when it was last asked.</summary>
    public TimeSpan Age { get; private set; } = TimeSpan.MaxValue;

    /// <summary>Answers that came from it.</summary>
    public long Answers => Volatile.Read(ref _answers);

    /// <summary>Times that it was asked in vain: it failed, or showed what was too old.</summary>
    public long Refusals => Volatile.Read(ref _refusals);

    public ValueTask<ReadLease> ReadAsync(ReadLane lane, CancellationToken cancel) => copy.ReadAsync(lane, cancel);

    /// <summary>What asks for its state, in the snapshot of the connection's transaction.</summary>
    public static Statement Asking(Connection connection, string followsAnother) => connection.Prepare(
        $"select position, {followsAnother}, (select max(version) from {LogTables.Schemas}) from {LogTables.Head} where id = 1");

    public static CopyState StateOf(Statement asked) => asked.Step()
        ? new CopyState(asked.ColumnInt64(0), asked.ColumnInt64(1) != 0, (int)asked.ColumnInt64(2))
        : throw new StoreException(StoreFailure.Corrupt, "The log has no head.");

    /// <summary>One asks at a time. False while another does, who began at <see cref="AskedAt"/>.</summary>
    public bool TryBegin(long now)
    {
        if (Interlocked.Exchange(ref _isAsked, 1) != 0) return false;
        Volatile.Write(ref _askedAt, now);
        return true;
    }

    public long AskedAt => Volatile.Read(ref _askedAt);

    public void End() => Volatile.Write(ref _isAsked, 0);

    public void Showed(CopyState state, TimeSpan age)
    {
        Age = age;
        // A copy that was made anew may be behind what it was.
        Volatile.Write(ref _position, state.Position);
        Volatile.Write(ref _isUp, state.Follows ? 1 : 0);
    }

    public void Failed() => Volatile.Write(ref _isUp, 0);

    public void CountAnswer() => Interlocked.Increment(ref _answers);

    public void CountRefusal() => Interlocked.Increment(ref _refusals);
}
