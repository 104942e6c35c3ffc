using System.Diagnostics;
using System.Text;
using System.Xml.Linq;
using Plinth.Language;
using Plinth.Schema;

namespace Plinth.Codegen.Diagrams;

public class DiagramTests
{
    [Fact]
    public void Boxes_do_not_overlap_and_ways_run_between_them()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 25, soak: 1000);
        Random random = new(seed);
        for (int i = 0; i < count; i++)
        {
            DiagramLayout layout = DiagramLayout.Of(Schemas.Load(Linked(random, random.Next(1, 70))));
            foreach (DiagramBox a in layout.Boxes)
            {
                Assert.True(a.X >= 0 && a.Y >= 0 && a.X + a.Width <= layout.Width && a.Y + a.Height <= layout.Height,
                    $"seed {seed}: {a.Name} is outside");
                foreach (DiagramBox b in layout.Boxes.Where(b => b != a))
                {
                    bool isApart = a.X + a.Width <= b.X || b.X + b.Width <= a.X || a.Y + a.Height <= b.Y || b.Y + b.Height <= a.Y;
                    Assert.True(isApart, $"seed {seed}: {a.Name} and {b.Name} overlap");
                }
            }
            foreach (DiagramEdge edge in layout.Edges) Follow(layout, edge, seed);
        }
    }

    /// <summary>It begins at its line, ends at its box, turns at right angles, and enters no other box.</summary>
    static void Follow(DiagramLayout layout, DiagramEdge edge, int seed)
    {
        string name = $"seed {seed}: {edge.From.Name}.{edge.Line.Name}";
        Assert.True(edge.Way.Count >= 2, name + " has no way");
        var (x, y) = edge.Way[0];
        Assert.True(Math.Abs(y - edge.From.RowY(edge.Row)) < 0.01 && (Near(x, edge.From.X) || Near(x, edge.From.X + edge.From.Width)),
            name + " begins elsewhere");
        (x, y) = edge.Way[^1];
        Assert.True(y >= edge.To.Y && y <= edge.To.Y + edge.To.Height && (Near(x, edge.To.X) || Near(x, edge.To.X + edge.To.Width)),
            name + " ends elsewhere");
        for (int i = 1; i < edge.Way.Count; i++)
        {
            var (fromX, fromY) = edge.Way[i - 1];
            var (toX, toY) = edge.Way[i];
            Assert.True(Near(fromX, toX) || Near(fromY, toY), name + " is slanted");
            foreach (DiagramBox box in layout.Boxes)
            {
                bool isInside = Math.Max(fromX, toX) > box.X + 0.01 && Math.Min(fromX, toX) < box.X + box.Width - 0.01
                    && Math.Max(fromY, toY) > box.Y + 0.01 && Math.Min(fromY, toY) < box.Y + box.Height - 0.01;
                Assert.False(isInside, $"{name} runs through {box.Name}");
            }
        }
    }

    static bool Near(double a, double b) => Math.Abs(a - b) < 0.01;

    [Fact]
    public void The_picture_is_well_formed_and_holds_every_model()
    {
        AppSchema schema = Schemas.Load(Schemas.Crm);
        XDocument svg = XDocument.Parse(SvgDiagram.Write(schema));
        string text = string.Join('\n', svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value));
        foreach (Model model in schema.Models) Assert.Contains(model.Name, text, StringComparison.Ordinal);
        Assert.Equal(SvgDiagram.Write(schema), SvgDiagram.Write(schema));
    }

    /// <summary>Sixty models of one tenant: sixty ways to it would be all that there is to see.</summary>
    [Fact]
    public void What_most_models_refer_to_is_named_where_they_do_and_has_no_ways()
    {
        string models = string.Concat(Enumerable.Range(0, 60).Select(i =>
            $"model M{i} {{ id Int @id  tenant Tenant @relation  next M{(i + 1) % 60}? @relation }}\n"));
        AppSchema schema = Schemas.Load("model Tenant { id Int @id  name String }\n" + models);
        DiagramLayout layout = DiagramLayout.Of(schema);
        Assert.Equal(60, layout.Edges.Length);
        Assert.DoesNotContain(layout.Edges, e => e.To.Name == "Tenant");
        Assert.Equal("↗ from 60 models", layout.Boxes.Single(b => b.Name == "Tenant").Rows[^1].Name);
        Assert.All(layout.Boxes.Where(b => b.Name != "Tenant"),
            b => Assert.Contains(b.Rows, r => r is { Type: "Tenant ↗", IsFar: true }));
    }

    [Fact]
    public void Mermaid_says_keys_and_relations()
    {
        string text = MermaidDiagram.Write(Schemas.Load(Schemas.Crm));
        Assert.StartsWith("erDiagram\n", text, StringComparison.Ordinal);
        Assert.Contains("  Company |o--o{ Contact : company\n", text, StringComparison.Ordinal);
        Assert.Contains("    Uuid id PK\n", text, StringComparison.Ordinal);
        Assert.Contains("    Uuid companyId FK \"optional\"\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Many_models_are_drawn_in_time()
    {
        Stopwatch watch = Stopwatch.StartNew();
        string svg = SvgDiagram.Write(Schemas.Load(Linked(new Random(1), 400)));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed} for {svg.Length} characters");
    }

    /// <summary>Models as a business has them: most refer to a few that are central, some to others, some to none, and there are
    /// cycles.</summary>
    public static string Linked(Random random, int models)
    {
        StringBuilder text = new();
        for (int i = 0; i < models; i++)
        {
            text.Append($"model Model{i} {{\n  id Uuid @id @default(uuid7())\n");
            int fields = random.Next(1, 9), relations = random.Next(0, 4);
            for (int f = 0; f < fields; f++) text.Append($"  field{f} {(f % 2 == 0 ? "String" : "DateTime?")}\n");
            HashSet<int> targets = [];
            for (int r = 0; r < relations; r++)
            {
                int target = random.Next(3) == 0 ? random.Next(Math.Min(models, 4)) : random.Next(models);
                if (targets.Add(target)) text.Append($"  toModel{target} Model{target}{(random.Next(2) == 0 ? "?" : "")} @relation\n");
            }
            text.Append("}\n");
        }
        return text.ToString();
    }
}
