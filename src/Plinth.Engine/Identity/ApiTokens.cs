using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Plinth.Log;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>What a key of a program says: for whom it acts, and what for.</summary>
/// <param name="Position">Position of the log whose state of the user and of the key this is.</param>
sealed record ApiIdentity(
    AuthShape Shape, Value Claims, string Subject, Guid UserId, TokenScopes Scopes, long Position, long? ExpiresAt, long ReadAt);

/// <summary>
/// Keys of programs: <c>plk_</c> and letters and digits, shown once, kept as a hash. A key acts for its user within its scopes, for as
/// long as neither ends. What was looked up is kept (bounded) until the log tells that the key or its user changed. Thread-safe.
/// </summary>
/// <param name="keptMax">Keys that are remembered, so that each is looked up once in a while and not with each request.</param>
sealed class ApiTokens(PlatformRecords records, Revocations revocations, int keptMax)
{
    const int IdBytes = 16, SecretBytes = 24, PrefixLength = 12, ScopesMax = 64;

    const long KeptMicroseconds = 30_000_000;

    BoundedCache<ApiIdentity> _known = new(keptMax);

    public int Kept => Volatile.Read(ref _known).Count;

    /// <summary>A key or a user changed: all that was looked up is looked up again.</summary>
    public void Forget(LogEvent changed)
    {
        if (changed.Kind != EventKinds.Created) Forget();
    }

    public void Forget() => Volatile.Write(ref _known, new(keptMax));

    /// <summary>Makes a key and gives its text, which nobody can give again.</summary>
    public async ValueTask<Result<(string Text, Guid Id)>> CreateAsync(
        Guid userId, string name, ImmutableArray<string> scopes, long? expiresAt, CancellationToken cancel)
    {
        List<FaultDetail> problems = [];
        if (scopes.IsEmpty || scopes.Length > ScopesMax) problems.Add(new("scopes", "length", $"needs 1 to {ScopesMax} scopes"));
        for (int i = 0; i < scopes.Length; i++)
        {
            if (TokenScopes.Refuse(scopes[i], records.Schema) is { } wrong) problems.Add(new($"scopes[{i}]", "scope", wrong));
        }
        if (expiresAt <= records.Now) problems.Add(new("expiresAt", "range", "is in the past"));
        if (problems.Count > 0) return Faults.ValidationFailed.Says($"{problems.Count} fields are not acceptable", [.. problems]);
        byte[] content = new byte[IdBytes + SecretBytes];
        Guid id = Guid.CreateVersion7();
        id.TryWriteBytes(content, bigEndian: true, out _);
        RandomNumberGenerator.Fill(content.AsSpan(IdBytes));
        string text = TokenText.Write(TokenText.ApiToken, content);
        Fault? fault = await records.RunAsync(userId.ToString(), PlatformRecords.Create(PlatformRecords.ApiToken, json =>
        {
            json.WriteString("id", id.ToString());
            json.WriteString("userId", userId.ToString());
            json.WriteString("name", name);
            json.WriteString("prefix", text[..PrefixLength]);
            json.WriteStartArray("scopes");
            foreach (string scope in scopes) json.WriteStringValue(scope);
            json.WriteEndArray();
            if (expiresAt is { } at) json.WriteString("expiresAt", PlatformRecords.Time(at));
            json.WriteBase64String("hash", Hash(text));
        }), cancel).ConfigureAwait(false);
        return fault is null ? (text, id) : fault;
    }

    public ImmutableArray<PlatformRow> Of(Guid userId, CancellationToken cancel) =>
        records.OfUser(PlatformRecords.ApiToken, userId, cancel);

    public async ValueTask<Fault?> RevokeAsync(Guid userId, Guid id, CancellationToken cancel)
    {
        if (records.Get(PlatformRecords.ApiToken, id, cancel) is not { } token || token.Uuid("userId") != userId)
            return Faults.NotFound.Says("no such token");
        return await records.RunAsync(userId.ToString(), PlatformRecords.Delete(PlatformRecords.ApiToken, id),
            cancel).ConfigureAwait(false);
    }

    /// <summary>What the key says, when it is one of ours and good now; null otherwise.</summary>
    public ApiIdentity? Verify(ReadOnlySpan<char> text, CancellationToken cancel)
    {
        BoundedCache<ApiIdentity> known = Volatile.Read(ref _known);
        ApiIdentity? found = known.Find(text);
        // Revocations are remembered for as long as an access token lives; what is kept here must not outlive them.
        if (found is null || !ReferenceEquals(found.Shape, records.Schema.Auth) || found.ReadAt < records.Now - KeptMicroseconds
            || revocations.IsVoid(found.UserId, sessionId: null, found.Position))
        {
            found = Read(text.ToString(), cancel);
            if (found is not null) known.Put(text.ToString(), found);
        }
        return found is not null && !(found.ExpiresAt <= records.Now)
            && !revocations.IsVoid(found.UserId, sessionId: null, found.Position) ? found : null;
    }

    ApiIdentity? Read(string text, CancellationToken cancel)
    {
        byte[] content = new byte[IdBytes + SecretBytes];
        if (!TokenText.TryRead(TokenText.ApiToken, text, content) || records.Schema.Auth is not { } auth) return null;
        long position = records.Position(cancel);
        PlatformRow? token = records.Get(PlatformRecords.ApiToken, new Guid(content.AsSpan(0, IdBytes), bigEndian: true), cancel);
        if (token is null || !CryptographicOperations.FixedTimeEquals(Hash(text), token.Bytes("hash"))) return null;
        if (records.Get(PlatformRecords.User, token.Uuid("userId"), cancel) is not { } user || user.Is("disabled")) return null;
        return UserClaims.Of(records.Schema, auth, user) is { } claims
            ? new(auth, claims, user.Id.ToString(), user.Id, new TokenScopes(token.Texts("scopes")), position, token.Time("expiresAt"),
                records.Now) : null;
    }

    static byte[] Hash(string text) => SHA256.HashData(Encoding.ASCII.GetBytes(text));
}
