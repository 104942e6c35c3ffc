using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Cli.Projects;

/// <summary>A project folder: <c>schema.plinth</c> (or <c>schema/*.plinth</c>), settings, seeds. Found upwards from where the person
/// stands.</summary>
sealed record Project(string Folder)
{
    /// <summary>The file that a person edits, when the schema is one file.</summary>
    public const string SchemaFile = "schema.plinth";

    /// <summary>The folder whose <c>*.plinth</c> files are read as one, when it is several.</summary>
    public const string SchemaFolder = "schema";

    public string SeedFolder => Path.Combine(Folder, "seeds");

    /// <summary>The project at <paramref name="start"/> or above it; a path of a schema file names its folder.</summary>
    public static Project? Find(string start)
    {
        string? folder = File.Exists(start) ? Path.GetDirectoryName(Path.GetFullPath(start)) : Path.GetFullPath(start);
        for (; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (IsProject(folder)) return new(folder);
        }
        return null;
    }

    public static bool IsProject(string folder) =>
        File.Exists(Path.Combine(folder, SchemaFile))
        || (Directory.Exists(Path.Combine(folder, SchemaFolder))
            && Directory.EnumerateFiles(Path.Combine(folder, SchemaFolder), "*.plinth").Any());

    /// <summary>Full paths of the schema's files, in ordinal order so that every machine reads them alike.</summary>
    public ImmutableArray<string> SchemaPaths()
    {
        string single = Path.Combine(Folder, SchemaFile);
        string folder = Path.Combine(Folder, SchemaFolder);
        IEnumerable<string> several = Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.plinth") : [];
        return [.. (File.Exists(single) ? several.Prepend(single) : several).Order(StringComparer.Ordinal)];
    }

    /// <summary>The schema's sources, shown by their path relative to where the person stands.</summary>
    public ImmutableArray<SourceText> Sources(string shownFrom) =>
        [.. SchemaPaths().Select(path => new SourceText(Path.GetRelativePath(shownFrom, path), File.ReadAllText(path)))];
}
