using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Plinth.Identity.Oidc;
using Plinth.Identity.Tokens;
using Plinth.Schema;

namespace Plinth.Identity;

/// <summary>The decoders that a host brings, asked in their order. Thread-safe.</summary>
sealed class TokenDecoders(ImmutableArray<TokenDecoder> decoders, string ownIssuer, Action<string> warn)
{
    static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(10);

    public bool IsOn => !decoders.IsEmpty;

    /// <exception cref="RemoteException">A decoder cannot tell now.</exception>
    public async ValueTask<Identified?> VerifyAsync(string credential, AuthShape auth, CancellationToken cancel)
    {
        if (credential.Length is 0 or > JsonWebToken.LengthMax || IsOurs(credential)) return null;
        foreach (TokenDecoder decoder in decoders)
        {
            if (await AskAsync(decoder, credential, cancel).ConfigureAwait(false) is not { } decoded) continue;
            if (decoded.Subject.Length == 0 || decoded.Claims.ValueKind != JsonValueKind.Object)
            {
                warn("a token decoder named nobody, or claims that are no object; the token was refused");
                return null;
            }
            // What does not fit the schema is a bad token: a caller who is known by half is not known.
            return UserClaims.Read(auth, Encoding.UTF8.GetBytes(decoded.Claims.GetRawText())) is { } claims
                ? new Identified(claims, decoded.Subject, SessionId: null, Scopes: null) : null;
        }
        return null;
    }

    static async ValueTask<DecodedToken?> AskAsync(TokenDecoder decoder, string credential, CancellationToken cancel)
    {
        using CancellationTokenSource bounded = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        bounded.CancelAfter(s_timeout);
        try
        {
            return await decoder(credential, bounded.Token).AsTask().WaitAsync(bounded.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            // Its message may hold the credential.
            throw new RemoteException($"a token decoder failed with {e.GetType().Name}");
        }
    }

    /// <summary>What we gave out, or says so, is good or bad by our own word: no decoder brings back a session that has ended.</summary>
    bool IsOurs(string credential)
    {
        bool isOpaque = credential.StartsWith(TokenText.ApiToken, StringComparison.Ordinal)
            || credential.StartsWith(TokenText.Refresh, StringComparison.Ordinal)
            || credential.StartsWith(TokenText.Code, StringComparison.Ordinal);
        if (isOpaque || JsonWebToken.Read(credential) is not { } token) return isOpaque;
        using JsonDocument? payload = JsonWebToken.Document(token.Payload);
        return payload is not null && JsonWebToken.Text(payload.RootElement, "iss") == ownIssuer;
    }
}
