using Plinth.Cases;

namespace Plinth.Tidy;

/// <summary>The lines of <c>layers.txt</c>.</summary>
sealed class Layers
{
    public Dictionary<string, HashSet<string>> Rooms { get; } = new(StringComparer.Ordinal);

    public List<(string Assembly, string Pattern)> Refused { get; } = [];

    public Dictionary<string, string[]> Words { get; } = new(StringComparer.Ordinal);

    public static Layers Read() => Parse(File.ReadAllLines(Path.Combine(Corpus.Root, "layers.txt")));

    public static Layers Parse(IEnumerable<string> lines)
    {
        Layers layers = new();
        foreach (string line in lines)
        {
            if (line.StartsWith('#') || line.Length == 0) continue;
            string[] halves = line.Split(':', 2), head = halves[0].Split(' ', 2);
            string[] tail = halves[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            switch (head[0])
            {
                case "room": layers.Rooms.Add(head[1], [.. tail]); break;
                case "refuse": layers.Refused.AddRange(tail.Select(pattern => (head[1], pattern))); break;
                case "word": layers.Words.Add(head[1], tail); break;
                default: throw new FormatException($"layers.txt: no such line: {line}");
            }
        }
        return layers;
    }

    /// <summary>The room of a namespace; what the program has outside any namespace is its own.</summary>
    public static string? RoomOf(string space, string assembly)
    {
        if (space.StartsWith("Plinth.", StringComparison.Ordinal)) return space.Split('.')[1];
        return space.Length == 0 && assembly == "plinth" ? "Cli" : null;
    }

    /// <summary>An allowance is a room, or one type of it (<c>Policy.Caller</c>).</summary>
    public static bool Allows(string allowance, string room, in UsedName used) => allowance == room || used.Type == "Plinth." + allowance;

    public bool IsRefused(string assembly, in UsedName used, out string pattern)
    {
        foreach (var (of, refused) in Refused)
        {
            if (of != "*" && of != assembly) continue;
            bool hit = refused.EndsWith(".*", StringComparison.Ordinal)
                ? used.Type.StartsWith(refused[..^1], StringComparison.Ordinal)
                : used.Type == refused || (used.Member.Length > 0 && $"{used.Type}.{used.Member}" == refused);
            if (!hit) continue;
            pattern = refused;
            return true;
        }
        pattern = "";
        return false;
    }
}
