using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>Where an expression is written into: the row it is about, and what its slots and hops mean there.</summary>
sealed record LoweringScope
{
    public required AppSchema Schema { get; init; }

    /// <summary>The model of the row.</summary>
    public required Model Row { get; init; }

    /// <summary>Of the row's table in the statement; empty where its columns stand alone.</summary>
    public string Alias { get; init; } = "";

    /// <summary>Added to the slots of the expression: where its values begin among those of the statement.</summary>
    public int SlotBase { get; init; }

    /// <summary>
    /// What a hop that a request writes must satisfy beyond being live: the caller's rule of the model it enters. Null for rules.
    /// </summary>
    public Func<Relation, HopCondition?>? HopPredicate { get; init; }

    /// <summary>
    /// What must hold of a record for a field of it to be there, where a request reads it; a field that is not there is null. Null for
    /// rules, and where the field is always there.
    /// </summary>
    public Func<Model, Field, HopCondition?>? FieldPredicate { get; init; }

    /// <summary>
    /// The alias of the same record as it is now, where the row is of the past: if it is there, it must satisfy what
    /// <see cref="FieldPredicate"/> demands of the row too. Null where the row is of the present.
    /// </summary>
    public string? Present { get; init; }

    /// <summary>The values that <c>before</c> means, bound as constants.</summary>
    public Value[]? Before { get; init; }
}

/// <param name="Node">A condition on the record entered; hops inside it see all live records.</param>
/// <param name="SlotBase">Where its values begin among those of the statement.</param>
sealed record HopCondition(CheckedNode Node, int SlotBase);

/// <summary>Why an expression has no form in SQL.</summary>
sealed class LoweringException(string reason) : Exception(reason);
