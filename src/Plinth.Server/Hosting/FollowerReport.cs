using System.Diagnostics.Metrics;
using Plinth.Http;
using Plinth.Log;
using Plinth.Projections;
using Plinth.Text;

namespace Plinth.Hosting;

/// <summary>How what follows the log is doing: <c>/followers</c>, and the gauges of <c>/metrics</c>.</summary>
sealed class FollowerReport : IDisposable
{
    readonly EventStore _store;
    readonly LogTail _log;
    readonly Meter _meter;

    public FollowerReport(EventStore store, ServerOptions server)
    {
        _meter = Telemetry.MeterOf(server);
        (_store, _log) = (store, store.Tail);
        _meter.CreateObservableGauge("plinth.follower.behind", () => Measure(static f => f.Behind), "{event}",
            "Events of the log that a follower has not seen.");
        _meter.CreateObservableGauge("plinth.follower.failures", () => Measure(static f => f.Failures), "{failure}",
            "Failures in a row of a follower over one event.");
        _meter.CreateObservableGauge("plinth.follower.parked", () => Measure(static f => f.State == FollowerState.Parked ? 1 : 0),
            "{follower}", "1 where a follower stands still because an event failed too often.");
    }

    public void Dispose() => _meter.Dispose();

    public void Write(ByteOutput body)
    {
        body.Write("{\"head\":"u8);
        JsonText.WriteIntString(body, _log.Head);
        body.Write(",\"followers\":["u8);
        bool isFirst = true;
        foreach (FollowerStatus follower in _log.Followers)
        {
            if (!isFirst) body.Write((byte)',');
            isFirst = false;
            Write(body, follower);
        }
        body.Write("]}"u8);
    }

    /// <summary>
    /// Lets one that is parked go on: it is taken up at the next look, here or on another node, by who may lead it.
    /// </summary>
    /// <param name="name">Of the follower.</param>
    /// <param name="skips">Behind the event that it failed over, instead of with it.</param>
    /// <param name="cancel">Gives up waiting.</param>
    public async ValueTask<Fault?> GoOnAsync(string name, bool skips, CancellationToken cancel)
    {
        if (skips && name.StartsWith(ProjectionFollower.NamePrefix, StringComparison.Ordinal))
        {
            return Faults.MalformedParameter.Says("a projection cannot leave an event out",
                hint: "plinth projections rebuild counts its records anew, whatever happened to them");
        }
        Result<bool> done = await _store.Committer.RunAsync(FollowerTable.Unpark(name, skips), cancel).ConfigureAwait(false);
        if (done.Failed(out Fault? fault, out bool wasParked)) return fault;
        return wasParked ? null : Faults.NotFound.Says($"no follower '{name}' is parked", hint: "GET /followers lists them");
    }

    static void Write(ByteOutput body, FollowerStatus follower)
    {
        body.Write("{\"name\":"u8);
        JsonText.WriteString(body, follower.Name);
        body.Write(follower.IsDurable ? ",\"durable\":true,\"state\":"u8 : ",\"durable\":false,\"state\":"u8);
        JsonText.WriteString(body, StateOf(follower.State));
        body.Write(",\"position\":"u8);
        JsonText.WriteIntString(body, follower.Position);
        body.Write(",\"behind\":"u8);
        JsonText.WriteInt(body, follower.Behind);
        if (follower.Error is { } error)
        {
            body.Write(",\"failures\":"u8);
            JsonText.WriteInt(body, follower.Failures);
            body.Write(",\"failedAt\":"u8);
            JsonText.WriteIntString(body, follower.FailedAt);
            body.Write(",\"error\":"u8);
            JsonText.WriteString(body, error);
        }
        body.Write((byte)'}');
    }

    static string StateOf(FollowerState state) => state switch
    {
        FollowerState.Waiting => "waiting",
        FollowerState.Running => "running",
        FollowerState.Retrying => "retrying",
        FollowerState.Parked => "parked",
        _ => throw new InvalidOperationException($"no name of {state}"),
    };

    IEnumerable<Measurement<long>> Measure(Func<FollowerStatus, long> value) =>
        _log.Followers.Select(f => new Measurement<long>(value(f), new KeyValuePair<string, object?>("follower", f.Name)));
}
