using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>Answers one request, or returns the fault that is to be answered.</summary>
delegate ValueTask<Fault?> Dispatch(Exchange exchange);

/// <summary>Sets the caller of a request, or returns the fault of one whose credentials are not good.</summary>
delegate ValueTask<Fault?> Identify(Exchange exchange);

/// <summary>
/// The road of every request, from Kestrel's features to a front and back: ids, guards, rate limit, route, method, identity, front; then
/// the answer of whatever went wrong, the log line and the measurements. Whatever happens, an answer is a document of ours and carries
/// the request's id; what Kestrel refuses before there is a request is made one by <see cref="EarlyRefusals"/>.
/// </summary>
sealed class Pipeline : IHttpApplication<Exchange>
{
    static readonly StringValues s_noSniff = "nosniff";
    static readonly StringValues s_vary = "Accept, Authorization, Cookie";
    static readonly StringValues s_varyOrigin = "Accept, Authorization, Cookie, Origin";

    readonly ServerOptions _options;
    readonly Func<RouteTable> _routes;
    readonly Dispatch _dispatch;
    readonly Identify? _identify;
    readonly ServiceLog _log;
    readonly Origins _origins;
    readonly ClientAddress _addresses;
    readonly RateLimiter? _perAddress;
    readonly RateLimiter? _perIdentity;
    readonly string? _developmentSubject;

    /// <param name="identify">Knows credentials; where there is none, whatever Authorization carries is a bad one.</param>
    public Pipeline(ServerOptions options, Func<RouteTable> routes, Dispatch dispatch, ServiceLog log, Identify? identify = null)
    {
        (_options, _routes, _dispatch, _log, _identify) = (options, routes, dispatch, log, identify);
        _origins = new Origins(options);
        _addresses = new ClientAddress(options.TrustedProxies);
        if (options.RatePerAddress is { } address) _perAddress = new RateLimiter("address", address, options.RateEntries, options.Time);
        if (options.RatePerIdentity is { } identity)
            _perIdentity = new RateLimiter("identity", identity, options.RateEntries, options.Time);
        if (options.DevelopmentIdentity is { } claims) _developmentSubject = Subject(claims);
    }

    /// <summary>Set while the server drains: connections are closed after their answer.</summary>
    public bool IsDraining { get; set; }

    public Exchange CreateContext(IFeatureCollection contextFeatures)
    {
        Exchange? exchange = null;
        if (contextFeatures is IHostContextContainer<Exchange> container)
        {
            exchange = container.HostContext;
            container.HostContext = exchange ??= new Exchange();
        }
        exchange ??= new Exchange();
        exchange.Begin(contextFeatures, _options.Time, _options.Limits.RequestMs);
        return exchange;
    }

    public async Task ProcessRequestAsync(Exchange exchange)
    {
        Telemetry.Active.Add(1);
        try
        {
            Fault? fault = Admit(exchange);
            if (fault is null && !exchange.Route.IgnoresIdentity) fault = await IdentifyAsync(exchange);
            fault ??= await _dispatch(exchange);
            if (fault is not null) await AnswerAsync(exchange, fault);
        }
        catch (Exception e)
        {
            await RecoverAsync(exchange, e);
        }
    }

    public void DisposeContext(Exchange context, Exception? exception)
    {
        double seconds = _options.Time.GetElapsedTime(context.StartedTicks).TotalSeconds;
        Telemetry.Active.Add(-1);
        Telemetry.Record(context, seconds);
        Telemetry.Describe(context);
        _log.Request(context, seconds * 1000);
        context.End();
    }

    /// <summary>Everything that is decided before a front sees the request; null when one shall.</summary>
    Fault? Admit(Exchange exchange)
    {
        IHeaderDictionary headers = exchange.Headers, answer = exchange.ResponseHeaders;
        answer["X-Request-Id"] = exchange.RequestId;
        answer.XContentTypeOptions = s_noSniff;
        answer.Vary = _origins.Varies ? s_varyOrigin : s_vary;
        if (IsDraining) exchange.CloseConnection();

        Match(exchange);
        if (_origins.Refuse(headers) is { } foreign) return foreign;
        if (_origins.Varies) _origins.Annotate(headers, answer);

        exchange.Address = AddressOf(exchange);
        if (Limited(_perAddress, ClientNetwork.Of(exchange.Address), answer) is { } limited) return limited;
        if (exchange.Method == Method.Options) return AnswerOptions(exchange);
        Route route = exchange.Route;
        if (route.Endpoint == Endpoint.None)
        {
            return Faults.UnknownPath.Says($"no route has this path",
                hint: _routes().Nearest(exchange.Target.Path) ?? "/openapi.json lists the routes");
        }
        if ((route.Methods & exchange.Method) == 0)
        {
            answer.Allow = route.Allow;
            return Faults.MethodNotAllowed.Says($"{route.Template} takes {route.Allow}");
        }
        return null;
    }

