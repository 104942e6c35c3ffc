using System.Collections.Concurrent;
using Plinth.Cases;

namespace Plinth.Tidy;

/// <summary>The files that people wrote, by path from the checkout's folder; what builds made is left out.</summary>
static class Sources
{
    static readonly ConcurrentDictionary<string, string> s_texts = new(StringComparer.Ordinal);
    static readonly string[] s_made = ["bin", "obj", "artifacts", "node_modules", "TestResults", ".git", ".plinth", ".vs", ".idea"];

    public static IEnumerable<string> Under(string folder)
    {
        string full = Path.Combine(Corpus.Root, folder);
        if (!Directory.Exists(full)) return [];
        return Walk(full).Select(f => Path.GetRelativePath(Corpus.Root, f).Replace('\\', '/')).Order(StringComparer.Ordinal);
    }

    public static IEnumerable<string> CSharp => Under("src").Concat(Under("tests")).Where(f => f.EndsWith(".cs", StringComparison.Ordinal));

    public static string Text(string path) => s_texts.GetOrAdd(path, p => File.ReadAllText(Path.Combine(Corpus.Root, p)));

    public static string[] Lines(string path) => Text(path).Split('\n');

    static IEnumerable<string> Walk(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder)) yield return file;
        foreach (string inner in Directory.EnumerateDirectories(folder))
        {
            if (s_made.Contains(Path.GetFileName(inner))) continue;
            foreach (string file in Walk(inner)) yield return file;
        }
    }
}
