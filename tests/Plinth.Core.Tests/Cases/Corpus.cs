namespace Plinth.Cases;

/// <summary>The files of <c>cases/</c>, read from the checkout: a case is edited, added and removed without a build.</summary>
static class Corpus
{
    /// <summary>The folder of the checkout.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Paths of the cases of one kind, relative to the checkout: <c>cases/rest/….case</c>.</summary>
    public static IEnumerable<string> Paths(string kind)
    {
        string folder = Path.Combine(Root, "cases", kind);
        return Directory.EnumerateFiles(folder, "*.case", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/')).Order(StringComparer.Ordinal);
    }

    /// <summary>The same, for theories: each case is a test of its own.</summary>
    public static TheoryData<string> Of(params ReadOnlySpan<string> kinds)
    {
        TheoryData<string> paths = [];
        foreach (string kind in kinds)
        {
            foreach (string path in Paths(kind)) paths.Add(path);
        }
        return paths;
    }

    public static CaseFile Read(string path) => CaseFile.Parse(path, File.ReadAllText(Path.Combine(Root, path)));

    static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Plinth.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the tests run inside a checkout");
    }
}
