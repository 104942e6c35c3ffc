using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>
/// Removes what has expired, once an hour: counts of failed sign-ins, codes, and sessions that ended a while ago. Their events stay in
/// the log. It goes in small steps, between which other writes have their turn, and as many as it takes: an attack leaves more behind than
/// one command may delete. Every node does it; two at once find less to do.
/// </summary>
sealed class Expiry : IAsyncDisposable
{
    /// <summary>Records of one step.</summary>
    const int StepMax = 100;

    static readonly TimeSpan s_every = TimeSpan.FromHours(1);

    /// <summary>How long a session that cannot be refreshed any more is still shown.</summary>
    static readonly TimeSpan s_sessions = TimeSpan.FromDays(7);

    readonly PlatformRecords _records;
    readonly IdentityOptions _options;
    readonly Action<string> _warn;
    readonly PeriodicTimer _timer;
    readonly Task _worker;

    public Expiry(PlatformRecords records, IdentityOptions options, TimeProvider time, Action<string> warn)
    {
        (_records, _options, _warn, _timer) = (records, options, warn, new PeriodicTimer(s_every, time));
        _worker = WorkAsync();
    }

    /// <summary>Removes what has expired by now; the first fault ends it until the next time.</summary>
    public async ValueTask<Fault?> RunAsync(CancellationToken cancel)
    {
        if (!_records.Schema.HasUsers) return null;
        foreach (var (model, condition) in Expired())
        {
            if (await RemoveAsync(model, condition, cancel).ConfigureAwait(false) is { } fault) return fault;
        }
        return null;
    }

    async ValueTask<Fault?> RemoveAsync(string model, string condition, CancellationToken cancel)
    {
        while (true)
        {
            var keys = await _records.KeysAsync(model, condition, StepMax, cancel).ConfigureAwait(false);
            if (!keys.IsOk) return keys.Fault;
            if (keys.Value.IsEmpty) return null;
            Command delete = _records.DeleteKeys(model, keys.Value);
            if (await _records.RunAsync(null, delete, cancel).ConfigureAwait(false) is { } fault) return fault;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _worker.ConfigureAwait(false);
    }

    ImmutableArray<(string Model, string Condition)> Expired()
    {
        string Before(TimeSpan ago) => $"timestamp(\"{PlatformRecords.Time(_records.Now - (long)ago.TotalMicroseconds)}\")";
        return
        [
            (PlatformRecords.SignInGuard, $"since < {Before(_options.AttemptWindow)}"),
            (PlatformRecords.UserCode, $"expiresAt < {Before(TimeSpan.Zero)}"),
            (PlatformRecords.Session, $"expiresAt < {Before(s_sessions)}"),
        ];
    }

    async Task WorkAsync()
    {
        while (await _timer.WaitForNextTickAsync().ConfigureAwait(false))
        {
            // An operator's to know of, and nobody's request to fail.
            if (await RunAsync(CancellationToken.None).ConfigureAwait(false) is { } fault) _warn($"expired sign-ins stay: {fault.Message}");
        }
    }
}
