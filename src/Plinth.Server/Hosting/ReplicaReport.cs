using System.Diagnostics.Metrics;
using Plinth.Http;
using Plinth.Log;
using Plinth.Runtime;

namespace Plinth.Hosting;

/// <summary>How read replicas are doing, in <c>/metrics</c>, where there are any.</summary>
sealed class ReplicaReport : IDisposable
{
    readonly Engine _engine;
    readonly Meter _meter;

    public ReplicaReport(Engine engine, ServerOptions server)
    {
        _meter = Telemetry.MeterOf(server);
        _engine = engine;
        if (engine.Copies.Count == 0) return;
        _meter.CreateObservableGauge("plinth.replica.up", () => Measure(static r => r.IsUp ? 1 : 0), "{server}",
            "1 where a read replica answers and follows.");
        _meter.CreateObservableGauge("plinth.replica.behind", () => Measure(r => Math.Max(0, engine.Log.Head - r.Position)), "{event}",
            "Events of the log that a read replica had not when it was last asked.");
        _meter.CreateObservableCounter("plinth.replica.answers", () => Measure(static r => r.Answers), "{answer}",
            "Reads answered by a read replica.");
        _meter.CreateObservableCounter("plinth.replica.refusals", () => Measure(static r => r.Refusals), "{answer}",
            "Reads that a read replica failed, or answered too old, and that the database answered.");
    }

    public void Dispose() => _meter.Dispose();

    IEnumerable<Measurement<long>> Measure(Func<Replica, long> value) =>
        _engine.Copies.Select(r => new Measurement<long>(value(r), new KeyValuePair<string, object?>("replica", r.Name)));
}
