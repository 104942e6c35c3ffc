using System.Collections.Immutable;
using System.Globalization;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>
/// Calls that are no calls: their arguments name variables or are evaluated in a way of their own. A macro becomes a node and is never
/// expanded. A call that has not the shape of a macro stays a call.
/// </summary>
static class CelMacros
{
    /// <summary>
    /// What expansions of other implementations call their own variable; refused, as there, so that expressions stay portable.
    /// </summary>
    const string Accumulator = "__result__";

    public static CelNode? Of(Span span, CelNode? target, CelToken name, ImmutableArray<CelNode> arguments)
    {
        if (target is null) return name.Text == "has" && arguments.Length == 1 ? Has(span, arguments[0]) : null;
        if (target is CelIdentifier { Name: "cel" }) return OfCel(span, name, arguments);
        return Loop(span, target, name, arguments);
    }

    static CelHas Has(Span span, CelNode argument) => argument is CelSelect { IsOptional: false } select
        ? new CelHas(span, select)
        : throw new CelError("syntax", argument.Span, "has() asks for a member, as in has(address.street)");

    static CelMacro? Loop(Span span, CelNode target, CelToken name, ImmutableArray<CelNode> arguments)
    {
        (CelMacroKind Kind, int Variables)? macro = (name.Text, arguments.Length) switch
        {
            ("all", 2 or 3) => (CelMacroKind.All, arguments.Length - 1),
            ("exists", 2 or 3) => (CelMacroKind.Exists, arguments.Length - 1),
            ("exists_one" or "existsOne", 2 or 3) => (CelMacroKind.ExistsOne, arguments.Length - 1),
            ("map", 2 or 3) => (CelMacroKind.Map, 1),
            ("filter", 2) => (CelMacroKind.Filter, 1),
            ("transformList", 3 or 4) => (CelMacroKind.TransformList, 2),
            ("transformMap", 3 or 4) => (CelMacroKind.TransformMap, 2),
            ("transformMapEntry", 3 or 4) => (CelMacroKind.TransformMapEntry, 2),
            ("sortBy", 2) => (CelMacroKind.SortBy, 1),
            ("optMap", 2) => (CelMacroKind.OptMap, 1),
            ("optFlatMap", 2) => (CelMacroKind.OptFlatMap, 1),
            _ => null,
        };
        if (macro is not var (kind, count)) return null;
        ImmutableArray<CelVariable> variables = [.. arguments.Take(count).Select(a => Variable(a, name.Text))];
        if (count == 2 && string.Equals(variables[0].Name, variables[1].Name, StringComparison.Ordinal))
            throw new CelError("syntax", variables[1].Span, $"the two variables of {name.Text} need different names");
        CelNode? transform = arguments.Length > count + 1 ? arguments[count + 1] : null;
        return new CelMacro(span, kind, target, variables, arguments[count], transform);
    }

    static CelVariable Variable(CelNode node, string macro)
    {
        if (node is not CelIdentifier { IsRooted: false } name)
            throw new CelError("syntax", node.Span, $"the first argument of {macro} names a variable, as in {macro}(x, …)");
        if (name.Name == Accumulator) throw new CelError("syntax", node.Span, $"'{Accumulator}' is no name for a variable");
        return new CelVariable(name.Name, name.Span);
    }

    /// <summary>
    /// <c>cel.bind</c>, and the block extension (<c>cel.block</c>, <c>cel.index</c>, <c>cel.iterVar</c>, <c>cel.accuVar</c>), by which
    /// optimizers write shared parts down: its variables have names that nobody can write.
    /// </summary>
    static CelNode? OfCel(Span span, CelToken name, ImmutableArray<CelNode> arguments)
    {
        switch (name.Text, arguments.Length)
        {
            case ("bind", 3): return new CelBind(span, Variable(arguments[0], "cel.bind"), arguments[1], arguments[2]);
            case ("block", 2) when arguments[0] is CelListLiteral list:
                CelNode body = arguments[1];
                for (int i = list.Items.Length - 1; i >= 0; i--)
                    body = new CelBind(span, new CelVariable(Index(i), list.Items[i].Span), Dynamic(list.Items[i]), body);
                return body;
            case ("index", 1) when Number(arguments[0]) is { } at: return new CelIdentifier(span, Index(at), IsRooted: false);
            case ("iterVar" or "accuVar", 2) when Number(arguments[0]) is { } depth && Number(arguments[1]) is { } position:
                return new CelIdentifier(span, $"@{name.Text}{depth}.{position}", IsRooted: false);
            default: return null;
        }
    }

    /// <summary>What a block holds has no type for who looks it up, as the extension declares it.</summary>
    static CelCall Dynamic(CelNode item) => new(item.Span, null, "dyn", item.Span, [item]);

    static string Index(long at) => "@index" + at.ToString(CultureInfo.InvariantCulture);

    static long? Number(CelNode node) => node is CelLiteral { Value: { Kind: ValueKind.Int, Int: >= 0 } value } ? value.Int : null;
}
