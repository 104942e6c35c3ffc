using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>The last place of the log, and the hash over everything before it.</summary>
sealed record LogHead(long Position, long At, byte[] Hash);

/// <summary>What a check of the log found.</summary>
/// <param name="Events">Events looked at.</param>
/// <param name="Commits">Transactions looked at.</param>
/// <param name="Wrong">The first that is not as it was written, as a sentence; null when all are.</param>
sealed record LogVerification(long Events, long Commits, string? Wrong)
{
    /// <summary>The position that the log begins after: what was there before was taken away whole, signed by who has its keys.</summary>
    public long After { get; init; }

    /// <summary>Where it begins, for a sentence; empty where it begins with its first event.</summary>
    public string From => After == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" from position {After + 1} on");
}

/// <summary>
/// The log: append, read, verify. Positions are dense and in commit order because they are given at the end of a transaction by the one
/// writer. Every transaction's row in <c>plinth_commits</c> carries a hash over the one before and over its events with their digests, so
/// whoever changes, removes or inserts one has to rewrite all that follows.
/// </summary>
sealed class EventLog
{
    internal const string Columns =
        "position, ordinal, tx_id, event_id, model, record_id, version, kind, data, digest, actor, tenant_id, at, cause, "
        + "schema_version, salt, subject";

    const string InsertEvent =
        $"insert into {LogTables.Events} ({Columns}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
        + "?14, ?15, ?16, ?17)";

    const string InsertCommit = $"insert into {LogTables.Commits} (first_position, count, tx_id, at, hash) values (?1, ?2, ?3, ?4, ?5)";

    const string MoveHead = $"update {LogTables.Head} set position = ?1, at = ?2, hash = ?3 where id = 1 and position = ?4";

    const string SelectHead = $"select position, at, hash from {LogTables.Head} where id = 1";

    const string SelectAfter = $"select {Columns} from {LogTables.Events} where position > ?1 order by position limit ?2";

    // Of places that were seen it is asked which event is there, and not for what it says.
    const string SelectLook =
        $"select position, ordinal, tx_id, event_id, model, record_id, version, kind, null as data, digest, actor, tenant_id, at, cause, "
        + $"schema_version, salt, subject from {LogTables.Events} where position in (?1, ?2) "
        + $"union all select * from (select {Columns} from {LogTables.Events} where position > ?2 order by position limit ?3) behind "
        + "order by position";

    const string SelectPlace = $"select position, (select event_id from {LogTables.Events} where position = head.position) "
        + $"from {LogTables.Head} head where id = 1";

    const string SelectToFold =
        $"select {EventReader.Columns} from {LogTables.Events} where position > ?1 order by position";

    const string SelectHistory = $"select {Columns} from {LogTables.Events} where model = ?1 and record_id = ?2 and position > ?3 "
        + "and position <= ?5 order by position limit ?4";

    const string SelectMigrations = $"select {Columns} from {LogTables.Events} where record_id = '' and kind = '{EventKinds.Migrated}' "
        + "order by position";

    const string RemovePayload = $"update {LogTables.Events} set data = null, salt = null where model = ?1 and record_id = ?2";

    const string SelectCommit = $"select first_position, at, hash from {LogTables.Commits} where tx_id = ?1";

    const string SelectCommits =
        $"select first_position, count, tx_id, at, hash from {LogTables.Commits} where first_position > ?1 order by first_position";

    LogHead _head;

    public EventLog(Connection connection) => _head = ReadHead(connection);

    /// <summary>Position of the last committed event; 0 when there is none.</summary>
    public long Head => Volatile.Read(ref _head).Position;

    /// <summary>The last committed place: what the next transaction appends to.</summary>
    public LogHead Last => Volatile.Read(ref _head);

    /// <summary>Where the values of events begin, as far as it is known.</summary>
    public KnownCut Cut { get; } = new();

