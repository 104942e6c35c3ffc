using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>Two models by hand, for tests that need names and types but no database.</summary>
static class SampleSchema
{
    static readonly SourceText s_source = new("sample.plinth", "");

    public static Model Note { get; } = new()
    {
        Name = "Note",
        Table = "notes",
        Route = "notes",
        Fields = Ordered(Field("id", "Int"), Field("text", "String"), Field("data", "Bytes") with { IsNullable = true },
            Field("secret", "String") with { IsServerOnly = true },
            Field("score", "Int") with { Default = new LiteralDefault(Value.From(0L)), Validators = [new RangeValidator(0, 100)] },
                Field("authorId", "Int") with { IsNullable = true }),
        Relations =
        [
            new Relation { Name = "author", Model = "Note", Target = "Author", IsOwning = true, IsToOne = true, IsOptional = true,
                Fields = ["authorId"], References = ["id"] },
        ],
        Key = ["id"],
        Source = s_source,
    };

    public static Model Author { get; } = new()
    {
        Name = "Author",
        Table = "authors",
        Route = "authors",
        Fields = Ordered(Field("id", "Int"), Field("name", "String"), Field("photo", "Bytes") with { IsNullable = true }),
        Relations =
        [
            new Relation { Name = "notes", Model = "Author", Target = "Note", IsOwning = false, IsToOne = false, Fields = ["id"],
                References = ["authorId"] },
        ],
        Key = ["id"],
        Source = s_source,
    };

    /// <summary>A composite key.</summary>
    public static Model Seat { get; } = new()
    {
        Name = "Seat",
        Table = "seats",
        Route = "seats",
        Fields = Ordered(Field("row", "String"), Field("number", "Int")),
        Key = ["row", "number"],
        Source = s_source,
        IsSoftDelete = true,
    };

    public static AppSchema Schema { get; } = new(
        "sample", new AppDefaults(), auth: null, enums: [], types: [], unions: [], models: [Note, Author, Seat]);

    static Field Field(string name, string type) =>
        new() { Name = name, Column = name, Type = new ScalarFieldType(
            ScalarTypes.Find(type) ?? throw new ArgumentException($"no scalar '{type}'", nameof(type))) };

    static ImmutableArray<Field> Ordered(params Field[] fields) => [.. fields.Select((f, i) => f with { Ordinal = i })];
}