    void Match(Exchange exchange)
    {
        if (_options.OpsPort is { } opsPort && exchange.Connection?.LocalPort == opsPort && exchange.Connection.LocalPort != _options.Port)
        {
            RouteMatch ops = _routes().Match(exchange.Target.Path);
            bool isOps = ops.Route.Endpoint is Endpoint.Live or Endpoint.Ready or Endpoint.Metrics or Endpoint.Followers
                or Endpoint.FollowerResume or Endpoint.FollowerSkip or Endpoint.Projections or Endpoint.Version;
            if (!isOps) return;
            exchange.Route = ops.Route;
            if (!ops.RawKey.IsEmpty) exchange.RawKey = ops.RawKey.ToString();
            return;
        }
        RouteMatch match = _routes().Match(exchange.Target.Path);
        exchange.Route = match.Route;
        if (!match.RawKey.IsEmpty) exchange.RawKey = match.RawKey.ToString();
    }

    // A bad credential is never "anonymous".
    async ValueTask<Fault?> IdentifyAsync(Exchange exchange)
    {
        Value auth = _options.DevelopmentIdentity ?? Value.Null;
        exchange.Caller = new Caller(auth, _developmentSubject, isSystem: false, exchange.Address, exchange.MethodName);
        if (_identify is { } identify)
        {
            if (await identify(exchange) is { } fault) return fault;
        }
        else if (exchange.Headers.Authorization.Count > 0)
        {
            return Faults.Unauthorized.Says("the credentials are not valid");
        }
        return Limited(_perIdentity, exchange.Caller.Account, exchange.ResponseHeaders);
    }

    Fault? AnswerOptions(Exchange exchange)
    {
        Route route = exchange.Route;
        IHeaderDictionary answer = exchange.ResponseHeaders;
        string allow = route.Endpoint != Endpoint.None ? route.Allow : Methods.Allow((Method)255);
        if (route.Endpoint == Endpoint.None && !exchange.Target.IsAsterisk) return Faults.UnknownPath.Says("no route has this path");
        answer.Allow = allow;
        if (route.Endpoint == Endpoint.Collection) answer["Accept-Query"] = "application/json, application/cbor";
        _origins.AnnotatePreflight(exchange.Headers, answer, allow);
        exchange.SendEmpty(204);
        return Answered;
    }

    /// <summary>Stands for "the answer is there already" where a fault is expected.</summary>
    static readonly Fault Answered = Faults.Internal.Says("answered");

    static ValueTask AnswerAsync(Exchange exchange, Fault fault) => ReferenceEquals(fault, Answered) ? default
        : exchange.SendFaultAsync(fault);

    static Fault? Limited(RateLimiter? limiter, string? key, IHeaderDictionary answer)
    {
        if (limiter is null || key is null) return null;
        bool taken = limiter.TryTake(key, out RateState state);
        answer["RateLimit-Policy"] = StringValues.Concat(answer["RateLimit-Policy"], limiter.Policy);
        answer["RateLimit"] = StringValues.Concat(answer["RateLimit"], state.ToString());
        if (taken) return null;
        Telemetry.RateLimited.Add(1);
        return Faults.RateLimited.Says($"the budget per {state.Policy} is spent") with { RetryAfterSeconds = state.RetrySeconds };
    }

    string AddressOf(Exchange exchange)
    {
        IPAddress? remote = exchange.Connection?.RemoteIpAddress;
        return exchange.AddressText(_addresses.Of(remote, exchange.Headers));
    }

    async ValueTask RecoverAsync(Exchange exchange, Exception exception)
    {
        Fault fault;
        switch (exception)
        {
            case BadHttpRequestException { StatusCode: 408 }:
                fault = Faults.BodyTooSlow.Says("the body came more slowly than the server waits for");
                break;
            case BadHttpRequestException { StatusCode: 413 }:
                fault = RequestBody.TooLarge(_options.Limits.BodyBytes, "limits.bodyBytes");
                break;
            case BadHttpRequestException:
                fault = Faults.MalformedBody.Says("the body's framing is broken");
                break;
            case OperationCanceledException or ConnectionAbortedException or IOException when exchange.IsAborted:
                return;
            case OperationCanceledException when exchange.Cancel.IsCancellationRequested:
                fault = Faults.Timeout.Says($"the request took longer than {_options.Limits.RequestMs} ms and was stopped",
                    hint: "limits.requestMs is the setting");
                break;
            case ExpressionCostException dear:
                // What a caller sees of the schema is decided by rules too, before any front plans.
                fault = dear.ToFault();
                break;
            default:
                _log.Crash(exchange, exception);
                fault = Faults.Internal.Says("an unexpected error; the traceId finds it in the logs");
                break;
        }
        if (exchange.HasStarted)
        {
            exchange.Abort();
            return;
        }
        try
        {
            await exchange.SendFaultAsync(fault);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The connection went away under the answer: there is nobody to tell.
            exchange.Abort();
        }
    }

    /// <summary>The claim <c>id</c> as text: who is recorded as the actor.</summary>
    static string? Subject(Value claims)
    {
        if (claims.Kind != ValueKind.Map || !claims.Map.TryGet("id", out Value id) || id.IsNull) return null;
        return id.ToString();
    }
}
