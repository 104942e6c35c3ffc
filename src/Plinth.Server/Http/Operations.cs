using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>What the operator asks the process: is it alive, may it take requests, which version is it, how much did it do.</summary>
/// <param name="notReady">Why requests should go elsewhere; null when they may come.</param>
/// <param name="logBreaks">How often the place in the log was lost since the start.</param>
/// <param name="followers">
/// Writes how what follows the log is doing; lets one that stands still go on, behind the event that it failed over or with it.
/// </param>
/// <param name="projections">Writes how what is counted together stands, or says why that cannot be said.</param>
/// <param name="about">Members of <c>/version</c> beside the product's own, as name and text.</param>
sealed class Operations(
    ServerOptions options, Func<string?> notReady, Func<long> logBreaks,
    (Action<ByteOutput> Write, Func<string, bool, CancellationToken, ValueTask<Fault?>> GoOnAsync) followers,
    Func<ByteOutput, Fault?> projections,
    Func<IEnumerable<(string Name, string Value)>> about)
    : IDisposable
{
    static readonly StringValues s_metricsType = "text/plain; version=0.0.4; charset=utf-8";
    static readonly StringValues s_noStore = "no-store";

    // Nobody can read them in production without a token or a port: then nothing is measured either.
    readonly MetricsPage? _metrics = options.Mode == ServerMode.Dev || options.OpsToken is not null || options.OpsPort is not null
        ? new MetricsPage(options) : null;

    public void Dispose() => _metrics?.Dispose();

    public async ValueTask<Fault?> AnswerAsync(Exchange exchange)
    {
        exchange.ResponseHeaders.CacheControl = s_noStore;
        ByteOutput body = exchange.Scratch;
        switch (exchange.Route.Endpoint)
        {
            case Endpoint.Live:
                body.Write("{\"status\":\"ok\"}"u8);
                break;
            case Endpoint.Ready:
                if (notReady() is { } reason) return Faults.NotReady.Says(reason) with { RetryAfterSeconds = 1 };
                Ready(body);
                break;
            case Endpoint.Version:
                Version(body);
                break;
            case Endpoint.Metrics:
                if (Refuse(exchange) is { } refused) return refused;
                _metrics!.Write(body); // Refuse lets nobody pass where there is none.
                await exchange.SendAsync(200, s_metricsType, body.WrittenMemory);
                return null;
            case Endpoint.Followers:
                if (Refuse(exchange) is { } closed) return closed;
                followers.Write(body);
                break;
            case Endpoint.FollowerResume or Endpoint.FollowerSkip:
                return Refuse(exchange) ?? await GoOnAsync(exchange);
            case Endpoint.Projections:
                if ((Refuse(exchange) ?? projections(body)) is { } untold) return untold;
                break;
            default:
                throw new InvalidOperationException($"not an operator's route: {exchange.Route.Endpoint}");
        }
        await exchange.SendAsync(200, Negotiation.Json, body.WrittenMemory);
        return null;
    }

    async ValueTask<Fault?> GoOnAsync(Exchange exchange)
    {
        bool isRead = PercentText.TryDecode(exchange.RawKey, plusIsSpace: false, out string name);
        if (!isRead) return Faults.NotFound.Says("no follower has such a name");
        bool skips = exchange.Route.Endpoint == Endpoint.FollowerSkip;
        if (await followers.GoOnAsync(name, skips, exchange.Cancel) is { } refused) return refused;
        exchange.SendEmpty(204);
        return null;
    }

    void Ready(ByteOutput body)
    {
        body.Write("{\"status\":\"ok\""u8);
        if (logBreaks() is > 0 and var breaks)
        {
            body.Write(",\"logBreaks\":"u8);
            JsonText.WriteInt(body, breaks);
        }
        body.Write((byte)'}');
    }

    void Version(ByteOutput body)
    {
        body.Write("{\"name\":\"plinth\""u8);
        foreach (var (name, value) in about().Prepend(("runtime", RuntimeInformation.FrameworkDescription))
            .Prepend(("version", options.Version)))
        {
            body.Write((byte)',');
            JsonText.WriteName(body, name);
            JsonText.WriteString(body, value);
        }
        body.Write((byte)'}');
    }

    Fault? Refuse(Exchange exchange)
    {
        if (options.Mode == ServerMode.Dev) return null;
        if (options.OpsPort is { } port && exchange.Connection?.LocalPort == port) return null;
        if (options.OpsToken is not { } token) return Faults.UnknownPath.Says("no route has this path");
        const string Scheme = "Bearer ";
        string sent = exchange.Headers.Authorization.ToString();
        bool matches = sent.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(sent[Scheme.Length..]), Encoding.UTF8.GetBytes(token));
        return matches ? null : Faults.Unauthorized.Says(
            $"{exchange.Route.Template} asks for the operator's token", hint: "send Authorization: Bearer <ops.token>");
    }
}
