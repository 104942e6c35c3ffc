using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>One reading of records of a model with <c>@@audit</c>.</summary>
/// <param name="Actor">The caller's subject, "system", or null when anonymous.</param>
/// <param name="Tenant">Text form of the caller's tenant; null where there is none.</param>
/// <param name="Kind">get, list, aggregate or live.</param>
/// <param name="AsOf">The moment that was asked about, as it was given; null for the present.</param>
/// <param name="Count">Records that were shown, or may have been where they are not named.</param>
/// <param name="Records">Their ids as the log has them; none of an aggregate, or where their keys were not shown.</param>
sealed record ReadNote(
    string Model, string Kind, string? Actor, string? Tenant, string? AsOf, int Count, IReadOnlyList<string> Records)
{
    public long Position { get; init; }

    /// <summary>Microseconds since 1970-01-01T00:00:00Z.</summary>
    public long At { get; init; }
}

/// <summary>Which readings an auditor asks for: all that is given holds; a record is one of a model.</summary>
sealed record ReadScope(string? Model, string? RecordId, string? Actor, string? Tenant, long? From, long? To, long? Before);

/// <summary>
/// Who has read what, of models that ask for it. Beside the log of events, which tells what changed: a reading changes nothing, and
/// followers, replays and caches have nothing to do with it. Each row bears a hash over the one before and itself, so that whoever changes,
/// removes or inserts one has to write all that follow anew.
/// </summary>
static class ReadLog
{
    public const string Reads = "plinth_reads";
    public const string Records = "plinth_read_records";
    public const string Head = "plinth_read_head";

    /// <summary>Where the last reading stood that retention took away: who else removes the first ones is found out.</summary>
    const string CutTable = "plinth_read_cut";

    const string Columns = "position, at, model, kind, actor, tenant_id, as_of, count, records, previous, hash";

    const string Insert = $"insert into {Reads} ({Columns}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

    const string InsertRecord = $"insert into {Records} (model, record_id, position) values (?1, ?2, ?3) on conflict do nothing";

    const string Move = $"update {Head} set position = ?1, hash = ?2 where id = 1";

    public static string Create(Dialect dialect)
    {
        string integer = dialect.ColumnType(ValueKind.Int), text = dialect.ColumnType(ValueKind.String),
            bytes = dialect.ColumnType(ValueKind.Bytes);
        return $"""
            create table if not exists {Reads} (
              position {integer} not null primary key, at {integer} not null, model {text} not null, kind {text} not null, actor {text},
              tenant_id {text}, as_of {text}, count {integer} not null, records {text} not null, previous {bytes} not null,
              hash {bytes} not null);
            create index if not exists {Reads}_model on {Reads} (model, position);
            create index if not exists {Reads}_actor on {Reads} (actor, position) where actor is not null;
            create index if not exists {Reads}_tenant on {Reads} (tenant_id, position) where tenant_id is not null;
            create table if not exists {Records} (
              model {text} not null, record_id {text} not null, position {integer} not null, primary key (model, record_id, position));
            create index if not exists {Records}_position on {Records} (position);
            create table if not exists {Head} (
              id {integer} not null primary key check (id = 1), position {integer} not null, hash {bytes} not null);
            create table if not exists {CutTable} (
              id {integer} not null primary key check (id = 1), position {integer} not null);
            """;
    }

    /// <summary>The first row of a database that has none.</summary>
    public static void Begin(Connection connection)
    {
        using Statement first = connection.Prepare(
            $"insert into {Head} (id, position, hash) select 1, 0, ?1 where not exists (select 1 from {Head})");
        first.BindBytes(1, new byte[32]);
        first.Run();
        // Of a list that was cut when nobody took note of it.
        connection.Execute($"insert into {CutTable} (id, position) select 1, coalesce((select min(position) - 1 from {Reads}), position) "
            + $"from {Head} where not exists (select 1 from {CutTable})");
    }

