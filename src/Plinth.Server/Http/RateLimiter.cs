using System.Collections.Concurrent;
using System.Globalization;

namespace Plinth.Http;

/// <summary>
/// One token bucket as a single number, the theoretical arrival time of GCRA: the bucket is empty by as much as that time lies ahead
/// of now. One compare-and-swap per request, no timer, and a bucket whose time has passed is full, so it may be forgotten.
/// </summary>
sealed class Bucket
{
    long _arrival;

    public bool IsFull(long now) => Volatile.Read(ref _arrival) <= now;

    /// <summary>Takes a token; when there is none, says after how long there is one.</summary>
    /// <param name="now">Ticks of 100 ns.</param>
    /// <param name="interval">Ticks that one token takes to come back.</param>
    /// <param name="burst">Tokens of a full bucket.</param>
    public bool TryTake(long now, long interval, int burst, out long remaining, out long waitTicks)
    {
        while (true)
        {
            long seen = Volatile.Read(ref _arrival);
            long next = Math.Max(seen, now) + interval;
            waitTicks = next - now - interval * burst;
            if (waitTicks > 0)
            {
                remaining = 0;
                return false;
            }
            if (Interlocked.CompareExchange(ref _arrival, next, seen) != seen) continue;
            remaining = -waitTicks / interval;
            waitTicks = 0;
            return true;
        }
    }
}

/// <summary>
/// The buckets of one kind of key. Bounded: when the table is full, buckets that have refilled are dropped, and keys beyond that share
/// one bucket, so that an attacker with many addresses exhausts a budget and not the memory.
/// </summary>
sealed class RateLimiter
{
    readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);
    readonly Bucket _shared = new();
    readonly string _name;
    readonly long _interval;
    readonly int _burst;
    readonly int _entriesMax;
    readonly TimeProvider _time;
    long _sweptAt;

    public RateLimiter(string name, RateLimit limit, int entriesMax, TimeProvider time)
    {
        (_name, _burst, _entriesMax, _time) = (name, limit.Burst, entriesMax, time);
        _interval = Math.Max(1, (long)(TimeSpan.TicksPerSecond / limit.PerSecond));
        long windowSeconds = Math.Max(1, _interval * _burst / TimeSpan.TicksPerSecond);
        Policy = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={limit.Burst};w={windowSeconds}");
    }

    /// <summary>The value of <c>RateLimit-Policy</c>.</summary>
    public string Policy { get; }

    public int Count => _buckets.Count;

    public bool TryTake(string key, out RateState state)
    {
        long now = _time.GetUtcNow().Ticks;
        bool taken = BucketOf(key, now).TryTake(now, _interval, _burst, out long remaining, out long waitTicks);
        state = new RateState(_name, remaining, (int)Math.Max(1, (waitTicks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond));
        return taken;
    }

    Bucket BucketOf(string key, long now)
    {
        if (_buckets.TryGetValue(key, out Bucket? bucket)) return bucket;
        if (_buckets.Count >= _entriesMax && !Sweep(now)) return _shared;
        return _buckets.GetOrAdd(key, static _ => new Bucket());
    }

    /// <summary>Forgets full buckets; at most once a second, since it walks the whole table.</summary>
    bool Sweep(long now)
    {
        long last = Volatile.Read(ref _sweptAt);
        if (now - last < TimeSpan.TicksPerSecond || Interlocked.CompareExchange(ref _sweptAt, now, last) != last) return false;
        foreach (var (key, bucket) in _buckets)
        {
            if (bucket.IsFull(now)) _buckets.TryRemove(key, out _);
        }
        return _buckets.Count < _entriesMax;
    }
}

/// <param name="RetrySeconds">When a token is there again; meaningful only after a refusal.</param>
readonly record struct RateState(string Policy, long Remaining, int RetrySeconds)
{
    /// <summary>The value of <c>RateLimit</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"\"{Policy}\";r={Remaining};t={RetrySeconds}");
}
