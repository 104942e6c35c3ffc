using System.Globalization;
using Plinth.Http;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>What every answer of the API has in common: its representation, its position in the log, and in development,
/// and for whom rules are explained, its timings.</summary>
sealed class Answers(Engine engine, ServerOptions options, Explains explains)
{
    static readonly TimeSpan s_positionWait = TimeSpan.FromSeconds(1);
    static readonly TimeSpan s_positionPoll = TimeSpan.FromMilliseconds(5);

    readonly bool _timed = options.Mode == ServerMode.Dev;

    public ValueTask SendAsync(Exchange exchange, int status, ReadOnlyMemory<byte> json, CborShape shape) => exchange.AnswersCbor
        ? exchange.SendAsync(status, Negotiation.Cbor, JsonToCbor.Transcode(json.Span, shape))
        : exchange.SendAsync(status, Negotiation.Json, json);

    public void Annotate(Exchange exchange, long position, in Timings timings)
    {
        exchange.SqlStatements += timings.Statements;
        if (position > 0) exchange.ResponseHeaders["Plinth-Position"] = position.ToString(CultureInfo.InvariantCulture);
        if (!_timed && !explains.May(exchange)) return;
        double total = options.Time.GetElapsedTime(exchange.StartedTicks).TotalMilliseconds;
        string statements = timings.CacheHit ? "cache hit" : timings.Statements == 1 ? "1 statement" : $"{timings.Statements} statements";
        exchange.ResponseHeaders["Server-Timing"] = string.Create(CultureInfo.InvariantCulture,
            $"plan;dur={Ms(timings.Plan)}, sql;dur={Ms(timings.Sql)};desc=\"{statements}\", transaction;dur={Ms(timings.Transaction)}, "
            + $"reply;dur={Ms(timings.Reply)}, total;dur={total:0.###}");

        static string Ms(int microseconds) => (microseconds / 1000.0).ToString("0.###", CultureInfo.InvariantCulture);
    }

    /// <summary>Holds a read until this node has seen the position that the client has seen elsewhere; 503 when that takes too
    /// long.</summary>
    public async ValueTask<Fault?> WaitForPositionAsync(Exchange exchange)
    {
        Result<long?> demanded = RequestHeaders.MinPosition(exchange);
        if (!demanded.IsOk) return demanded.Fault;
        if (demanded.Value is not { } position || engine.Position >= position) return null;
        long start = options.Time.GetTimestamp();
        while (options.Time.GetElapsedTime(start) < s_positionWait)
        {
            await Task.Delay(s_positionPoll, options.Time, exchange.Cancel);
            if (engine.Position >= position) return null;
        }
        return Faults.NotReady.Says($"the log has not reached position {position} here") with { RetryAfterSeconds = 1 };
    }
}
