using System.Collections.Frozen;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>The rules of every model of one schema.</summary>
sealed class Policies
{
    readonly FrozenDictionary<string, RowRules> _byModel;
    readonly FrozenDictionary<string, RowRules> _byChannel;

    /// <param name="schema">Whose rules.</param>
    /// <param name="limits">What an evaluation may take, and how much of what is made is kept.</param>
    public Policies(AppSchema schema, Limits limits)
    {
        Schema = schema;
        Fields = new FieldRules(schema, limits);
        _byChannel = schema.Channels.ToFrozenDictionary(
            static c => c.Name, c => RowRules.Of(schema, schema.ShapeOf(c), limits), StringComparer.Ordinal);
        _byModel = schema.Models.ToFrozenDictionary(static m => m.Name, m => RowRules.Of(schema, m, limits), StringComparer.Ordinal);
    }

    public AppSchema Schema { get; }

    public FieldRules Fields { get; }

    /// <summary>The schema as the caller sees it: the whole one for whom no field is closed.</summary>
    public SchemaView SeenBy(Caller caller, long now) => Fields.SeenBy(caller, now);

    public RowRules Of(Model model) => _byModel[model.Name];

    public RowRules Of(Channel channel) => _byChannel[channel.Name];

    /// <summary>Whether what a caller may read, by the rules of an operation or of a field, changes with the clock.</summary>
    public bool ReadsNow(Model model, Operation operation, Field? field) =>
        field is null ? Of(model).ReadsNow(operation) : Fields.ReadsNow(model, field, FieldAccess.Read);

    /// <summary>What expressions see of a caller, and the clock of the request; and of a record, where it is about one.</summary>
    public static EvaluationContext Context(Caller caller, long now, Limits limits, Value[]? row = null) => new()
    {
        Auth = caller.Auth,
        NowMicroseconds = now,
        Ip = caller.Address,
        Method = caller.Method,
        Row = row,
        Cost = limits.ExpressionCost,
    };
}
