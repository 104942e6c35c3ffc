using System.Diagnostics;
using System.Globalization;
using System.Text;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// The log's lines: one per request and one per event of the server, pretty or as JSON. A line never holds a path, a query string, a
/// header or a value of a record (filters and keys may be personal data): the route's template, the model and the fault's code say
/// enough, and the ids lead to the rest.
/// </summary>
sealed class ServiceLog(ServerOptions options) : IAsyncDisposable
{
    readonly LogOutput? _output = options.LogStream is { } stream ? new LogOutput(stream) : null;

    [ThreadStatic]
    static ByteOutput? t_line;

    public bool IsOn(LogLevelMin level) => _output is not null && level >= options.LogLevel;

    public long Dropped => _output?.Dropped ?? 0;

    public void Request(Exchange exchange, double milliseconds)
    {
        LogLevelMin level = exchange.Status >= 500 ? LogLevelMin.Error : LogLevelMin.Info;
        if (!IsOn(level)) return;
        ByteOutput line = Start(level, "request");
        if (options.LogFormat == LogFormat.Json) RequestJson(line, exchange, milliseconds);
        else RequestPretty(line, exchange, milliseconds);
        End(line);
    }

    public void Event(LogLevelMin level, string message, params ReadOnlySpan<(string Name, string Value)> fields)
    {
        if (!IsOn(level)) return;
        ByteOutput line = Start(level, message);
        foreach (var (name, value) in fields)
        {
            if (options.LogFormat == LogFormat.Json) Text(line, name, value);
            else Append(line, $" {name}={value}");
        }
        End(line);
    }

    /// <summary>What broke and where, with the ids that the caller was told.</summary>
    public void Crash(Exchange exchange, Exception exception) =>
        Event(LogLevelMin.Error, "unexpected error", ("requestId", exchange.RequestId), ("traceId", exchange.TraceId),
            ("route", exchange.Route.Template), ("error", Describe(exception)));

    public ValueTask DisposeAsync() => _output?.DisposeAsync() ?? default;

    /// <summary>
    /// Type, message and frames. Messages of exceptions about formats and arguments quote what they were given, which may be a
    /// caller's data, so those are left out.
    /// </summary>
    public static string Describe(Exception exception)
    {
        StringBuilder text = new();
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            if (text.Length > 0) text.Append(" <- ");
            text.Append(e.GetType().FullName);
            if (e is not (
                FormatException or ArgumentException or OverflowException or System.Text.Json.JsonException or KeyNotFoundException))
                text.Append(": ").Append(e.Message);
            if (e.StackTrace is { } frames) text.Append('\n').Append(frames);
        }
        return text.ToString();
    }

    void RequestJson(ByteOutput line, Exchange exchange, double milliseconds)
    {
        Text(line, "requestId", exchange.RequestId);
        Text(line, "traceId", exchange.TraceId);
        Text(line, "method", exchange.Method == Method.None ? "_OTHER" : exchange.MethodName);
        Text(line, "route", exchange.Route.Template);
        if (exchange.ModelName is { } model) Text(line, "model", model);
        Number(line, "status", exchange.Status);
        Number(line, "ms", milliseconds);
        Number(line, "bytes", exchange.BytesOut);
        if (exchange.SqlStatements > 0) Number(line, "statements", exchange.SqlStatements);
        if (exchange.FaultCode is { } fault) Text(line, "fault", fault);
    }

    void RequestPretty(ByteOutput line, Exchange exchange, double milliseconds)
    {
        string method = exchange.Method == Method.None ? "_OTHER" : exchange.MethodName;
        string template = exchange.Route.Template.Length == 0 ? "(no route)" : exchange.Route.Template;
        string status = Coloured(exchange.Status.ToString(CultureInfo.InvariantCulture),
            exchange.Status switch { >= 500 => "31", >= 400 => "33", _ => "32" });
        Append(line, $" {status} {method,-6} {template} {milliseconds:0.00} ms");
        if (exchange.FaultCode is { } fault) Append(line, $" {fault}");
        Append(line, $" {Coloured(exchange.RequestId, "90")}");
    }

    string Coloured(string text, string code) => options.LogColour ? $"\u001b[{code}m{text}\u001b[0m" : text;

    ByteOutput Start(LogLevelMin level, string message)
    {
        ByteOutput line = t_line ??= new ByteOutput(512);
        line.Clear();
        DateTimeOffset now = options.Time.GetUtcNow();
        if (options.LogFormat == LogFormat.Json)
        {
            line.Write("{\"time\":\""u8);
            Append(line, $"{now.UtcDateTime:yyyy-MM-ddTHH:mm:ss.ffffffZ}");
            line.Write("\",\"level\":\""u8);
            line.Write(level switch { LogLevelMin.Debug => "debug"u8, LogLevelMin.Info => "info"u8, LogLevelMin.Warning =>
                "warning"u8, _ => "error"u8 });
            line.Write("\",\"message\":"u8);
            JsonText.WriteString(line, message);
            return line;
        }
        Append(line, $"{now.LocalDateTime:HH:mm:ss.fff}");
        if (level >= LogLevelMin.Warning)
            Append(line, $" {Coloured(level == LogLevelMin.Error ? "error" : "warning", level == LogLevelMin.Error ? "31" : "33")}");
        if (message != "request") Append(line, $" {message}");
        return line;
    }

    void End(ByteOutput line)
    {
        Debug.Assert(_output is not null, "IsOn was asked first");
        line.Write(options.LogFormat == LogFormat.Json ? "}\n"u8 : "\n"u8);
        _output.Add(line.Written);
    }

    static void Text(ByteOutput line, string name, string value)
    {
        line.Write((byte)',');
        JsonText.WriteName(line, name);
        JsonText.WriteString(line, Encoding.UTF8.GetBytes(value));
    }

    static void Number(ByteOutput line, string name, double value)
    {
        line.Write((byte)',');
        JsonText.WriteName(line, name);
        Append(line, $"{value:0.###}");
    }

    static void Append(ByteOutput line, [System.Runtime.CompilerServices.InterpolatedStringHandlerArgument("line")] LineText text) =>
        text.Done();

    /// <summary>Interpolation straight into the line, invariant, without a string in between.</summary>
    [System.Runtime.CompilerServices.InterpolatedStringHandler]
    readonly ref struct LineText(int literalLength, int formattedCount, ByteOutput line)
    {
        public void AppendLiteral(string text) => AppendFormatted(text);

        public void AppendFormatted(string? text)
        {
            text ??= "";
            Span<byte> to = line.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
            line.Advance(Encoding.UTF8.GetBytes(text, to));
        }

        public void AppendFormatted(string text, int alignment) =>
            AppendFormatted(alignment < 0 ? text.PadRight(-alignment) : text.PadLeft(alignment));

        public void AppendFormatted<T>(T value, string? format = null)
            where T : IUtf8SpanFormattable
        {
            Span<byte> to = line.GetSpan(64);
            if (value.TryFormat(to, out int length, format, CultureInfo.InvariantCulture)) line.Advance(length);
        }

        public void Done() => Debug.Assert(literalLength >= 0 && formattedCount >= 0, "counts of the compiler's");
    }
}
