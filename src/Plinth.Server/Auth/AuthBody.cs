using System.Collections.Immutable;
using System.Text.Json;
using Plinth.Http;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>
/// The body of an <c>/auth</c> route: one object with known members, read strictly; what is wrong is told all at once, and no value of
/// it is ever told back.
/// </summary>
sealed class AuthBody : IDisposable
{
    readonly JsonDocument? _document;
    readonly List<FaultDetail> _problems = [];

    AuthBody(JsonDocument? document) => _document = document;

    /// <param name="exchange">Whose body; none at all is an empty one.</param>
    /// <param name="limits">Bounds of requests.</param>
    /// <param name="members">The names that may stand in it.</param>
    public static async ValueTask<Result<AuthBody>> ReadAsync(Exchange exchange, Limits limits, params string[] members)
    {
        if (!exchange.HasBody) return new AuthBody(null);
        Result<BodyFormat> format = Negotiation.Body(exchange.Headers.ContentType);
        if (!format.IsOk) return format.Fault;
        if (format.Value is BodyFormat.NdJson or BodyFormat.MergePatch)
            return Faults.UnsupportedMediaType.Says($"{exchange.Route.Template} does not take this Content-Type");
        Result<ReadOnlyMemory<byte>> body = await RequestBody.ReadAsync(
            exchange, Limits.AuthBodyBytes, "a bound of the sign-in routes", exchange.Cancel);
        if (body.IsOk && format.Value == BodyFormat.Cbor) body = CborToJson.Transcode(body.Value, limits);
        if (!body.IsOk) return body.Fault;
        return body.Value.IsEmpty ? new AuthBody(null) : Parse(body.Value, limits, members);
    }

    static Result<AuthBody> Parse(ReadOnlyMemory<byte> utf8, Limits limits, string[] members)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = limits.JsonDepth, AllowDuplicateProperties = false });
        }
        catch (JsonException)
        {
            // The parser's words quote the text, and the text may hold a password.
            return Faults.MalformedBody.Says("the body is not well-formed JSON, or names a member twice");
        }
        if (document.RootElement.ValueKind == JsonValueKind.Object)
        {
            string? unknown = document.RootElement.EnumerateObject().Select(m => m.Name).FirstOrDefault(n => !members.Contains(n));
            if (unknown is null) return new AuthBody(document);
            document.Dispose();
            return Faults.UnknownField.Says($"the body has no member '{Shown.Name(unknown)}'", Names.DidYouMean(unknown, members))
                with { Details = [new FaultDetail(Shown.Name(unknown), Faults.UnknownField.Code, "is not a member of this body")] };
        }
        document.Dispose();
        return Faults.MalformedBody.Says("the body must be an object");
    }

    /// <summary>A text that must be there; empty when it is not, which is a problem.</summary>
    public string Required(string name)
    {
        string? text = Text(name);
        if (text is null && !_problems.Exists(p => p.Field == name)) _problems.Add(new(name, "required", "is required"));
        return text ?? "";
    }

    public string? Text(string name)
    {
        if (Member(name) is not { } member) return null;
        if (member.ValueKind == JsonValueKind.String) return member.GetString();
        _problems.Add(new(name, "type", "expected a string"));
        return null;
    }

    public bool Flag(string name)
    {
        if (Member(name) is not { } member) return false;
        if (member.ValueKind is not (JsonValueKind.True or JsonValueKind.False)) _problems.Add(new(name, "type", "expected true or false"));
        return member.ValueKind == JsonValueKind.True;
    }

    public ImmutableArray<string> Texts(string name)
    {
        if (Member(name) is not { } member) return [];
        if (member.ValueKind == JsonValueKind.Array && member.EnumerateArray().All(i => i.ValueKind == JsonValueKind.String))
            return [.. member.EnumerateArray().Select(i => i.GetString() ?? "")];
        _problems.Add(new(name, "type", "expected a list of strings"));
        return [];
    }

    public DateTimeOffset? Time(string name)
    {
        if (Member(name) is not { } member) return null;
        if (member.ValueKind == JsonValueKind.String && member.TryGetDateTimeOffset(out DateTimeOffset time)) return time;
        _problems.Add(new(name, "type", "expected a time as in 2030-01-01T00:00:00Z"));
        return null;
    }

    public JsonElement? Member(string name) =>
        _document is { } document && document.RootElement.TryGetProperty(name, out JsonElement member)
            && member.ValueKind != JsonValueKind.Null ? member : null;

    /// <summary>What was wrong with what was asked for so far.</summary>
    public Fault? Problem() => _problems.Count == 0 ? null
        : Faults.ValidationFailed.Says(_problems.Count == 1 ? "1 field is not acceptable" : $"{_problems.Count} fields are not acceptable",
            [.. _problems]);

    public void Dispose() => _document?.Dispose();
}
