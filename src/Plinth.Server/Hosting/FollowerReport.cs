using System.Diagnostics.Metrics;
using Plinth.Http;
using Plinth.Log;
using Plinth.Schema.Types;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Hosting;

/// <summary>
/// How what follows the log is doing, and from where to where there is a log to follow: <c>/followers</c>, and the gauges of
/// <c>/metrics</c>.
/// </summary>
sealed class FollowerReport : IDisposable
{
    readonly LogTail _log;
    readonly Database _database;
    readonly Meter _meter;

    public FollowerReport(EventStore store, ServerOptions server)
    {
        _meter = Telemetry.MeterOf(server);
        (_log, _database) = (store.Tail, store.Database);
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
        LogExtent? extent = Extent();
        body.Write(",\"log\":"u8);
        if (extent is { } known) Write(body, known);
        else JsonText.WriteNull(body);
        if (_log.LastBreak is { } broken) Write(body, broken);
        body.Write(",\"followers\":["u8);
        bool isFirst = true;
        foreach (FollowerStatus follower in _log.Followers)
        {
            if (!isFirst) body.Write((byte)',');
            isFirst = false;
            Write(body, follower, begin: extent?.First.Position ?? 0);
        }
        body.Write("]}"u8);
    }

    /// <summary>Null while the database does not say: how the followers are is asked for then above all.</summary>
    LogExtent? Extent()
    {
        try
        {
            using ReadLease lease = _database.Read(CancellationToken.None);
            return LogStart.Extent(lease.Connection);
        }
        catch (StoreException)
        {
            return null;
        }
    }

    static void Write(ByteOutput body, LogExtent extent)
    {
        body.Write("{\"begin\":"u8);
        extent.First.Write(body);
        body.Write(",\"end\":"u8);
        extent.Last.Write(body);
        body.Write((byte)'}');
    }

    static void Write(ByteOutput body, LogBreak broken)
    {
        body.Write(",\"breaks\":"u8);
        JsonText.WriteInt(body, broken.Number);
        body.Write(",\"lastBreak\":{\"kind\":"u8);
        JsonText.WriteString(body, KindOf(broken.Kind));
        body.Write(",\"seen\":"u8);
        JsonText.WriteIntString(body, broken.Seen);
        body.Write(",\"head\":"u8);
        JsonText.WriteIntString(body, broken.Head.Position);
        body.Write(",\"at\":"u8);
        DateTimeType.WriteJson(body, (broken.At.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond);
        body.Write((byte)'}');
    }

    static string KindOf(LogBreakKind kind) => kind switch
    {
        LogBreakKind.Rewritten => "rewritten",
        LogBreakKind.Missing => "missing",
        LogBreakKind.Cut => "cut",
        _ => throw new InvalidOperationException($"no name of {kind}"),
    };

    /// <param name="begin">The first event that is there; 0 where there is none, or nobody knows.</param>
    static void Write(ByteOutput body, FollowerStatus follower, long begin)
    {
        body.Write("{\"name\":"u8);
        JsonText.WriteString(body, follower.Name);
        body.Write(follower.IsDurable ? ",\"durable\":true,\"state\":"u8 : ",\"durable\":false,\"state\":"u8);
        JsonText.WriteString(body, StateOf(follower.State));
        body.Write(",\"position\":"u8);
        JsonText.WriteIntString(body, follower.Position);
        body.Write(",\"behind\":"u8);
        JsonText.WriteInt(body, follower.Behind);
        if (follower.Position + 1 < begin)
        {
            body.Write(",\"lost\":"u8);
            JsonText.WriteInt(body, begin - 1 - follower.Position);
        }
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
