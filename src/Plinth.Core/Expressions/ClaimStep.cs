using Plinth.Schema;

namespace Plinth.Expressions;

sealed class AuthStep : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Auth;
}

sealed class ClaimStep(Field claim) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value auth = e.Context.Auth;
        if (auth.IsNull || !auth.Map.TryGet(claim.Name, out Value value)) return Value.Null;
        if (value.Kind != ValueKind.Json) return value;
        if (claim.IsList) return JsonValues.List(value.Json, claim.Type);
        return claim.Type is ScalarFieldType ? JsonValues.Read(value.Json) : value;
    }
}

/// <summary>A value that was taken out of the expression: what a caller's part of a rule came to.</summary>
sealed class SlotStep(int slot) : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Slots is { } slots
        ? slots[e.Context.FirstSlot + slot]
        : throw new InvalidOperationException("a shape has no values: evaluate the expression that it was lifted from");
}

sealed class NowStep : Step
{
    public override Value Evaluate(ref Evaluation e) => Value.FromDateTime(e.Context.NowMicroseconds);
}

sealed class RequestStep(RequestMember member) : Step
{
    public override Value Evaluate(ref Evaluation e) =>
        (member == RequestMember.Ip ? e.Context.Ip : e.Context.Method) is { } text ? Value.From(text) : Value.Null;
}
