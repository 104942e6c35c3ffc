using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>The functions of <c>math</c>.</summary>
static class NumberOperations
{
    public static Value Apply(CelFunction function, in Value a)
    {
        if (a.Kind == ValueKind.List) return Extreme(function, a);
        if (function is CelFunction.Greatest or CelFunction.Least) return IsNumber(a) ? a : EvaluationError.NoOverload;
        return a.Kind switch
        {
            ValueKind.Int => OfInt(function, a.Int),
            ValueKind.Uint => OfUint(function, a.Uint),
            ValueKind.Double => OfDouble(function, a.Double),
            ValueKind.Decimal when function == CelFunction.Abs => a.DecimalUnits switch
            {
                long.MinValue => EvaluationError.Overflow,
                < 0 => Value.FromDecimal(-a.DecimalUnits, a.DecimalScale),
                _ => a,
            },
            _ => EvaluationError.NoOverload,
        };
    }

    public static Value Apply(CelFunction function, in Value a, in Value b)
    {
        if (function is CelFunction.Greatest or CelFunction.Least)
        {
            if (!IsNumber(a) || !IsNumber(b)) return EvaluationError.NoOverload;
            return Comparison.Ordered(function == CelFunction.Greatest ? CelFunction.GreaterOrEqual : CelFunction.LessOrEqual, a, b)
                == Truth.True ? a : b;
        }
        if (function is CelFunction.BitShiftLeft or CelFunction.BitShiftRight) return Shifted(function, a, b);
        return (function, a.Kind, b.Kind) switch
        {
            (CelFunction.BitAnd, ValueKind.Int, ValueKind.Int) => Value.From(a.Int & b.Int),
            (CelFunction.BitOr, ValueKind.Int, ValueKind.Int) => Value.From(a.Int | b.Int),
            (CelFunction.BitXor, ValueKind.Int, ValueKind.Int) => Value.From(a.Int ^ b.Int),
            (CelFunction.BitAnd, ValueKind.Uint, ValueKind.Uint) => Value.From(a.Uint & b.Uint),
            (CelFunction.BitOr, ValueKind.Uint, ValueKind.Uint) => Value.From(a.Uint | b.Uint),
            (CelFunction.BitXor, ValueKind.Uint, ValueKind.Uint) => Value.From(a.Uint ^ b.Uint),
            _ => EvaluationError.NoOverload,
        };
    }

    static bool IsNumber(in Value a) => a.Kind is ValueKind.Int or ValueKind.Uint or ValueKind.Double or ValueKind.Decimal;

    static Value Extreme(CelFunction function, in Value list)
    {
        if (function is not (CelFunction.Greatest or CelFunction.Least)) return EvaluationError.NoOverload;
        if (list.List.IsEmpty) return EvaluationError.OutOfBounds;
        Value best = Apply(function, list.List[0]);
        foreach (Value item in list.List.AsSpan()[1..])
        {
            if (best.IsNull) return best;
            best = Apply(function, best, item);
        }
        return best;
    }

    static Value OfInt(CelFunction function, long a) => function switch
    {
        CelFunction.Abs => a == long.MinValue ? EvaluationError.Overflow : Value.From(Math.Abs(a)),
        CelFunction.Sign => Value.From((long)Math.Sign(a)),
        CelFunction.BitNot => Value.From(~a),
        CelFunction.Sqrt => Value.From(Math.Sqrt(a)),
        _ => EvaluationError.NoOverload,
    };

    static Value OfUint(CelFunction function, ulong a) => function switch
    {
        CelFunction.Abs => Value.From(a),
        CelFunction.Sign => Value.From(a == 0 ? 0UL : 1UL),
        CelFunction.BitNot => Value.From(~a),
        CelFunction.Sqrt => Value.From(Math.Sqrt(a)),
        _ => EvaluationError.NoOverload,
    };

    static Value OfDouble(CelFunction function, double a) => function switch
    {
        CelFunction.Abs => Value.From(Math.Abs(a)),
        CelFunction.Sign => Value.From(double.IsNaN(a) ? a : Math.Sign(a)),
        CelFunction.Ceil => Value.From(Math.Ceiling(a)),
        CelFunction.Floor => Value.From(Math.Floor(a)),
        CelFunction.Round => Value.From(Math.Round(a, MidpointRounding.AwayFromZero)),
        CelFunction.Trunc => Value.From(Math.Truncate(a)),
        CelFunction.Sqrt => Value.From(Math.Sqrt(a)),
        CelFunction.IsNaN => Value.From(double.IsNaN(a)),
        CelFunction.IsInf => Value.From(double.IsInfinity(a)),
        CelFunction.IsFinite => Value.From(double.IsFinite(a)),
        _ => EvaluationError.NoOverload,
    };

    /// <summary>Shifts are logical: the sign moves like any bit. A negative count is an error, one beyond 63 leaves nothing.</summary>
    static Value Shifted(CelFunction function, in Value a, in Value by)
    {
        if (a.Kind is not (ValueKind.Int or ValueKind.Uint) || by.Kind != ValueKind.Int) return EvaluationError.NoOverload;
        if (by.Int < 0) return EvaluationError.OutOfBounds;
        ulong bits = a.Kind == ValueKind.Int ? (ulong)a.Int : a.Uint;
        bits = by.Int > 63 ? 0 : function == CelFunction.BitShiftLeft ? bits << (int)by.Int : bits >> (int)by.Int;
        return a.Kind == ValueKind.Int ? Value.From((long)bits) : Value.From(bits);
    }
}
