using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>What a unit of commands answers with: one answer per command, fresh or replayed.</summary>
/// <param name="Fresh">Of commands that ran.</param>
/// <param name="Replayed">Of an earlier request with the same idempotency key; then nothing ran.</param>
sealed record UnitAnswers(ImmutableArray<Written> Fresh, ImmutableArray<StoredAnswer> Replayed);

/// <summary>One kept answer.</summary>
/// <param name="Body">Null when there was none, or it was too large to be kept.</param>
/// <param name="NeedsBodyHash">As <see cref="WriteReply.NeedsBodyHash"/>.</param>
sealed record StoredAnswer(WriteOutcome Outcome, long Version, ImmutableArray<string> Key, byte[]? Body, bool NeedsBodyHash);

/// <summary>
/// Answers kept under idempotency keys: written in the transaction that they answer for, sealed like secrets of the log, for a day. Only
/// answers of what committed are there; a refusal wrote nothing and is decided anew.
/// </summary>
/// <param name="keys">Seal the answers.</param>
/// <param name="limits">For how many hours an answer is kept, and up to what size: the replay of a larger one has the status and the
/// Location alone.</param>
sealed class AnswerStore(LogKeys keys, Limits limits)
{
    public const string Table = "plinth_idempotency";

    const long MicrosecondsPerHour = 3_600_000_000;

    const int SweptPerCommand = 8;

    const string Guard = $"insert into {Table} (scope, key, digest, key_id, answer, expires_at) values (?1, ?2, ?3, '', ?4, ?5) "
        + "on conflict (scope, key) do nothing";

    const string Keep = $"update {Table} set key_id = ?3, answer = ?4 where scope = ?1 and key = ?2";

    const string Find = $"select digest, key_id, answer, expires_at from {Table} where scope = ?1 and key = ?2";

    /// <summary>Answers of one look at all of them.</summary>
    const int PageAnswers = 200;

    const string After = $"select scope, key, key_id, answer from {Table} where (scope > ?1 or (scope = ?1 and key > ?2)) and key_id <> '' "
        + "order by scope, key limit ?3";

    const string Forget = $"delete from {Table} where scope = ?1 and key = ?2";

    const string Sweep = $"delete from {Table} where (scope, key) in (select scope, key from {Table} where expires_at <= ?1 limit ?2)";

    public static void Create(Connection connection, Dialect dialect)
    {
        string integer = dialect.ColumnType(ValueKind.Int), text = dialect.ColumnType(ValueKind.String),
            bytes = dialect.ColumnType(ValueKind.Bytes);
        connection.Execute($"""
            create table if not exists {Table} (scope {text} not null, key {text} not null, digest {bytes} not null, key_id {text} not null,
              answer {bytes} not null, expires_at {integer} not null, primary key (scope, key));
            create index if not exists {Table}_expiry on {Table} (expires_at);
            """);
    }

    /// <summary>Takes the key for this command, or finds what it answered before.</summary>
    /// <returns>Null when the key is taken now; the earlier answers; or <c>idempotency_mismatch</c>.</returns>
    public Result<ImmutableArray<StoredAnswer>?> Take(WriteTransaction transaction, IdempotencyKey key, long now)
    {
        using (Statement sweep = transaction.Prepare(Sweep))
        {
            sweep.BindInt64(1, now);
            sweep.BindInt64(2, SweptPerCommand);
            sweep.Run();
        }
        if (Insert(transaction, key, now)) return (ImmutableArray<StoredAnswer>?)null;
        using (Statement find = Bound(transaction, Find, key))
        {
            if (!find.Step()) throw new InvalidOperationException("a taken key that is not there");
            if (find.ColumnInt64(3) > now)
            {
                return find.ColumnBytes(0).SequenceEqual(key.RequestDigest.AsSpan())
                    ? Open(key, find.ColumnText(1), find.ColumnBytes(2))
                    : Faults.IdempotencyMismatch.Says("the Idempotency-Key was used with another request");
            }
        }
        using (Statement forget = Bound(transaction, Forget, key)) forget.Run();
        if (!Insert(transaction, key, now)) throw new InvalidOperationException("a forgotten key that is still taken");
        return (ImmutableArray<StoredAnswer>?)null;
    }

    /// <summary>Keeps the answers under the key that was taken.</summary>
    public void Put(WriteTransaction transaction, IdempotencyKey key, IEnumerable<StoredAnswer> answers)
    {
        using ByteOutput plain = new();
        Write(plain, answers);
        using Statement keep = Bound(transaction, Keep, key);
        keep.BindText(3, keys.CurrentId);
        keep.BindBytes(4, keys.Seal(plain.Written, Bound(key.Scope, key.Key)));
        keep.Run();
    }

