using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Primitives;

namespace Plinth.Http;

/// <summary>
/// One page of the product itself: a single file of HTML with its style and script inside, allowed by their hashes and by nothing else.
/// It asks no other host for anything, so it works offline and cannot be made to run what is not in it.
/// </summary>
sealed partial class HtmlPage
{
    static readonly StringValues s_html = "text/html; charset=utf-8";

    readonly byte[] _html;
    readonly StringValues _policy;

    HtmlPage(byte[] html, string policy) => (_html, _policy) = (html, policy);

    public static HtmlPage Load(string name) => Of(Text(name));

    /// <summary>An embedded page as it stands in the source.</summary>
    public static string Text(string name)
    {
        using Stream resource = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Plinth.Pages.{name}")
            ?? throw new InvalidOperationException($"the page {name} is not embedded");
        using MemoryStream bytes = new();
        resource.CopyTo(bytes);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    public static HtmlPage Of(string html)
    {
        string scripts = Hashes(Script().Matches(html)), styles = Hashes(Style().Matches(html));
        return new(Encoding.UTF8.GetBytes(html),
            $"default-src 'none'; script-src {scripts}; style-src {styles}; connect-src 'self'; img-src data:; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    }

    public ValueTask SendAsync(Exchange exchange)
    {
        exchange.ResponseHeaders.ContentSecurityPolicy = _policy;
        exchange.ResponseHeaders.CacheControl = "no-cache";
        exchange.ResponseHeaders["Referrer-Policy"] = "no-referrer";
        return exchange.SendAsync(200, s_html, _html);
    }

    static string Hashes(MatchCollection matches) => matches.Count == 0 ? "'none'" : string.Join(' ',
        matches.Select(m => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(m.Groups[1].Value)))}'"));

    [GeneratedRegex("<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();

    [GeneratedRegex("<style>(.*?)</style>", RegexOptions.Singleline)]
    private static partial Regex Style();
}
