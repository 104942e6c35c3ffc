using Plinth.Auth;
using Plinth.Http;
using Plinth.Identity;
using Plinth.Identity.Mail;
using Plinth.Live;
using Plinth.Realtime;
using Plinth.Rest;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Hosting;

/// <summary>
/// The HTTP side of a running product: the listener, the pipeline, the fronts and the operator's routes, put together by hand over one
/// engine. The engine is the caller's: it outlives the server.
/// </summary>
sealed class PlinthServer : IAsyncDisposable
{
    readonly Engine _engine;
    readonly ServiceLog _log;
    readonly Operations _operations;
    readonly FollowerReport _followers;
    readonly Descriptions _descriptions;
    readonly RestFront _rest;
    readonly PublicFiles _files;
    readonly Identities _identities;
    readonly Credentials _credentials;
    readonly AuthFront _auth;
    readonly Exporter? _exporter;
    readonly LiveHub _hub;
    readonly ChannelHub _channels;
    readonly RealtimeFront _realtime;
    readonly RealtimeReport _report;
    readonly EngineReport _engineReport;
    readonly ReplicaReport _replicas;
    HttpListener? _listener;
    RouteTable? _routes;
    volatile bool _draining;

    PlinthServer(ServerOptions options, IdentityOptions identity, Mailer mailer, Engine engine)
    {
        _engine = engine;
        _files = new PublicFiles(options.PublicFolder, options.Limits.PublicBytes, follows: options.Mode == ServerMode.Dev);
        _log = new ServiceLog(options);
        _followers = new FollowerReport(engine.Store, options);
        _operations = new Operations(
            options, NotReady, () => engine.Log.Breaks, (_followers.Write, engine.GoOnAsync), new ProjectionPage(engine).Write, About);
        _descriptions = new Descriptions(options, engine);
        _rest = new RestFront(engine, options, Routes);
        _identities = new Identities(engine, identity, mailer, message => _log.Event(LogLevelMin.Warning, message));
        Cookies cookies = new(options.Mode == ServerMode.Serve, _identities.Derive("page tokens"));
        _credentials = new Credentials(_identities, cookies);
        _auth = new AuthFront(engine, _identities, identity, cookies, options.Limits);
        _hub = new LiveHub(engine, message => _log.Event(LogLevelMin.Error, message));
        _channels = new ChannelHub(engine, message => _log.Event(LogLevelMin.Error, message));
        RealtimeParts parts = new(_hub, _channels, options.Realtime, options.Limits, options.Time, _credentials.ResolveAsync,
            _credentials.RecheckAsync, new LiveRequests(engine).Read, _credentials.CredentialOf,
            model => CborShape.OfFrame(engine.Current.Schema, model), (ticket, cancel) => engine.TakeOnceAsync("ticket", ticket, cancel));
        _realtime = new RealtimeFront(parts, options, new Tickets(_identities.Derive("realtime tickets"), options.Time));
        _report = new RealtimeReport(_realtime, _hub, _channels, options);
        _engineReport = new EngineReport(engine, options);
        _replicas = new ReplicaReport(engine, options);
        engine.LostPlace = broken => _log.Event(LogLevelMin.Error,
            $"{broken.Text}: what was kept in memory is dropped, live queries begin anew, and it goes on from the end of the log");
        if (options.OtlpEndpoint is { } endpoint) _exporter = new Exporter(endpoint, options.OtlpProtocol, options.Version);
    }

    /// <summary>Where the server listens.</summary>
    public Uri Url => _listener?.Url ?? throw new InvalidOperationException("the server has not started");

    /// <summary>Descriptions of the schema that are kept.</summary>
    public int DescriptionsKept => _descriptions.Kept;

    /// <summary>The server's own log, for what its host has to say.</summary>
    public ServiceLog Log => _log;

    /// <summary>Starts to listen; when it returns, requests are answered.</summary>
    /// <exception cref="ArgumentException">The options are unsafe or contradict themselves; the message is for whoever set
    /// them.</exception>
    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static Task<PlinthServer> StartAsync(ServerOptions options, Engine engine, CancellationToken cancel) =>
        StartAsync(options, new IdentityOptions(), new ConsoleMailer(TextWriter.Null), engine, cancel);

    /// <summary>The same, with what was set about signing in.</summary>
    public static async Task<PlinthServer> StartAsync(
        ServerOptions options, IdentityOptions identity, Mailer mailer, Engine engine, CancellationToken cancel)
    {
        if ((options.Refusal() ?? Identities.Refusal(identity, engine.Current.Schema)) is { } refusal)
            throw new ArgumentException(refusal, nameof(options));
        if (options.Refusal(engine.Current.Schema) is { } missing) throw new InvalidDataException(missing);
        PlinthServer server = new(options, identity, mailer, engine);
        try
        {
            Pipeline pipeline = new(options, server.Routes, server.DispatchAsync, server._log, server._credentials.IdentifyAsync);
            server._listener = await HttpListener.StartAsync(options, pipeline, server._log, cancel);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Drains and stops: readiness fails first, then the port closes, and requests in flight end within their bound.
    /// Idempotent.</summary>
    public async Task StopAsync()
    {
        _draining = true;
        _realtime.Drain();
        if (_listener is { } listener) await listener.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _engine.LostPlace = null;
        if (_listener is { } listener) await listener.DisposeAsync();
        await _realtime.DisposeAsync();
        _hub.Dispose();
        await _channels.DisposeAsync();
        _report.Dispose();
        _engineReport.Dispose();
        _replicas.Dispose();
        await _identities.DisposeAsync();
        _operations.Dispose();
        _followers.Dispose();
        _exporter?.Dispose();
        await _log.DisposeAsync();
    }

    ValueTask<Fault?> DispatchAsync(Exchange exchange) => exchange.Route.Endpoint switch
    {
        Endpoint.Live or Endpoint.Ready or Endpoint.Metrics or Endpoint.Followers or Endpoint.FollowerResume
            or Endpoint.FollowerSkip or Endpoint.Projections or Endpoint.Version => _operations.AnswerAsync(exchange),
        Endpoint.Home or Endpoint.Docs or Endpoint.OpenApi or Endpoint.SchemaJson => _descriptions.AnswerAsync(exchange),
        Endpoint.Error => ErrorPages.AnswerAsync(exchange, _engine.Current.Schema),
        Endpoint.Realtime or Endpoint.Ticket => _realtime.AnswerAsync(exchange),
        Endpoint.Public => _files.AnswerAsync(exchange),
        >= Endpoint.Jwks => _auth.AnswerAsync(exchange),
        _ => _rest.AnswerAsync(exchange),
    };

    /// <summary>The routes of the schema that serves now; made once per schema, and twice at worst when two requests meet a new
    /// one.</summary>
    RouteTable Routes()
    {
        RouteTable? routes = Volatile.Read(ref _routes);
        if (routes is not null && ReferenceEquals(routes.Schema, _engine.Current.Schema)) return routes;
        routes = new RouteTable(_engine.Current.Schema, _files);
        Volatile.Write(ref _routes, routes);
        return routes;
    }

    string? NotReady() => _draining ? "the server is draining" : _engine.Unfit();

    IEnumerable<(string Name, string Value)> About()
    {
        Snapshot snapshot = _engine.Current;
        yield return ("schema", snapshot.Schema.Name);
        yield return ("schemaVersion", snapshot.Version.ToString(System.Globalization.CultureInfo.InvariantCulture));
        yield return ("storage", _engine.Store.Database.Version);
    }
}
