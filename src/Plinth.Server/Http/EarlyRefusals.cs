using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// Kestrel refuses some requests before there is one: a request line or a header that cannot be read, too many of them, one that does not
/// come. Its answer has no body; here it gets the problem that every other refusal has. The server's output is looked at only between two
/// requests, so that a request pays one more virtual call for a write, and nothing else.
/// </summary>
/// <remarks>
/// A credential that is too long to be one is a bad one (401), like all that are not good, also where the headers do not fit because of it.
/// </remarks>
sealed class EarlyRefusals(ServerOptions options, ServiceLog log) : ILogger
{
    /// <summary>Kestrel's own log of why it refused: the one place that says so. Nothing is written to it but for a refusal.</summary>
    public const string LogCategory = "Microsoft.AspNetCore.Server.Kestrel.BadRequests";

    readonly ConcurrentDictionary<string, GuardedOutput> _connections = new(StringComparer.Ordinal);

    /// <summary>Stands before the server on every connection.</summary>
    public void Guard(ListenOptions listen) => listen.Use(next => async connection =>
    {
        GuardedOutput output = new(connection.Transport.Output, connection.Transport.Input, this);
        connection.Transport = new Guarded(connection.Transport.Input, output);
        connection.Features.Set(output);
        _connections[connection.ConnectionId] = output;
        try
        {
            await next(connection);
        }
        finally
        {
            _connections.TryRemove(connection.ConnectionId, out _);
        }
    });

    /// <summary>The answer in the place of Kestrel's, which begins with a status line and has headers only.</summary>
    /// <param name="bare">What Kestrel would have sent.</param>
    /// <param name="reason">Why, in its words; null when it said nothing.</param>
    /// <param name="input">What the client sends, as far as it was not read.</param>
    /// <param name="answer">Receives the answer.</param>
    /// <returns>The client may still be sending.</returns>
    public bool Write(ReadOnlySpan<byte> bare, string? reason, PipeReader input, ByteOutput answer)
    {
        if (!TryReadStatus(bare, out int status))
        {
            // Not ours to judge: what tells a client of HTTP/2 that there is only HTTP/1.1 here.
            answer.Write(bare);
            return false;
        }
        bool isSending = status is StatusCodes.Status431RequestHeaderFieldsTooLarge or StatusCodes.Status414UriTooLong;
        bool isCredential = status == StatusCodes.Status431RequestHeaderFieldsTooLarge && UnreadHeaders.HasEndlessCredential(input);
        if (isCredential) status = StatusCodes.Status401Unauthorized;
        Fault fault = isCredential ? Faults.Unauthorized.Says("the credentials are not valid") : Of(status, reason);
        string requestId = Guid.CreateVersion7(options.Time.GetUtcNow()).ToString();
        string traceId = requestId.Replace("-", "", StringComparison.Ordinal);
        using ByteOutput body = new();
        Problem.Write(body, fault, status, traceId, requestId);
        ReadOnlySpan<byte> rest = bare;
        if (isCredential)
        {
            answer.Write("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\n"u8);
            rest = rest[(rest.IndexOf("\r\n"u8) + 2)..];
        }
        while (rest.IndexOf("\r\n"u8) is > 0 and var end)
        {
            if (!rest.StartsWith("Content-Length:"u8)) answer.Write(rest[..(end + 2)]);
            rest = rest[(end + 2)..];
        }
        answer.Write("Content-Type: application/problem+json\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: "u8);
        Ascii(answer, requestId);
        answer.Write("\r\nContent-Length: "u8);
        Ascii(answer, body.Length.ToString(CultureInfo.InvariantCulture));
        answer.Write("\r\n\r\n"u8);
        answer.Write(body.Written);
        Telemetry.Refused.Add(1);
        log.Event(LogLevelMin.Info, "request refused before it was read", ("requestId", requestId), ("traceId", traceId),
            ("status", status.ToString(CultureInfo.InvariantCulture)), ("fault", fault.Code));
        return isSending;
    }

