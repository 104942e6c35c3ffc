using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>One side of a rule's outermost <c>&amp;&amp;</c> or <c>||</c>, and what it comes to.</summary>
/// <param name="Truth">true, false, unknown, "depends on the record", or of many records: "true of some", "true of none".</param>
/// <param name="Reads">Of what it reads, whether it is there: never a value.</param>
sealed record ExplainedTerm(string Text, string Truth, ImmutableArray<ExplainedRead> Reads);

/// <summary>A value that a term reads.</summary>
/// <param name="Name"><c>auth.role</c>, <c>ownerId</c>.</param>
/// <param name="Is">Its class, and nothing more: there, null, missing (a claim), or "not to be asked for".</param>
sealed record ExplainedRead(string Name, string Is);

/// <summary>One rule, held against a caller and, where one was named, a record.</summary>
/// <param name="Place"><c>file:line:column</c></param>
/// <param name="Truth">Of its condition as a whole.</param>
sealed record ExplainedRule(string Place, string Text, string Truth, ImmutableArray<ExplainedTerm> Terms);

/// <summary>One operation of one caller, explained.</summary>
/// <param name="Operation">As rules name it; of a field, <c>read</c> or <c>write</c>.</param>
/// <param name="Verdict">In a sentence: what decides.</param>
sealed record ExplainedOperation(string Operation, string Model, string Verdict, ImmutableArray<ExplainedRule> Rules)
{
    /// <summary>The field that it is about; null: the record.</summary>
    public string? Field { get; init; }

    /// <summary>The rules let the caller do it, as far as that was to be found out.</summary>
    public bool IsAllowed { get; init; }

    /// <summary>False: there is no record of that key among those of the caller's tenant.</summary>
    public bool HasRecord { get; init; } = true;

    /// <summary>Of an empty list: <c>none</c> there are, <c>hidden</c> all of them, or <c>left out</c> by what the request asks.</summary>
    public string? Records { get; init; }
}

/// <summary>Whether a condition, as text, holds of what is explained: one of the truths of <see cref="Explanation"/>.</summary>
delegate ValueTask<string> AskOfRecord(string condition, CancellationToken cancel);

/// <summary>
/// Why an operation is allowed or refused: every rule that is about it, its terms, and for each what it comes to. Values are named by
/// whether they are there, never by what they are.
/// </summary>
static class Explanation
{
    const string Allow = "allow", Deny = "deny";

    public const string True = "true", False = "false", Unknown = "unknown", Depends = "depends on the record",
        OfSome = "true of some", OfNone = "true of none", NotAsked = "not to be asked for";

    /// <param name="ask">Null: no record was named.</param>
    public static ValueTask<ImmutableArray<ExplainedRule>> OfAsync(
        AppSchema schema, Model model, Operation operation, Caller caller, long now, Limits limits, AskOfRecord? ask,
        CancellationToken cancel) =>
        OfAsync(schema, model, model.Rules.Where(r => r.Operations.Contains(operation)), "@@", caller, now, limits, ask,
            isOne: ask is not null && operation != Operation.List, cancel);

    /// <summary>The same of the rules of one field.</summary>
    public static ValueTask<ImmutableArray<ExplainedRule>> OfAsync(
        AppSchema schema, Model model, Field field, FieldAccess access, Caller caller, long now, Limits limits, AskOfRecord? ask,
        CancellationToken cancel) =>
        OfAsync(
            schema, model, field.Rules.Where(r => r.Accesses.Contains(access))
                .Select(static r => new AccessRule(r.Effect, [], r.When, After: null) { Span = r.Span }),
            "@", caller, now, limits, ask, isOne: ask is not null, cancel);

    static async ValueTask<ImmutableArray<ExplainedRule>> OfAsync(
        AppSchema schema, Model model, IEnumerable<AccessRule> asked, string mark, Caller caller, long now, Limits limits,
        AskOfRecord? ask, bool isOne, CancellationToken cancel)
    {
        ImmutableArray<ExplainedRule>.Builder rules = ImmutableArray.CreateBuilder<ExplainedRule>();
        foreach (AccessRule rule in asked)
        {
            string place = PlaceOf(model, rule);
            string text = $"{mark}{(rule.Effect == RuleEffect.Allow ? Allow : Deny)} {rule.When?.Text ?? "true"}"
                + (rule.After is { } after ? $", after: {after.Text}" : "");
            if (rule.When is not { } when)
            {
                rules.Add(new ExplainedRule(place, text, True, []));
                continue;
            }
            CheckedExpression whole = CheckedExpression.OfText(when, ExpressionScope.Rule(schema, model));
            ImmutableArray<ExplainedTerm>.Builder terms = ImmutableArray.CreateBuilder<ExplainedTerm>();
            foreach (CheckedNode term in Terms(whole.Root))
                terms.Add(await TermAsync(term, TextOf(term, when.Text), caller, now, limits, ask, isOne, cancel).ConfigureAwait(false));
            string truth = await TruthAsync(whole, when.Text, caller, now, limits, ask, cancel).ConfigureAwait(false);
            rules.Add(new ExplainedRule(place, text, truth, terms.ToImmutable()));
        }
        return rules.ToImmutable();
    }

