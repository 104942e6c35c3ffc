using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Plinth.Sinks;

/// <summary>A receiver of events over HTTP, which keeps what it was sent.</summary>
sealed class HttpReceiver : IAsyncDisposable
{
    readonly HttpListener _listener = new();
    readonly Task _serving;

    public HttpReceiver()
    {
        for (int tries = 0; ; tries++)
        {
            int port = FreePort();
            _listener.Prefixes.Clear();
            _listener.Prefixes.Add(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
            try
            {
                _listener.Start();
                Url = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/events"));
                break;
            }
            catch (HttpListenerException) when (tries < 50)
            {
                // Somebody has the port.
            }
        }
        _serving = ServeAsync();
    }

    public Uri Url { get; }

    public int Status { get; set; } = 204;

    /// <summary>Called with what came, before it is answered.</summary>
    public Action<IReadOnlyList<long>>? Receiving { get; set; }

    public ConcurrentQueue<long> Positions { get; } = new();

    public List<long> Accepted { get; } = [];

    public ConcurrentQueue<string?> Tokens { get; } = new();

    public static List<long> PositionsOf(string lines) =>
        [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(PositionOf)];

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _listener.Close();
    }

    static long PositionOf(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        return long.Parse(document.RootElement.GetProperty("position").GetString()!, CultureInfo.InvariantCulture); // Every event has one.
    }

    static int FreePort()
    {
        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        return ((IPEndPoint)free.LocalEndpoint).Port;
    }

    async Task ServeAsync()
    {
        try
        {
            while (true) await AnswerAsync(await _listener.GetContextAsync());
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    async Task AnswerAsync(HttpListenerContext context)
    {
        try
        {
            using StreamReader reader = new(context.Request.InputStream, Encoding.UTF8);
            List<long> positions = PositionsOf(await reader.ReadToEndAsync());
            Tokens.Enqueue(context.Request.Headers["Authorization"]);
            foreach (long position in positions) Positions.Enqueue(position);
            Receiving?.Invoke(positions);
            if (Status == 204) Accepted.AddRange(positions);
            context.Response.StatusCode = Status;
            context.Response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or IOException or JsonException)
        {
            // Whoever sent it is gone, in the middle of it or before the answer.
        }
    }
}
