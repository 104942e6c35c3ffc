using System.Globalization;
using System.Text;
using Plinth.Schema;

namespace Plinth.Codegen.Diagrams;

/// <summary>
/// The schema as a picture that needs nothing but itself: no script, no font to fetch. Relations are lines of their boxes, so that there
/// are no labels to run into one another; a way has the colour of what it leads to, and says what it is when pointed at.
/// </summary>
static class SvgDiagram
{
    /// <summary>Told apart on white and on black, also by people who see red and green as one.</summary>
    static readonly string[] s_colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d00", "#56789a", "#a0522d", "#6a4c93"];

    public static string Write(AppSchema schema)
    {
        DiagramLayout layout = DiagramLayout.Of(schema);
        StringBuilder svg = new();
        string width = Text(layout.Width), height = Text(layout.Height);
        svg.Append(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n");
        svg.Append("<title>").Append(Escaped(schema.Name)).Append("</title>\n<style>\n");
        svg.Append("text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#24292f}\n");
        svg.Append(".head{font-weight:bold;font-size:13px;fill:#fff}.type{fill:#6e7781}.key{font-weight:bold}\n");
        svg.Append(".box{fill:#fff;stroke:#8c959f}.way{fill:none;stroke-width:1.5;stroke-linejoin:round}.way:hover{stroke-width:4}\n");
        svg.Append("</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#f6f8fa\"/>\n");
        Dictionary<DiagramBox, string> colors = [];
        for (int i = 0; i < layout.Boxes.Length; i++) colors[layout.Boxes[i]] = s_colors[i % s_colors.Length];
        foreach (DiagramEdge edge in layout.Edges) Write(svg, edge, colors[edge.To]);
        foreach (DiagramBox box in layout.Boxes) Write(svg, box, colors);
        return svg.Append("</svg>\n").ToString();
    }

    static void Write(StringBuilder svg, DiagramBox box, Dictionary<DiagramBox, string> colors)
    {
        string x = Text(box.X), y = Text(box.Y), width = Text(box.Width), color = colors[box];
        svg.Append(CultureInfo.InvariantCulture,
            $"<rect class=\"box\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{Text(box.Height)}\" rx=\"4\"/>\n");
        svg.Append(CultureInfo.InvariantCulture,
            $"<path d=\"M{x} {Text(box.Y + DiagramBox.HeadHeight)}v-{Text(DiagramBox.HeadHeight - 4)}q0 -4 4 -4"
            + $"h{Text(box.Width - 8)}q4 0 4 4v"
            + $"{Text(DiagramBox.HeadHeight - 4)}z\" fill=\"{color}\"/>\n");
        svg.Append(CultureInfo.InvariantCulture,
            $"<text class=\"head\" x=\"{Text(box.X + DiagramBox.Padding)}\" y=\"{Text(box.Y + 18)}\">{Escaped(box.Name)}</text>\n");
        for (int i = 0; i < box.Rows.Length; i++)
        {
            DiagramRow row = box.Rows[i];
            string baseline = Text(box.RowY(i) + 4);
            string mark = row.IsKey ? " class=\"key\"" : "";
            string target = row.Target is { } name && colors.Keys.FirstOrDefault(b => b.Name == name) is { } to
                ? $" style=\"fill:{colors[to]}\"" : "";
            svg.Append(CultureInfo.InvariantCulture,
                $"<text{mark} x=\"{Text(box.X + DiagramBox.Padding)}\" y=\"{baseline}\"{target}>{Escaped(row.Name)}</text>");
            svg.Append(CultureInfo.InvariantCulture,
                $"<text class=\"type\" x=\"{Text(box.X + box.Width - DiagramBox.Padding)}\" y=\"{baseline}\" text-anchor=\"end\"{target}>");
            svg.Append(Escaped(row.Type)).Append("</text>\n");
        }
    }

    /// <summary>The way, a crow's foot where many begin, a bar where one does, and a ring at the end that may be absent.</summary>
    static void Write(StringBuilder svg, DiagramEdge edge, string color)
    {
        if (edge.Way.Count < 2) return;
        svg.Append(CultureInfo.InvariantCulture, $"<g stroke=\"{color}\"><path class=\"way\" d=\"");
        for (int i = 0; i < edge.Way.Count; i++)
            svg.Append(i == 0 ? 'M' : 'L').Append(Text(edge.Way[i].X)).Append(' ').Append(Text(edge.Way[i].Y));
        string many = edge.Line.IsOne ? "at most one" : "any number";
        svg.Append(CultureInfo.InvariantCulture,
            $"\"><title>{Escaped($"{edge.From.Name}.{edge.Line.Name} → {edge.To.Name} ({many})")}</title></path>");
        var (x, y) = edge.Way[0];
        double outward = edge.Way[1].X >= x ? 1 : -1;
        svg.Append("<path class=\"way\" d=\"");
        if (edge.Line.IsOne) svg.Append(CultureInfo.InvariantCulture, $"M{Text(x + (outward * 7))} {Text(y - 5)}v10");
        else svg.Append(CultureInfo.InvariantCulture,
            $"M{Text(x)} {Text(y - 5)}L{Text(x + (outward * 9))} {Text(y)}L{Text(x)} {Text(y + 5)}");
        svg.Append("\"/>");
        (x, y) = edge.Way[^1];
        outward = edge.Way[^2].X >= x ? 1 : -1;
        if (edge.Line.IsOptional)
            svg.Append(CultureInfo.InvariantCulture,
                $"<circle cx=\"{Text(x + (outward * 7))}\" cy=\"{Text(y)}\" r=\"3.5\" fill=\"#f6f8fa\"/>");
        else
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"way\" d=\"M{Text(x + (outward * 7))} {Text(y - 4)}v8\"/>");
        svg.Append("</g>\n");
    }

    static string Text(double number) => Math.Round(number, 1).ToString(CultureInfo.InvariantCulture);

    static string Escaped(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;",
        StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal).Replace("\"", "&quot;", StringComparison.Ordinal);
}
