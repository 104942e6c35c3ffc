namespace Plinth.Cases;

/// <summary>The files of <c>cases/</c>, read from the checkout: a case is edited, added and removed without a build.</summary>
static class Corpus
{
    /// <summary>The folder of the checkout.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Paths of the cases of one kind, relative to the checkout: <c>cases/rest/….case</c>.</summary>
    public static TheoryData<string> Of(string kind)
    {
        TheoryData<string> paths = [];
        string folder = Path.Combine(Root, "cases", kind);
        if (!Directory.Exists(folder)) return paths;
        foreach (string file in Directory.EnumerateFiles(folder, "*.case", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            paths.Add(Path.GetRelativePath(Root, file).Replace('\\', '/'));
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