    /// <summary>
    /// Writes events and their commit row after a head, as the last statements of a transaction (or of a part of a very long one). The
    /// head that they make counts from <see cref="Advance"/> on, after the commit.
    /// </summary>
    public static LogHead Append(Connection connection, LogHead last, LogEvent[] events, long now)
    {
        if (events.Length == 0) return last;
        if (connection.IsShared)
        {
            using Statement append = SharedAppend.Prepare(connection, events, now);
            return SharedAppend.Place(append, events);
        }

        Guid transactionId = Guid.CreateVersion7();
        long at = Math.Max(last.At, now), position = last.Position;
        using (Statement insert = connection.Prepare(InsertEvent))
        {
            for (int i = 0; i < events.Length; i++)
            {
                LogEvent happened = events[i];
                (happened.Position, happened.Ordinal, happened.TransactionId, happened.At) = (++position, i, transactionId, at);
                Bind(insert, happened);
                insert.Run();
            }
        }

        LogHead head = new(position, at, Chain(last.Hash, events));
        using (Statement commit = connection.Prepare(InsertCommit))
        {
            commit.BindInt64(1, events[0].Position);
            commit.BindInt64(2, events.Length);
            BindGuid(commit, 3, transactionId);
            commit.BindInt64(4, at);
            commit.BindBytes(5, head.Hash);
            commit.Run();
        }

        Move(connection, from: last.Position, head);
        return head;
    }

    /// <summary>The head that a transaction of these events left behind; null when it is not in the log.</summary>
    public static LogHead? Find(Connection connection, LogEvent[] events)
    {
        using Statement select = connection.Prepare(SelectCommit);
        BindGuid(select, 1, events[0].TransactionId);
        return select.Step() ? SharedAppend.Place(events, select.ColumnInt64(0) - 1, select.ColumnInt64(1), select.ColumnBytes(2)) : null;
    }

    public void Advance(LogHead head) => Volatile.Write(ref _head, head);

    /// <summary>The place of the head, asked without holding the thread.</summary>
    public static async ValueTask<LogPlace> ReadPlaceAsync(Connection connection, CancellationToken cancel)
    {
        using Statement select = connection.Prepare(SelectPlace);
        await select.OpenAsync(cancel).ConfigureAwait(false);
        return PlaceOf(select);
    }

    public static LogPlace ReadPlace(Connection connection)
    {
        using Statement select = connection.Prepare(SelectPlace);
        return PlaceOf(select);
    }

    static LogPlace PlaceOf(Statement select) => select.Step()
        ? new LogPlace(select.ColumnInt64(0), select.IsNull(1) ? Guid.Empty : ReadGuid(select, 1))
        : throw new StoreException(StoreFailure.Corrupt, "The log has no head.");

    public static LogHead ReadHead(Connection connection)
    {
        using Statement select = connection.Prepare(SelectHead);
        return select.Step()
            ? new LogHead(select.ColumnInt64(0), select.ColumnInt64(1), select.ColumnBytes(2).ToArray())
            : throw new StoreException(StoreFailure.Corrupt, "The log has no head.");
    }

    /// <summary>Events after a position, in order, at most so many.</summary>
    public static List<LogEvent> Read(Connection connection, long after, int eventsMax)
    {
        using Statement select = connection.Prepare(SelectAfter);
        select.BindInt64(1, after);
        select.BindInt64(2, eventsMax);
        return ReadAll(select);
    }

    /// <summary>What stands at two places that were seen, and the events behind the later of them, at most so many.</summary>
    public static LogLook Look(Connection connection, LogPlace anchor, LogPlace head, int eventsMax)
    {
        using Statement select = connection.Prepare(SelectLook);
        select.BindInt64(1, anchor.Position);
        select.BindInt64(2, head.Position);
        select.BindInt64(3, eventsMax);
        LogLook look = new([], []);
        while (select.Step())
        {
            if (select.ColumnInt64(0) <= head.Position) look.Found.Add(new LogPlace(select.ColumnInt64(0), ReadGuid(select, 3)));
            else look.Page.Add(ReadOne(select));
        }

        return look;
    }

