using System.Collections.Immutable;
using Plinth.Cases;
using Plinth.Cli.Projects;
using Plinth.Language;

namespace Plinth.Examples;

/// <summary>A folder of <c>examples/</c>, or a schema that the bench runs on.</summary>
static class Example
{
    static IEnumerable<string> Names =>
        from folder in Directory.EnumerateDirectories(Path.Combine(Corpus.Root, "examples"))
        orderby Path.GetFileName(folder)
        select Path.GetFileName(folder);

    /// <summary>All of them, by name.</summary>
    public static TheoryData<string> All => [.. Names];

    /// <summary>Those whose data lies in the checkout.</summary>
    public static TheoryData<string> Seeded => [.. Names.Where(name => Directory.Exists(Path.Combine(Folder(name), "seeds")))];

    public static string Folder(string name) => Path.Combine(Corpus.Root, "examples", name);

    public static SchemaReading Read(string folder) => SchemaReader.Read(new Project(folder).Sources(folder));

    public static ImmutableArray<ReadmePart> Readme(string name) =>
        ReadmePart.Read(File.ReadAllText(Path.Combine(Folder(name), "README.md")));
}
