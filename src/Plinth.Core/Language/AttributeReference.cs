using System.Globalization;
using System.Text;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// The page <c>docs/reference/schema.md</c>: blocks, scalars and every attribute, made from the tables that the language itself reads.
/// </summary>
static class AttributeReference
{
    public static string Markdown()
    {
        StringBuilder page = new();
        page.Append("# Schema reference\n\n");
        page.Append("<!-- Made from the tables of the language; './dev accept' rewrites it. -->\n\n");
        page.Append("Blocks: ").Append(Words(Blocks.Known)).Append(".\n\nNot available in this version, and refused by name: ");
        page.Append(Words(Blocks.NotAvailable)).Append(".\n\nScalar types: ").Append(Words(ScalarTypes.Names));
        page.Append(". Not available in this version: ").Append(Words(ScalarTypes.NotAvailable));
        page.Append(". Each may be optional (`T?`) or a list (`T[]`).\n");
        Names(page);
        Section(page, "Attributes of fields and relations", isModelLevel: false);
        Section(page, "Attributes of models", isModelLevel: true);
        var later = Attributes.All.Where(a => !a.IsAvailable).Select(a => a.Name);
        page.Append("\n## Not available in this version\n\nKnown, and refused by name: ").Append(Words(later)).Append(".\n");
        return page.ToString();
    }

    static void Names(StringBuilder page)
    {
        page.Append("\n## Names\n\nNames are ASCII letters, digits and `_`, at most ");
        page.Append(CultureInfo.InvariantCulture, $"{Limits.NameLength} characters. A field of a model cannot be called ");
        page.Append(Words(Declarations.ListParameters)).Append(" (parameters of lists) or ");
        page.Append(Words(Declarations.LiteralWords.AddRange(Declarations.ScopeWords)));
        page.Append(" (words of expressions), and does not begin with `_`; `@map` keeps a column of such a name.\n");
        page.Append("A field called `use` is written between backticks; so may any other word of the language be.\n");
    }

    static void Section(StringBuilder page, string title, bool isModelLevel)
    {
        page.Append("\n## ").Append(title).Append('\n');
        foreach (AttributeSpec spec in Attributes.All.Where(a => a.IsAvailable && a.IsModelLevel == isModelLevel)) Entry(page, spec);
    }

    static void Entry(StringBuilder page, AttributeSpec spec)
    {
        page.Append("\n### `").Append(spec.Name).Append("`\n\n").Append(spec.Doc).Append('\n');
        if (!spec.IsModelLevel) page.Append("Stands on ").Append(FieldBinder.DescribeAll(spec.Targets)).Append(Fits(spec)).Append(".\n");
        if (spec.Repeats) page.Append("May stand more than once.\n");
        if (!spec.Arguments.IsEmpty) page.Append("\n| argument | kind | meaning |\n| --- | --- | --- |\n");
        foreach (AttributeArgument argument in spec.Arguments)
        {
            string name = argument.IsNamed ? argument.Name + ":" : argument.Name;
            string doc = argument.IsAvailable ? argument.Doc : argument.Doc + " (not available in this version)";
            page.Append(CultureInfo.InvariantCulture,
                $"| `{name}`{(argument.IsRequired ? "" : ", optional")} | {Kind(argument)} | {doc} |\n");
        }
        page.Append("\n```plinth\n  ").Append(spec.Example).Append("\n```\n");
    }

    static string Fits(AttributeSpec spec) => spec.Fits == TypeFit.Any ? "" : "; " + FieldBinder.FitHint(spec.Fits);

    static string Kind(AttributeArgument argument) => argument.Kind switch
    {
        ArgumentKind.Expression => "expression",
        ArgumentKind.Text => "string",
        ArgumentKind.Count => "whole number",
        ArgumentKind.Number => "number",
        ArgumentKind.Word when argument.Words.IsEmpty => "word",
        ArgumentKind.Word => string.Join(", ", argument.Words.Select(w => $"`{w}`")),
        ArgumentKind.Fields => "fields: `[a, b]`",
        ArgumentKind.SortedFields => "fields: `[a, b(desc)]`",
        ArgumentKind.Operations or ArgumentKind.Accesses => "string",
        ArgumentKind.Default => "literal, function or claim",
        ArgumentKind.Literals => "list: `[\"a\", \"b\"]`",
        _ => throw new InvalidOperationException($"no words for arguments of kind {argument.Kind}"),
    };

    static string Words(IEnumerable<string> words) => string.Join(' ', words.Order(StringComparer.Ordinal).Select(w => $"`{w}`"));
}