    /// <summary><c>file:line:column</c> of a rule as it was written.</summary>
    public static string PlaceOf(Model model, AccessRule rule)
    {
        var (source, span) = ((rule.When ?? rule.After)?.Source ?? model.Source).Written(rule.Span);
        var (line, column) = source.Position(span.Start);
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{source.Path}:{line}:{column}");
    }

    static ImmutableArray<CheckedNode> Terms(CheckedNode root) => root switch
    {
        AndNode and => and.Items,
        OrNode or => or.Items,
        _ => [root],
    };

    /// <summary>A term as it was written.</summary>
    public static string TextOf(CheckedNode node, string whole)
    {
        bool isPlaced = node.Span.Length > 0 && node.Span.Start + node.Span.Length <= whole.Length;
        return isPlaced ? whole.Substring(node.Span.Start, node.Span.Length) : whole;
    }

    static async ValueTask<ExplainedTerm> TermAsync(
        CheckedNode term, string text, Caller caller, long now, Limits limits, AskOfRecord? ask, bool isOne, CancellationToken cancel)
    {
        CheckedExpression expression = CheckedExpression.Of(term);
        ImmutableArray<ExplainedRead>.Builder reads = ImmutableArray.CreateBuilder<ExplainedRead>();
        ClaimFinder claims = new();
        claims.Visit(term);
        foreach (string claim in claims.Names)
        {
            bool isThere = caller.Auth.Kind == ValueKind.Map && caller.Auth.Map.TryGet(claim, out Value value) && !value.IsNull;
            reads.Add(new ExplainedRead("auth." + claim, isThere ? "there" : "missing"));
        }
        foreach (string field in ask is not null && isOne ? expression.OwnFields : [])
        {
            string isNull = await ask!($"{field} == null", cancel).ConfigureAwait(false); // Not null: then there are no fields.
            reads.Add(new ExplainedRead(field, isNull switch { True => "null", False => "there", _ => NotAsked }));
        }
        string truth = await TruthAsync(expression, text, caller, now, limits, ask, cancel).ConfigureAwait(false);
        return new ExplainedTerm(text, truth, reads.ToImmutable());
    }

    static async ValueTask<string> TruthAsync(
        CheckedExpression expression, string text, Caller caller, long now, Limits limits, AskOfRecord? ask, CancellationToken cancel)
    {
        CheckedExpression folded = PartialEvaluator.Fold(expression, Policies.Context(caller, now, limits));
        if (Simplifier.Simplify(folded.Root, UnknownMeans.Unknown) is LiteralNode literal)
            return literal.Value.IsNull ? Unknown : literal.Value.IsTrue ? True : False;
        return ask is null ? Depends : await ask(text, cancel).ConfigureAwait(false);
    }

    /// <summary>What the rules come to, in a sentence; and whether they allow, as far as is known.</summary>
    public static (string Text, bool IsAllowed) Verdict(
        AppSchema schema, Model model, Caller caller, ImmutableArray<ExplainedRule> rules)
    {
        if (model.Tenant is not null && caller.Tenant.IsNull)
            return ($"refused: records of {schema.Name} belong to tenants, and the identity has no {Model.TenantId}", false);
        return Verdict(rules, isOpen: false);
    }

    /// <param name="isOpen">A field that nothing allows is open, a record that nothing allows is not.</param>
    public static (string Text, bool IsAllowed) Verdict(ImmutableArray<ExplainedRule> rules, bool isOpen)
    {
        if (rules.FirstOrDefault(static r => IsDeny(r) && r.Truth is True or Unknown && IsDeny(r)) is { } denied)
            return ($"refused by {denied.Place}", false);
        ImmutableArray<ExplainedRule> allows = [.. rules.Where(static r => !IsDeny(r))];
        if (allows.IsEmpty) return isOpen ? ("allowed: no rule keeps it", true) : ("refused: no rule allows it to anyone", false);
        if (allows.All(static r => r.Truth is False or Unknown or OfNone)) return ("refused: no rule that allows it is true", false);
        if (rules.Any(static r => r.Truth == Depends)) return ("depends on the record: name one by its key", true);
        if (rules.Any(static r => r.Truth is OfSome or OfNone)) return ("depends on the record", true);
        return (allows.FirstOrDefault(static r => r.Truth == True) is { } allowing ? $"allowed by {allowing.Place}"
            : "not to be found out from here", true);
    }

    static bool IsDeny(ExplainedRule rule) => rule.Text.TrimStart('@').StartsWith(Deny, StringComparison.Ordinal);

    sealed class ClaimFinder : NodeVisitor
    {
        public SortedSet<string> Names { get; } = new(StringComparer.Ordinal);

        public override void Visit(CheckedNode node)
        {
            if (node is ClaimNode claim) Names.Add(claim.Claim.Name);
            base.Visit(node);
        }
    }
}