    /// <summary>All events after a position, in order, to be stepped through as <see cref="EventReader"/> reads them.</summary>
    public static Statement ScanToFold(Connection connection, long after)
    {
        Statement select = connection.PrepareStream(SelectToFold);
        select.BindInt64(1, after);
        return select;
    }

    /// <summary>The events of one record after a position, in order, at most so many, up to another position.</summary>
    public static List<LogEvent> History(
        Connection connection, string model, string recordId, long after, int eventsMax, long upTo = long.MaxValue)
    {
        using Statement select = connection.Prepare(SelectHistory);
        select.BindText(1, model);
        select.BindText(2, recordId);
        select.BindInt64(3, after);
        select.BindInt64(4, eventsMax);
        select.BindInt64(5, upTo);
        return ReadAll(select);
    }

    /// <summary>The events of whole models, of which there are few.</summary>
    public static List<LogEvent> Migrations(Connection connection)
    {
        using Statement select = connection.Prepare(SelectMigrations);
        return ReadAll(select);
    }

    /// <summary>
    /// Removes the payloads of a record's committed events: purging keeps no value. Digests stay, so the chain still verifies.
    /// </summary>
    public static void RemovePayloads(Connection connection, string model, string recordId)
    {
        using Statement remove = connection.Prepare(RemovePayload);
        remove.BindText(1, model);
        remove.BindText(2, recordId);
        remove.Run();
    }

    /// <summary>Follows the chain of hashes from the first event to the head, and compares every payload with its digest.</summary>
    public static LogVerification Verify(Connection connection, CancellationToken cancel) => Verify(connection, null, [], cancel);

    /// <param name="connection">Whose log; in no transaction.</param>
    /// <param name="signer">The public key that must have signed where the log begins; null takes any.</param>
    /// <param name="expected">What was signed of it before.</param>
    /// <param name="cancel">Stops between transactions.</param>
    public static LogVerification Verify(
        Connection connection, byte[]? signer, IReadOnlyList<SignedCheckpoint> expected, CancellationToken cancel)
    {
        // One snapshot: retention may take away meanwhile what is being looked at.
        connection.BeginRead();
        try
        {
            SignedCheckpoint begins = LogStart.Find(connection) ?? s_first;
            if (Unsigned(begins, signer) is { } wrong) return new LogVerification(0, 0, wrong);
            LogVerification found = Follow(connection, begins, expected, cancel);
            return found with
            {
                Events = found.Events - begins.Position,
                After = begins.Position,
                Wrong = found.Wrong ?? ReadLog.Verify(connection, cancel),
            };
        }
        finally
        {
            connection.Rollback();
        }
    }

    // Before the first event there is nothing, which nobody needs to sign.
    static readonly SignedCheckpoint s_first = new(0, 0, new byte[32], [], []);

    static string? Unsigned(SignedCheckpoint begins, byte[]? signer)
    {
        if (ReferenceEquals(begins, s_first)) return null;
        if (!begins.IsSigned()) return "Where the log begins is not what was signed, or never was.";
        return signer is null || signer.AsSpan().SequenceEqual(begins.Key) ? null : "Where the log begins was signed by another key.";
    }

