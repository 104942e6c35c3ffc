using System.Text.RegularExpressions;

namespace Plinth.Cases;

/// <summary>
/// The content of a request or reply section: header lines (<c>Name: value</c>), then the body, which starts at the first line that is
/// no header. A request has <c>METHOD target</c> before them.
/// </summary>
sealed partial record HttpText(string Method, string Target, IReadOnlyList<KeyValuePair<string, string>> Headers, string Body)
{
    public static HttpText Request(string content)
    {
        string[] lines = content.Split('\n');
        string[] first = lines[0].Trim().Split(' ', 2);
        if (first.Length != 2 || !first[1].StartsWith('/')) throw new FormatException($"a request opens with 'METHOD /target': {lines[0]}");
        var (headers, body) = Split(lines.AsSpan(1));
        return new(first[0], first[1], headers, body);
    }

    public static HttpText Reply(string content)
    {
        var (headers, body) = Split(content.Split('\n'));
        return new("", "", headers, body);
    }

    public string? Header(string name) => Headers.FirstOrDefault(h => string.Equals(h.Key, name, StringComparison.OrdinalIgnoreCase)).Value;

    static (List<KeyValuePair<string, string>> Headers, string Body) Split(ReadOnlySpan<string> lines)
    {
        List<KeyValuePair<string, string>> headers = [];
        int next = 0;
        for (; next < lines.Length && HeaderLine().Match(lines[next]) is { Success: true } header; next++)
            headers.Add(new(header.Groups[1].Value, header.Groups[2].Value.Trim()));
        return (headers, string.Join('\n', lines[next..].ToArray()).Trim('\n'));
    }

    [GeneratedRegex("^([A-Za-z][A-Za-z0-9-]*): *(.*)$")]
    private static partial Regex HeaderLine();
}
