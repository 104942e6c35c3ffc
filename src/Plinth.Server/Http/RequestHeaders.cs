using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Plinth.Plan;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>Request headers that mean something to a command or a query, read strictly.</summary>
static class RequestHeaders
{
    const int KeyLengthMax = 255;
    const int AnonymousKeyLengthMin = 22;
    const int StalenessSecondsMax = 86_400;

    /// <summary>
    /// The idempotency key with its scope: the caller and the route. An anonymous caller is known by its address only, which others may
    /// share, so its keys must be too long to guess.
    /// </summary>
    public static Result<IdempotencyKey?> Idempotency(Exchange exchange, ReadOnlySpan<byte> body)
    {
        if (!exchange.Headers.TryGetValue("Idempotency-Key", out StringValues values)) return (IdempotencyKey?)null;
        string key = values.ToString().Trim();
        // A structured-field string, as the draft has it; or bare, as most clients send it.
        if (key.Length >= 2 && key[0] == '"' && key[^1] == '"') key = key[1..^1];
        if (values.Count != 1 || key.Length is 0 or > KeyLengthMax || key.Any(c => c is < '!' or > '~' or '"' or '\\'))
            return Faults.MalformedHeader.Says($"Idempotency-Key: 1 to {KeyLengthMax} visible ASCII characters were expected");
        string? subject = exchange.Caller.Account;
        if (subject is null && key.Length < AnonymousKeyLengthMin)
            return Faults.MalformedHeader.Says(
                $"Idempotency-Key: without an identity a key has at least {AnonymousKeyLengthMin} characters");
        string who = subject is null ? "a:" + exchange.Address : "u:" + subject;
        string scope = $"{who} {exchange.MethodName} {exchange.Target.Path}";
        return new IdempotencyKey(scope, key, Digest(exchange, body));
    }

    static ImmutableArray<byte> Digest(Exchange exchange, ReadOnlySpan<byte> body)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{exchange.MethodName} {exchange.Target.Path}?{exchange.Target.Query}"));
        hash.AppendData("\n"u8);
        hash.AppendData(Encoding.UTF8.GetBytes(exchange.Headers.IfMatch.ToString()));
        hash.AppendData("\n"u8);
        hash.AppendData(body);
        return [.. hash.GetHashAndReset()];
    }

    /// <summary><c>Prefer: return=minimal</c>; other preferences may be ignored (RFC 7240).</summary>
    public static bool PrefersMinimal(StringValues prefer) => Prefers(prefer, "return=minimal");

    public static bool Prefers(StringValues prefer, string wanted)
    {
        foreach (string? value in prefer)
        {
            foreach (string preference in (value ?? "").Split(',', ';'))
            {
                if (preference.Trim().Equals(wanted, StringComparison.OrdinalIgnoreCase)) return true;
            }
        }
        return false;
    }

    /// <summary>Seconds, such as <c>5</c> or <c>0.5</c>, that the answer may be old; null: it must be new.</summary>
    public static Result<TimeSpan?> MaxStaleness(Exchange exchange)
    {
        if (!exchange.Headers.TryGetValue("Plinth-Max-Staleness", out StringValues values)) return (TimeSpan?)null;
        return decimal.TryParse(values.ToString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds)
            && seconds <= StalenessSecondsMax
            ? TimeSpan.FromSeconds((double)seconds)
            : Faults.MalformedHeader.Says(
                $"Plinth-Max-Staleness: seconds from 0 to {StalenessSecondsMax}, such as 5 or 0.5, were expected");
    }

    /// <summary>The log position that the answer must not be older than.</summary>
    public static Result<long?> MinPosition(Exchange exchange)
    {
        if (!exchange.Headers.TryGetValue("Plinth-Min-Position", out StringValues values)) return (long?)null;
        return long.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out long position)
            ? position
            : Faults.MalformedHeader.Says("Plinth-Min-Position: a position, as Plinth-Position has it, was expected");
    }
}
