using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Identity.Tokens;

/// <summary>
/// The keys of access tokens, kept as records so that every node and every start has the same ones; the private parts are sealed by the
/// key of the data folder. The newest signs; one that was replaced verifies for as long as a token that it signed may live, so that a
/// rotation signs nobody out. Thread-safe.
/// </summary>
sealed class SigningKeys : IDisposable
{
    const int KeysMax = 100;

    static readonly TimeSpan s_lookEvery = TimeSpan.FromMilliseconds(100);

    static readonly byte[] s_bound = Encoding.UTF8.GetBytes("signing key");

    readonly Engine _engine;
    readonly PlatformRecords _records;
    readonly IdentityOptions _options;
    readonly SemaphoreSlim _making = new(1, 1);
    readonly Lock _reading = new();
    ImmutableArray<Held> _keys = [];
    long _lookedAt;

    /// <summary>How often the keys were said to have changed, and at which of those they were read last.</summary>
    long _changes = 1, _changesRead;

    public SigningKeys(Engine engine, PlatformRecords records, IdentityOptions options) =>
        (_engine, _records, _options) = (engine, records, options);

    sealed record Held(TokenKey Key, long CreatedAt, long? RetiredAt);

    /// <summary>Another node, or a rotation, changed the keys: they are read again when next needed.</summary>
    public void Reload() => Interlocked.Increment(ref _changes);

