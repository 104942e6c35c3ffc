using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Plinth.Cases;

/// <summary>
/// Exact JSON, but for wildcards that stand where the expected text has a string: <c>"$any"</c> (anything that is there),
/// <c>"$uuid"</c>, <c>"$time"</c> (RFC 3339, UTC), <c>"$text"</c> (a string that is not empty). <c>"$uuid post"</c> also gives what
/// matched a name: it must be the same wherever the name stands, and a request may write <c>${post}</c>.
/// The order of an object's members does not count, their set does; numbers are compared as written.
/// </summary>
sealed partial class JsonMatch
{
    readonly Dictionary<string, string> _named = new(StringComparer.Ordinal);

    /// <summary>Null when it matches, else where and why not.</summary>
    public string? Difference(string expected, string actual)
    {
        using JsonDocument want = Parse(expected, "the expected text"), have = Parse(actual, "the actual text");
        return Difference(want.RootElement, have.RootElement, "$");
    }

    /// <summary>One text, which may be a wildcard (headers).</summary>
    public string? TextDifference(string expected, string? actual, string place)
    {
        if (expected == "$none") return actual is null ? null : $"{place}: expected none, got '{actual}'";
        if (actual is null) return $"{place}: expected '{expected}', got none";
        if (Wildcard().Match(expected) is { Success: true } wildcard) return WildcardDifference(wildcard, actual, place);
        return string.Equals(Expand(expected), actual, StringComparison.Ordinal) ? null : $"{place}: expected '{expected}', got '{actual}'";
    }

    /// <summary>Replaces <c>${name}</c> by what the name was given.</summary>
    public string Expand(string text) => Reference().Replace(text, match => _named.TryGetValue(match.Groups[1].Value, out string? value)
        ? value
        : throw new FormatException($"nothing was named '{match.Groups[1].Value}' before"));

    public string? Difference(JsonElement want, JsonElement have, string place)
    {
        if (want.ValueKind == JsonValueKind.String && Wildcard().Match(want.GetString()!) is { Success: true } wildcard)
            return WildcardDifference(wildcard, have.ValueKind == JsonValueKind.String ? have.GetString()! : have.GetRawText(), place);
        if (want.ValueKind != have.ValueKind) return $"{place}: expected {Short(want)}, got {Short(have)}";
        return want.ValueKind switch
        {
            JsonValueKind.Object => ObjectDifference(want, have, place),
            JsonValueKind.Array => ArrayDifference(want, have, place),
            JsonValueKind.String => string.Equals(Expand(want.GetString()!), have.GetString(), StringComparison.Ordinal)
                ? null : $"{place}: expected {Short(want)}, got {Short(have)}",
            _ => string.Equals(want.GetRawText(), have.GetRawText(), StringComparison.Ordinal)
                ? null : $"{place}: expected {Short(want)}, got {Short(have)}",
        };
    }

    string? ObjectDifference(JsonElement want, JsonElement have, string place)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (JsonProperty member in have.EnumerateObject())
        {
            if (!seen.Add(member.Name)) return $"{place}: the member '{member.Name}' stands twice";
            if (!want.TryGetProperty(member.Name, out JsonElement expected))
                return $"{place}: unexpected member '{member.Name}' = {Short(member.Value)}";
            if (Difference(expected, member.Value, $"{place}.{member.Name}") is { } difference) return difference;
        }
        foreach (JsonProperty member in want.EnumerateObject())
        {
            if (!seen.Contains(member.Name)) return $"{place}: the member '{member.Name}' is missing";
        }
        return null;
    }

    string? ArrayDifference(JsonElement want, JsonElement have, string place)
    {
        if (want.GetArrayLength() != have.GetArrayLength())
            return $"{place}: expected {want.GetArrayLength()} items, got {have.GetArrayLength()}: {Short(have)}";
        for (int i = 0; i < want.GetArrayLength(); i++)
        {
            string at = string.Create(CultureInfo.InvariantCulture, $"{place}[{i}]");
            if (Difference(want[i], have[i], at) is { } difference) return difference;
        }
        return null;
    }

    string? WildcardDifference(Match wildcard, string actual, string place)
    {
        string kind = wildcard.Groups["kind"].Value;
        bool fits = kind switch
        {
            "any" => true,
            "text" => actual.Length > 0,
            "uuid" => IsUuid(actual),
            "time" => IsTime(actual),
            _ => throw new FormatException($"{place}: no such wildcard: ${kind}"),
        };
        if (!fits) return $"{place}: expected ${kind}, got '{actual}'";
        string name = wildcard.Groups["name"].Value;
        if (name.Length == 0) return null;
        if (_named.TryAdd(name, actual) || string.Equals(_named[name], actual, StringComparison.Ordinal)) return null;
        return $"{place}: '{name}' was '{_named[name]}' and is '{actual}' here";
    }

    /// <summary>
    /// What <c>./dev accept</c> writes: the actual text, with the wildcards and names of the expected one where they fit, and wildcards
    /// for ids and times that nobody expected to the letter.
    /// </summary>
    public string Accepted(string expected, string actual)
    {
        JsonNode? want = null;
        try
        {
            want = JsonNode.Parse(expected);
        }
        catch (JsonException)
        {
            // Nothing was expected yet.
        }
        return Json.Readable(JsonSerializer.SerializeToUtf8Bytes(Merge(want, JsonNode.Parse(actual))));
    }

    JsonNode? Merge(JsonNode? want, JsonNode? have)
    {
        if (want is JsonValue && want.GetValueKind() == JsonValueKind.String)
        {
            using JsonDocument expected = JsonDocument.Parse(want.ToJsonString()),
                actual = JsonDocument.Parse(have?.ToJsonString() ?? "null");
            if (Difference(expected.RootElement, actual.RootElement, "$") is null) return want.DeepClone();
        }
        return have switch
        {
            JsonObject members =>
                new JsonObject(members.Select(m => KeyValuePair.Create(m.Key, Merge((want as JsonObject)?[m.Key], m.Value)))),
            JsonArray items => new JsonArray([.. items.Select((item, i) => Merge(want is JsonArray a && i < a.Count ? a[i] : null, item))]),
            JsonValue text when text.GetValueKind() == JsonValueKind.String && IsUuid((string)text!) => "$uuid",
            JsonValue text when text.GetValueKind() == JsonValueKind.String && IsTime((string)text!) => "$time",
            _ => have?.DeepClone(),
        };
    }

    public static bool IsUuid(string text) => Guid.TryParseExact(text, "D", out _);

    public static bool IsTime(string text) => Time().IsMatch(text);

    static JsonDocument Parse(string text, string what)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException exception)
        {
            throw new FormatException($"{what} is not JSON ({exception.Message}):\n{text}");
        }
    }

    static string Short(JsonElement element)
    {
        string text = element.GetRawText();
        return text.Length <= 200 ? text : text[..200] + "…";
    }

    [GeneratedRegex("^\\$(?<kind>[a-z]+)( (?<name>[a-zA-Z]+))?$")]
    private static partial Regex Wildcard();

    [GeneratedRegex("\\$\\{([a-zA-Z]+)\\}")]
    private static partial Regex Reference();

    [GeneratedRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?Z$")]
    private static partial Regex Time();
}
