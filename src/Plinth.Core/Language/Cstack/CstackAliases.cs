using System.Collections.Frozen;
using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Language.Cstack;

/// <summary>One word of a <c>.cstack</c> file and the native word of the same meaning.</summary>
/// <param name="Example">Members of a model, as a test reads them in both spellings.</param>
sealed record CstackAlias(string Written, string Native, string Example);

/// <summary>
/// What a <c>.cstack</c> file spells differently, and what it may say that nothing here answers to: the only place that knows either.
/// <see cref="CstackReader"/> rewrites by it, so that <c>plinth fmt</c> writes exactly what is read.
/// </summary>
static class CstackAliases
{
    /// <summary>Attributes with another name. One in snake_case whose camelCase form is native needs no row.</summary>
    public static ImmutableArray<CstackAlias> Attributes { get; } =
    [
        new("@uri", "@url", "site String? @uri"),
        new("@rename", "@renamedFrom", "title String @rename(from = \"old_title\")"),
        new("@@rename", "@@renamedFrom", "@@rename(from = \"old_things\")"),
        new("@use", "use", "@use(Stamps)"),
    ];

    public static ImmutableArray<CstackAlias> Types { get; } =
    [
        new("Int", "BigInt", "total Int"),
        new("Decimal", "Decimal(18, 4)", "amount Decimal"),
    ];

    /// <summary>Of <c>onDelete:</c> and <c>onUpdate:</c>.</summary>
    public static ImmutableArray<CstackAlias> Actions { get; } =
    [
        new("Cascade", "cascade", "parentId Int  parent Thing @relation(fields: [parentId], references: [id], onDelete: Cascade)"),
        new("Restrict", "restrict", "parentId Int  parent Thing @relation(fields: [parentId], references: [id], onDelete: Restrict)"),
        new("SetNull", "setNull", "parentId Int?  parent Thing? @relation(fields: [parentId], references: [id], onDelete: SetNull)"),
        new("NoAction", "restrict", "parentId Int  parent Thing @relation(fields: [parentId], references: [id], onDelete: NoAction)"),
    ];

    /// <summary>Of <c>@@allow</c> and <c>@@deny</c>.</summary>
    public static ImmutableArray<CstackAlias> Operations { get; } = [new("detail", "get", "@@allow(\"detail\", true)")];

    /// <summary>Functions of <c>@default</c>.</summary>
    public static ImmutableArray<CstackAlias> Generators { get; } =
    [
        new("gen_random_uuid", "uuid4", "token Uuid @default(gen_random_uuid())"),
    ];

    /// <summary>Words between the relation and what is said of its records.</summary>
    public static ImmutableArray<CstackAlias> Quantifiers { get; } =
    [
        new("some", "exists", "@@allow(\"read\", parts.some.name == \"a\")"),
        new("every", "all", "@@allow(\"read\", parts.every.name == \"a\")"),
        new("none", "!exists", "@@allow(\"read\", parts.none.name == \"a\")"),
    ];

    /// <summary>Every row, in the order of the page.</summary>
    public static IEnumerable<CstackAlias> All =>
        Attributes.Concat(Types).Concat(Actions).Concat(Operations).Concat(Generators).Concat(Quantifiers);

    /// <summary>What this version does not do and the native notation has no word for either; why, and the way out.</summary>
    public static FrozenDictionary<string, string> Refused { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["@computed"] = "host code is not available in this version; write an expression: @computed(firstName + \" \" + lastName)",
        ["dbgenerated()"] = "the engine makes every value: now(), uuid7(), uuid4(), cuid(), nanoid(), autoincrement() or a literal",
        ["SetDefault"] = "an action is cascade, restrict or setNull",
        ["Geography"] = "store it as Json, or as two Float fields",
        ["Geometry"] = "store it as Json, or as two Float fields",
        ["transport rpc"] = "models are served as REST; write transport rest, or leave the line out",
        ["transport grpc"] = "models are served as REST; write transport rest, or leave the line out",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Kinds of <c>datasource</c>; <c>none</c> is a schema without models.</summary>
    public static ImmutableArray<string> Providers { get; } = ["postgresql", "sqlite", "none"];

    public static string? Find(ImmutableArray<CstackAlias> rows, string written)
    {
        foreach (CstackAlias row in rows)
        {
            if (string.Equals(row.Written, written, StringComparison.Ordinal)) return row.Native;
        }
        return null;
    }

    /// <summary>The native name of an attribute, when it is another.</summary>
    public static string? Attribute(string spelling)
    {
        if (Find(Attributes, spelling) is { } native) return native;
        if (!spelling.Contains('_', StringComparison.Ordinal)) return null;
        string camel = Camel(spelling);
        return Language.Attributes.Find(camel) is null ? null : camel;
    }

    /// <summary><c>old_title</c> → <c>oldTitle</c>.</summary>
    public static string Camel(string snake)
    {
        char[] text = new char[snake.Length];
        int length = 0;
        for (int i = 0; i < snake.Length; i++)
        {
            bool isNext = i > 0 && snake[i - 1] == '_' && length > 0;
            if (snake[i] != '_') text[length++] = isNext ? char.ToUpperInvariant(snake[i]) : snake[i];
        }
        return new string(text, 0, length);
    }

    /// <summary>Table and route of a model there: s → ses, consonant + y → ies, else + s.</summary>
    public static string Collection(string model)
    {
        string snake = Names.SnakeCase(model);
        if (snake.EndsWith('s')) return snake + "es";
        if (snake.Length > 1 && snake[^1] == 'y' && !"aeiou".Contains(snake[^2], StringComparison.Ordinal)) return snake[..^1] + "ies";
        return snake + "s";
    }

    /// <summary>The model that a table there belongs to; null when none can be.</summary>
    public static string? ModelOf(string table)
    {
        string[] candidates =
            [table.Length > 3 ? table[..^3] + "y" : "", table[..^Math.Min(2, table.Length)], table[..^Math.Min(1, table.Length)]];
        foreach (string candidate in candidates.Where(c => c.Length > 0))
        {
            string camel = Camel(candidate), model = char.ToUpperInvariant(camel[0]) + camel[1..];
            if (string.Equals(Collection(model), table, StringComparison.Ordinal)) return model;
        }
        return null;
    }
}