    Fault Of(int status, string? reason)
    {
        string said = reason ?? "the request line or a header breaks the rules of HTTP/1.1";
        return status switch
        {
            StatusCodes.Status408RequestTimeout => Faults.RequestTooSlow.Says(
                $"the request line and the headers did not come within {options.HeaderSeconds} s", "server.headerSeconds is the setting"),
            StatusCodes.Status414UriTooLong => Faults.TargetTooLong.Says(
                $"the request line has more than {options.RequestLineBytes} bytes",
                "QUERY, and POST on …/query, take the parameters in the body; server.requestLineBytes is the setting"),
            StatusCodes.Status431RequestHeaderFieldsTooLarge => Faults.HeadersTooLarge.Says(
                $"the headers have more than {options.HeaderBytes} bytes, or there are more than {options.HeadersMax}",
                "server.headerBytes and server.headers are the settings"),
            StatusCodes.Status505HttpVersionNotsupported => Faults.HttpVersionUnsupported.Says("the server speaks HTTP/1.1"),
            _ => Faults.MalformedRequest.Says(said),
        };
    }

    /// <summary>"HTTP/1.1 400 …"</summary>
    static bool TryReadStatus(ReadOnlySpan<byte> bare, out int status)
    {
        status = 0;
        return bare.Length > 12 && bare.StartsWith("HTTP/1.1 "u8)
            && int.TryParse(bare[9..12], NumberStyles.None, CultureInfo.InvariantCulture, out status) && status >= 400;
    }

    static void Ascii(ByteOutput to, string text) => to.Advance(System.Text.Encoding.ASCII.GetBytes(text, to.GetSpan(text.Length)));

    public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Debug;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (exception is not Microsoft.AspNetCore.Http.BadHttpRequestException refused) return;
        if (state is not IEnumerable<KeyValuePair<string, object?>> values) return;
        foreach (var (name, value) in values)
        {
            if (name == "ConnectionId" && value is string id && _connections.TryGetValue(id, out GuardedOutput? output))
                output.Reason = Reason(refused.Message);
        }
    }

    /// <summary>Its sentence without the full stop, and without the empty quotes where it keeps what was sent to itself.</summary>
    static string Reason(string message)
    {
        string said = message.TrimEnd('.');
        if (said.EndsWith(": ''", StringComparison.Ordinal)) said = said[..^4];
        return char.ToLowerInvariant(said[0]) + said[1..];
    }

    sealed class Guarded(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}

/// <summary>
/// The output of one connection: while there is a request it passes everything on, and between two of them it holds what Kestrel writes,
/// which can only be a refusal, until that is whole.
/// </summary>
sealed class GuardedOutput(PipeWriter inner, PipeReader input, EarlyRefusals refusals) : PipeWriter
{
    ByteOutput? _held;

    /// <summary>A request is being answered; set and reset by the pipeline.</summary>
    public bool IsInRequest { get; set; }

    /// <summary>Why the next request was refused.</summary>
    public string? Reason { get; set; }

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes + (_held?.Length ?? 0);

    public override Memory<byte> GetMemory(int sizeHint = 0) => IsInRequest ? inner.GetMemory(sizeHint) : Held.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => IsInRequest ? inner.GetSpan(sizeHint) : Held.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        if (IsInRequest) inner.Advance(bytes);
        else Held.Advance(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        return _held is { Length: > 0 } && Release() ? LeaveAsync(cancellationToken) : inner.FlushAsync(cancellationToken);
    }

    /// <summary>The answer first; then what the client is still sending, lest the connection break before the answer is read.</summary>
    async ValueTask<FlushResult> LeaveAsync(CancellationToken cancel)
    {
        FlushResult flushed = await inner.FlushAsync(cancel);
        await UnreadHeaders.ReadAwayAsync(input, cancel);
        return flushed;
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        IsInRequest ? inner.WriteAsync(source, cancellationToken) : base.WriteAsync(source, cancellationToken);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        Release();
        inner.Complete(exception);
    }

    public override ValueTask CompleteAsync(Exception? exception = null)
    {
        Release();
        return inner.CompleteAsync(exception);
    }

    ByteOutput Held => _held ??= new ByteOutput(512);

    /// <returns>The client may still be sending what was refused.</returns>
    bool Release()
    {
        if (_held is not { } held) return false;
        _held = null;
        using (held)
        {
            if (held.Length == 0) return false;
            using ByteOutput answer = new(1024);
            bool isSending = refusals.Write(held.Written, Reason, input, answer);
            answer.Written.CopyTo(inner.GetSpan(answer.Length));
            inner.Advance(answer.Length);
            return isSending;
        }
    }
}
