using System.Net;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Plinth.Http;

/// <summary>
/// Kestrel by itself, without a host, a container or middleware: the pipeline is its application. Every bound that Kestrel knows is set
/// here; bodies are bounded per route by <see cref="RequestBody"/>, which can answer with a problem.
/// </summary>
sealed class HttpListener : IAsyncDisposable
{
    readonly KestrelServer _kestrel;
    readonly Pipeline _pipeline;
    readonly ServerOptions _options;
    int _stopped;

    HttpListener(KestrelServer kestrel, Pipeline pipeline, ServerOptions options) =>
        (_kestrel, _pipeline, _options) = (kestrel, pipeline, options);

    /// <summary>Where the server listens; with a port of 0, the one that was free.</summary>
    public Uri Url { get; private set; } = new("http://localhost");

    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<HttpListener> StartAsync(ServerOptions options, Pipeline pipeline, ServiceLog log, CancellationToken cancel)
    {
        EarlyRefusals refusals = new(options, log);
        KestrelLog kestrelLog = new(log, refusals);
        KestrelServerOptions kestrel = new() { AddServerHeader = false, AllowSynchronousIO = false };
        kestrel.Limits.MaxConcurrentConnections = options.ConnectionsMax;
        kestrel.Limits.MaxConcurrentUpgradedConnections = options.ConnectionsMax;
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MaxRequestHeadersTotalSize = options.HeaderBytes;
        kestrel.Limits.MaxRequestHeaderCount = options.HeadersMax;
        kestrel.Limits.MaxRequestLineSize = options.RequestLineBytes;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(options.HeaderSeconds);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(options.IdleSeconds);
        Listen(kestrel, options.Host, options.Port, refusals);
        if (options.OpsPort is { } ops) Listen(kestrel, options.Host, ops, refusals);

        SocketTransportFactory transport = new(Options.Create(new SocketTransportOptions()), kestrelLog);
        KestrelServer server = new(Options.Create(kestrel), transport, kestrelLog);
        HttpListener listener = new(server, pipeline, options);
        await server.StartAsync(pipeline, cancel);
        string address = server.Features.Get<IServerAddressesFeature>()!.Addresses.First(); // A started server has one.
        listener.Url = new Uri(address.Replace("//0.0.0.0", "//127.0.0.1", StringComparison.Ordinal)
            .Replace("//[::]", "//localhost", StringComparison.Ordinal));
        return listener;
    }

    /// <summary>
    /// Drains: readiness has failed already, so after the delay no new connection is taken, those that are idle close, and requests in
    /// flight end within the bound. Idempotent.
    /// </summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0) return;
        _pipeline.IsDraining = true;
        if (_options.DrainDelay > TimeSpan.Zero) await Task.Delay(_options.DrainDelay, _options.Time);
        using CancellationTokenSource bound = new(_options.DrainBound, _options.Time);
        await _kestrel.StopAsync(bound.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _kestrel.Dispose();
    }

    static void Listen(KestrelServerOptions kestrel, string host, int port, EarlyRefusals refusals)
    {
        if (IPAddress.TryParse(host, out IPAddress? address)) kestrel.Listen(address, port, Plain);
        else if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)) kestrel.Listen(IPAddress.Loopback, port, Plain);
        else kestrel.Listen(Dns.GetHostAddresses(host).First(), port, Plain);

        void Plain(ListenOptions listen)
        {
            listen.Protocols = HttpProtocols.Http1;
            refusals.Guard(listen);
        }
    }
}
