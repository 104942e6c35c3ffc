using System.Globalization;
using System.Text;

namespace Plinth.Language;

/// <summary>
/// The page <c>docs/reference/schema.md</c>, made from the tables that the language itself reads. This half is the attributes;
/// <see cref="BlockReference"/> is what comes before them.
/// </summary>
static class AttributeReference
{
    // By what a reader wants to do. One that is in no group comes last, so that a new row is never missing.
    static readonly (string Title, string[] Names)[] s_groups =
    [
        ("Keys, values and columns",
            ["@id", "@default", "@computed", "@updatedAt", "@version", "@unique", "@index", "@map", "@relation"]),
        ("Who sees and sets a field", ["@readonly", "@immutable", "@serverOnly", "@pii", "@sensitive", "@allow", "@deny"]),
        ("What a value must be", ["@length", "@range", "@regex", "@email", "@url", "@iso4217", "@oneOf", "@check"]),
        ("What is done to a value first", ["@trim", "@lowercase", "@uppercase", "@html"]),
        ("Who may do what with a record", ["@@allow", "@@deny"]),
        ("Keys, indexes and checks of a model", ["@@id", "@@unique", "@@index", "@@fulltext", "@@check"]),
        ("How a model behaves", ["@@softDelete", "@@paged", "@@subject", "@@audit", "@@where", "@@inline"]),
        ("Names, and names of before", ["@@map", "@@route", "@renamedFrom", "@@renamedFrom", "@upcast", "@deprecated"]),
    ];

    public static string Markdown()
    {
        StringBuilder page = new();
        page.Append("# Schema reference\n\n");
        page.Append("<!-- Made from the tables of the language; './dev accept' rewrites it. -->\n\n");
        BlockReference.Write(page);
        page.Append("\n## Attributes at a glance\n\nOne `@` stands behind a field, two stand in a model. ");
        page.Append("Every example below is read by a test, and every attribute has one that fails when it does nothing.\n");
        var groups = Groups();
        foreach (var (title, specs) in groups)
        {
            page.Append("\n**").Append(title).Append("**\n\n| attribute | |\n| --- | --- |\n");
            foreach (AttributeSpec spec in specs)
                page.Append(CultureInfo.InvariantCulture, $"| `{Signature(spec)}` | {FirstSentence(spec.Doc)} |\n");
        }
        foreach (var (title, specs) in groups)
        {
            page.Append("\n## ").Append(title).Append('\n');
            foreach (AttributeSpec spec in specs) Entry(page, spec);
        }
        var later = Attributes.All.Where(a => !a.IsAvailable).Select(a => a.Name);
        page.Append("\n## Not available in this version\n\nKnown, and refused by name: ").Append(BlockReference.Words(later)).Append(".\n");
        return page.ToString();
    }

    static List<(string Title, List<AttributeSpec> Specs)> Groups()
    {
        List<(string, List<AttributeSpec>)> groups = [];
        List<AttributeSpec> rest = [.. Attributes.All.Where(a => a.IsAvailable)];
        foreach (var (title, names) in s_groups)
        {
            // In the order of the group, which leads from what is needed first to what is needed seldom.
            List<AttributeSpec> specs = [.. names.Select(Attributes.Find).OfType<AttributeSpec>().Where(a => a.IsAvailable)];
            rest.RemoveAll(specs.Contains);
            if (specs.Count > 0) groups.Add((title, specs));
        }
        if (rest.Count > 0) groups.Add(("More", rest));
        return groups;
    }

    /// <summary>As one writes it: <c>@unique(code:, name:)</c>.</summary>
    static string Signature(AttributeSpec spec)
    {
        string[] arguments = [.. spec.Arguments.Where(a => a.IsAvailable).Select(a => a.IsNamed ? a.Name + ":" : a.Name)];
        return arguments.Length == 0 ? spec.Name : $"{spec.Name}({string.Join(", ", arguments)})";
    }

    static string FirstSentence(string doc)
    {
        int end = doc.IndexOf(". ", StringComparison.Ordinal);
        return end < 0 ? doc : doc[..(end + 1)];
    }

    static void Entry(StringBuilder page, AttributeSpec spec)
    {
        page.Append("\n### `").Append(spec.Name).Append("`\n\n").Append(spec.Doc).Append('\n');
        if (!spec.IsModelLevel) page.Append("\nOn ").Append(FieldBinder.DescribeAll(spec.Targets)).Append(Fits(spec)).Append(".\n");
        if (spec.Repeats) page.Append("\nMay stand more than once.\n");
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
        ArgumentKind.Type => "type",
        ArgumentKind.Count => "whole number",
        ArgumentKind.Number => "number",
        ArgumentKind.Word when argument.Words.IsEmpty => "word",
        ArgumentKind.Word => string.Join(", ", argument.Words.Select(w => $"`{w}`")),
        ArgumentKind.Words => "list of " + string.Join(", ", argument.Words.Select(w => $"`{w}`")),
        ArgumentKind.Fields => "fields: `[a, b]`",
        ArgumentKind.SortedFields => "fields: `[a, b(desc)]`",
        ArgumentKind.Operations or ArgumentKind.Accesses => "string",
        ArgumentKind.Default => "literal, function or claim",
        ArgumentKind.Literals => "list: `[\"a\", \"b\"]`",
        _ => throw new InvalidOperationException($"no words for arguments of kind {argument.Kind}"),
    };
}
