using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Plinth.Expressions;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>What rules come to before any row was looked at.</summary>
enum RuleOutcome
{
    /// <summary>No row can make them allow.</summary>
    Never,

    /// <summary>No row can make them refuse.</summary>
    Always,
    Depends,
}

/// <summary>
/// The rules of one operation on one model, folded for all callers who show the same pattern of claims: immutable and shared, so its
/// identity may key what is made from it. The values that it leaves open are in <see cref="CallerRules"/>.
/// </summary>
sealed class FoldedRules
{
    public required RuleOutcome Outcome { get; init; }

    /// <summary>
    /// The record is one of the caller's tenant: true of every record that is read or written, in every state. Null: no tenants.
    /// </summary>
    public RuleCondition? Guard { get; init; }

    /// <summary>The same rules for a record that is known to be one of the caller's tenant; itself where there are no tenants.</summary>
    public FoldedRules Inside => _inside ?? this;

    readonly FoldedRules? _inside;

    /// <summary>These rules, for records of the caller's tenant alone.</summary>
    public FoldedRules Within(RuleCondition guard, CheckedExpression predicate) => new(this)
    {
        Outcome = RuleOutcome.Depends,
        Guard = guard,
        Predicate = predicate,
    };

    [SetsRequiredMembers]
    FoldedRules(FoldedRules inside)
    {
        (Outcome, AllowPairs, Denies, Predicate) = (inside.Outcome, inside.AllowPairs, inside.Denies, inside.Predicate);
        (Values, Message, _inside) = (inside.Values, inside.Message, inside);
    }

    public FoldedRules()
    {
    }

    /// <summary>Each a rule that may still allow. One of them must hold as a whole; a missing side holds always.</summary>
    public ImmutableArray<AllowPair> AllowPairs { get; init; } = [];

    /// <summary>None of them may be true or unknown, on the state before or on the state after.</summary>
    public ImmutableArray<RuleCondition> Denies { get; init; } = [];

    /// <summary>
    /// What a row must satisfy as it is now: one rule's condition, and no deny that is true or unknown. Only truth counts. True when the
    /// outcome is Always, false when it is Never. What <c>after:</c> demands is not in it.
    /// </summary>
    public required CheckedExpression Predicate { get; init; }

    /// <summary>
    /// The predicate for memory; only where it needs no other record. Its slots are the context's (<see cref="Values"/> of them), so the
    /// caller's parts are not evaluated anew for each record.
    /// </summary>
    public CompiledExpression InMemory => _inMemory ??= CompiledExpression.Compile(Predicate);

    // Two threads may make the same, and either will do.
    CompiledExpression? _inMemory;

    /// <summary>Values that the conditions take by slot, in the slots' order.</summary>
    public int Values { get; init; }

    /// <summary>What the schema wants a refused caller to be told.</summary>
    public string? Message { get; init; }

    /// <summary>No condition needs another record.</summary>
    public bool IsOwn => Predicate.CanEvaluateInMemory && AllowPairs.All(static p => p.When is null or { IsOwn: true })
        && Denies.All(static d => d.IsOwn);

    public static readonly FoldedRules Never = new() { Outcome = RuleOutcome.Never, Predicate = CheckedExpression.False };

    public static readonly FoldedRules Always =
        new() { Outcome = RuleOutcome.Always, Predicate = CheckedExpression.True, AllowPairs = [new AllowPair(null, null, null)] };
}

/// <param name="When">On the state before (on create, the proposed row). Null: holds.</param>
/// <param name="After">On the state after. Null: holds.</param>
/// <param name="Message">What the schema wants a caller to be told whom this rule does not let pass.</param>
sealed record AllowPair(RuleCondition? When, RuleCondition? After, string? Message);

/// <summary>One condition of a rule, in both of its executions.</summary>
/// <param name="Folded">For SQL: the caller's parts are folded in, or are slots.</param>
/// <param name="Whole">For memory: as it was written, reading the caller from its context.</param>
sealed record RuleCondition(CheckedExpression Folded, CompiledExpression Whole)
{
    /// <summary>
    /// It needs no other record, so that it can be decided in memory, as it was written: a part that looks at another record may have
    /// been folded away, but is still there.
    /// </summary>
    public bool IsOwn => Folded.CanEvaluateInMemory && Whole.Expression.CanEvaluateInMemory;
}

/// <summary>One caller's rules: the shared fold, and this caller's values for its slots.</summary>
readonly struct CallerRules(FoldedRules folded, Schema.Value[] values)
{
    public FoldedRules Folded { get; } = folded;

    public ReadOnlySpan<Schema.Value> Values => values;

    /// <summary>
    /// Whether a record may be read, decided in memory: one rule's condition is true, and every deny is certainly false. Only where
    /// <see cref="FoldedRules.IsOwn"/>.
    /// </summary>
    /// <param name="context">The caller, the clock and the record.</param>
    public bool Sees(in EvaluationContext context)
    {
        if (Outcome != RuleOutcome.Depends) return Outcome == RuleOutcome.Always;
        if (Folded.Guard is { } guard && !guard.Whole.Evaluate(context).IsTrue) return false;
        foreach (RuleCondition deny in Folded.Denies)
        {
            if (!deny.Whole.Evaluate(context).IsFalse) return false;
        }
        foreach (AllowPair pair in Folded.AllowPairs)
        {
            if (pair.When is null || pair.When.Whole.Evaluate(context).IsTrue) return true;
        }
        return false;
    }

    public RuleOutcome Outcome => Folded.Outcome;

    /// <summary>Before any row: whether these are the rules of someone whom no row could let in.</summary>
    public bool IsNever => Outcome == RuleOutcome.Never;

    /// <summary>The fault of an operation that no row could make allowed; null when a row could.</summary>
    public Fault? Refusal(Caller caller, string what)
    {
        if (Outcome != RuleOutcome.Never) return null;
        FaultCode code = caller.IsAnonymous ? Faults.Unauthorized : Faults.Forbidden;
        return code.Says(Folded.Message ?? (caller.IsAnonymous ? $"{what} needs an identity" : $"no rule allows this identity {what}"));
    }
}
