using System.Diagnostics.Metrics;
using Plinth.Http;
using Plinth.Live;
using Plinth.Realtime;

namespace Plinth.Hosting;

/// <summary>The gauges of live queries: clients, different queries, and how often one was run.</summary>
sealed class RealtimeReport : IDisposable
{
    readonly Meter _meter;

    public RealtimeReport(RealtimeFront front, LiveHub hub, ChannelHub channels, ServerOptions server)
    {
        _meter = Telemetry.MeterOf(server);
        _meter.CreateObservableGauge("plinth.realtime.connections", () => front.Count, "{connection}", "Sockets and event streams.");
        _meter.CreateObservableGauge(
            "plinth.realtime.queries", () => hub.Queries, "{query}", "Live queries that differ in what they ask or in rights.");
        _meter.CreateObservableGauge(
            "plinth.realtime.channels", () => channels.Count, "{channel}", "Channels, by their parameters, that have members.");
        _meter.CreateObservableCounter("plinth.realtime.runs", () => hub.Runs, "{run}", "Times that a live query was run on the database.");
    }

    public void Dispose() => _meter.Dispose();
}
