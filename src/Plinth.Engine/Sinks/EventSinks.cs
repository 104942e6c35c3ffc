using Plinth.Log;
using Plinth.Runtime;

namespace Plinth.Sinks;

/// <summary>
/// The log's copies elsewhere: each sink is a durable follower, led by one node, which begins at the end of the log when it is new and goes
/// on where it was. What it is sent it may be sent again, when a process ended between the sending and the keeping of the place: at least
/// once, in order.
/// </summary>
sealed class EventSinks : IAsyncDisposable
{
    /// <summary>Events that are sent at a time.</summary>
    const int LinesMax = 500;

    readonly List<DurableFollower> _followers = [];
    readonly List<IEventSink> _sinks = [];
    readonly Engine _engine;

    public EventSinks(Engine engine, SinkOptions options)
    {
        _engine = engine;
        if (options.File is { } path) _sinks.Add(new FileSink(path));
        if (options.Url is { } url) _sinks.Add(new HttpSink(url, options.Token));
        if (options.Syslog is { } syslog) _sinks.Add(new SyslogSink(syslog));
        FollowerOptions driven = new()
        {
            FailuresMax = options.FailuresMax, FirstPause = options.FirstPause, PauseMax = options.PauseMax, Lease = options.Lease,
        };
        long end = engine.Store.Tail.Head;
        foreach (IEventSink sink in _sinks)
        {
            FollowerWork work = new((events, cancel) => SendAsync(sink, events, cancel), null);
            _followers.Add(new DurableFollower(engine.Store, sink.Name, work, end, driven));
        }
    }

    /// <summary>How they are.</summary>
    public IReadOnlyList<FollowerStatus> Status => [.. _followers.Select(static follower => follower.Status)];

    public async ValueTask DisposeAsync()
    {
        foreach (DurableFollower follower in _followers) await follower.DisposeAsync().ConfigureAwait(false);
        foreach (IEventSink sink in _sinks) sink.Dispose();
    }

    async ValueTask SendAsync(IEventSink sink, IReadOnlyList<LogEvent> events, CancellationToken cancel)
    {
        for (int first = 0; first < events.Count; first += LinesMax)
        {
            LogEvent[] part = [.. events.Skip(first).Take(LinesMax)];
            List<byte[]> texts = await _engine.AuditTextsAsync(part, cancel).ConfigureAwait(false);
            SinkLine[] lines = [.. part.Select((e, i) => new SinkLine(e.Position, e.At, e.Model, e.Kind, texts[i]))];
            await sink.SendAsync(lines, cancel).ConfigureAwait(false);
        }
    }
}
