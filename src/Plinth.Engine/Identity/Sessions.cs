using System.Collections.Immutable;
using System.Security.Cryptography;
using Plinth.Identity.Tokens;
using Plinth.Plan;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>Where a sign-in comes from, as it is recorded with the session.</summary>
sealed record Client(string Address, string? Agent);

/// <summary>What someone who signed in is given.</summary>
sealed record TokenPair(string Access, string Refresh, Guid SessionId, PlatformRow User);

/// <summary>
/// Sessions: opened by a sign-in, kept alive by their refresh tokens, ended by hand, by a change of password, or by a token that is used
/// a second time. Thread-safe.
/// </summary>
sealed class Sessions(PlatformRecords records, AccessTokens access, RefreshTokens refresh, IdentityOptions options, TimeProvider time)
{
    const int AgentMax = 200;

    /// <summary>What every refusal says: not which check failed.</summary>
    public static Fault Unauthorized { get; } = Faults.Unauthorized.Says("the credentials are not valid");

    /// <summary>Opens a session of a user who has proved to be one.</summary>
    /// <param name="position">Of the log, taken before the user was read.</param>
    /// <param name="method">How: <c>password</c>, or the name of an identity provider.</param>
    public async ValueTask<Result<TokenPair>> OpenAsync(
        PlatformRow user, long position, string method, Client client, CancellationToken cancel)
    {
        Guid id = Guid.CreateVersion7(time.GetUtcNow());
        var (text, hash) = refresh.Make(id, generation: 1);
        long now = records.Now;
        Command create = PlatformRecords.Create(PlatformRecords.Session, json =>
        {
            json.WriteString("id", id.ToString());
            json.WriteString("userId", user.Id.ToString());
            json.WriteString("method", method);
            json.WriteString("address", client.Address);
            if (client.Agent is { } agent) json.WriteString("agent", agent.Length > AgentMax ? agent[..AgentMax] : agent);
            json.WriteString("refreshedAt", PlatformRecords.Time(now));
            json.WriteString("expiresAt", PlatformRecords.Time(now + Lifetime));
            json.WriteNumber("generation", 1);
            json.WriteBase64String("refreshHash", hash);
        });
        if (await records.RunAsync(user.Id.ToString(), create, cancel).ConfigureAwait(false) is { } fault) return fault;
        return await PairAsync(user, id, position, text, cancel).ConfigureAwait(false);
    }

    /// <summary>A new pair for a refresh token, which is used up by it. One that was used before ends the session.</summary>
    public async ValueTask<Result<TokenPair>> RefreshAsync(string text, CancellationToken cancel)
    {
        if (refresh.Read(text) is not { } token) return Unauthorized;
        if (records.Get(PlatformRecords.Session, token.SessionId, cancel) is not { } session || !IsOpen(session)) return Unauthorized;
        bool isCurrent = token.Generation == session.Number("generation")
            && CryptographicOperations.FixedTimeEquals(RefreshTokens.Hash(text), session.Bytes("refreshHash"));
        if (!isCurrent)
        {
            Fault? ended = await EndAsync(session.Id, session.Uuid("userId"), "reuse", cancel).ConfigureAwait(false);
            return ended ?? Unauthorized;
        }
        return await RotateAsync(session, cancel).ConfigureAwait(false);
    }

    /// <summary>A new pair for a session that is open: what its user's tokens said has changed.</summary>
    public async ValueTask<Result<TokenPair>> RenewAsync(Guid sessionId, CancellationToken cancel) =>
        records.Get(PlatformRecords.Session, sessionId, cancel) is { } session && IsOpen(session)
            ? await RotateAsync(session, cancel).ConfigureAwait(false) : Unauthorized;

    /// <summary>Ends a session of the user; one that is not the user's, or has ended, is not there.</summary>
    public async ValueTask<Fault?> RevokeAsync(Guid userId, Guid sessionId, CancellationToken cancel)
    {
        PlatformRow? session = records.Get(PlatformRecords.Session, sessionId, cancel);
        if (session is null || session.Uuid("userId") != userId || !IsOpen(session))
            return Faults.NotFound.Says("no such session");
        return await EndAsync(sessionId, userId, "logout", cancel).ConfigureAwait(false);
    }

