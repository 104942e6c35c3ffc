using Plinth.Schema;

namespace Plinth.Expressions;

sealed class JsonStep(Step stored) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value json = stored.Evaluate(ref e);
        return json.Kind == ValueKind.Json ? JsonValues.Read(json.Json) : json;
    }
}

sealed class JsonListStep(Step stored, FieldType element) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value json = stored.Evaluate(ref e);
        return json.Kind == ValueKind.Json ? JsonValues.List(json.Json, element) : json;
    }
}

sealed class MemberStep(Step target, string name, Field? field) : Step
{
    readonly Value _key = Value.From(name);

    public override Value Evaluate(ref Evaluation e)
    {
        Value value = target.Evaluate(ref e);
        return value.Kind switch
        {
            ValueKind.Json => JsonValues.Member(value.Json, name, field),
            ValueKind.Map => value.Map.TryGet(name, out Value member) ? member : EvaluationError.NoSuchKey,
            ValueKind.Null => value,
            ValueKind.Other => ListOperations.At(value, _key),
            _ => EvaluationError.NoOverload,
        };
    }
}

/// <param name="isStrict">Asking what has no members is an error; in a bound environment it has none, which is false.</param>
sealed class HasStep(Step target, string name, bool isStrict) : Step
{
    readonly Value _key = Value.From(name);

    public override Truth Decide(ref Evaluation e)
    {
        Value value = target.Evaluate(ref e);
        if (value.Kind == ValueKind.Json) value = JsonValues.Read(value.Json);
        if (value is { Kind: ValueKind.Other, Other: OptionalValue optional })
        {
            if (!optional.HasValue) return Truth.False;
            value = optional.Value;
        }
        if (Maps.Is(value)) return Truths.Of(Maps.TryGet(value, _key, out _));
        if (!isStrict) return Truth.False;
        e.Note(value, value, EvaluationError.NoOverload);
        return Truth.Unknown;
    }
}

sealed class IndexStep(Step target, Step index) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value of = target.Evaluate(ref e), at = index.Evaluate(ref e);
        return of.IsNull ? of : at.IsNull ? at : ListOperations.At(of, at);
    }
}
