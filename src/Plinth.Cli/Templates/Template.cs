using System.Collections.Immutable;

namespace Plinth.Cli.Templates;

/// <summary>A project to start from. `crm`, `blog` and `books` are the examples themselves, embedded: there is no second copy to grow
/// stale.</summary>
static class Template
{
    const string Prefix = "templates/";

    public static ImmutableArray<string> Names { get; } = ["empty", "crm", "blog", "books"];

    /// <summary>Relative paths (with /) and contents of the template's files.</summary>
    public static IEnumerable<(string Path, Stream Content)> Files(string template)
    {
        string prefix = Prefix + template + "/";
        foreach (string name in typeof(Template).Assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
        {
            string path = name.Replace('\\', '/');
            if (!path.StartsWith(prefix, StringComparison.Ordinal)) continue;
            yield return (path[prefix.Length..], typeof(Template).Assembly.GetManifestResourceStream(name)
                ?? throw new InvalidOperationException($"the resource {name} is listed but not there"));
        }
    }
}
