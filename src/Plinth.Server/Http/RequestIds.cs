using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Plinth.Plan;
using Plinth.Schema;

namespace Plinth.Http;

/// <summary>
/// The two names of a request. <c>X-Request-Id</c> is taken from the client where it is harmless text, else made (UUIDv7, so that logs
/// sort). The trace id is that of <c>traceparent</c> (W3C), else that of our own span when someone listens, else the request's own.
/// </summary>
static class RequestIds
{
    const int LengthMax = 128;

    /// <summary>Asks the system for random bytes by the block: an id of the framework's own is a call of the system each.</summary>
    static readonly IdSource s_ids = new(RandomNumberGenerator.Fill);

    public static (string RequestId, string TraceId, Activity? Activity) Of(IHeaderDictionary headers, TimeProvider time)
    {
        string? sent = headers.TryGetValue("X-Request-Id", out var values) && values.Count == 1 ? values[0] : null;
        Guid? made = null;
        if (sent is null || !IsHarmless(sent)) made = New(time);
        string requestId = made?.ToString() ?? sent!; // Null only where one was made.

        string? parent = headers.TraceParent.Count == 1 ? headers.TraceParent[0] : null;
        ActivityContext context = default;
        bool hasParent = parent is not null && ActivityContext.TryParse(parent, headers.TraceState, isRemote: true, out context);
        Activity? activity = Telemetry.Source.HasListeners() ? Telemetry.Source.StartActivity("request", ActivityKind.Server, context)
            : null;
        string traceId = activity is not null ? activity.TraceId.ToHexString()
            : hasParent ? context.TraceId.ToHexString()
            : (made ?? New(time)).ToString("N", CultureInfo.InvariantCulture);
        return (requestId, traceId, activity);
    }

    static Guid New(TimeProvider time) =>
        s_ids.Next(IdGenerator.Uuid7, (time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond).Uuid;

    static bool IsHarmless(string text)
    {
        if (text.Length is 0 or > LengthMax) return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or ':' or '/' or '+' or '=')) return false;
        }
        return true;
    }
}