    /// <summary>The key that signs now; made when there is none, or when the last one has served its time.</summary>
    public async ValueTask<Result<TokenKey>> CurrentAsync(CancellationToken cancel)
    {
        if (Newest() is { } current) return current.Key;
        await _making.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            Reload();
            if (Newest() is { } made) return made.Key;
            if (await RotateAsync(cancel).ConfigureAwait(false) is { } fault) return fault;
            return Newest() is { } fresh ? fresh.Key : Faults.NotReady.Says("no key signs tokens") with { RetryAfterSeconds = 1 };
        }
        finally
        {
            _making.Release();
        }
    }

    /// <summary>A new key signs from now on; those before it verify until what they signed has expired.</summary>
    public async ValueTask<Fault?> RotateAsync(CancellationToken cancel)
    {
        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        using TokenKey key = TokenKey.Create(id, _options.Algorithm);
        byte[] sealedKey = _engine.Store.Keys.Seal(key.Private(), s_bound);
        string sealedBy = _engine.Store.Keys.CurrentId;
        ImmutableArray<Command>.Builder commands = ImmutableArray.CreateBuilder<Command>();
        string now = PlatformRecords.Time(_records.Now);
        foreach (PlatformRow row in Rows(cancel))
        {
            if (row.Time("retiredAt") is null)
            {
                commands.Add(PlatformRecords.Update(PlatformRecords.SigningKey, row.Text("kid")!, ifVersion: null, json => // its key
                    json.WriteString("retiredAt", now)));
            }
            else if (!MayStillVerify(row.Time("retiredAt")))
            {
                commands.Add(new Command { Model = PlatformRecords.SigningKey, Kind = CommandKind.Delete, Key = [row.Text("kid")!] });
            }
        }
        commands.Add(PlatformRecords.Create(PlatformRecords.SigningKey, json =>
        {
            json.WriteString("kid", id);
            json.WriteString("algorithm", key.Algorithm.ToString());
            json.WriteString("sealedBy", sealedBy);
            json.WriteBase64String("sealedKey", sealedKey);
        }));
        Fault? fault = await _records.RunAllAsync(null, commands.ToImmutable(), cancel).ConfigureAwait(false);
        Reload();
        return fault;
    }

    /// <summary>A key that may still verify; null when no such key is known.</summary>
    public TokenKey? Find(string id)
    {
        Held? held = Kept(id);
        if (held is null && MayBeNew())
        {
            Reload();
            held = Kept(id);
        }
        return held is not null && MayStillVerify(held.RetiredAt) ? held.Key : null;
    }

    Held? Kept(string id)
    {
        foreach (Held held in Keys())
        {
            if (string.Equals(held.Key.Id, id, StringComparison.Ordinal)) return held;
        }
        return null;
    }

    /// <summary>
    /// Another node may have made the key a moment ago, and the log has not told yet: looked up ten times a second at most, so that
    /// invented ids cost nothing.
    /// </summary>
    bool MayBeNew()
    {
        long last = Volatile.Read(ref _lookedAt);
        if (!_engine.Store.Database.IsShared || _engine.Time.GetElapsedTime(last) < s_lookEvery) return false;
        return Interlocked.CompareExchange(ref _lookedAt, _engine.Time.GetTimestamp(), last) == last;
    }

    /// <summary>The document of <c>/.well-known/jwks.json</c>: the public parts of all keys that may still verify.</summary>
    public void WritePublic(ByteOutput json)
    {
        json.Write("{\"keys\":["u8);
        bool isFirst = true;
        foreach (Held held in Keys())
        {
            int start = json.Length;
            if (!MayStillVerify(held.RetiredAt)) continue;
            if (!isFirst) json.Write((byte)',');
            json.Write("{\"use\":\"sig\""u8);
            TokenKey.Member(json, "kid", held.Key.Id);
            TokenKey.Member(json, "alg", held.Key.Algorithm.ToString());
            if (held.Key.TryWritePublic(json))
            {
                json.Write((byte)'}');
                isFirst = false;
                continue;
            }
            json.Truncate(start);
        }
        json.Write("]}"u8);
    }

    /// <summary>The keys as a person is shown them: id, algorithm, since when, until when they signed.</summary>
    public ImmutableArray<(string Id, TokenAlgorithm Algorithm, long CreatedAt, long? RetiredAt)> List() =>
        [.. Keys().Select(k => (k.Key.Id, k.Key.Algorithm, k.CreatedAt, k.RetiredAt))];

    public void Dispose()
    {
        foreach (Held held in _keys) held.Key.Dispose();
        _making.Dispose();
    }

    Held? Newest()
    {
        long oldest = _records.Now - (long)_options.KeyLifetime.TotalMicroseconds;
        Held? newest = null;
        foreach (Held held in Keys())
        {
            bool signs = held.RetiredAt is null && held.Key.Algorithm == _options.Algorithm && held.CreatedAt > oldest;
            if (signs && (newest is null || held.CreatedAt > newest.CreatedAt)) newest = held;
        }
        return newest;
    }

    bool MayStillVerify(long? retiredAt) =>
        retiredAt is null || retiredAt > _records.Now - (long)(_options.AccessLifetime * 2).TotalMicroseconds;

    ImmutableArray<Held> Keys()
    {
        if (Volatile.Read(ref _changesRead) == Volatile.Read(ref _changes)) return _keys;
        lock (_reading)
        {
            // What changes while it is being read is read again by the next.
            long changes = Volatile.Read(ref _changes);
            if (_changesRead == changes) return _keys;
            Dictionary<string, Held> known = _keys.ToDictionary(k => k.Key.Id, StringComparer.Ordinal);
            ImmutableArray<Held>.Builder keys = ImmutableArray.CreateBuilder<Held>();
            foreach (PlatformRow row in Rows(CancellationToken.None))
            {
                string id = row.Text("kid")!; // its key
                TokenKey? key = known.TryGetValue(id, out Held? held) ? held.Key : Open(id, row);
                if (key is not null) keys.Add(new Held(key, row.Time("createdAt") ?? 0, row.Time("retiredAt")));
            }
            // Keys that are gone are left to the collector: a request may be verifying with one of them.
            _keys = keys.ToImmutable();
            // Last: whoever sees that they were read sees them.
            Volatile.Write(ref _changesRead, changes);
            return _keys;
        }
    }

    TokenKey? Open(string id, PlatformRow row)
    {
        if (!Enum.TryParse(row.Text("algorithm"), out TokenAlgorithm algorithm)) return null;
        byte[]? secret = _engine.Store.Keys.Open(row.Text("sealedBy")!, row.Bytes("sealedKey"), s_bound); // a required field
        return secret is null ? null : TokenKey.Open(id, algorithm, secret);
    }

    ImmutableArray<PlatformRow> Rows(CancellationToken cancel) => _records.All(PlatformRecords.SigningKey, KeysMax, cancel);
}
