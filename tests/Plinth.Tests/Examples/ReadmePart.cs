using System.Collections.Immutable;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;

namespace Plinth.Examples;

/// <summary>A part of an example's README: how the server is started, and the <c>curl</c> lines that are then to be pasted.</summary>
/// <param name="Identity">The claims of <c>--as</c>; null for an anonymous caller.</param>
sealed record ReadmePart(string? Identity, ImmutableArray<ReadmeRequest> Requests)
{
    const string Start = "plinth dev";

    /// <summary>Every <c>plinth dev</c> line of the fenced blocks begins a part; the <c>curl</c> lines after it belong to it.</summary>
    public static ImmutableArray<ReadmePart> Read(string readme)
    {
        List<ReadmePart> parts = [];
        bool fenced = false;
        foreach (string line in readme.Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) fenced = !fenced;
            if (!fenced) continue;
            if (line.StartsWith(Start, StringComparison.Ordinal))
                parts.Add(new(IdentityOf(ShellWords.Split(line)), []));
            else if (line.StartsWith("curl", StringComparison.Ordinal))
                parts[^1] = parts[^1] with { Requests = parts[^1].Requests.Add(ReadmeRequest.Parse(line)) };
        }
        return [.. parts];
    }

    static string? IdentityOf(ImmutableArray<string> words)
    {
        int flag = words.IndexOf("--as");
        return flag < 0 ? null : words[flag + 1];
    }
}

/// <summary>One <c>curl</c> line as the request that curl would send, with the status that the line's comment states.</summary>
sealed record ReadmeRequest(
    string Line, HttpMethod Method, string Target, ImmutableArray<(string Name, string Value)> Headers, string? Body, int Status)
{
    const string Host = "localhost:4747";

    public static ReadmeRequest Parse(string line)
    {
        int comment = line.LastIndexOf("# ", StringComparison.Ordinal);
        if (comment < 0) throw new FormatException($"the line states no status: {line}");
        int status = int.Parse(line.AsSpan(comment + 2), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
        ImmutableArray<string> words = ShellWords.Split(line[..comment]);
        string? method = null, url = null;
        bool toQuery = false, globbing = true;
        List<string> data = [];
        List<(string, string)> headers = [];
        for (int i = 1; i < words.Length; i++)
        {
            switch (words[i])
            {
                case "-s" or "-i":
                    break;
                case "-g":
                    globbing = false;
                    break;
                case "-G":
                    toQuery = true;
                    break;
                case "-X":
                    method = words[++i];
                    break;
                case "-d":
                    data.Add(words[++i]);
                    break;
                case "--data-urlencode":
                    string[] pair = words[++i].Split('=', 2);
                    data.Add(pair[0] + "=" + Uri.EscapeDataString(pair[1]));
                    break;
                case "-H":
                    string[] header = words[++i].Split(": ", 2);
                    headers.Add((header[0], header[1]));
                    break;
                default:
                    url = words[i].StartsWith('-') ? throw new FormatException($"{words[i]} is not known here: {line}") : words[i];
                    break;
            }
        }
        return Build(line, method, url, globbing, toQuery ? data : [], toQuery ? [] : data, headers, status);
    }

    static ReadmeRequest Build(
        string line, string? method, string? url, bool globbing,
        List<string> query, List<string> body, List<(string, string)> headers, int status)
    {
        if (url?.StartsWith(Host, StringComparison.Ordinal) != true)
            throw new FormatException($"the line names no address at {Host}: {line}");
        // curl takes brackets and braces in an address for a pattern unless -g says otherwise.
        if (globbing && url.AsSpan().ContainsAny("[]{}"))
            throw new FormatException($"brackets in an address need -g: {line}");
        string target = url[Host.Length..];
        if (query.Count > 0) target += (target.Contains('?', StringComparison.Ordinal) ? "&" : "?") + string.Join('&', query);
        string? content = body.Count == 0 ? null : string.Join('&', body);
        return new(line, new HttpMethod(method ?? (content is null ? "GET" : "POST")), target, [.. headers], content, status);
    }

    public HttpRequestMessage ToMessage(Uri server)
    {
        HttpRequestMessage message = new(Method, new Uri(server, Target));
        if (Body is not null) message.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Body));
        foreach (var (name, value) in Headers)
        {
            if (name == "content-type" && message.Content is { } content) content.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            else message.Headers.TryAddWithoutValidation(name, value);
        }
        return message;
    }
}

/// <summary>Words as a POSIX shell splits them, as far as the READMEs go: single quotes and blanks.</summary>
static class ShellWords
{
    public static ImmutableArray<string> Split(string line)
    {
        List<string> words = [];
        StringBuilder word = new();
        bool quoted = false, open = false;
        foreach (char c in line)
        {
            if (c == '\'')
            {
                (quoted, open) = (!quoted, true);
            }
            else if (c == ' ' && !quoted)
            {
                if (open) words.Add(word.ToString());
                word.Clear();
                open = false;
            }
            else
            {
                if (!quoted && "\"\\$`&|;<>()".Contains(c, StringComparison.Ordinal))
                    throw new FormatException($"{c} means something to a shell: {line}");
                word.Append(c);
                open = true;
            }
        }
        if (quoted) throw new FormatException($"a quote is not closed: {line}");
        if (open) words.Add(word.ToString());
        return [.. words];
    }
}
