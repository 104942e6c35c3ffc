using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Codegen.Diagrams;

/// <summary>
/// Boxes and ways of a schema on a plane. Models that hang together are laid out in columns, what is referred to left of what refers to
/// it (<see cref="DiagramColumns"/>); such groups are set side by side in rows of about equal width. The same schema gives the same
/// picture.
/// </summary>
sealed class DiagramLayout
{
    const double Margin = 24, GroupGap = 48;

    /// <summary>So many ways to one box can still be followed.</summary>
    const int HubMin = 16;

    DiagramLayout(ImmutableArray<DiagramBox> boxes, ImmutableArray<DiagramEdge> edges) => (Boxes, Edges) = (boxes, edges);

    public ImmutableArray<DiagramBox> Boxes { get; }

    public ImmutableArray<DiagramEdge> Edges { get; }

    public double Width { get; private set; }

    public double Height { get; private set; }

    public static DiagramLayout Of(AppSchema schema)
    {
        Dictionary<string, DiagramBox> boxes = new(StringComparer.Ordinal);
        IReadOnlyDictionary<string, int> hubs = Hubs(schema);
        foreach (Model model in schema.Models) boxes[model.Name] = DiagramBox.Of(schema, model, hubs);
        List<DiagramEdge> edges = [];
        foreach (DiagramBox box in boxes.Values)
        {
            for (int row = 0; row < box.Rows.Length; row++)
            {
                if (box.Rows[row] is { IsFar: false, Target: { } target } && boxes.TryGetValue(target, out DiagramBox? to))
                    edges.Add(new DiagramEdge(box, row, to));
            }
        }
        DiagramLayout layout = new([.. boxes.Values], [.. edges]);
        layout.Arrange();
        return layout;
    }

    /// <summary>Models that a quarter of all others refer to, a tenant say: what their ways would show is known, and hides the
    /// rest.</summary>
    static Dictionary<string, int> Hubs(AppSchema schema)
    {
        int least = Math.Max(HubMin, schema.Models.Length / 4);
        return schema.Models.SelectMany(m => m.Relations.Where(r => r.IsOwning && r.Target != m.Name).Select(r => r.Target).Distinct())
            .CountBy(t => t, StringComparer.Ordinal).Where(c => c.Value >= least)
            .ToDictionary(c => c.Key, c => c.Value, StringComparer.Ordinal);
    }

    void Arrange()
    {
        List<DiagramColumns> groups = [];
        Dictionary<DiagramBox, int> group = Groups();
        double area = Boxes.Sum(b => (b.Width + 90) * (b.Height + 30));
        double tallest = Boxes.Select(b => b.Height).DefaultIfEmpty(0).Max();
        double heightMax = Math.Max(tallest, Math.Sqrt(area) * 0.8);
        for (int i = 0; i <= group.Values.DefaultIfEmpty(-1).Max(); i++)
        {
            int number = i;
            groups.Add(new DiagramColumns([.. Boxes.Where(b => group[b] == number)], [.. Edges.Where(e => group[e.From] == number)],
                heightMax));
        }
        double widthMax = Math.Max(groups.Select(g => g.Width).DefaultIfEmpty(0).Max(), Math.Sqrt(area) * 1.5);
        double x = Margin, y = Margin, rowHeight = 0;
        foreach (DiagramColumns columns in groups.OrderByDescending(g => g.Height))
        {
            if (x > Margin && x + columns.Width > Margin + widthMax) (x, y, rowHeight) = (Margin, y + rowHeight + GroupGap, 0);
            columns.Move(x, y);
            x += columns.Width + GroupGap;
            rowHeight = Math.Max(rowHeight, columns.Height);
            Width = Math.Max(Width, x - GroupGap + Margin);
        }
        Height = y + rowHeight + Margin;
        Width = Math.Max(Width, 2 * Margin);
    }

    /// <summary>Which boxes hang together, numbered in the order of the schema.</summary>
    Dictionary<DiagramBox, int> Groups()
    {
        ILookup<DiagramBox, DiagramBox> near = Edges.SelectMany(e => new[] { (e.From, e.To), (From: e.To, To: e.From) })
            .ToLookup(p => p.Item1, p => p.Item2);
        Dictionary<DiagramBox, int> group = [];
        int count = 0;
        foreach (DiagramBox start in Boxes)
        {
            if (group.ContainsKey(start)) continue;
            Stack<DiagramBox> open = new([start]);
            group[start] = count;
            while (open.TryPop(out DiagramBox? box))
            {
                foreach (DiagramBox next in near[box]) if (group.TryAdd(next, count)) open.Push(next);
            }
            count++;
        }
        return group;
    }
}
