using System.IO.Pipelines;
using System.Text.Json;
using Plinth.Http;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>
/// One subscription as server-sent events: <c>GET /realtime?query=&lt;JSON&gt;</c>. Each frame is an event of its type; its position is
/// the event's id, so that a browser that connects again resumes by itself.
/// </summary>
sealed class EventStream
{
    static readonly byte[] s_defaultId = "\"1\""u8.ToArray();

    EventStream(ReadOnlyMemory<byte> query, string? ticket, string? resume) => (Query, Ticket, Resume) = (query, ticket, resume);

    /// <summary>Of its one subscription, as JSON.</summary>
    public byte[] Id { get; } = s_defaultId;

    public ReadOnlyMemory<byte> Query { get; }

    public string? Resume { get; }

    /// <summary>What stands for a credential in the URL.</summary>
    public string? Ticket { get; }

    public static Result<EventStream> Parse(Exchange exchange, Limits limits)
    {
        if (QueryString.Split(exchange.Target.Query, limits).Failed(out Fault? fault, out List<Parameter>? parameters)) return fault;
        string? query = null, ticket = null;
        foreach (Parameter parameter in parameters)
        {
            ref string? known = ref query;
            if (parameter.Name == "ticket") known = ref ticket;
            else if (parameter.Name != "query")
                return Faults.UnknownParameter.Says($"unknown parameter '{Shown.Name(parameter.Name)}'", "parameters are query and ticket");
            if (known is not null) return Faults.MalformedParameter.Says($"{parameter.Name}: is given twice");
            known = parameter.Text;
        }
        if (query is null) return Faults.MalformedParameter.Says("query: is needed, as JSON");
        string last = exchange.Headers["Last-Event-ID"].ToString();
        return new EventStream(System.Text.Encoding.UTF8.GetBytes(query), ticket, last.Length == 0 ? null : last);
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
                ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>?> taking = session.Outbox.TakeAsync(gone.Token);
                Task<IReadOnlyList<ReadOnlyMemory<byte>>?> next = taking.AsTask();
                while (await Task.WhenAny(next, Task.Delay(TimeSpan.FromSeconds(options.HeartbeatSeconds), gone.Token)) != next)
                {
                    gone.Token.ThrowIfCancellationRequested();
                    await output.WriteAsync(": \n\n"u8.ToArray(), gone.Token);
                }
                if (await next is not { } frames) return;
                int bytes = 0;
                foreach (ReadOnlyMemory<byte> frame in frames)
                {
                    Write(output, frame.Span);
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
    static void Write(PipeWriter output, ReadOnlySpan<byte> frame)
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
        Span<byte> bytes = output.GetSpan(text.Length);
        text.Written.CopyTo(bytes);
        Span<byte> line = bytes.Slice(start, frame.Length);
        line.Replace((byte)'\n', (byte)' ');
        line.Replace((byte)'\r', (byte)' ');
        output.Advance(text.Length);
    }
}
