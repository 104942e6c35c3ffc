using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Cli.Projects;

/// <summary>A project folder: <c>schema.plinth</c> (or <c>schema/*.plinth</c>, <c>schema.yaml</c> or <c>*.cstack</c>), settings, seeds.
/// Found upwards from where the person stands.</summary>
sealed record Project(string Folder)
{
    /// <summary>The file that a person edits, when the schema is one file.</summary>
    public const string SchemaFile = "schema.plinth";

    /// <summary>The folder whose <c>*.plinth</c> files are read as one, when it is several.</summary>
    public const string SchemaFolder = "schema";

    /// <summary>Pages of the application, served beside its API.</summary>
    public string PublicFolder => Path.Combine(Folder, "public");

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

    /// <summary>Endings of schema files, native first. Files of several notations are one schema as well.</summary>
    public static ImmutableArray<string> Extensions { get; } = [".plinth", ".yaml", ".yml", CstackExtension];

    /// <summary>Files of this notation have names of their own (<c>blog.cstack</c>).</summary>
    const string CstackExtension = ".cstack";

    public static bool IsProject(string folder)
    {
        try
        {
            return Paths(folder).Any();
        }
        catch (UnauthorizedAccessException)
        {
            // On the way upwards there may be folders that are not ours to read.
            return false;
        }
    }

    /// <summary>Full paths of the schema's files, in ordinal order so that every machine reads them alike.</summary>
    public ImmutableArray<string> SchemaPaths() => [.. Paths(Folder).Order(StringComparer.Ordinal)];

    static IEnumerable<string> Paths(string folder)
    {
        if (!Directory.Exists(folder)) return [];
        string inner = Path.Combine(folder, SchemaFolder);
        IEnumerable<string> several = Directory.Exists(inner) ? Directory.EnumerateFiles(inner).Where(IsPart) : [];
        return Directory.EnumerateFiles(folder).Where(IsOwn).Concat(several);
    }

    static bool IsSchema(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.Ordinal);

    /// <summary>A YAML schema is one file: it says what it refers to, and which form it has.</summary>
    static bool IsPart(string path) => Path.GetExtension(path) is ".plinth" or CstackExtension;

    static bool IsOwn(string path) => Path.GetExtension(path) == CstackExtension
        || (IsSchema(path) && Path.GetFileNameWithoutExtension(path) == SchemaFolder);

    /// <summary>The schema's sources, shown by their path relative to where the person stands.</summary>
    public ImmutableArray<SourceText> Sources(string shownFrom) =>
        [.. SchemaPaths().Select(path => new SourceText(Path.GetRelativePath(shownFrom, path), File.ReadAllText(path)))];
}
