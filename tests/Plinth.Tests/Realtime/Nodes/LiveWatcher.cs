using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Plinth.Live;

namespace Plinth.Realtime.Nodes;

/// <summary>
/// A client that follows a query by whichever node takes it, over a socket or as an event stream, and comes back with what it was told last
/// whenever the connection ends. A frame that does not fit what it has fails it: nothing is told twice, and nothing is left out.
/// </summary>
sealed class LiveWatcher(Uri address, string token, WatchedQuery query, bool isStream) : IDisposable
{
    static readonly string[] s_passing = ["not_ready", "overloaded", "storage_unavailable", "timeout", "lagged"];

    readonly HttpClient _http =
        new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(30) };
    readonly CancellationTokenSource _stop = new();
    readonly Lock _gate = new();
    readonly Materialised _list = new("id");
    Task _running = Task.CompletedTask;
    Exception? _failure;

    /// <summary>Times that it came back.</summary>
    public int Returns { get; private set; }

    /// <summary>Times that it was told what it had missed, and not everything anew.</summary>
    public int Continued { get; private set; }

    public int Changes => _list.Changes;

    public void Start() => _running = RunAsync();

    /// <summary>Waits until what it has is what a fresh query of the same caller answers.</summary>
    public async Task RequireEqualAsync(string told)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        string[] fresh = [], found = [];
        try
        {
            while (true)
            {
                fresh = await FreshAsync(enough.Token);
                lock (_gate)
                {
                    if (_failure is not null) throw new InvalidOperationException($"{told}, {query}", _failure);
                    found = [.. _list.Items];
                    // A list that it was never told of is no answer, though it be empty.
                    if (_list.Snapshots > 0 && fresh.SequenceEqual(found)) return;
                }
                await Task.Delay(25, enough.Token);
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{told}, {query}:\n{string.Join('\n', fresh)}\nis, and the client has\n{string.Join('\n', found)}");
        }
    }

    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    public void Dispose()
    {
        _stop.Dispose();
        _http.Dispose();
    }

    async Task<string[]> FreshAsync(CancellationToken cancel)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, query.Path);
        request.Headers.Authorization = new("Bearer", token);
        request.Headers.ConnectionClose = true;
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, cancel);
            string text = await response.Content.ReadAsStringAsync(cancel);
            if ((int)response.StatusCode is 503 or 504) return ["no answer"];
            Assert.True((int)response.StatusCode == 200, text);
            using JsonDocument page = JsonDocument.Parse(text);
            return [.. page.RootElement.GetProperty("items").EnumerateArray().Select(static i => i.GetRawText())];
        }
        catch (HttpRequestException)
        {
            return ["no answer"];
        }
    }

    async Task RunAsync()
    {
        for (; !_stop.IsCancellationRequested && _failure is null; Returns++)
        {
            try
            {
                await (isStream ? ReadStreamAsync() : ReadSocketAsync());
                await Task.Delay(20, _stop.Token);
            }
            catch (Exception e) when (e is WebSocketException or HttpRequestException or IOException or OperationCanceledException)
            {
                // The node has gone, or it is over. A socket that cannot be had at once is tried for again, but not without end.
                if (!_stop.IsCancellationRequested) await Task.Delay(20);
            }
            catch (Exception e)
            {
                lock (_gate) _failure = e;
            }
        }
    }

    async Task ReadSocketAsync()
    {
        using ClientWebSocket socket = new();
        socket.Options.AddSubProtocol("plinth.v1+json");
        socket.Options.SetRequestHeader("Authorization", "Bearer " + token);
        await socket.ConnectAsync(new UriBuilder(address) { Scheme = "ws", Path = "/realtime" }.Uri, _stop.Token);
        string? from = _list.Position;
        string subscribe = $$"""{"type":"subscribe","id":"s","query":{{query.Json}}{{(from is null ? "" : $",\"resume\":\"{from}\"")}}}""";
        await socket.SendAsync(Encoding.UTF8.GetBytes(subscribe), WebSocketMessageType.Text, true, _stop.Token);
        using MemoryStream message = new();
        byte[] part = new byte[64 << 10];
        for (bool isFirst = true; ;)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(part.AsMemory(), _stop.Token);
            if (received.MessageType == WebSocketMessageType.Close) return;
            message.Write(part, 0, received.Count);
            if (!received.EndOfMessage) continue;
            if (!Take(message.ToArray(), isFirst && from is not null)) return;
            message.SetLength(0);
            isFirst = false;
        }
    }

    async Task ReadStreamAsync()
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/realtime?query=" + Uri.EscapeDataString(query.Json));
        request.Headers.Accept.ParseAdd("text/event-stream");
        request.Headers.Authorization = new("Bearer", token);
        request.Headers.ConnectionClose = true;
        string? from = _list.Position;
        if (from is not null) request.Headers.Add("Last-Event-ID", from);
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _stop.Token);
        if ((int)response.StatusCode is 503 or 504) return;
        Assert.Equal(200, (int)response.StatusCode);
        using StreamReader events = new(await response.Content.ReadAsStreamAsync(_stop.Token));
        for (bool isFirst = true; await events.ReadLineAsync(_stop.Token) is { } line;)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
            if (!Take(Encoding.UTF8.GetBytes(line["data: ".Length..]), isFirst && from is not null)) return;
            isFirst = false;
        }
    }

    /// <summary>False when the subscription has ended for a reason that passes.</summary>
    bool Take(byte[] json, bool comesBack)
    {
        using JsonDocument frame = JsonDocument.Parse(json);
        lock (_gate)
        {
            string type = frame.RootElement.GetProperty("type").GetString()!;
            if (type == "error")
            {
                Assert.Contains(frame.RootElement.GetProperty("problem").GetProperty("code").GetString(), s_passing);
                return false;
            }
            if (comesBack && type == "change") Continued++;
            _list.Apply(frame.RootElement);
            return true;
        }
    }
}

/// <summary>A live query, and the list of REST that answers the same.</summary>
/// <param name="Filter">Empty for none.</param>
/// <param name="Sort">As both take it.</param>
/// <param name="Limit">Null for all.</param>
sealed record WatchedQuery(string Filter, string Sort, int? Limit = null)
{
    public string Json => "{\"model\":\"Deal\",\"sort\":\"" + Sort + "\"" + (Filter.Length == 0 ? "" : ",\"filter\":\"" + Filter + "\"")
        + (Limit is null ? "}" : $",\"limit\":{Limit}}}");

    public string Path => $"/api/deals?sort={Sort}&limit={Limit ?? 1000}"
        + (Filter.Length == 0 ? "" : "&filter=" + Uri.EscapeDataString(Filter));
}
