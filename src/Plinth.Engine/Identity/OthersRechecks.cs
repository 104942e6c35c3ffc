using System.Collections.Concurrent;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>
/// What others say of the credentials of connections that stay open. They are asked again and again, so that what they take back ends
/// within a second, but once for all connections that show the same credential, and not more often than that takes. One that cannot tell
/// is believed for a second after it last did. Thread-safe.
/// </summary>
/// <param name="ask">Asks those who gave it out.</param>
/// <param name="time">Of the process.</param>
sealed class OthersRechecks(Func<string, CancellationToken, ValueTask<Result<Identified>>> ask, TimeProvider time)
{
    /// <summary>Whoever watches asks four times a second: an answer is 850 ms old, at most, when the next is asked for.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMilliseconds(600);

    public static readonly TimeSpan BelievedFor = TimeSpan.FromSeconds(1);

    /// <summary>Nobody shows it any more.</summary>
    static readonly TimeSpan s_forgottenAfter = TimeSpan.FromSeconds(30);

    readonly ConcurrentDictionary<string, Answer> _answers = new(StringComparer.Ordinal);
    long _sweptAt = time.GetTimestamp();

    sealed class Answer
    {
        public Lock Gate { get; } = new();

        public Task<Result<Identified>>? Latest { get; set; }

        public long AskedAt { get; set; }

        public Result<Identified> Good { get; set; }

        public long? GoodAt { get; set; }
    }

    public int Kept => _answers.Count;

    /// <returns><c>not_ready</c> when that could not be told for too long.</returns>
    public ValueTask<Result<Identified>> AskAsync(string credential, CancellationToken cancel)
    {
        Sweep();
        Answer answer = _answers.GetOrAdd(credential, static _ => new Answer());
        lock (answer.Gate)
        {
            bool isOld = answer.Latest is not { } latest || (latest.IsCompleted && time.GetElapsedTime(answer.AskedAt) >= Every);
            if (isOld)
            {
                answer.AskedAt = time.GetTimestamp();
                answer.Latest = AskAsync(answer, credential, answer.AskedAt, cancel);
            }
            return new(answer.Latest!); // set above, if not before
        }
    }

    async Task<Result<Identified>> AskAsync(Answer answer, string credential, long askedAt, CancellationToken cancel)
    {
        Result<Identified> told;
        try
        {
            told = await ask(credential, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            told = Faults.NotReady.Says("it cannot be told now whether the credentials are good");
        }
        lock (answer.Gate)
        {
            if (told.IsOk) (answer.Good, answer.GoodAt) = (told, askedAt);
            bool isSilent = told.Fault?.Kind == Faults.NotReady;
            // The next who comes asks again.
            if (isSilent) answer.AskedAt -= (long)(Every.TotalSeconds * time.TimestampFrequency);
            bool isBelieved = isSilent && answer.GoodAt is { } at && time.GetElapsedTime(at) < BelievedFor;
            return isBelieved ? answer.Good : told;
        }
    }

    void Sweep()
    {
        long swept = Volatile.Read(ref _sweptAt), now = time.GetTimestamp();
        if (time.GetElapsedTime(swept) < s_forgottenAfter || Interlocked.CompareExchange(ref _sweptAt, now, swept) != swept) return;
        foreach (var (credential, answer) in _answers)
        {
            if (answer.Latest?.IsCompleted == true && time.GetElapsedTime(answer.AskedAt) > s_forgottenAfter)
                _answers.TryRemove(new(credential, answer));
        }
    }
}
