using Plinth.Cases;

namespace Plinth.Tidy;

/// <summary>Holds <c>layers.txt</c> over the assemblies that this test project stands on: the pure floor, or all of them.</summary>
public class LayersTests
{
    readonly Layers _layers = Layers.Read();

    [Fact]
    public void Rooms_import_only_what_they_are_allowed_and_use_what_they_are_allowed()
    {
        HashSet<string> wrong = new(StringComparer.Ordinal), used = new(StringComparer.Ordinal), seen = new(StringComparer.Ordinal);
        foreach (BuiltAssembly assembly in BuiltAssembly.Present())
        {
            using BuiltAssembly open = assembly;
            foreach (var (space, member, name) in open.Uses())
            {
                if (Layers.RoomOf(space, open.Name) is not { } from) continue;
                seen.Add(from);
                if (Layers.RoomOf(name.Namespace, "") is not { } to || from == to) continue;
                if (!_layers.Rooms.TryGetValue(from, out var allowed)) wrong.Add($"the room {from} is not in layers.txt ({member})");
                else if (allowed.FirstOrDefault(a => Layers.Allows(a, to, name)) is { } allowance) used.Add($"{from} {allowance}");
                else wrong.Add($"{from} may not import {to}: {member} uses {name}");
            }
        }
        foreach (var (room, allowed) in _layers.Rooms)
        {
            if (!seen.Contains(room)) continue;
            foreach (string to in allowed.Where(to => !used.Contains($"{room} {to}")))
                wrong.Add($"layers.txt: {room} is allowed {to} and does not use it");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void No_floor_uses_what_is_refused_to_it()
    {
        HashSet<string> wrong = new(StringComparer.Ordinal);
        foreach (BuiltAssembly assembly in BuiltAssembly.Present())
        {
            using BuiltAssembly open = assembly;
            foreach (var (space, member, name) in open.Uses())
            {
                // What a tool wove in (coverage) is not ours.
                if (space.Length > 0 && !space.StartsWith("Plinth", StringComparison.Ordinal)) continue;
                if (_layers.IsRefused(open.Name, name, out string pattern))
                    wrong.Add($"{open.Name}: {member} uses {name} ({pattern} is refused)");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void A_database_is_named_only_where_it_may_be()
    {
        List<string> wrong = [];
        string src = Path.Combine(Corpus.Root, "src");
        foreach (string file in Sources.Under("src").Where(f => f.EndsWith(".cs", StringComparison.Ordinal)))
        {
            string inside = Path.GetRelativePath(src, Path.Combine(Corpus.Root, file)).Replace('\\', '/');
            string[] lines = Sources.Lines(file);
            foreach (var (word, folders) in _layers.Words)
            {
                if (folders.Any(folder => inside.StartsWith(folder + "/", StringComparison.Ordinal))) continue;
                int line = Array.FindIndex(lines, l => l.Contains(word, StringComparison.OrdinalIgnoreCase));
                if (line >= 0) wrong.Add($"{file}:{line + 1}: the word {word}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void The_reader_of_assemblies_sees_calls_signatures_and_generic_members()
    {
        using BuiltAssembly core = BuiltAssembly.Present().First();
        var names = core.Uses().Where(u => u.Member.StartsWith("Plinth.Text.Names.", StringComparison.Ordinal))
            .Select(u => u.Used.ToString()).ToHashSet();
        Assert.Contains("System.Char.ToLowerInvariant", names);
        Assert.Contains("System.Collections.Generic.IEnumerable`1.GetEnumerator", names);
        Assert.True(Layers.Allows("Policy", "Policy", new("Plinth.Policy", "Plinth.Policy.RowRules")));
        Assert.True(Layers.Allows("Policy.Caller", "Policy", new("Plinth.Policy", "Plinth.Policy.Caller", "get_Auth")));
        Assert.False(Layers.Allows("Policy.Caller", "Policy", new("Plinth.Policy", "Plinth.Policy.RowRules")));
        Layers layers = Layers.Parse(["refuse Plinth.Core: System.Char.ToLowerInvariant", "refuse *: System.Text.*"]);
        Assert.True(layers.IsRefused("Plinth.Core", new("System", "System.Char", "ToLowerInvariant"), out _));
        Assert.False(layers.IsRefused("Plinth.Engine", new("System", "System.Char", "ToLowerInvariant"), out _));
        Assert.True(layers.IsRefused("Plinth.Engine", new("System.Text", "System.Text.StringBuilder"), out _));
    }
}
