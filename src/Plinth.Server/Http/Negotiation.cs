using System.Globalization;
using Microsoft.Extensions.Primitives;
using Plinth.Text;

namespace Plinth.Http;

enum BodyFormat
{
    None,
    Json,
    MergePatch,
    Cbor,
    NdJson,
}

/// <summary>Which representation comes in and which goes out, decided before any side effect.</summary>
static class Negotiation
{
    public static readonly StringValues Json = "application/json";
    public static readonly StringValues Cbor = "application/cbor";

    public const int HeaderLengthMax = 1024;

    /// <summary>True for CBOR. The default is JSON; a tie goes to JSON.</summary>
    public static Result<bool> AnswerIsCbor(StringValues accept)
    {
        if (accept.Count == 0 || accept is ["*/*"] or ["application/json"] or [""]) return false;
        string text = accept.ToString();
        if (text.Length > HeaderLengthMax) return Faults.MalformedHeader.Says($"Accept: longer than {HeaderLengthMax} characters");
        double json = Quality(text, "application/json"), cbor = Quality(text, "application/cbor");
        if (json <= 0 && cbor <= 0)
            return Faults.NotAcceptable.Says($"Accept: '{Shown.Name(text)}' allows neither application/json nor application/cbor");
        return cbor > json;
    }

    /// <summary>Whether a browser's Accept prefers a page.</summary>
    public static bool PrefersHtml(StringValues accept) =>
        accept.Count > 0 && accept.ToString() is { Length: <= HeaderLengthMax } text
        && text.Contains("text/html", StringComparison.OrdinalIgnoreCase) && Quality(text, "text/html") >= Quality(
            text, "application/json");

    public static Result<BodyFormat> Body(StringValues contentType)
    {
        if (contentType is ["application/json"]) return BodyFormat.Json;
        string text = contentType.ToString();
        int semicolon = text.IndexOf(';', StringComparison.Ordinal);
        string type = (semicolon < 0 ? text : text[..semicolon]).Trim();
        BodyFormat format = type.ToLowerInvariant() switch
        {
            "application/json" => BodyFormat.Json,
            "application/merge-patch+json" => BodyFormat.MergePatch,
            "application/cbor" => BodyFormat.Cbor,
            "application/x-ndjson" or "application/ndjson" or "application/jsonl" => BodyFormat.NdJson,
            _ => BodyFormat.None,
        };
        if (format == BodyFormat.None)
        {
            return Faults.UnsupportedMediaType.Says(
                type.Length == 0 ? "the body has no Content-Type" : $"the Content-Type '{Shown.Name(type)}' is not taken",
                hint: "send Content-Type: application/json (or application/cbor)");
        }
        return semicolon < 0 || IsUtf8(text.AsSpan(semicolon + 1)) ? format
            : Faults.UnsupportedMediaType.Says("only charset=utf-8 is taken");
    }

    static bool IsUtf8(ReadOnlySpan<char> parameters)
    {
        foreach (Range range in parameters.Split(';'))
        {
            ReadOnlySpan<char> parameter = parameters[range].Trim();
            if (!parameter.StartsWith("charset=", StringComparison.OrdinalIgnoreCase)) continue;
            if (!parameter[8..].Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase)) return false;
        }
        return true;
    }

    /// <summary>The quality of the most specific range that covers the type (RFC 9110, 12.5.1); 0 when none does.</summary>
    static double Quality(string accept, string type)
    {
        double quality = 0;
        int best = 0;
        ReadOnlySpan<char> text = accept;
        foreach (Range range in text.Split(','))
        {
            ReadOnlySpan<char> item = text[range].Trim();
            int semicolon = item.IndexOf(';');
            ReadOnlySpan<char> name = semicolon < 0 ? item : item[..semicolon].Trim();
            int slash = type.IndexOf('/', StringComparison.Ordinal);
            int specificity = name.Equals(type, StringComparison.OrdinalIgnoreCase) ? 3
                : name.EndsWith("/*", StringComparison.Ordinal)
                    && name[..^2].Equals(type.AsSpan(0, slash), StringComparison.OrdinalIgnoreCase) ? 2
                : name is "*/*" ? 1 : 0;
            if (specificity <= best) continue;
            best = specificity;
            quality = semicolon < 0 ? 1 : QualityOf(item[(semicolon + 1)..]);
        }
        return quality;
    }

    static double QualityOf(ReadOnlySpan<char> parameters)
    {
        foreach (Range range in parameters.Split(';'))
        {
            ReadOnlySpan<char> parameter = parameters[range].Trim();
            if (!parameter.StartsWith("q=", StringComparison.OrdinalIgnoreCase)) continue;
            return double.TryParse(parameter[2..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double q)
                ? Math.Min(q, 1) : 0;
        }
        return 1;
    }
}