    /// <summary>Follows the chain from where it begins; the events of the answer are counted from the first that ever was.</summary>
    static LogVerification Follow(
        Connection connection, SignedCheckpoint begins, IReadOnlyList<SignedCheckpoint> expected, CancellationToken cancel)
    {
        HashSet<SignedCheckpoint> open = [.. expected];
        byte[] hash = begins.Hash;
        long position = begins.Position, commits = 0;
        open.RemoveWhere(signed => signed.Position == position && signed.Hash.AsSpan().SequenceEqual(hash));
        using Statement select = connection.PrepareScan(SelectCommits);
        select.BindInt64(1, position);
        while (select.Step())
        {
            cancel.ThrowIfCancellationRequested();
            long first = select.ColumnInt64(0);
            int count = (int)select.ColumnInt64(1);
            LogEvent[] events = [.. Read(connection, first - 1, count)];
            string? wrong = first != position + 1 ? $"The transaction at {first} does not follow position {position}."
                : WrongEvent(events, first, count, ReadGuid(select, 2), select.ColumnInt64(3));
            if (wrong is not null) return new LogVerification(position, commits, wrong);
            hash = Chain(hash, events);
            if (!select.ColumnBytes(4).SequenceEqual(hash))
            {
                return new LogVerification(position, commits, $"The transaction at {first} is not as it was written: its hash differs.");
            }

            position += count;
            commits++;
            open.RemoveWhere(signed => signed.Position == position && signed.Hash.AsSpan().SequenceEqual(hash));
        }

        if (open.MinBy(static signed => signed.Position) is { } broken)
        {
            return new LogVerification(position, commits, broken.Position < begins.Position
                ? $"The log begins after position {begins.Position}: nothing is left of what was signed at {broken.Position}."
                : $"The log at position {broken.Position} is not the one that was signed there.");
        }

        LogHead head = ReadHead(connection);
        string? atHead = head.Position == position && head.Hash.AsSpan().SequenceEqual(hash) ? null
            : $"The head says {head.Position}, but the log ends at {position}, or another hash stands there.";
        return new LogVerification(position, commits, atHead);
    }

    static string? WrongEvent(LogEvent[] events, long first, int count, Guid transactionId, long at)
    {
        if (events.Length != count) return $"Events are missing at the end of the log, from position {first + events.Length} on.";
        for (int i = 0; i < count; i++)
        {
            LogEvent happened = events[i];
            if (happened.Position != first + i) return $"The event at position {first + i} is missing.";
            if (happened.TransactionId != transactionId || happened.At != at || happened.Ordinal != i)
            {
                return $"The event at position {first + i} does not belong to the transaction at {first}.";
            }

            if (happened.Data is { } data && !Payload.Digest(data).AsSpan().SequenceEqual(happened.Digest))
            {
                return $"The payload of the event at position {first + i} is not the one that was written.";
            }
        }

        return null;
    }

    static void Move(Connection connection, long from, LogHead to)
    {
        using Statement move = connection.Prepare(MoveHead);
        move.BindInt64(1, to.Position);
        move.BindInt64(2, to.At);
        move.BindBytes(3, to.Hash);
        move.BindInt64(4, from);
        move.Run();
        if (connection.RowsConcerned != 1)
        {
            throw new StoreException(StoreFailure.Bug, "Something else wrote to the log: its head is not where this process left it.");
        }
    }

    /// <summary>Hash over the one before and every column of the events, payloads by their digests, so that those can be removed.</summary>
    static byte[] Chain(ReadOnlySpan<byte> previous, LogEvent[] events)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(previous);
        Span<byte> place = stackalloc byte[24];
        using ByteOutput rest = new(256);
        foreach (LogEvent happened in events)
        {
            BinaryPrimitives.WriteInt64BigEndian(place, happened.Position);
            BinaryPrimitives.WriteInt64BigEndian(place[8..], happened.Version);
            BinaryPrimitives.WriteInt64BigEndian(place[16..], happened.At);
            hash.AppendData(place);
            rest.Clear();
            WriteUnplaced(rest, happened);
            hash.AppendData(rest.Written);
        }

