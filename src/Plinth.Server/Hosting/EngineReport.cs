using System.Diagnostics.Metrics;
using Plinth.Http;
using Plinth.Log;
using Plinth.Runtime;

namespace Plinth.Hosting;

/// <summary>How the engine is doing, in <c>/metrics</c>: the record cache, the committer, the statements and the log.</summary>
/// <remarks>Read when somebody asks; nothing is counted a second time for it.</remarks>
sealed class EngineReport : IDisposable
{
    readonly Meter _meter;

    public EngineReport(Engine engine, ServerOptions server)
    {
        _meter = Telemetry.MeterOf(server);
        Cache(engine);
        Committer committer = engine.Store.Committer;
        Total("plinth.committer.groups", () => committer.Groups, "{group}", "Groups of commands that were committed together.");
        Total("plinth.committer.commands", () => committer.Commands, "{command}", "Commands in those groups.");
        Now("plinth.committer.waiting", () => committer.Waiting, "{command}", "Commands that wait for their group.");
        Total("plinth.database.statements", () => engine.Store.Database.StatementsRun, "{statement}", "SQL statements that were run.");
        LogTail log = engine.Log;
        Total("plinth.log.breaks", () => log.Breaks, "{break}", "Times that the place in the log was lost since the start.");
        _meter.CreateObservableGauge("plinth.log.age", () => log.Age.TotalSeconds, "s", "Since the end of the log was last seen.");
        Now("plinth.log.position", () => engine.Position, "{event}", "Position of the newest event of the log that is known here.");
    }

    public void Dispose() => _meter.Dispose();

    void Cache(Engine engine)
    {
        Total("plinth.cache.hits", () => engine.Cache.Hits, "{record}", "Records that were answered from the record cache.");
        Total("plinth.cache.misses", () => engine.Cache.Misses, "{record}", "Records that were looked for there in vain.");
        Total("plinth.cache.refused", () => engine.Cache.Refused, "{record}",
            "Records that were found there, and not by the rules of who asked.");
        Total("plinth.cache.evictions", () => engine.Cache.Evictions, "{record}", "Records that made room for others.");
        Total("plinth.cache.late", () => engine.Cache.Dropped, "{record}",
            "Records that were read and not kept, because they may have changed meanwhile.");
        Now("plinth.cache.records", () => engine.Cache.Records, "{record}", "Records in the cache.");
        Now("plinth.cache.size", () => engine.Cache.Bytes, "By", "What they take.");
    }

    void Total(string name, Func<long> value, string unit, string description) =>
        _meter.CreateObservableCounter(name, value, unit, description);

    void Now(string name, Func<long> value, string unit, string description) =>
        _meter.CreateObservableGauge(name, value, unit, description);
}
