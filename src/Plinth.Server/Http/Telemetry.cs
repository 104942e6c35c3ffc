using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Plinth.Http;

/// <summary>The sources that traces and metrics of the HTTP room come from. Free when nobody listens.</summary>
static class Telemetry
{
    public const string Name = "Plinth";

    public static readonly ActivitySource Source = new(Name);

    public static readonly Meter Meter = new(Name);

    /// <summary>A meter of one of the servers of this process: its <c>/metrics</c> tell of it alone.</summary>
    public static Meter MeterOf(ServerOptions server) => new(new MeterOptions(Name) { Scope = server });

    /// <summary>Seconds per request, by method, route template and status (the names of OpenTelemetry's conventions).</summary>
    public static readonly Histogram<double> Duration =
        Meter.CreateHistogram<double>("http.server.request.duration", "s", "Duration of HTTP server requests.");

    public static readonly UpDownCounter<long> Active =
        Meter.CreateUpDownCounter<long>("http.server.active_requests", "{request}", "HTTP requests in flight.");

    public static readonly Counter<long> RateLimited =
        Meter.CreateCounter<long>("plinth.rate_limited", "{request}", "Requests refused by a rate limit.");

    public static readonly Counter<long> Refused =
        Meter.CreateCounter<long>("plinth.refused_unread", "{request}", "Requests refused before they could be read.");

    static readonly object[] s_statuses = [.. Enumerable.Range(0, 600).Select(i => (object)i)];

    public static void Record(Exchange exchange, double seconds)
    {
        if (!Duration.Enabled) return;
        string method = exchange.Method == Method.None ? "_OTHER" : exchange.MethodName;
        string template = exchange.Route.Template.Length == 0 ? "_unknown" : exchange.Route.Template;
        Duration.Record(seconds,
            new KeyValuePair<string, object?>("http.request.method", method),
            new KeyValuePair<string, object?>("http.route", template),
            new KeyValuePair<string, object?>("http.response.status_code", s_statuses[Math.Clamp(exchange.Status, 0, 599)]));
    }

    public static void Describe(Exchange exchange)
    {
        if (exchange.Activity is not { } activity) return;
        string template = exchange.Route.Template;
        activity.DisplayName = template.Length == 0 ? exchange.MethodName : $"{exchange.MethodName} {template}";
        activity.SetTag("http.request.method", exchange.MethodName);
        activity.SetTag("http.route", template);
        activity.SetTag("http.response.status_code", s_statuses[Math.Clamp(exchange.Status, 0, 599)]);
        activity.SetTag("plinth.request_id", exchange.RequestId);
        if (exchange.ModelName is { } model) activity.SetTag("plinth.model", model);
        if (exchange.FaultCode is { } fault) activity.SetTag("error.type", fault);
        if (exchange.Status >= 500) activity.SetStatus(ActivityStatusCode.Error);
    }
}
