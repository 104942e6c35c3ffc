using System.Diagnostics.CodeAnalysis;
using Plinth.Expressions;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// A caller's rules held against one record in the writer's turn. A condition that needs the record alone is decided in memory; one that
/// hops to others is asked of the database, in the same transaction, on the record as it stands there at that moment.
/// </summary>
readonly struct RuleCheck(WriteScope scope, RecordTable table, CallerRules rules)
{
    const long NoRow = 0;

    readonly Value[] _values = rules.Values.ToArray();

    FoldedRules Rules => rules.Folded;

    /// <summary>Whether no rule needs another record.</summary>
    public static bool IsOwn(FoldedRules rules)
    {
        foreach (AllowPair pair in rules.AllowPairs)
        {
            if (pair.When is { IsOwn: false } || pair.After is { IsOwn: false }) return false;
        }
        foreach (RuleCondition deny in rules.Denies)
        {
            if (!deny.IsOwn) return false;
        }
        return true;
    }

    /// <summary>
    /// For reads: whether the record is one that the caller may see. One that is not there is asked about like one that is hidden: every
    /// statement that a rule needs is run for both, whatever the others came to, so that neither answer nor effort tells them apart.
    /// </summary>
    public bool Sees([NotNullWhen(true)] StoredRow? stored)
    {
        if (Rules.Outcome != RuleOutcome.Depends) return stored is not null && Rules.Outcome == RuleOutcome.Always;
        try
        {
            bool isAllowed = false, isDenied = false;
            foreach (AllowPair pair in Rules.AllowPairs)
            {
                isAllowed |= pair.When switch
                {
                    null => true,
                    { IsOwn: true } own => stored is not null && Evaluate(own, stored, null).IsTrue,
                    var others => Ask(others.Folded, stored, null),
                };
            }
            foreach (RuleCondition deny in Rules.Denies) isDenied |= !Spares(deny, stored);
            return stored is not null && isAllowed && !isDenied && IsInside(stored);
        }
        catch (ExpressionCostException)
        {
            // What cannot be decided within its bound is unknown, and unknown does not show a record.
            return false;
        }
    }

    /// <summary>Holds the record as it is, before the change, against conditions and denials.</summary>
    /// <param name="before">The record.</param>
    /// <param name="allowing">By rule: whether it allows so far.</param>
    public bool MayStart(StoredRow before, out bool[] allowing)
    {
        allowing = new bool[Rules.AllowPairs.Length];
        if (!IsInside(before)) return false;
        bool allowed = false;
        for (int i = 0; i < allowing.Length; i++)
        {
            allowing[i] = Rules.AllowPairs[i].When is not { } when || IsTrue(when, before, null);
            allowed |= allowing[i];
        }
        return allowed && !IsDenied(before);
    }

    /// <summary>Holds the record as it has become. What was allowed before the change must be allowed by the same rule after it.</summary>
    /// <param name="after">The record, already written.</param>
    /// <param name="before">What <c>before</c> means in conditions.</param>
    /// <param name="allowing">The rules that allowed the start.</param>
    public bool MayEnd(StoredRow after, Value[] before, bool[] allowing)
    {
        bool allowed = false;
        if (!IsInside(after)) return false;
        for (int i = 0; i < allowing.Length && !allowed; i++)
        {
            if (!allowing[i]) continue;
            allowed = Rules.AllowPairs[i].After is not { } condition || IsTrue(condition, after, before);
        }
        return allowed && !IsDenied(after);
    }

    /// <summary>On create the proposed record is both states.</summary>
    public bool MayCreate(StoredRow proposed) => MayStart(proposed, out bool[] allowing) && MayEnd(proposed, proposed.Values, allowing);

    /// <summary>
    /// The rules refuse this record, not the operation: signing in is not what it takes, so it is 403 for an anonymous caller too.
    /// </summary>
    public Fault Refused(string what) => Faults.Forbidden.Says(Rules.Message ?? $"no rule allows this caller {what}");

    /// <summary>The record belongs to the caller's tenant.</summary>
    bool IsInside(StoredRow stored) => Rules.Guard is not { } guard || IsTrue(guard, stored, null);

    public bool IsDenied(StoredRow stored)
    {
        foreach (RuleCondition deny in Rules.Denies)
        {
            if (!Spares(deny, stored)) return true;
        }
        return false;
    }

    /// <summary>Unknown denies too, so what is asked of the database is whether the denial is certainly false.</summary>
    bool Spares(RuleCondition deny, StoredRow? stored) => deny.IsOwn
        ? stored is null || Evaluate(deny, stored, null).IsFalse
        : Ask(CheckedExpression.Of(new NotNode(deny.Folded.Root)), stored, null);

    bool IsTrue(RuleCondition condition, StoredRow stored, Value[]? before) =>
        condition.IsOwn ? Evaluate(condition, stored, before).IsTrue : Ask(condition.Folded, stored, before);

    Value Evaluate(RuleCondition condition, StoredRow stored, Value[]? before) => condition.Whole.Evaluate(new EvaluationContext
    {
        Cost = scope.Schema.Limits.ExpressionCost,
        Row = stored.Values,
        Before = before,
        Auth = scope.Caller.Auth,
        NowMicroseconds = scope.Moment.Now,
        Ip = scope.Caller.Address,
        Method = scope.Caller.Method,
    });

    /// <param name="stored">Null: the statement is run over no row.</param>
    bool Ask(CheckedExpression condition, StoredRow? stored, Value[]? before)
    {
        SqlText check = table.Statements.Check(condition, before);
        return RecordTable.Any(scope.Transaction, check, [Value.From(stored?.Row ?? NoRow), .. _values]);
    }
}
