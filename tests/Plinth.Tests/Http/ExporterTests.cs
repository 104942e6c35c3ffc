using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Plinth.Rest;

namespace Plinth.Http;

public class ExporterTests
{
    [Fact]
    public async Task Traces_and_metrics_go_to_the_collector_that_is_set()
    {
        await using Collector collector = new();
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient client = await server.ClientAsync(null, o => o with { OtlpEndpoint = collector.Url, OtlpProtocol = "http/protobuf" });
        Reply reply = await client.SendAsync(
            "GET", "/api/notes/1", null, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", reply.Json.GetProperty("traceId").GetString());
        await server.Last.DisposeAsync();

        string traces = Assert.Contains("/v1/traces", collector.Bodies), metrics = Assert.Contains("/v1/metrics", collector.Bodies);
        Assert.Contains("GET /api/notes/{id}", traces, StringComparison.Ordinal);
        Assert.Contains(Encoding.Latin1.GetString(Convert.FromHexString("4bf92f3577b34da6a3ce929d0e0e4736")), traces,
            StringComparison.Ordinal);
        Assert.Contains("http.server.request.duration", metrics, StringComparison.Ordinal);
    }

    /// <summary>Takes whatever is posted, by path.</summary>
    sealed class Collector : IAsyncDisposable
    {
        readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        readonly CancellationTokenSource _stop = new();
        readonly Task _loop;

        public Collector()
        {
            _listener.Start();
            _loop = AcceptAsync();
        }

        public ConcurrentDictionary<string, string> Bodies { get; } = new(StringComparer.Ordinal);

        public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _loop;
            _stop.Dispose();
        }

        async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    using TcpClient tcp = await _listener.AcceptTcpClientAsync(_stop.Token);
                    await AnswerAsync(tcp.GetStream());
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Stopped.
            }
        }

        /// <summary>One request per connection.</summary>
        async Task AnswerAsync(NetworkStream stream)
        {
            StringBuilder text = new();
            byte[] buffer = new byte[64 << 10];
            int head = -1, length = 0;
            while (head < 0 || text.Length < head + 4 + length)
            {
                int read = await stream.ReadAsync(buffer, _stop.Token);
                if (read == 0) return;
                text.Append(Encoding.Latin1.GetString(buffer, 0, read));
                if (head >= 0) continue;
                head = text.ToString().IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (head < 0) continue;
                string line = text.ToString(0, head).Split("\r\n").First(
                    l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
                length = int.Parse(line[15..], CultureInfo.InvariantCulture);
            }
            string path = text.ToString(0, head).Split(' ')[1];
            Bodies.AddOrUpdate(path, text.ToString(head + 4, length), (_, before) => before + text.ToString(head + 4, length));
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), _stop.Token);
        }
    }
}
