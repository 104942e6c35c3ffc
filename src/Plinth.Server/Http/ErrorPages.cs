using System.Collections.Frozen;
using System.Net;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Http;

/// <summary><c>/errors</c> and <c>/errors/{code}</c>: what each code means, made from the one list of faults, as a page or as
/// JSON.</summary>
static class ErrorPages
{
    const string Style = """
        :root{color-scheme:light dark;--ink:#1b1f24;--dim:#5b6570;--page:#fbfbfa;--line:#e3e5e8;--link:#0b5cad}
        @media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--dim:#9aa4ae;--page:#15181b;--line:#2b3036;--link:#7ab7f5}}
        body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:46rem;margin:3rem auto;padding:0 1.25rem}
        code{font:.95em ui-monospace,monospace}h1{font-size:1.5rem;margin:.2rem 0 1rem}a{color:var(--link)}p.k{color:var(--dim);margin:0}
        table{border-collapse:collapse;width:100%}td{border-top:1px solid var(--line);padding:.45rem .6rem .45rem 0;vertical-align:top}
        """;

    static readonly FrozenDictionary<string, FaultCode> s_codes = Faults.All.ToFrozenDictionary(c => c.Code, StringComparer.Ordinal);

    public static async ValueTask<Fault?> AnswerAsync(Exchange exchange, AppSchema schema)
    {
        bool html = Negotiation.PrefersHtml(exchange.Headers.Accept);
        if (exchange.RawKey.Length == 0)
        {
            if (html) await HtmlPage.Of(IndexHtml()).SendAsync(exchange);
            else await SendJsonAsync(exchange, IndexJson);
            return null;
        }
        string code = exchange.RawKey;
        FaultCode? kind = s_codes.GetValueOrDefault(code) ?? (IsOwn(schema, code) ? Faults.Conflict : null);
        if (kind is null)
            return Faults.UnknownPath.Says(
                "no error has this code", hint: Plinth.Text.Names.DidYouMean(code, s_codes.Keys) ?? "/errors lists them");
        if (html) await HtmlPage.Of(OneHtml(code, kind)).SendAsync(exchange);
        else await SendJsonAsync(exchange, body => OneJson(body, code, kind));
        return null;
    }

    /// <summary>A code that the schema names for one of its unique keys: a conflict by another name.</summary>
    static bool IsOwn(AppSchema schema, string code) =>
        schema.Models.Any(m => m.Uniques.Any(u => string.Equals(u.Code, code, StringComparison.Ordinal)));

    static ValueTask SendJsonAsync(Exchange exchange, Action<ByteOutput> write)
    {
        ByteOutput body = exchange.Scratch;
        write(body);
        return exchange.SendAsync(200, Negotiation.Json, body.WrittenMemory);
    }

    static void IndexJson(ByteOutput body)
    {
        body.Write("{\"errors\":["u8);
        for (int i = 0; i < Faults.All.Length; i++)
        {
            if (i > 0) body.Write((byte)',');
            OneJson(body, Faults.All[i].Code, Faults.All[i]);
        }
        body.Write("]}"u8);
    }

    static void OneJson(ByteOutput body, string code, FaultCode kind)
    {
        body.Write("{\"code\":"u8);
        JsonText.WriteString(body, code);
        body.Write(",\"status\":"u8);
        JsonText.WriteInt(body, Statuses.Of(kind));
        body.Write(",\"title\":"u8);
        JsonText.WriteString(body, kind.Title);
        body.Write(",\"explanation\":"u8);
        JsonText.WriteString(body, kind.Explanation);
        body.Write((byte)'}');
    }

    static string IndexHtml()
    {
        StringBuilder rows = new();
        foreach (FaultCode kind in Faults.All)
            rows.Append(
                $"<tr><td>{Statuses.Of(kind)}</td><td><a href=\"/errors/{kind.Code}\"><code>{kind.Code}</code></a></td>"
                + $"<td>{Escape(kind.Title)}</td></tr>");
        return Document("Errors", $"<h1>Errors</h1><table>{rows}</table>");
    }

    static string OneHtml(string code, FaultCode kind) => Document(Escape(code),
        $"<p class=\"k\">{Statuses.Of(kind)} <code>{Escape(code)}</code></p><h1>{Escape(kind.Title)}</h1>"
        + $"<p>{Escape(kind.Explanation)}</p><p><a href=\"/errors\">All errors</a></p>");

    static string Document(string title, string content) =>
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
        + $"<title>{title}</title><style>{Style}</style>{content}</html>";

    static string Escape(string text) => WebUtility.HtmlEncode(text);
}
