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
    public override Value Evaluate(ref Evaluation e)
    {
        Value value = target.Evaluate(ref e);
        return value.Kind switch
        {
            ValueKind.Json => JsonValues.Member(value.Json, name, field),
            ValueKind.Map => value.Map.TryGet(name, out Value member) ? member : Value.Null,
            _ => Value.Null,
        };
    }
}

sealed class HasStep(Step target, string name) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Value value = target.Evaluate(ref e);
        if (value.Kind == ValueKind.Json) value = JsonValues.Read(value.Json);
        return Truths.Of(value.Kind == ValueKind.Map && value.Map.TryGet(name, out _));
    }
}

sealed class IndexStep(Step target, Step index) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value of = target.Evaluate(ref e), at = index.Evaluate(ref e);
        if (of.Kind == ValueKind.Map && at.Kind == ValueKind.String) return of.Map.TryGet(at.String, out Value member) ? member
            : Value.Null;
        if (of.Kind != ValueKind.List) return Value.Null;
        long position = at.Kind switch
        {
            ValueKind.Int => at.Int,
            ValueKind.Uint when at.Uint <= int.MaxValue => (long)at.Uint,
            _ => -1,
        };
        return position >= 0 && position < of.List.Length ? of.List[(int)position] : Value.Null;
    }
}