    public ValueTask<Fault?> RevokeAllAsync(Guid userId, string why, CancellationToken cancel) =>
        records.RunAsync(userId.ToString(), EndingAll(userId, except: null, why), cancel);

    /// <summary>What ends the user's sessions, to be run together with what is the reason.</summary>
    public Command EndingAll(Guid userId, Guid? except, string why)
    {
        string others = except is { } id ? $" && id != \"{id}\"" : "";
        return PlatformRecords.UpdateAll(PlatformRecords.Session, $"userId == \"{userId}\" && revokedAt == null{others}", Ended(why));
    }

    /// <summary>The sessions of the user that can still be refreshed, the newest first.</summary>
    public ImmutableArray<PlatformRow> Open(Guid userId, CancellationToken cancel) =>
        [.. records.OfUser(PlatformRecords.Session, userId, cancel).Where(IsOpen).OrderByDescending(s => s.Time("refreshedAt"))];

    /// <summary>Whether the account was signed in to from the network of this address before.</summary>
    public bool IsKnown(Guid userId, string address, CancellationToken cancel)
    {
        string network = ClientNetwork.Of(address);
        return records.OfUser(PlatformRecords.Session, userId, cancel)
            .Any(s => s.Text("address") is { } before && ClientNetwork.Of(before) == network);
    }

    async ValueTask<Result<TokenPair>> RotateAsync(PlatformRow session, CancellationToken cancel)
    {
        long position = records.Position(cancel);
        Guid userId = session.Uuid("userId");
        if (records.Get(PlatformRecords.User, userId, cancel) is not { } user || user.Is("disabled"))
        {
            Fault? ended = await EndAsync(session.Id, userId, "disabled", cancel).ConfigureAwait(false);
            return ended ?? Unauthorized;
        }
        int generation = (int)session.Number("generation") + 1;
        var (text, hash) = refresh.Make(session.Id, generation);
        long now = records.Now;
        Command rotate = PlatformRecords.Update(PlatformRecords.Session, session, json =>
        {
            json.WriteString("refreshedAt", PlatformRecords.Time(now));
            json.WriteString("expiresAt", PlatformRecords.Time(now + Lifetime));
            json.WriteNumber("generation", generation);
            json.WriteBase64String("refreshHash", hash);
        });
        Fault? fault = await records.RunAsync(userId.ToString(), rotate, cancel).ConfigureAwait(false);
        if (fault is null) return await PairAsync(user, session.Id, position, text, cancel).ConfigureAwait(false);
        bool wasFaster = fault.Kind == Faults.PreconditionFailed || fault.Kind == Faults.VersionConflict;
        if (!wasFaster) return fault;
        // The same token at the same moment: one of the two is not the one it was given to.
        return await EndAsync(session.Id, userId, "reuse", cancel).ConfigureAwait(false) ?? Unauthorized;
    }

    async ValueTask<Result<TokenPair>> PairAsync(
        PlatformRow user, Guid sessionId, long position, string refreshText, CancellationToken cancel)
    {
        Result<string> token = await access.IssueAsync(user, sessionId, position, cancel).ConfigureAwait(false);
        return token.IsOk ? new TokenPair(token.Value, refreshText, sessionId, user) : token.Fault;
    }

    ValueTask<Fault?> EndAsync(Guid sessionId, Guid userId, string why, CancellationToken cancel) =>
        records.RunAsync(userId.ToString(), Ending(sessionId, why), cancel);

    Command Ending(Guid sessionId, string why) =>
        PlatformRecords.Update(PlatformRecords.Session, sessionId.ToString(), ifVersion: null, Ended(why));

    Action<System.Text.Json.Utf8JsonWriter> Ended(string why)
    {
        string now = PlatformRecords.Time(records.Now);
        return json =>
        {
            json.WriteString("revokedAt", now);
            json.WriteString("revokedFor", why);
        };
    }

    bool IsOpen(PlatformRow session) => session.Time("revokedAt") is null && session.Time("expiresAt") > records.Now;

    long Lifetime => (long)options.RefreshLifetime.TotalMicroseconds;
}
