using System.Net.WebSockets;
using System.Text;
using Plinth.Http;

namespace Plinth.Realtime;

public sealed class OutFrameTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(1024)]
    [InlineData(20_000)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(200_000)]
    public async Task A_socket_reads_what_was_framed_and_compressed_for_all(int length)
    {
        string text = string.Concat(Enumerable.Range(0, length).Select(static i => (char)('a' + i * i % 23)));
        foreach (bool compresses in new[] { false, true })
        {
            OutFrame frame = new(Encoding.UTF8.GetBytes(text));
            OutFrame.Wire wire = frame.Framed(compresses);
            Assert.Same(wire, frame.Framed(compresses));
            int sent = wire.Head.Length + wire.Body.Length;
            Assert.Equal(compresses && length >= OutFrame.CompressedFrom, sent < length);
            // Twice: nothing is carried over from one to the next.
            var (type, read) = await ReadAsync(compresses, wire, wire);
            Assert.Equal(WebSocketMessageType.Text, type);
            Assert.Equal(text + text, read);
        }
    }

    [Fact]
    public async Task What_does_not_get_smaller_is_not_compressed()
    {
        byte[] noise = new byte[4096];
        new Random(3).NextBytes(noise);
        string text = Convert.ToHexString(noise) + new string('x', 3);
        OutFrame frame = new(noise, isBinary: true);
        OutFrame.Wire wire = frame.Framed(compresses: true);
        Assert.True(wire.Head.Length + wire.Body.Length > noise.Length);
        var (type, _) = await ReadAsync(compresses: true, wire);
        Assert.Equal(WebSocketMessageType.Binary, type);
        Assert.True(new OutFrame(Encoding.UTF8.GetBytes(text)).Framed(compresses: true).Body.Length < text.Length);
    }

    [Fact]
    public void Cbor_and_the_event_are_made_once()
    {
        OutFrame frame = new("{\"type\":\"change\",\"id\":1,\n\"position\":\"7.x\"}"u8.ToArray());
        Assert.Same(frame.Cbor(CborShape.Plain), frame.Cbor(CborShape.Plain));
        const string expected = "event: change\nid: 7.x\ndata: {\"type\":\"change\",\"id\":1, \"position\":\"7.x\"}\n\n";
        Assert.Equal(expected, Encoding.UTF8.GetString(frame.Event.Span));
        Assert.True(frame.Event.Span == frame.Event.Span);
    }

    /// <summary>What a client's socket of the framework makes of frames.</summary>
    static async Task<(WebSocketMessageType Type, string Text)> ReadAsync(bool compresses, params OutFrame.Wire[] wires)
    {
        using MemoryStream sent = new();
        foreach (OutFrame.Wire wire in wires)
        {
            sent.Write(wire.Head.Span);
            sent.Write(wire.Body.Span);
        }
        sent.Position = 0;
        using WebSocket socket = WebSocket.CreateFromStream(sent, new WebSocketCreationOptions
        {
            DangerousDeflateOptions = compresses
                ? new WebSocketDeflateOptions { ClientContextTakeover = false, ServerContextTakeover = false } : null,
        });
        using MemoryStream read = new();
        byte[] buffer = new byte[8192];
        WebSocketMessageType type = default;
        for (int messages = 0; messages < wires.Length;)
        {
            WebSocketReceiveResult result = await socket.ReceiveAsync(buffer, CancellationToken.None);
            read.Write(buffer, 0, result.Count);
            type = result.MessageType;
            if (result.EndOfMessage) messages++;
        }
        return (type, Encoding.UTF8.GetString(read.ToArray()));
    }
}