    /// <summary>Keeps what one request has read, one row for each model.</summary>
    public static WriteUnit<Done> Append(Dialect dialect, IReadOnlyList<ReadNote> notes) => new WriteAction<Done>(transaction =>
    {
        Connection connection = transaction.Connection;
        (long position, byte[] hash) = ReadHead(connection, dialect.LocksRows);
        foreach (ReadNote made in notes)
        {
            ReadNote note = made with { Position = ++position, At = transaction.Now };
            byte[] previous = hash;
            string records = Text(note.Records);
            hash = Chain(previous, note, records);
            using (Statement insert = connection.Prepare(Insert))
            {
                Bind(insert, note, records, previous, hash);
                insert.RunLater();
            }

            foreach (string record in note.Records)
            {
                using Statement of = connection.Prepare(InsertRecord);
                of.BindText(1, note.Model);
                of.BindText(2, record);
                of.BindInt64(3, position);
                of.RunLater();
            }
        }

        using Statement move = connection.Prepare(Move);
        move.BindInt64(1, position);
        move.BindBytes(2, hash);
        move.Run();
        return Done.It;
    });

    /// <summary>
    /// Takes notes away from the oldest on, up to the first that is not older than a time, some thousands at a time; how many. Times of
    /// several nodes may cross: what stays is one chain all the same.
    /// </summary>
    public static WriteUnit<long> Cut(long before) => new WriteAction<long>(transaction =>
    {
        const string Kept = $"select min(position) - 1 from {Reads} where at >= ?1";
        const string Old = $"select max(position) from (select position from {Reads} where position <= "
            + $"coalesce(({Kept}), (select position from {Head} where id = 1)) order by position limit 5000) as old";
        using (Statement cut = transaction.Prepare($"update {CutTable} set position = coalesce(({Old}), position) where id = 1"))
        {
            cut.BindInt64(1, before);
            cut.Run();
        }
        foreach (string table in new[] { Records, Reads })
        {
            using Statement delete = transaction.Prepare(
                $"delete from {table} where position <= (select position from {CutTable} where id = 1)");
            delete.Run();
        }

        return transaction.Connection.RowsConcerned;
    });

    /// <summary>Readings, newest first, at most so many.</summary>
    public static Statement Page(Connection connection, ReadScope scope, int limit)
    {
        StringBuilder sql = new("select r.position, r.at, r.model, r.kind, r.actor, r.tenant_id, r.as_of, r.count, r.records from ");
        sql.Append(Reads).Append(" r");
        List<object> values = [];
        List<string> held = [];
        if (scope.Model is { } model)
        {
            held.Add($"r.model = {Parameter(model)}");
            if (scope.RecordId is { } record)
            {
                sql.Append(CultureInfo.InvariantCulture, $" join {Records} o on o.position = r.position");
                held.Add($"o.model = {Parameter(model)} and o.record_id = {Parameter(record)}");
            }
        }

        if (scope.Actor is { } actor) held.Add($"r.actor = {Parameter(actor)}");
        if (scope.Tenant is { } tenant) held.Add($"r.tenant_id = {Parameter(tenant)}");
        if (scope.From is { } from) held.Add($"r.at >= {Parameter(from)}");
        if (scope.To is { } to) held.Add($"r.at <= {Parameter(to)}");
        if (scope.Before is { } before) held.Add($"r.position < {Parameter(before)}");
        if (held.Count > 0) sql.Append(" where ").AppendJoin(" and ", held);
        sql.Append(" order by r.position desc limit ").Append(Parameter((long)limit));
        Statement select = connection.Prepare(sql.ToString());
        for (int i = 0; i < values.Count; i++)
        {
            if (values[i] is long number) select.BindInt64(i + 1, number);
            else select.BindText(i + 1, (string)values[i]);
        }

        return select;

        string Parameter(object value)
        {
            values.Add(value);
            return string.Create(CultureInfo.InvariantCulture, $"?{values.Count}");
        }
    }

