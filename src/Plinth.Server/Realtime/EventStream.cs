using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Plinth.Http;
using Plinth.Live;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>
/// One subscription as server-sent events: <c>GET /realtime?query=&lt;JSON&gt;</c>, or <c>?channel=board</c> to listen to one. Each frame
/// is an event of its type; the position of a list's is the event's id, so that a browser that connects again resumes by itself.
/// </summary>
sealed class EventStream
{
    static readonly byte[] s_defaultId = "\"1\""u8.ToArray();
    static readonly string[] s_parameters = ["query", "channel", "parameters", "presence", "ticket"];

    EventStream(ReadOnlyMemory<byte> query, ChannelRequest? channel, string? ticket, string? resume) =>
        (Query, Channel, Ticket, Resume) = (query, channel, ticket, resume);

    /// <summary>Of its one subscription, as JSON.</summary>
    public byte[] Id { get; } = s_defaultId;

    /// <summary>Empty where a channel is listened to.</summary>
    public ReadOnlyMemory<byte> Query { get; }

    public ChannelRequest? Channel { get; }

    public string? Resume { get; }

    /// <summary>What stands for a credential in the URL.</summary>
    public string? Ticket { get; }

    public static Result<EventStream> Parse(Exchange exchange, Limits limits)
    {
        if (QueryString.Split(exchange.Target.Query, limits).Failed(out Fault? fault, out List<Parameter>? parameters)) return fault;
        Dictionary<string, string> given = new(StringComparer.Ordinal);
        foreach (Parameter parameter in parameters)
        {
            if (!s_parameters.Contains(parameter.Name))
            {
                return Faults.UnknownParameter.Says($"unknown parameter '{Shown.Name(parameter.Name)}'",
                    $"parameters are {string.Join(", ", s_parameters)}");
            }
            if (!given.TryAdd(parameter.Name, parameter.Text))
                return Faults.MalformedParameter.Says($"{parameter.Name}: is given twice");
        }
        string? query = given.GetValueOrDefault("query"), channel = given.GetValueOrDefault("channel");
        if (query is null == channel is null)
            return Faults.MalformedParameter.Says("query: is needed, as JSON; or channel, the name of one");
        if (channel is null && (given.ContainsKey("parameters") || given.ContainsKey("presence")))
            return Faults.MalformedParameter.Says("parameters and presence belong to a channel");
        string last = exchange.Headers["Last-Event-ID"].ToString();
        ChannelRequest? request = channel is null ? null : new ChannelRequest(channel, Bytes("parameters"), Bytes("presence"));
        return new EventStream(Bytes("query"), request, given.GetValueOrDefault("ticket"), last.Length == 0 ? null : last);

        byte[] Bytes(string name) => given.TryGetValue(name, out string? text) ? System.Text.Encoding.UTF8.GetBytes(text) : [];
    }

    public async Task RunAsync(RealtimeSession session, Exchange exchange, RealtimeOptions options, CancellationToken cancel)
    {
        exchange.ResponseHeaders.CacheControl = "no-store";
        exchange.ResponseHeaders["X-Accel-Buffering"] = "no";
        PipeWriter output = exchange.Open(200, "text/event-stream");
        try
        {
            using CancellationTokenSource gone = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            _ = EndAsync(session, gone);
            // Who comes back and has missed nothing is told at once that the stream is open.
            await output.FlushAsync(gone.Token);
            while (true)
            {
                ValueTask<IReadOnlyList<OutFrame>?> taking = session.Outbox.TakeAsync(gone.Token);
                Task<IReadOnlyList<OutFrame>?> next = taking.AsTask();
                while (await Task.WhenAny(next, Task.Delay(TimeSpan.FromSeconds(options.HeartbeatSeconds), gone.Token)) != next)
                {
                    gone.Token.ThrowIfCancellationRequested();
                    await output.WriteAsync(": \n\n"u8.ToArray(), gone.Token);
                }
                if (await next is not { } frames) return;
                int bytes = 0;
                foreach (OutFrame frame in frames)
                {
                    output.Write(frame.Event.Span);
                    bytes += frame.Length;
                }
                FlushResult flushed = await output.FlushAsync(gone.Token);
                session.Outbox.Sent(bytes);
                if (flushed.IsCompleted) return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client has gone.
        }
    }

    /// <summary>A client that is told goodbye and does not read it is not waited for.</summary>
    static async Task EndAsync(RealtimeSession session, CancellationTokenSource gone)
    {
        try
        {
            await session.Over;
            gone.CancelAfter(SocketRun.Goodbye);
        }
        catch (ObjectDisposedException)
        {
            // It has read it already.
        }
    }

    /// <summary>A frame is one line of JSON: white space between its tokens is all that a line's end could be.</summary>
    public static byte[] Text(ReadOnlySpan<byte> frame)
    {
        using ByteOutput text = new(frame.Length + 96);
        Utf8JsonReader reader = new(frame);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isType = reader.ValueTextEquals("type"u8), isPosition = reader.ValueTextEquals("position"u8);
            reader.Read();
            if (isType || isPosition)
            {
                text.Write(isType ? "event: "u8 : "id: "u8);
                text.Write(reader.ValueSpan);
                text.Write((byte)'\n');
            }
            else
            {
                reader.Skip();
            }
        }
        text.Write("data: "u8);
        int start = text.Length;
        text.Write(frame);
        text.Write("\n\n"u8);
        byte[] bytes = text.ToArray();
        Span<byte> line = bytes.AsSpan(start, frame.Length);
        line.Replace((byte)'\n', (byte)' ');
        line.Replace((byte)'\r', (byte)' ');
        return bytes;
    }
}
