using System.Globalization;
using System.Text.Json;
using Plinth.Rest;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Policy;

/// <summary>
/// A model that refers to itself, several levels deep, in filters, sorts, includes and aggregates: every hop is a record of its own, under
/// the rule and the trash of the model it enters. The answers are those of a plain walk over the same forest.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class SelfRelationTests
{
    const string Schema = """
        auth { role String? }
        model Node {
          id Int @id
          name String
          hidden Boolean @default(false)
          parent Node? @relation(name: "tree", onDelete: cascade)
          children Node[] @relation(name: "tree")
          @@softDelete
          @@index([parentId])
          @@allow("read", !hidden && (parent == null || parent.name != "closed" || parent.name == name))
          @@allow("all", auth.role == "admin")
        }
        """;

    sealed record Node(int Id, string Name, bool IsHidden, int? ParentId)
    {
        public bool IsTrashed { get; set; }
    }

    /// <summary>The forest as a caller without a role sees it.</summary>
    sealed class Forest(List<Node> nodes)
    {
        public List<Node> Nodes => nodes;

        Node? LiveParent(Node node) => nodes.Find(n => n.Id == node.ParentId && !n.IsTrashed);

        public bool Sees(Node? node) => node is { IsTrashed: false, IsHidden: false }
            && (LiveParent(node) is not { } parent || parent.Name != "closed" || parent.Name == node.Name);

        public Node? Parent(Node? node) => node is not null && LiveParent(node) is { } parent && Sees(parent) ? parent : null;

        public IEnumerable<Node> Children(Node node) => nodes.Where(n => n.ParentId == node.Id && Sees(n)).OrderBy(static n => n.Id);
    }

    static async Task<(RunningServer Server, HttpClient Client, Forest Forest)> OpenAsync(int seed)
    {
        Random random = new(seed);
        RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient admin = await server.ClientAsync(Value.FromMap(new ValueMap([new("role", Value.From("admin"))])));
        List<Node> nodes = [];
        for (int id = 1; id <= 60; id++)
        {
            nodes.Add(new Node(id, random.Next(5) switch { 0 or 1 => "a", 2 or 3 => "b", _ => "closed" }, random.Next(6) == 0,
                id > 4 && random.Next(8) > 0 ? random.Next(1, id) : null));
        }
        string bodies = string.Join(',', nodes.Select(n => JsonSerializer.Serialize(
            new { id = n.Id, name = n.Name, hidden = n.IsHidden, parentId = n.ParentId })));
        Assert.Equal(201, (await admin.SendAsync("POST", "/api/nodes", $"[{bodies}]")).Status);
        foreach (Node node in nodes.Where(n => random.Next(7) == 0 && !nodes.Exists(c => c.ParentId == n.Id)).ToList())
        {
            node.IsTrashed = true;
            Assert.Equal(204, (await admin.SendAsync("DELETE", $"/api/nodes/{Text(node.Id)}")).Status);
        }
        return (server, await server.ClientAsync(Value.FromMap(ValueMap.Empty)), new Forest(nodes));
    }

    [Fact]
    public async Task Every_hop_is_a_record_of_its_own()
    {
        int seed = Counts.Seed();
        var (server, client, forest) = await OpenAsync(seed);
        await using (server)
        {
            (string Filter, Func<Node, bool> Holds)[] filters =
            [
                ("parent.name == name", n => forest.Parent(n)?.Name == n.Name),
                ("parent.parent.name == 'a'", n => forest.Parent(forest.Parent(n))?.Name == "a"),
                ("parent.parent.parent.name == parent.name", n => forest.Parent(n) is { } p
                    && forest.Parent(forest.Parent(p))?.Name == p.Name),
                ("parent == null", n => forest.Parent(n) is null),
                ("children.exists(c, c.children.exists(d, d.name == name))",
                    n => forest.Children(n).Any(c => forest.Children(c).Any(d => d.Name == n.Name))),
                ("children.exists(c, c.children.exists(d, d.name == c.name && d.id > id))",
                    n => forest.Children(n).Any(c => forest.Children(c).Any(d => d.Name == c.Name && d.Id > n.Id))),
                ("children.all(c, c.name != name)", n => forest.Children(n).All(c => c.Name != n.Name)),
                ("parent.children.exists(s, s.id != id && s.name == name)",
                    n => forest.Parent(n) is { } p && forest.Children(p).Any(s => s.Id != n.Id && s.Name == n.Name)),
                ("children.exists(c, c.parent.parent.name == 'b')",
                    n => forest.Children(n).Any(c => forest.Parent(forest.Parent(c))?.Name == "b")),
            ];
            foreach (var (filter, holds) in filters)
            {
                int[] expected = [.. forest.Nodes.Where(n => forest.Sees(n) && holds(n)).Select(static n => n.Id)];
                // What was read is at hand then, and is asked once more.
                for (int again = 0; again < 3; again++)
                {
                    Reply list = await client.SendAsync("GET", $"/api/nodes?limit=1000&sort=id&filter={Uri.EscapeDataString(filter)}");
                    Assert.True(list.Status == 200, list.Body);
                    Assert.Equal((filter, seed, string.Join(',', expected)), (filter, seed, string.Join(',', Ids(list))));
                }
                Reply counted = await client.SendAsync("GET", $"/api/nodes/aggregate?count&filter={Uri.EscapeDataString(filter)}");
                Assert.Contains($"\"count\":{Text(expected.Length)}", counted.Body, StringComparison.Ordinal);
            }
            Reply sorted = await client.SendAsync("GET", "/api/nodes?limit=1000&sort=parent.parent.name,-parent.id,id");
            Assert.Equal(forest.Nodes.Where(forest.Sees)
                .OrderBy(n => forest.Parent(forest.Parent(n))?.Name, StringComparer.Ordinal)
                .ThenByDescending(n => forest.Parent(n)?.Id ?? int.MinValue).ThenBy(static n => n.Id)
                .Select(static n => n.Id), Ids(sorted));
        }
    }

    [Fact]
    public async Task An_include_of_an_include_is_under_the_rules_at_every_level()
    {
        int seed = Counts.Seed();
        var (server, client, forest) = await OpenAsync(seed);
        await using (server)
        {
            Reply list = await client.SendAsync("GET",
                "/api/nodes?limit=1000&sort=id&select=id&include=parent(select:id,include:parent(select:id)),"
                + "children(select:id,limit:100,sort:id,include:children(select:id,limit:100,sort:id))");
            Assert.True(list.Status == 200, list.Body);
            JsonElement[] items = [.. list.Json.GetProperty("items").EnumerateArray()];
            Node[] seen = [.. forest.Nodes.Where(forest.Sees)];
            Assert.Equal(seen.Length, items.Length);
            for (int i = 0; i < seen.Length; i++)
            {
                Node? parent = forest.Parent(seen[i]), grandparent = forest.Parent(parent);
                Assert.Equal(parent?.Id, Id(items[i].GetProperty("parent")));
                if (parent is not null) Assert.Equal(grandparent?.Id, Id(items[i].GetProperty("parent").GetProperty("parent")));
                string tree = string.Join(' ', forest.Children(seen[i])
                    .Select(c => $"{c.Id}({string.Join(',', forest.Children(c).Select(static d => d.Id))})"));
                string found = string.Join(' ', items[i].GetProperty("children").EnumerateArray().Select(static c =>
                    $"{Id(c)}({string.Join(',', c.GetProperty("children").EnumerateArray().Select(static d => Id(d)))})"));
                Assert.Equal(tree, found);
            }
        }
    }

    static int? Id(JsonElement record) => record.ValueKind == JsonValueKind.Null ? null : record.GetProperty("id").GetInt32();

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    static IEnumerable<int> Ids(Reply list) =>
        list.Json.GetProperty("items").EnumerateArray().Select(static i => i.GetProperty("id").GetInt32());
}