    /// <summary>The first reading that is not as it was written, as a sentence; null when all are.</summary>
    public static string? Verify(Connection connection, CancellationToken cancel)
    {
        // A database of an earlier version, which is only looked at, may have none, or nothing that says where they begin.
        if (!connection.Tables().ContainsKey(CutTable)) return null;
        byte[]? last = null;
        long position = connection.ScalarInt64($"select position from {CutTable} where id = 1") ?? 0;
        using (Statement select = connection.PrepareScan($"select {Columns} from {Reads} order by position"))
        {
            while (select.Step())
            {
                cancel.ThrowIfCancellationRequested();
                ReadNote note = ReadOne(select);
                byte[] previous = select.ColumnBytes(9).ToArray(), hash = select.ColumnBytes(10).ToArray();
                // What retention took away is not there to follow.
                bool follows = note.Position == position + 1 && (last is null || previous.AsSpan().SequenceEqual(last));
                if (!follows)
                {
                    return string.Create(
                        CultureInfo.InvariantCulture, $"The reading {note.Position} does not follow the reading {position}.");
                }

                if (!hash.AsSpan().SequenceEqual(Chain(previous, note, select.ColumnText(8))))
                    return string.Create(CultureInfo.InvariantCulture, $"The reading {note.Position} is not the one that was written.");
                (last, position) = (hash, note.Position);
            }
        }

        (long head, byte[] atHead) = ReadHead(connection, locks: false);
        if (head != position)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $"Readings are missing at the end: the last one is {position}, and {head} were written.");
        }

        return last is null || atHead.AsSpan().SequenceEqual(last) ? null
            : string.Create(CultureInfo.InvariantCulture, $"The reading {position}, the last, is not the one that was written.");
    }

    /// <summary>The reading that a statement stands on whose first columns are those of the table.</summary>
    public static ReadNote ReadOne(Statement row) => new(
        row.ColumnText(2), row.ColumnText(3), row.ColumnTextOrNull(4), row.ColumnTextOrNull(5), row.ColumnTextOrNull(6),
        (int)row.ColumnInt64(7), Split(row.ColumnText(8)))
    {
        Position = row.ColumnInt64(0),
        At = row.ColumnInt64(1),
    };

    static (long Position, byte[] Hash) ReadHead(Connection connection, bool locks)
    {
        using Statement select = connection.Prepare($"select position, hash from {Head} where id = 1" + (locks ? " for update" : ""));
        return select.Step() ? (select.ColumnInt64(0), select.ColumnBytes(1).ToArray())
            : throw new StoreException(StoreFailure.Corrupt, "The list of readings has no head.");
    }

    static string[] Split(string records) => records.Length == 0 ? [] : records.Split('\n');

    // No id has a line end: whatever stands in a key is escaped where keys have several parts, and refused where they have one.
    static string Text(IReadOnlyList<string> records) => string.Join('\n', records.Select(static r => r.Replace('\n', ' ')));

    static void Bind(Statement insert, ReadNote note, string records, byte[] previous, byte[] hash)
    {
        insert.BindInt64(1, note.Position);
        insert.BindInt64(2, note.At);
        insert.BindText(3, note.Model);
        insert.BindText(4, note.Kind);
        foreach (var (parameter, text) in new[] { (5, note.Actor), (6, note.Tenant), (7, note.AsOf) })
        {
            if (text is null) insert.BindNull(parameter);
            else insert.BindText(parameter, text);
        }

        insert.BindInt64(8, note.Count);
        insert.BindText(9, records);
        insert.BindBytes(10, previous);
        insert.BindBytes(11, hash);
    }

    static byte[] Chain(byte[] previous, ReadNote note, string records)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(previous);
        Span<byte> place = stackalloc byte[24];
        BinaryPrimitives.WriteInt64BigEndian(place, note.Position);
        BinaryPrimitives.WriteInt64BigEndian(place[8..], note.At);
        BinaryPrimitives.WriteInt64BigEndian(place[16..], note.Count);
        hash.AppendData(place);
        Span<byte> length = stackalloc byte[4];
        foreach (string? text in new[] { note.Model, note.Kind, note.Actor, note.Tenant, note.AsOf, records })
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text ?? "");
            BinaryPrimitives.WriteInt32BigEndian(length, text is null ? -1 : bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        return hash.GetHashAndReset();
    }
}
