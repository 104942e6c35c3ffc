using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Plinth.Realtime;

/// <summary>A client's socket, with a bound on every wait.</summary>
sealed class LiveSocket : IAsyncDisposable
{
    readonly ClientWebSocket _socket = new();
    readonly CancellationTokenSource _bound = new(TimeSpan.FromSeconds(60));

    public static async Task<LiveSocket> OpenAsync(Uri server, string? protocol = "plinth.v1+json", params string[] headers)
    {
        LiveSocket opened = new();
        ClientWebSocketOptions options = opened._socket.Options;
        if (protocol is not null) options.AddSubProtocol(protocol);
        options.CollectHttpResponseDetails = true;
        foreach (string header in headers)
        {
            string[] parts = header.Split(": ", 2);
            if (parts[0] == "deflate") options.DangerousDeflateOptions = new WebSocketDeflateOptions();
            else options.SetRequestHeader(parts[0], parts[1]);
        }
        await opened._socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = "/realtime" }.Uri, opened._bound.Token);
        return opened;
    }

    /// <summary>The status that refuses a socket.</summary>
    public static async Task<int> RefusedAsync(Uri server, string? protocol = "plinth.v1+json", params string[] headers)
    {
        using ClientWebSocket socket = new();
        if (protocol is not null) socket.Options.AddSubProtocol(protocol);
        socket.Options.CollectHttpResponseDetails = true;
        foreach (string header in headers) socket.Options.SetRequestHeader(header.Split(": ")[0], header.Split(": ")[1]);
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(
            new UriBuilder(server) { Scheme = "ws", Path = "/realtime" }.Uri, CancellationToken.None));
        return (int)socket.HttpStatusCode;
    }

    public string? Protocol => _socket.SubProtocol;

    public WebSocketCloseStatus? CloseStatus => _socket.CloseStatus;

    public Task SendAsync(string frame) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes(frame), WebSocketMessageType.Text, true, _bound.Token);

    public Task SendAsync(byte[] frame) => _socket.SendAsync(frame, WebSocketMessageType.Binary, true, _bound.Token);

    public Task SubscribeAsync(string id, string query, string? resume = null) => SendAsync(resume is null
        ? $$"""{"type":"subscribe","id":"{{id}}","query":{{query}}}"""
        : $$"""{"type":"subscribe","id":"{{id}}","query":{{query}},"resume":"{{resume}}"}""");

    public Task JoinAsync(string channel, string? presence, string? parameters = null, string id = "c") => SendAsync(
        $$"""{"type":"subscribe","id":"{{id}}","channel":"{{channel}}"""
        + (parameters is null ? "\"" : "\",\"parameters\":" + parameters) + (presence is null ? "}" : ",\"presence\":" + presence + "}"));

    /// <summary>The next message; null when the server has closed the socket.</summary>
    public async Task<byte[]?> TakeAsync()
    {
        using MemoryStream message = new();
        byte[] part = new byte[64 << 10];
        while (true)
        {
            ValueWebSocketReceiveResult received = await _socket.ReceiveAsync(part.AsMemory(), _bound.Token);
            if (received.MessageType == WebSocketMessageType.Close) return null;
            message.Write(part, 0, received.Count);
            if (received.EndOfMessage) return message.ToArray();
        }
    }

    public async Task<JsonElement> FrameAsync() => JsonDocument.Parse(
        await TakeAsync() ?? throw new InvalidOperationException($"the socket was closed: {CloseStatus}")).RootElement;

    /// <summary>The next frame as text, its position taken out.</summary>
    public async Task<string> TextAsync()
    {
        JsonElement frame = await FrameAsync();
        return "{" + string.Join(',', frame.EnumerateObject().Where(static m => m.Name != "position")
            .Select(static m => $"\"{m.Name}\":{m.Value.GetRawText()}")) + "}";
    }

    /// <summary>The code of the next frame, which is an error.</summary>
    public async Task<string> ErrorAsync()
    {
        JsonElement frame = await FrameAsync();
        Assert.Equal("error", frame.GetProperty("type").GetString());
        return frame.GetProperty("problem").GetProperty("code").GetString()!;
    }

    public async Task CloseAsync() => await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, _bound.Token);

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _bound.Dispose();
        return ValueTask.CompletedTask;
    }
}
