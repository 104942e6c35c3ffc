using System.Collections.Immutable;
using Plinth.Evolution;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Sql;

/// <summary>
/// What <c>plinth check</c> says of rules that are sound and yet hardly meant: one that never or always holds, one that makes every list
/// read the whole table, a unique key that tells of records which the rules hide. Warnings: nothing is refused.
/// </summary>
static class RuleAdvice
{
    public const string NeverTrue = "rule_never_true", AlwaysTrue = "rule_always_true", NoIndex = "rule_without_index",
        UniqueTells = "unique_key_tells";

    public static ImmutableArray<Diagnostic> Of(AppSchema schema)
    {
        ImmutableArray<Diagnostic>.Builder found = ImmutableArray.CreateBuilder<Diagnostic>();
        foreach (Model model in schema.Models)
        {
            HashSet<string> leading = Leading(schema, model);
            bool hides = false;
            HashSet<string> shared = new(StringComparer.Ordinal);
            foreach (AccessRule rule in model.Rules)
            {
                if (rule.When is not { } when || when.Text is "true" or "false") continue;
                CheckedExpression condition = CheckedExpression.Of(when, ExpressionScope.Rule(schema, model));
                if (rule.Operations.Contains(Operation.Get))
                {
                    hides |= condition.ReadsRow || condition.ReadsRelations;
                    shared.UnionWith(Chosen(condition.Root, rule.Effect).Select(static f => f.Name));
                }
                if (Constant(condition) is var (code, message)) found.Add(Warn(code, when, message, null));
                else if (rule.After is { } after && IsNever(schema, model, after)) found.Add(Warn(NeverTrue, after, Never, null));
                else if (rule.Effect == RuleEffect.Allow && rule.Operations.Contains(Operation.List)
                    && Chosen(condition.Root, rule.Effect) is { Count: > 0 } fields && !fields.Exists(f => leading.Contains(f.Column)))
                {
                    found.Add(Warn(NoIndex, when,
                        $"no index begins with {fields[0].Name}: every list under this rule reads all records of {model.Name}",
                        $"add @@index([{fields[0].Name}])"));
                }
            }
            if (!hides || model.Tenant is not null ) continue;
            // Within what the caller shares with a record it tells of nothing else.
            foreach (UniqueKey unique in model.Uniques.Where(u => !u.Fields.Any(shared.Contains)
                && !SeesWhatItWrites(schema, model, u)))
            {
                found.Add(new Diagnostic(UniqueTells, Severity.Warning, model.Source, model.Span,
                    $"{model.Name}: {string.Join(", ", unique.Fields)} is unique over records that rules hide: "
                    + "a conflict tells that one is there",
                    "lead it by what the rules compare with the caller, or accept that it tells"));
            }
        }
        return found.ToImmutable();
    }

    const string Never = "the condition can never be true";

    static bool IsNever(AppSchema schema, Model model, Condition after) => RuleTruth.IsNever(
        Simplifier.Simplify(CheckedExpression.Of(after, ExpressionScope.After(schema, model)).Root, UnknownMeans.Unknown));

    /// <summary>
    /// Whoever may make records, or change their key, may read them all, by the same condition: nobody is left whom a conflict could tell
    /// anything.
    /// </summary>
    static bool SeesWhatItWrites(AppSchema schema, Model model, UniqueKey unique)
    {
        bool ReadsRecords(AccessRule rule) => rule.When is { } when
            && CheckedExpression.Of(when, ExpressionScope.Rule(schema, model)) is { ReadsRow: true } or { ReadsRelations: true };
        AccessRule[] reads = [.. model.Rules.Where(static r => r.Operations.Contains(Operation.Get))];
        if (reads.Any(r => r.Effect == RuleEffect.Deny && ReadsRecords(r))) return false;
        string?[] whole = [.. reads.Where(r => r.Effect == RuleEffect.Allow && !ReadsRecords(r)).Select(static r => r.When?.Text)];
        return model.Rules.Where(static r => r.Effect == RuleEffect.Allow)
            .Where(r => r.Operations.Contains(Operation.Create)
                || (r.Operations.Contains(Operation.Update) && !unique.Fields.All(f => Keeps(schema, model, r, f))))
            .All(r => whole.Contains(null) || whole.Contains("true") || whole.Contains(r.When?.Text));
    }

    /// <summary><c>after: field == before.field</c>, among others.</summary>
    static bool Keeps(AppSchema schema, Model model, AccessRule rule, string field)
    {
        if (rule.After is not { } after) return false;
        CheckedNode root = CheckedExpression.Of(after, ExpressionScope.After(schema, model)).Root;
        return (root is AndNode and ? and.Items : [root]).Any(item => item is CallNode { Function: CelFunction.Equal, Arguments: [
            FieldNode { Record: RowNode } now, FieldNode { Record: BeforeNode } before] } && now.Field == before.Field
            && string.Equals(now.Field.Name, field, StringComparison.Ordinal));
    }

    static Diagnostic Warn(string code, Condition at, string message, string? hint) =>
        new(code, Severity.Warning, at.Source, at.Span, message, hint);

    /// <summary>Whoever asks and whatever the record: the condition cannot be true, or cannot be anything else.</summary>
    static (string Code, string Message)? Constant(CheckedExpression condition)
    {
        CheckedNode simple = Simplifier.Simplify(condition.Root, UnknownMeans.Unknown);
        if (RuleTruth.IsAlways(simple)) return (AlwaysTrue, "the condition is true whoever asks: write true");
        return RuleTruth.IsNever(simple) ? (NeverTrue, Never) : null;
    }

    /// <summary>Own fields that must equal something of the caller: by an allow that says so, or a denial of what differs.</summary>
    static List<Field> Chosen(CheckedNode root, RuleEffect effect)
    {
        CelFunction compares = effect == RuleEffect.Allow ? CelFunction.Equal : CelFunction.NotEqual;
        List<Field> fields = [];
        foreach (CheckedNode item in root is AndNode and ? and.Items : [root])
        {
            (CheckedNode Left, CheckedNode Right)? pair = item switch
            {
                CallNode { Arguments: [var left, var right] } call when call.Function == compares => (left, right),
                InNode within when effect == RuleEffect.Allow => (within.Item, within.List),
                _ => null,
            };
            if (pair is not var (a, b)) continue;
            if (a is FieldNode { Record: RowNode } own && IsOfCaller(b)) fields.Add(own.Field);
            else if (b is FieldNode { Record: RowNode } other && IsOfCaller(a)) fields.Add(other.Field);
        }
        return fields;
    }

    static bool IsOfCaller(CheckedNode node) => ExpressionReads.Of(node) is { IsConstantForCaller: true, Caller: true };

    /// <summary>Columns by which the database finds records: the first of each index, or the one behind the tenant.</summary>
    static HashSet<string> Leading(AppSchema schema, Model model)
    {
        HashSet<string> leading = new(StringComparer.Ordinal);
        if (TableShape.IsRowKey(model)) leading.Add(model.KeyFields[0].Column);
        foreach (IndexShape index in TableShape.Of(schema, model).Indexes.Where(static i => i.Where is null))
        {
            int first = index.Columns.Length > 1 && string.Equals(index.Columns[0].Name, model.TenantField?.Column,
                StringComparison.Ordinal) ? 1 : 0;
            leading.Add(index.Columns[first].Name);
        }
        return leading;
    }
}
