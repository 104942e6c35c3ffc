using System.Globalization;
using Plinth.Cases;

namespace Plinth.Tidy;

/// <summary>
/// What is over a limit and was there before: <c>ratchet.txt</c> has its exact size, which may only go down. A new entry is a
/// decision of a reviewer, since the test that fails names what is too large and how large.
/// </summary>
sealed class Ratchet
{
    readonly Dictionary<string, int> _entries = new(StringComparer.Ordinal);
    readonly string _kind;
    readonly int _limit;

    Ratchet(string kind, int limit) => (_kind, _limit) = (kind, limit);

    public static Ratchet Read(string kind, int limit) =>
        Parse(kind, limit, File.ReadAllLines(Path.Combine(Corpus.Root, "tests/Plinth.Core.Tests/Tidy/ratchet.txt")));

    public static Ratchet Parse(string kind, int limit, IEnumerable<string> lines)
    {
        Ratchet ratchet = new(kind, limit);
        foreach (string line in lines.Where(l => l.StartsWith(kind + " ", StringComparison.Ordinal)))
        {
            string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            ratchet._entries.Add(parts[1], int.Parse(parts[2], CultureInfo.InvariantCulture));
        }
        return ratchet;
    }

    /// <summary>What is wrong with these sizes, one line each.</summary>
    public IEnumerable<string> Complaints(IEnumerable<(string Name, int Size)> sizes)
    {
        HashSet<string> met = new(StringComparer.Ordinal);
        foreach (var (name, size) in sizes)
        {
            if (_entries.TryGetValue(name, out int held) && met.Add(name))
            {
                if (size > held) yield return $"{_kind} {name} grew from {held} to {size} lines (limit {_limit})";
                else if (size <= _limit) yield return $"{_kind} {name} is within {_limit} lines now: remove it from ratchet.txt";
                else if (size < held) yield return $"{_kind} {name} shrank to {size} lines: say so in ratchet.txt";
            }
            else if (size > _limit)
            {
                yield return $"{_kind} {name} has {size} lines (limit {_limit})";
            }
        }
    }
}
