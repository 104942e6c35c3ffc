using System.Collections.Immutable;
using System.Text;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Sql.Dialects.Sqlite;
using Plinth.Text;

namespace Plinth.Tests.Docs;

/// <summary>
/// The functions of expressions for the guide, each with whether the database can decide it: asked of the lowering itself.
/// </summary>
static class FunctionsTable
{
    const string SchemaText = """
        type Inner { text String? }
        model Row {
          id Int @id  b Boolean  i BigInt  f Float  d Decimal(8, 2)  s String  at DateTime  span Duration  day Date  clock Time  u Uuid
          raw Bytes  texts String[]  inner Inner  @@allow("read", true)
        }
        """;

    static readonly AppSchema s_schema = Language.SchemaReader.Read([new SourceText("schema.plinth", SchemaText)]).Schema!;

    public static string Markdown()
    {
        StringBuilder to = new();
        foreach (FunctionGroup group in FunctionTable.Groups())
        {
            to.Append("\n### ").Append(group.Title).Append("\n\n| function | meaning | SQL |\n| --- | --- | --- |\n");
            IEnumerable<FunctionEntry> named = group.Functions.Where(f => f.Overload.Name[0] != '@');
            foreach (var same in named.GroupBy(f => (f.Overload.Name, f.Means, Runs: Runs(f.Overload))))
            {
                string signatures = string.Join("<br>", same.Select(f => $"`{Escaped(f.Signature)}`"));
                to.Append("| ").Append(signatures).Append(" | ").Append(Escaped(same.Key.Means)).Append(" | ").Append(same.Key.Runs)
                    .Append(" |\n");
            }
        }
        return to.Append('\n').ToString();
    }

    static string Escaped(string text) => text.Replace("->", "→", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal);

    static string Runs(Overload overload)
    {
        if (overload is { IsMethod: true, Parameters: [{ Kind: CelKind.Timestamp }, { Kind: CelKind.String }] })
            return IsLowered(overload with { Parameters = overload.Parameters[..1] }) ? "offsets" : "";
        return IsLowered(overload) ? "yes" : "";
    }

    static bool IsLowered(Overload overload)
    {
        if (Call(overload) is not { } text) return false;
        var (expression, _) = CheckedExpression.Read(new SourceText("call", text), new Span(0, text.Length),
            ExpressionScope.OwnFields(s_schema, s_schema.Model("Row")), null, Limits.Default);
        return expression is not null
            && ExpressionLowering.Refusal(expression, s_schema, s_schema.Model("Row"), SqliteDialect.It) is null;
    }

    /// <summary>The function called on fields; null where no field is of its types.</summary>
    static string? Call(Overload overload)
    {
        ImmutableArray<string?> arguments = [.. overload.Parameters.Select(Argument)];
        if (arguments.Contains(null)) return null;
        if (overload.Function == CelFunction.Matches) arguments = arguments.SetItem(1, "'a'");
        return overload.IsMethod ? $"{arguments[0]}.{overload.Name}({string.Join(", ", arguments.Skip(1))})"
            : $"{overload.Name}({string.Join(", ", arguments)})";
    }

    static string? Argument(CelType type) => type switch
    {
        { Kind: CelKind.Bool } => "b",
        { Kind: CelKind.Int } => "i",
        { Kind: CelKind.Double } => "f",
        { Kind: CelKind.Decimal } => "d",
        { Kind: CelKind.String } or TypeParameter => "s",
        { Kind: CelKind.Timestamp } => "at",
        { Kind: CelKind.Duration } => "span",
        { Kind: CelKind.Date } => "day",
        { Kind: CelKind.Time } => "clock",
        { Kind: CelKind.Uuid } => "u",
        { Kind: CelKind.Bytes } => "raw",
        ListType { Element: TypeParameter or { Kind: CelKind.String } } => "texts",
        OptionalType { Value: TypeParameter } => "inner.?text",
        _ => null,
    };
}
