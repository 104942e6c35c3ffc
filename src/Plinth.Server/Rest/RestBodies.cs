using Plinth.Http;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>Bodies of requests as the JSON that planner and engine read, whatever form they came in; what a route does not take is
/// refused.</summary>
static class RestBodies
{
    public static Fault? None(Exchange exchange) =>
        exchange.HasBody ? Faults.MalformedBody.Says($"{exchange.MethodName} takes no body here") : null;

    /// <summary>A body that must be there.</summary>
    public static async ValueTask<Result<ReadOnlyMemory<byte>>> ReadAsync(Exchange exchange, Limits limits, CancellationToken cancel)
    {
        if (!exchange.HasBody) return Faults.MalformedBody.Says("a body was expected");
        Result<BodyFormat> format = Negotiation.Body(exchange.Headers.ContentType);
        if (!format.IsOk) return format.Fault;
        bool takesPatch = exchange.Method == Method.Patch;
        if (format.Value == BodyFormat.NdJson || (format.Value == BodyFormat.MergePatch && !takesPatch))
            return Faults.UnsupportedMediaType.Says($"{exchange.MethodName} {exchange.Route.Template} does not take this Content-Type");
        Result<ReadOnlyMemory<byte>> body = await RequestBody.ReadAsync(exchange, limits.BodyBytes, "limits.bodyBytes", cancel);
        if (body.IsOk && body.Value.IsEmpty) return Faults.MalformedBody.Says("a body was expected");
        return body.IsOk && format.Value == BodyFormat.Cbor ? CborToJson.Transcode(body.Value, limits) : body;
    }

    /// <summary>The first byte that is no white space; 0 when there is none.</summary>
    public static byte FirstByte(ReadOnlySpan<byte> json)
    {
        int start = json.IndexOfAnyExcept(" \t\r\n"u8);
        return start < 0 ? (byte)0 : json[start];
    }
}
