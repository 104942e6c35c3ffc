using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Plinth.Http;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>The opening of a WebSocket (RFC 6455): what the client asked for, and the answer.</summary>
sealed class Handshake
{
    public const string Json = "plinth.v1+json", Cbor = "plinth.v1+cbor";

    const string Deflate = "permessage-deflate";

    readonly string _key;
    readonly string? _protocol;

    Handshake(string key, string? protocol, bool compresses) => (_key, _protocol, Compresses) = (key, protocol, compresses);

    public bool UsesCbor => _protocol == Cbor;

    /// <summary>Large frames are compressed, each by itself: nothing is kept per client between them.</summary>
    public bool Compresses { get; }

    public string? Protocol => _protocol;

    public static bool IsAsked(IHeaderDictionary headers) =>
        string.Equals(headers.Upgrade.ToString(), "websocket", StringComparison.OrdinalIgnoreCase);

    public static Result<Handshake> Read(IHeaderDictionary headers)
    {
        if (headers.SecWebSocketVersion.ToString() != "13") return Faults.MalformedHeader.Says("Sec-WebSocket-Version must be 13");
        string key = headers.SecWebSocketKey.ToString();
        Span<byte> nonce = stackalloc byte[16];
        if (!Convert.TryFromBase64String(key, nonce, out int length) || length != 16)
            return Faults.MalformedHeader.Says("Sec-WebSocket-Key must be 16 bytes in base64");
        string[] asked = headers.SecWebSocketProtocol.ToString()
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string? protocol = asked.FirstOrDefault(static p => p is Json or Cbor);
        if (asked.Length > 0 && protocol is null)
            return Faults.MalformedHeader.Says("none of the subprotocols is spoken here", $"there are {Json} and {Cbor}");
        bool compresses = headers.SecWebSocketExtensions.ToString().Split(',', StringSplitOptions.TrimEntries)
            .Any(static e => e == Deflate || e.StartsWith(Deflate + ";", StringComparison.Ordinal));
        return new Handshake(key, protocol, compresses);
    }

    public async Task<Stream> AcceptAsync(Exchange exchange)
    {
        IHeaderDictionary answer = exchange.ResponseHeaders;
        answer.Upgrade = "websocket";
        answer.SecWebSocketAccept = Accept(_key);
        if (_protocol is not null) answer.SecWebSocketProtocol = _protocol;
        if (Compresses)
            answer.SecWebSocketExtensions = $"{Deflate}; client_no_context_takeover; server_no_context_takeover";
        return await exchange.Upgrade!.UpgradeAsync(); // It was there when the request was taken for a socket.
    }

    public WebSocket Open(Stream stream) => WebSocket.CreateFromStream(stream, new WebSocketCreationOptions
    {
        IsServer = true,
        SubProtocol = _protocol,
        // Heartbeats are ours: its own take a timer for each socket.
        KeepAliveInterval = TimeSpan.Zero,
        // What compresses well tells of what stands beside it: nothing secret does, for no frame that we send carries a credential.
        DangerousDeflateOptions = Compresses
            ? new WebSocketDeflateOptions { ClientContextTakeover = false, ServerContextTakeover = false } : null,
    });

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Security", "CA5350", Justification = "RFC 6455 says SHA-1; nothing is secret.")]
    static string Accept(string key) =>
        Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
}
