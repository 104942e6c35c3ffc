using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>
/// Bounds how often a password may be guessed: per account and address together, per address, and per account. The counts are records,
/// so they outlive a restart and hold for every node. Nobody can lock another out: what blocks is an address for an account; when an
/// account is guessed from many addresses, those from which it was signed in to before stay free. Attempts under way count too, so that
/// many at once gain nothing. Thread-safe.
/// </summary>
sealed class SignInGuards(PlatformRecords records, IdentityOptions options, byte[] secret)
{
    /// <summary>Tries to note a failure against other nodes that do the same.</summary>
    const int RetriesMax = 8;

    readonly ConcurrentDictionary<string, int> _underWay = new(StringComparer.Ordinal);

    /// <summary>One attempt under way; dispose it when it has ended.</summary>
    internal sealed class Attempt(SignInGuards guards, ImmutableArray<(string Key, int Max)> counted) : IDisposable
    {
        public ImmutableArray<(string Key, int Max)> Counted => counted;

        public void Dispose()
        {
            foreach (var (key, _) in counted) guards.Leave(key);
        }
    }

    /// <summary>Begins an attempt; refused where too many failed before.</summary>
    /// <param name="purpose">What is guessed: attempts of one kind do not count for another.</param>
    /// <param name="account">The normalised address of the account, whether or not there is one.</param>
    /// <param name="address">Of the client.</param>
    /// <param name="isKnown">Whether the account was signed in to from this address before; asked only when it matters.</param>
    public Result<Attempt> Begin(string purpose, string account, string address, Func<bool> isKnown, CancellationToken cancel)
    {
        string network = ClientNetwork.Of(address);
        ImmutableArray<(string Key, int Max)> counted =
        [
            (Key("both", purpose, account, network), options.Attempts),
            (Key("address", purpose, "", network), options.AttemptsPerAddress),
            (Key("account", purpose, account, ""), options.AttemptsPerAccount),
        ];
        Attempt attempt = new(this, counted);
        int waitSeconds = 0;
        for (int i = 0; i < counted.Length; i++)
        {
            var (key, max) = counted[i];
            int underWay = _underWay.AddOrUpdate(key, 1, static (_, count) => count + 1);
            int failures = Failures(key, cancel, out long until);
            if (failures + underWay <= max || (i == 2 && (isKnown() || IsTrusted(purpose, account, network, cancel)))) continue;
            int wait = failures >= max ? (int)Math.Clamp((until - records.Now) / 1_000_000, 1, int.MaxValue) : 1;
            waitSeconds = Math.Max(waitSeconds, wait);
        }
        if (waitSeconds == 0) return attempt;
        attempt.Dispose();
        return Faults.RateLimited.Says("too many attempts failed") with { RetryAfterSeconds = waitSeconds };
    }

    /// <summary>Counts the attempt as failed, durably, before it is answered.</summary>
    public async ValueTask<Fault?> FailedAsync(Attempt attempt, CancellationToken cancel)
    {
        for (int tries = 0; ; tries++)
        {
            Fault? fault = await records.RunAllAsync(null, [.. attempt.Counted.Select(c => Counting(c.Key, cancel))], cancel)
                .ConfigureAwait(false);
            bool isRace = fault is not null && (fault.Kind == Faults.Conflict || fault.Kind == Faults.PreconditionFailed
                || fault.Kind == Faults.VersionConflict || fault.Kind == Faults.NotFound);
            if (!isRace || tries == RetriesMax) return fault;
        }
    }

    /// <summary>
    /// Who has just proved by mail that the account is his may sign in to it from where he is, however often others guess at it.
    /// </summary>
    public async ValueTask TrustAsync(string purpose, string account, string address, CancellationToken cancel)
    {
        string key = Trusted(purpose, account, ClientNetwork.Of(address)), now = PlatformRecords.Time(records.Now);
        bool isThere = Find(key, cancel) is not null;
        // It is a help and no promise: a reset is done when it could not be noted.
        _ = await records.RunAsync(null, isThere
            ? PlatformRecords.Update(PlatformRecords.SignInGuard, key, ifVersion: null, json => json.WriteString("since", now))
            : PlatformRecords.Create(PlatformRecords.SignInGuard, json =>
            {
                json.WriteString("key", key);
                json.WriteNumber("failures", 0);
                json.WriteString("since", now);
            }), cancel).ConfigureAwait(false);
    }

    /// <summary>Who signed in may mistype again: the count of this account from this address starts anew.</summary>
    public async ValueTask SucceededAsync(Attempt attempt, CancellationToken cancel)
    {
        string key = attempt.Counted[0].Key;
        if (Find(key, cancel) is null) return;
        // Another node may have been faster; a count that stays costs nobody anything.
        _ = await records.RunAsync(null, new Command { Model = PlatformRecords.SignInGuard, Kind = CommandKind.Delete, Key = [key] },
            cancel)
            .ConfigureAwait(false);
    }

    bool IsTrusted(string purpose, string account, string network, CancellationToken cancel) =>
        Find(Trusted(purpose, account, network), cancel) is { } row && IsInWindow(row);

    string Trusted(string purpose, string account, string network) => Key("trusted", purpose, account, network);

    Command Counting(string key, CancellationToken cancel)
    {
        long now = records.Now;
        PlatformRow? row = Find(key, cancel);
        bool counts = row is not null && IsInWindow(row);
        void Members(System.Text.Json.Utf8JsonWriter json)
        {
            json.WriteNumber("failures", counts ? row!.Number("failures") + 1 : 1); // not null where it counts
            if (!counts) json.WriteString("since", PlatformRecords.Time(now));
        }
        return row is not null ? PlatformRecords.Update(PlatformRecords.SignInGuard, key, row.Version, Members)
            : PlatformRecords.Create(PlatformRecords.SignInGuard, json =>
            {
                json.WriteString("key", key);
                Members(json);
            });
    }

    int Failures(string key, CancellationToken cancel, out long until)
    {
        PlatformRow? row = Find(key, cancel);
        until = (row?.Time("since") ?? 0) + (long)options.AttemptWindow.TotalMicroseconds;
        return row is not null && IsInWindow(row) ? (int)row.Number("failures") : 0;
    }

    bool IsInWindow(PlatformRow row) => row.Time("since") > records.Now - (long)options.AttemptWindow.TotalMicroseconds;

    PlatformRow? Find(string key, CancellationToken cancel) =>
        records.First(PlatformRecords.SignInGuard, "key", Value.From(key), cancel);

    void Leave(string key)
    {
        while (_underWay.TryGetValue(key, out int count))
        {
            if (count > 1 ? _underWay.TryUpdate(key, count - 1, count) : _underWay.TryRemove(new(key, count))) return;
        }
    }

    string Key(string kind, string purpose, string account, string network) => Convert.ToHexStringLower(
        HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(string.Join('\n', kind, purpose, account, network))).AsSpan(0, 16));
}
