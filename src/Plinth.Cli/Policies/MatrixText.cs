using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Plinth.Policy;

namespace Plinth.Cli.Policies;

/// <summary>The policy matrix as text, as JSON and as a page.</summary>
static class MatrixText
{
    public static string Plain(PolicyMatrix matrix)
    {
        StringBuilder text = new();
        foreach (var model in matrix.Rows.GroupBy(static r => r.Model))
        {
            text.Append(model.Key.PadRight(20));
            foreach (var (operation, _) in model.First().Cells) text.Append(Named(operation).PadRight(9));
            text.Append('\n');
            foreach (MatrixRow row in model)
            {
                text.Append(("  " + row.Role).PadRight(20));
                foreach (var (_, cell) in row.Cells) text.Append(cell.PadRight(9));
                text.Append('\n');
            }
        }
        int terms = matrix.Coverage.Sum(static c => c.Terms.Length),
            termsBoth = matrix.Coverage.Sum(static c => c.Terms.Count(static t => t.IsSeenBothWays));
        int both = matrix.Coverage.Count(static c => c is { WasTrue: true, WasNotTrue: true });
        text.Append(System.Globalization.CultureInfo.InvariantCulture,
            $"\n{both} of {matrix.Coverage.Length} rules were seen both ways, {termsBoth} of {terms} terms\n");
        foreach (RuleCoverage rule in matrix.Coverage.Where(static c => !c.WasTrue || !c.WasNotTrue || !c.Terms.All(t => t.IsSeenBothWays)))
        {
            text.Append("  ").Append(rule.Place).Append(": ").Append(rule.Text).Append(": ").Append(Seen(rule)).Append('\n');
            foreach (TermCoverage term in rule.Terms)
                text.Append("    ").Append(term.Text).Append(": ").AppendJoin(", ", Seen(term)).Append('\n');
        }
        return text.ToString();
    }

    public static string Json(PolicyMatrix matrix) => new JsonObject
    {
        ["rows"] = new JsonArray([.. matrix.Rows.Select(static row => (JsonNode)new JsonObject
        {
            ["model"] = row.Model,
            ["role"] = row.Role,
            ["may"] = new JsonObject(row.Cells.Select(static c => KeyValuePair.Create(Named(c.Operation), (JsonNode?)c.Cell))),
        })]),
        ["rules"] = new JsonArray([.. matrix.Coverage.Select(static rule => (JsonNode)new JsonObject
        {
            ["place"] = rule.Place,
            ["rule"] = rule.Text,
            ["seen"] = Seen(rule),
            ["terms"] = new JsonArray([.. rule.Terms.Select(static term => (JsonNode)new JsonObject
            {
                ["term"] = term.Text,
                ["seen"] = new JsonArray([.. Seen(term).Select(static s => (JsonNode)s)]),
            })]),
        })]),
    }.ToJsonString() + "\n";

    public static string Html(PolicyMatrix matrix)
    {
        StringBuilder page = new("<!doctype html>\n<meta charset=\"utf-8\">\n<title>Policy matrix</title>\n");
        page.Append("<style>body{font:15px system-ui;margin:2rem}td,th{padding:.2rem .8rem;text-align:left}</style>\n");
        foreach (var model in matrix.Rows.GroupBy(static r => r.Model))
        {
            page.Append("<table>\n<tr><th>").Append(WebUtility.HtmlEncode(model.Key));
            foreach (var (operation, _) in model.First().Cells) page.Append("<th>").Append(Named(operation));
            page.Append('\n');
            foreach (MatrixRow row in model)
            {
                page.Append("<tr><td>").Append(WebUtility.HtmlEncode(row.Role));
                foreach (var (_, cell) in row.Cells) page.Append("<td>").Append(cell);
                page.Append('\n');
            }
            page.Append("</table>\n");
        }
        page.Append("<table>\n<tr><th>Rule<th>Term<th>Seen\n");
        foreach (RuleCoverage rule in matrix.Coverage)
        {
            page.Append("<tr><td title=\"").Append(WebUtility.HtmlEncode(rule.Place)).Append("\">").Append(WebUtility.HtmlEncode(rule.Text))
                .Append("<td><td>").Append(Seen(rule)).Append('\n');
            foreach (TermCoverage term in rule.Terms)
            {
                page.Append("<tr><td><td>").Append(WebUtility.HtmlEncode(term.Text)).Append("<td>")
                    .AppendJoin(", ", Seen(term)).Append('\n');
            }
        }
        page.Append("</table>\n");
        return page.ToString();
    }

    static string Named(Schema.Operation operation) => operation.ToString().ToLowerInvariant();

    static IEnumerable<string> Seen(TermCoverage term)
    {
        if (!term.WasDecided) yield return "looks at other records";
        if (term.WasTrue) yield return "true";
        if (term.WasFalse) yield return "false";
        if (term.WasUnknown) yield return "unknown";
    }

    static string Seen(RuleCoverage rule) => rule switch
    {
        { WasDecided: false } => "looks at other records",
        { WasTrue: true, WasNotTrue: true } => "both ways",
        { WasTrue: true } => "always true",
        _ => "never true",
    };
}
