// The least that an answer over HTTP, and a message to a WebSocket, can cost on this machine: Kestrel, no routing, no middleware. Constant
// bytes of the size of a record for whoever asks; POST /broadcast sends its body, framed once, to everyone who opened a socket.
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(options => options.Listen(System.Net.IPAddress.Loopback, int.Parse(args[0])));
WebApplication app = builder.Build();
byte[] body = new byte[838];
Array.Fill(body, (byte)'x');
ConcurrentDictionary<Stream, byte> sockets = new();
app.Run(context => context.Request.Path.Value switch
{
    "/socket" => OpenAsync(context),
    "/broadcast" => BroadcastAsync(context),
    _ => AnswerAsync(context),
});
app.Run();

Task AnswerAsync(HttpContext context)
{
    context.Response.ContentType = "application/json";
    context.Response.ContentLength = body.Length;
    return context.Response.Body.WriteAsync(body, 0, body.Length);
}

async Task OpenAsync(HttpContext context)
{
    string key = context.Request.Headers.SecWebSocketKey + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    context.Response.Headers.Upgrade = "websocket";
    context.Response.Headers.SecWebSocketAccept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key)));
    await using Stream stream = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
    sockets.TryAdd(stream, 0);
    byte[] ignored = new byte[256];
    while (await stream.ReadAsync(ignored) > 0) { }
    sockets.TryRemove(stream, out _);
}

async Task BroadcastAsync(HttpContext context)
{
    using MemoryStream said = new();
    await context.Request.Body.CopyToAsync(said);
    byte[] payload = said.ToArray();
    byte[] frame = payload.Length < 126 ? [0x81, (byte)payload.Length, .. payload]
        : [0x81, 126, (byte)(payload.Length >> 8), (byte)payload.Length, .. payload];
    List<Task> waiting = [];
    foreach (var (stream, _) in sockets)
    {
        ValueTask writing = stream.WriteAsync(frame);
        if (!writing.IsCompletedSuccessfully) waiting.Add(writing.AsTask());
    }
    await Task.WhenAll(waiting);
    context.Response.ContentLength = 0;
}
