using System.Net.Sockets;
using System.Text;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>The pipeline over a real socket, with a front that the test writes.</summary>
sealed class PipelineServer : IAsyncDisposable
{
    readonly HttpListener _listener;
    readonly ServiceLog _log;
    readonly MemoryStream _logged = new();

    PipelineServer(HttpListener listener, ServiceLog log, MemoryStream logged)
    {
        (_listener, _log, _logged) = (listener, log, logged);
        Client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = listener.Url };
    }

    public HttpClient Client { get; }

    public Uri Url => _listener.Url;

    public static async Task<PipelineServer> StartAsync(Dispatch dispatch, Func<ServerOptions, ServerOptions>? with = null)
    {
        MemoryStream logged = new();
        ServerOptions options = new() { Mode = ServerMode.Serve, Port = 0, Version = "test", LogStream = logged,
            LogFormat = LogFormat.Json };
        if (with is not null) options = with(options);
        ServiceLog log = new(options);
        RouteTable routes = new(SampleSchema.Schema);
        Pipeline pipeline = new(options, () => routes, dispatch, log);
        return new PipelineServer(await HttpListener.StartAsync(options, pipeline, log, CancellationToken.None), log, logged);
    }

    /// <summary>Answers 200 with the given text.</summary>
    public static Dispatch Answers(string json) => async exchange =>
    {
        await exchange.SendAsync(200, Negotiation.Json, Encoding.UTF8.GetBytes(json));
        return null;
    };

    public static Dispatch Refuses(Fault fault) => _ => new(fault);

    /// <summary>Bytes as they are, and everything that comes back until the server closes.</summary>
    public async Task<string> RawAsync(string request)
    {
        using TcpClient tcp = new();
        await tcp.ConnectAsync(Url.Host, Url.Port);
        NetworkStream stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using StreamReader reader = new(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }

    /// <summary>Ends the server and gives what it logged.</summary>
    public async Task<string> LogAsync()
    {
        await DisposeAsync();
        return Encoding.UTF8.GetString(_logged.ToArray());
    }

    public Task StopAsync() => _listener.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _listener.DisposeAsync();
        await _log.DisposeAsync();
    }
}
