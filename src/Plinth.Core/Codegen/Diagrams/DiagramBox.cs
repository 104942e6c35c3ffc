using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Codegen.Diagrams;

/// <summary>One line of a box: a field, or the relation that holds a key.</summary>
/// <param name="Target">The model that the line leads to, when it is a relation.</param>
sealed record DiagramRow(string Name, string Type, bool IsKey, string? Target, bool IsOptional, bool IsOne)
{
    /// <summary>No way is drawn to what so many refer to: it would be a curtain before all the others.</summary>
    public bool IsFar { get; init; }
}

/// <summary>A model as it is drawn. Its place is found by the layout; lengths are pixels.</summary>
sealed class DiagramBox(Model model, ImmutableArray<DiagramRow> rows)
{
    public const double HeadHeight = 26, RowHeight = 18, CharWidth = 7.25, Padding = 10;

    /// <summary>More fields than this are counted, not listed: a diagram shows how models hang together.</summary>
    const int PlainRowsMax = 10;

    public string Name { get; } = model.Name;

    public ImmutableArray<DiagramRow> Rows { get; } = rows;

    public double Width { get; } = Math.Max((model.Name.Length * 8.2) + (2 * Padding), rows.Select(r =>
        ((r.Name.Length + r.Type.Length + 2) * CharWidth) + (2 * Padding)).DefaultIfEmpty(0).Max());

    public double Height { get; } = HeadHeight + (rows.Length * RowHeight) + 4;

    public double X { get; set; }

    public double Y { get; set; }

    public double RowY(int row) => Y + HeadHeight + (row * RowHeight) + (RowHeight / 2);

    /// <summary>Marks what is referred to without a way.</summary>
    const string Far = "↗";

    /// <param name="schema">The model's.</param>
    /// <param name="model">What the box shows.</param>
    /// <param name="hubs">Models that most others refer to, and how many do.</param>
    public static DiagramBox Of(AppSchema schema, Model model, IReadOnlyDictionary<string, int> hubs)
    {
        HashSet<string> keys = new(StringComparer.Ordinal);
        List<DiagramRow> relations = [], plain = [], own = [];
        foreach (Relation relation in model.Relations.Where(r => r.IsOwning))
        {
            foreach (string field in relation.Fields) if (model.Field(field) is { IsImplied: true }) keys.Add(field);
            bool isKey = relation.Fields.All(f => model.Key.Contains(f));
            bool isOne = model.Uniques.Any(u => u.Where is null && u.Fields.ToHashSet().SetEquals(relation.Fields))
                || relation.Fields.ToHashSet().SetEquals(model.Key);
            bool isFar = hubs.ContainsKey(relation.Target);
            string type = relation.Target + (relation.IsOptional ? "?" : "") + (isFar ? " " + Far : "");
            relations.Add(new DiagramRow(relation.Name, type, isKey, relation.Target, relation.IsOptional, isOne) { IsFar = isFar });
        }
        foreach (Field field in model.Fields.Where(f => !keys.Contains(f.Name)))
        {
            bool isKey = model.Key.Contains(field.Name);
            string type = field.Type.Name.Replace(", ", ",", StringComparison.Ordinal);
            DiagramRow row = new(field.Name, type + (field.IsList ? "[]" : field.IsNullable ? "?" : ""), isKey, null, false, false);
            (isKey ? own : plain).Add(row);
        }
        int more = plain.Count - PlainRowsMax;
        if (more > 1) plain = [.. plain.Take(PlainRowsMax), new DiagramRow($"… {more} more", "", false, null, false, false)];
        if (hubs.TryGetValue(model.Name, out int from))
            plain.Add(new DiagramRow($"{Far} from {from} models", "", false, null, false, false));
        return new DiagramBox(model, [.. own, .. relations, .. plain]);
    }
}

/// <summary>A relation as it is drawn: from the line that holds the key to the box it leads to.</summary>
sealed record DiagramEdge(DiagramBox From, int Row, DiagramBox To)
{
    public DiagramRow Line => From.Rows[Row];

    /// <summary>Corners of its way, from the owner to the target; found by the layout.</summary>
    public List<(double X, double Y)> Way { get; } = [];
}
