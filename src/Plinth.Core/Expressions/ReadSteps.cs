using Plinth.Schema;

namespace Plinth.Expressions;

// Steps that fetch: literals, rows, fields, members, the caller.

sealed class LiteralStep(Value value) : Step
{
    readonly Truth _truth = Truths.Of(value);

    public override Value Evaluate(ref Evaluation e) => value;

    public override Truth Decide(ref Evaluation e) => _truth;
}

/// <summary>A record travels as its row of values, null when there is none.</summary>
sealed class RowStep : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Row is { } row ? Value.FromOther(row) : Value.Null;
}

sealed class BeforeStep : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Before is { } row ? Value.FromOther(row) : Value.Null;
}

sealed class RowFieldStep(int ordinal) : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Row![ordinal];
}

/// <summary>There is no row before a create: its fields are unknown.</summary>
sealed class BeforeFieldStep(int ordinal) : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Before is { } row ? row[ordinal] : Value.Null;
}

sealed class RecordFieldStep(Step record, int ordinal) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value row = record.Evaluate(ref e);
        return row.IsNull ? row : ((Value[])row.Other)[ordinal];
    }
}

sealed class VariableStep(int id) : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Variable(id);
}

sealed class HopStep(Step from, Relation relation) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value row = from.Evaluate(ref e);
        if (row.IsNull) return relation.IsToOne ? row : Value.FromOther(Array.Empty<Value[]>());
        RelatedRows related = e.Context.Related
            ?? throw new InvalidOperationException($"'{relation.Name}' cannot be entered in memory: ask CanEvaluateInMemory first");
        IReadOnlyList<Value[]> rows = related(relation, (Value[])row.Other);
        e.Spend(rows.Count + 1);
        if (!relation.IsToOne) return Value.FromOther(rows);
        return rows.Count == 0 ? Value.Null : Value.FromOther(rows[0]);
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

sealed class JsonStep(Step stored) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value json = stored.Evaluate(ref e);
        return json.Kind == ValueKind.Json ? JsonValues.Read(json.Json) : json;
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
        if (of.Kind == ValueKind.Map && at.Kind == ValueKind.String) return of.Map.TryGet(at.String, out Value member) ? member : Value.Null;
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

sealed class NowStep : Step
{
    public override Value Evaluate(ref Evaluation e) => Value.FromDateTime(e.Context.NowMicroseconds);
}

sealed class RequestStep(RequestMember member) : Step
{
    public override Value Evaluate(ref Evaluation e) =>
        (member == RequestMember.Ip ? e.Context.Ip : e.Context.Method) is { } text ? Value.From(text) : Value.Null;
}