    /// <summary>
    /// Takes the bodies out of kept answers about records with one of these keys, of whatever model: a replay then has the status and the
    /// Location alone, as that of a large answer has.
    /// </summary>
    /// <returns>How many answers gave theirs up.</returns>
    public int ForgetBodies(WriteTransaction transaction, IReadOnlySet<string> recordKeys)
    {
        int forgotten = 0;
        for (List<KeptAnswer> page = Page(transaction, default); page.Count > 0; page = Page(transaction, page[^1]))
        {
            foreach (KeptAnswer kept in page)
            {
                byte[] bound = Bound(kept.Scope, kept.Key);
                if (Opened(kept, bound) is not { } answers) continue;
                if (!answers.Any(a => a.Body is not null && Concerns(a))) continue;
                using ByteOutput plain = new();
                Write(plain, answers.Select(a => Concerns(a) ? a with { Body = null } : a));
                using Statement keep = transaction.Prepare(Keep);
                keep.BindText(1, kept.Scope);
                keep.BindText(2, kept.Key);
                keep.BindText(3, keys.CurrentId);
                keep.BindBytes(4, keys.Seal(plain.Written, bound));
                keep.Run();
                forgotten++;
            }
        }
        return forgotten;

        // An answer about many records names none of them.
        bool Concerns(StoredAnswer answer) => answer.Key.IsDefaultOrEmpty || recordKeys.Contains(string.Join(',', answer.Key));
    }

    ImmutableArray<StoredAnswer>? Opened(KeptAnswer kept, byte[] bound)
    {
        try
        {
            return keys.Open(kept.KeyId, kept.Answer, bound) is { } plain ? Read(plain) : null;
        }
        catch (CryptographicException)
        {
            // Sealed by another installation's key of the same name: nobody opens it here.
            return null;
        }
    }

    static List<KeptAnswer> Page(WriteTransaction transaction, in KeptAnswer after)
    {
        using Statement select = transaction.Prepare(After);
        select.BindText(1, after.Scope ?? "");
        select.BindText(2, after.Key ?? "");
        select.BindInt64(3, PageAnswers);
        List<KeptAnswer> page = [];
        while (select.Step())
            page.Add(new(select.ColumnText(0), select.ColumnText(1), select.ColumnText(2), select.ColumnBytes(3).ToArray()));
        return page;
    }

    static byte[] Bound(string scope, string key) => System.Text.Encoding.UTF8.GetBytes(scope + "\n" + key);

    readonly record struct KeptAnswer(string Scope, string Key, string KeyId, byte[] Answer);

    /// <summary>The answer of an earlier request as the answer of this one.</summary>
    public static WriteReply Reply(StoredAnswer answer)
    {
        ByteOutput? body = null;
        if (answer.Body is { } bytes)
        {
            body = new ByteOutput(Math.Max(1, bytes.Length));
            body.Write(bytes);
        }
        return new()
        {
            Outcome = answer.Outcome,
            Body = body,
            Version = answer.Version,
            NeedsBodyHash = answer.NeedsBodyHash,
            Key = answer.Key,
            IsReplayed = true,
        };
    }

    bool Insert(WriteTransaction transaction, IdempotencyKey key, long now)
    {
        using Statement guard = Bound(transaction, Guard, key);
        guard.BindBytes(3, key.RequestDigest.AsSpan());
        guard.BindBytes(4, default);
        guard.BindInt64(5, now + (limits.IdempotencyHours * MicrosecondsPerHour));
        guard.Run();
        return transaction.Connection.RowsConcerned > 0;
    }

    static Statement Bound(WriteTransaction transaction, string sql, IdempotencyKey key)
    {
        Statement statement = transaction.Prepare(sql);
        statement.BindText(1, key.Scope);
        statement.BindText(2, key.Key);
        return statement;
    }

    Result<ImmutableArray<StoredAnswer>?> Open(IdempotencyKey key, string keyId, ReadOnlySpan<byte> box)
    {
        try
        {
            if (keys.Open(keyId, box, Bound(key.Scope, key.Key)) is { } plain) return Read(plain);
        }
        catch (CryptographicException)
        {
            // Sealed by another installation's key of the same name.
        }
        // Without its key the answer is lost, and running the command again is what the caller asked us never to do.
        return Faults.IdempotencyMismatch.Says("the answer of the first request can no longer be opened");
    }

    /// <summary><c>[[outcome, version, [key…], "base64 of the body" or null, needs a body hash]…]</c></summary>
    void Write(ByteOutput output, IEnumerable<StoredAnswer> answers)
    {
        using Utf8JsonWriter json = new(output);
        json.WriteStartArray();
        foreach (StoredAnswer answer in answers)
        {
            json.WriteStartArray();
            json.WriteNumberValue((int)answer.Outcome);
            json.WriteNumberValue(answer.Version);
            json.WriteStartArray();
            foreach (string part in answer.Key) json.WriteStringValue(part);
            json.WriteEndArray();
            if (answer.Body is { } body && body.Length <= limits.AnswerBytes) json.WriteBase64StringValue(body);
            else json.WriteNullValue();
            json.WriteBooleanValue(answer.NeedsBodyHash);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    }

    static ImmutableArray<StoredAnswer>? Read(byte[] plain)
    {
        using JsonDocument document = JsonDocument.Parse(plain);
        return
        [
            .. document.RootElement.EnumerateArray().Select(static answer => new StoredAnswer(
                (WriteOutcome)answer[0].GetInt32(),
                answer[1].GetInt64(),
                [.. answer[2].EnumerateArray().Select(static part => part.GetString()!)],
                answer[3].ValueKind == JsonValueKind.Null ? null : answer[3].GetBytesFromBase64(),
                answer[4].GetBoolean())),
        ];
    }
}
