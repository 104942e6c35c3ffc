using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Policy;

/// <summary>
/// The row rules of one model, ready for any caller. Rules combine per operation: one allow must hold as a whole, and no deny may be
/// true or unknown; without an allow nothing is allowed. Made once per schema; safe for any number of threads.
/// </summary>
sealed class RowRules
{
    readonly ImmutableArray<OperationRules> _byOperation;

    RowRules(Model model, ImmutableArray<OperationRules> byOperation) => (Model, _byOperation) = (model, byOperation);

    public Model Model { get; }

    public static RowRules Of(AppSchema schema, Model model) =>
        new(model, [.. Enum.GetValues<Operation>().Select(operation => OperationRules.Of(schema, model, operation))]);

    /// <summary>This caller's rules for the operation, as far as they can be known without a row.</summary>
    /// <param name="operation">What is to be done.</param>
    /// <param name="caller">Who asks. The product itself passes every rule.</param>
    /// <param name="now">Microseconds since the epoch, the same for the whole request.</param>
    public CallerRules For(Operation operation, Caller caller, long now) =>
        caller.IsSystem ? new CallerRules(FoldedRules.Always, []) : _byOperation[(int)operation].For(caller, now);

    /// <summary>Nobody but the product itself can do anything with the records.</summary>
    public bool IsUnreachable => !Model.Rules.Any(static rule => rule.Effect == RuleEffect.Allow);
}