        return hash.GetHashAndReset();
    }

    /// <summary>What is hashed of an event after its position, its version and its time, which its transaction's place decides.</summary>
    internal static void WriteUnplaced(ByteOutput to, LogEvent happened)
    {
        Span<byte> fixedPart = to.GetSpan(40);
        BinaryPrimitives.WriteInt64BigEndian(fixedPart, happened.SchemaVersion);
        happened.TransactionId.TryWriteBytes(fixedPart[8..], bigEndian: true, out _);
        happened.EventId.TryWriteBytes(fixedPart[24..], bigEndian: true, out _);
        to.Advance(40);
        to.Write(happened.Digest);
        WriteText(to, happened.Model);
        WriteText(to, happened.RecordId);
        WriteText(to, happened.Kind);
        WriteText(to, happened.Actor);
        WriteText(to, happened.TenantId);
        WriteText(to, happened.Cause);
        // Not of those that have none: events of before there were subjects have the hash that they had.
        if (happened.Subject is { } subject) WriteText(to, subject);
    }

    // Each text with its length before it, absent as -1: no two different rows give the same bytes.
    static void WriteText(ByteOutput to, string? text)
    {
        int length = text is null ? -1 : Encoding.UTF8.GetByteCount(text);
        BinaryPrimitives.WriteInt32BigEndian(to.GetSpan(4), length);
        to.Advance(4);
        if (text is { Length: > 0 }) to.Advance(Encoding.UTF8.GetBytes(text, to.GetSpan(length)));
    }

    static void Bind(Statement insert, LogEvent happened)
    {
        insert.BindInt64(1, happened.Position);
        insert.BindInt64(2, happened.Ordinal);
        BindGuid(insert, 3, happened.TransactionId);
        BindGuid(insert, 4, happened.EventId);
        insert.BindText(5, happened.Model);
        insert.BindText(6, happened.RecordId);
        insert.BindInt64(7, happened.Version);
        insert.BindText(8, happened.Kind);
        if (happened.Data is { } data) insert.BindBytes(9, data);
        else insert.BindNull(9);
        insert.BindBytes(10, happened.Digest);
        BindTextOrNull(insert, 11, happened.Actor);
        BindTextOrNull(insert, 12, happened.TenantId);
        insert.BindInt64(13, happened.At);
        BindTextOrNull(insert, 14, happened.Cause);
        insert.BindInt64(15, happened.SchemaVersion);
        if (happened.Salt is { } salt) insert.BindBytes(16, salt);
        else insert.BindNull(16);
        BindTextOrNull(insert, 17, happened.Subject);
    }

    static void BindTextOrNull(Statement statement, int parameter, string? text)
    {
        if (text is null) statement.BindNull(parameter);
        else statement.BindText(parameter, text);
    }

    static void BindGuid(Statement statement, int parameter, Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        statement.BindBytes(parameter, bytes);
    }

    static Guid ReadGuid(Statement statement, int column) => new(statement.ColumnBytes(column), bigEndian: true);

    static List<LogEvent> ReadAll(Statement select)
    {
        List<LogEvent> events = [];
        while (select.Step()) events.Add(ReadOne(select));
        return events;
    }

    /// <summary>The event that a statement over <see cref="Columns"/> stands on.</summary>
    internal static LogEvent ReadOne(Statement row) => new()
    {
        Position = row.ColumnInt64(0),
        Ordinal = (int)row.ColumnInt64(1),
        TransactionId = ReadGuid(row, 2),
        EventId = ReadGuid(row, 3),
        Model = row.ColumnText(4),
        RecordId = row.ColumnText(5),
        Version = row.ColumnInt64(6),
        Kind = KindOf(row.ColumnBytes(7)),
        Data = row.IsNull(8) ? null : row.ColumnBytes(8).ToArray(),
        Digest = row.ColumnBytes(9).ToArray(),
        Actor = row.ColumnTextOrNull(10),
        TenantId = row.ColumnTextOrNull(11),
        At = row.ColumnInt64(12),
        Cause = row.ColumnTextOrNull(13),
        SchemaVersion = (int)row.ColumnInt64(14),
        Salt = row.IsNull(15) ? null : row.ColumnBytes(15).ToArray(),
        Subject = row.ColumnTextOrNull(16),
    };

    internal static string KindOf(ReadOnlySpan<byte> kind) =>
        kind.SequenceEqual("created"u8) ? EventKinds.Created
        : kind.SequenceEqual("updated"u8) ? EventKinds.Updated
        : kind.SequenceEqual("deleted"u8) ? EventKinds.Deleted
        : Encoding.UTF8.GetString(kind);
}
