using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>
/// The row rules of one model, ready for any caller. Rules combine per operation: one allow must hold as a whole, and no deny may be
/// true or unknown; without an allow nothing is allowed. Made once per schema; safe for any number of threads.
/// </summary>
sealed class RowRules
{
    readonly AppSchema _schema;
    readonly Limits _limits;

    // Made when first asked for: most models of a large schema are asked for few operations, and a start waits for none of them.
    readonly OperationRules?[] _byOperation = new OperationRules?[Enum.GetValues<Operation>().Length];

    OperationRules? _ofTenant;

    RowRules(AppSchema schema, Model model, Limits limits) => (_schema, Model, _limits) = (schema, model, limits);

    public Model Model { get; }

    public static RowRules Of(AppSchema schema, Model model, Limits limits) => new(schema, model, limits);

    /// <summary>This caller's rules for the operation, as far as they can be known without a row.</summary>
    /// <param name="operation">What is to be done.</param>
    /// <param name="caller">Who asks. The product itself passes every rule.</param>
    /// <param name="now">Microseconds since the epoch, the same for the whole request.</param>
    public CallerRules For(Operation operation, Caller caller, long now) =>
        caller.Scopes?.Allows(Model, operation) == false ? new CallerRules(FoldedRules.Never, [])
        : !caller.IsSystem ? Of(operation).For(caller, now)
        : Model.Tenant is null || caller.Tenant.IsNull ? new CallerRules(FoldedRules.Always, [])
        : OfTenant().For(caller, now);

    /// <summary>Whether the rules of an operation look at the clock.</summary>
    public bool ReadsNow(Operation operation) => Of(operation).ReadsNow;

    OperationRules OfTenant() =>
        _ofTenant ?? Interlocked.CompareExchange(ref _ofTenant, OperationRules.OfTenant(_schema, Model, _limits), null) ?? _ofTenant;

    // Two threads may make the same; the folds are then kept by one of them, and plans by that one's identity.
    OperationRules Of(Operation operation)
    {
        ref OperationRules? rules = ref _byOperation[(int)operation];
        if (Volatile.Read(ref rules) is { } made) return made;
        return Interlocked.CompareExchange(ref rules, OperationRules.Of(_schema, Model, operation, _limits), null) ?? rules;
    }

    /// <summary>Nobody but the product itself can do anything with the records.</summary>
    public bool IsUnreachable => !Model.Rules.Any(static rule => rule.Effect == RuleEffect.Allow);
}
