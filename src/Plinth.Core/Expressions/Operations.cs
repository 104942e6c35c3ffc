using Plinth.Schema;
using Plinth.Schema.Types;

namespace Plinth.Expressions;

/// <summary>
/// The meaning of the operators and functions on values, as CEL has it: found by the kinds of the arguments, an error where there is
/// none. An argument that is an error is the result. The one place: folding, evaluation and the tests of the lowering all ask here;
/// what a bound environment makes of a result is <see cref="Settle"/>. Equality and order are in <see cref="Comparison"/>, the rest by
/// subject in <see cref="TextOperations"/>, <see cref="TimeOperations"/>, <see cref="NumberOperations"/>, <see cref="ListOperations"/>
/// and <see cref="Conversions"/>.
/// </summary>
static class Operations
{
    public static Value Apply(CelFunction function, CelType result, ReadOnlySpan<Value> arguments)
    {
        foreach (ref readonly Value argument in arguments)
        {
            if (argument.IsNull) return argument;
        }
        return arguments.Length switch
        {
            0 => OptionalValue.None,
            1 => Apply(function, result, arguments[0]),
            2 => Apply(function, arguments[0], arguments[1]),
            3 => Apply(function, arguments[0], arguments[1], arguments[2]),
            _ => function == CelFunction.Replace ? TextOperations.Replace(arguments[0], arguments[1], arguments[2], arguments[3])
                : EvaluationError.NoOverload,
        };
    }

    /// <summary>
    /// A result in a bound environment: numbers that are not finite are none, and time is counted in microseconds, as it is stored.
    /// </summary>
    public static Value Settle(in Value value) => value.Kind switch
    {
        ValueKind.Double when !double.IsFinite(value.Double) => EvaluationError.NotFinite,
        ValueKind.DateTime when value.Nanoseconds != 0 => Value.FromDateTime(value.Ticks),
        ValueKind.Duration when value.Nanoseconds != 0 => Value.FromDuration(value.Ticks < 0 ? value.Ticks + 1 : value.Ticks),
        _ => value,
    };

    public static Value Apply(CelFunction function, CelType result, in Value a)
    {
        switch (function)
        {
            case CelFunction.Negate: return Negate(a);
            case CelFunction.Rescale: return Rescale(a, ((DecimalCelType)result).Scale);
            case CelFunction.Size: return Size(a);
            case CelFunction.Reverse when a.Kind == ValueKind.String: return TextOperations.Reverse(a.String);
            case CelFunction.LowerAscii or CelFunction.UpperAscii or CelFunction.Trim or CelFunction.Quote or CelFunction.Join:
                return TextOperations.Apply(function, a);
            case >= CelFunction.ToInt and <= CelFunction.ToUuid: return Conversions.Apply(function, a);
            case >= CelFunction.GetFullYear and <= CelFunction.GetMilliseconds: return TimeOperations.Part(function, a);
            case >= CelFunction.Greatest and <= CelFunction.BitShiftRight: return NumberOperations.Apply(function, a);
            case CelFunction.TypeOf: return TypeValue.Of(a);
            case CelFunction.Dyn: return a;
            case CelFunction.OptionalOf: return OptionalValue.Of(a);
            case CelFunction.OptionalOfNonZero: return IsZero(a) ? OptionalValue.None : OptionalValue.Of(a);
            case CelFunction.HasValue or CelFunction.ValueOf: return OfOptional(function, a);
            case CelFunction.Base64Encode or CelFunction.Base64Decode: return Conversions.Base64(function, a);
            default: return ListOperations.Apply(function, a);
        }
    }

    public static Value Apply(CelFunction function, in Value a, in Value b)
    {
        switch (function)
        {
            case CelFunction.Equal: return Comparison.Equal(a, b).ToValue();
            case CelFunction.NotEqual: return Comparison.Equal(a, b).Not().ToValue();
            case >= CelFunction.Less and <= CelFunction.GreaterOrEqual:
                Truth ordered = Comparison.Ordered(function, a, b);
                return ordered == Truth.Unknown ? EvaluationError.NotOrdered : ordered.ToValue();
            case CelFunction.Add: return Add(a, b);
            case CelFunction.Subtract: return Subtract(a, b);
            case CelFunction.Multiply: return Multiply(a, b);
            case CelFunction.Divide: return Divide(a, b);
            case CelFunction.Modulo: return Modulo(a, b);
            case CelFunction.Concat: return Concat(a, b);
            // Of literals, folded once; a step over rows keeps its pattern compiled.
            case CelFunction.Matches: return TextOperations.Matches(a, b);
            case CelFunction.Join: return TextOperations.Join(a, b);
            case CelFunction.Format: return TextFormat.Apply(a, b);
            case (>= CelFunction.Contains and <= CelFunction.EndsWith) or CelFunction.Substring or CelFunction.CharAt
                or CelFunction.IndexOf or CelFunction.LastIndexOf or CelFunction.Split:
                return TextOperations.Apply(function, a, b);
            case >= CelFunction.GetFullYear and <= CelFunction.GetMilliseconds: return TimeOperations.Part(function, a, b);
            case >= CelFunction.Greatest and <= CelFunction.BitShiftRight: return NumberOperations.Apply(function, a, b);
            case CelFunction.Index: return ListOperations.At(a, b);
            case CelFunction.OptionalIndex: return ListOperations.IfAt(a, b);
            case CelFunction.Or when a.Kind == ValueKind.Other && a.Other is OptionalValue first: return first.HasValue ? a : b;
            case CelFunction.OrValue when a.Kind == ValueKind.Other && a.Other is OptionalValue first:
                return first.HasValue ? first.Value : b;
            default: return ListOperations.Apply(function, a, b);
        }
    }

    public static Value Apply(CelFunction function, in Value a, in Value b, in Value c) => function switch
    {
        CelFunction.Substring => TextOperations.Substring(a, b, c),
        CelFunction.Replace => TextOperations.Replace(a, b, c, Value.From(-1L)),
        CelFunction.IndexOf => TextOperations.IndexOf(a, b, c),
        CelFunction.LastIndexOf => TextOperations.LastIndexOf(a, b, c),
        CelFunction.Split => TextOperations.Split(a, b, c),
        CelFunction.Slice => ListOperations.Slice(a, b, c),
        _ => EvaluationError.NoOverload,
    };

    static Value OfOptional(CelFunction function, in Value a)
    {
        if (a.Kind != ValueKind.Other || a.Other is not OptionalValue optional) return EvaluationError.NoOverload;
        if (function == CelFunction.HasValue) return Value.From(optional.HasValue);
        return optional.HasValue ? optional.Value : EvaluationError.NothingThere;
    }

    static bool IsZero(in Value a) => a.Kind switch
    {
        ValueKind.Boolean => !a.Boolean,
        ValueKind.Int => a.Int == 0,
        ValueKind.Uint => a.Uint == 0,
        ValueKind.Double => a.Double == 0,
        ValueKind.Decimal => a.DecimalUnits == 0,
        ValueKind.String => a.String.Length == 0,
        ValueKind.Bytes => a.Bytes.Length == 0,
        ValueKind.List => a.List.IsEmpty,
        ValueKind.Map => a.Map.Count == 0,
        ValueKind.Duration or ValueKind.DateTime => a.Ticks == 0 && a.Nanoseconds == 0,
        ValueKind.Other => a.Other is CelNull or OptionalValue { HasValue: false },
        _ => false,
    };

    /// <summary>An int, or a decimal of a smaller scale, as units of the given scale.</summary>
    public static Value Rescale(in Value value, int scale)
    {
        if (value.IsNull) return value;
        (long units, int from) = value.Kind == ValueKind.Int ? (value.Int, 0) : (value.DecimalUnits, value.DecimalScale);
        return Fits((Int128)units * DecimalType.PowerOfTen(scale - from), out long scaled) ? Value.FromDecimal(scaled, scale)
            : EvaluationError.Overflow;
    }

    static bool Fits(Int128 value, out long fitting)
    {
        fitting = (long)value;
        return fitting == value;
    }

    static Value FromInt(Int128 value) => Fits(value, out long fitting) ? Value.From(fitting) : EvaluationError.Overflow;

    static Value FromUint(Int128 value) => value >= 0 && value <= ulong.MaxValue ? Value.From((ulong)value) : EvaluationError.Overflow;

    static Value FromUnits(Int128 value, int scale) =>
        Fits(value, out long fitting) ? Value.FromDecimal(fitting, scale) : EvaluationError.Overflow;

    static Value Negate(in Value a) => a.Kind switch
    {
        ValueKind.Int => FromInt(-(Int128)a.Int),
        ValueKind.Double => Value.From(-a.Double),
        ValueKind.Decimal => FromUnits(-(Int128)a.DecimalUnits, a.DecimalScale),
        _ => EvaluationError.NoOverload,
    };

    static Value Add(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.Int, ValueKind.Int) => FromInt((Int128)a.Int + b.Int),
        (ValueKind.Uint, ValueKind.Uint) => FromUint((Int128)a.Uint + b.Uint),
        (ValueKind.Double, ValueKind.Double) => Value.From(a.Double + b.Double),
        (ValueKind.Decimal, ValueKind.Decimal) when a.DecimalScale == b.DecimalScale =>
            FromUnits((Int128)a.DecimalUnits + b.DecimalUnits, a.DecimalScale),
        (ValueKind.DateTime or ValueKind.Duration, ValueKind.DateTime or ValueKind.Duration) => TimeOperations.Add(a, b),
        (ValueKind.String or ValueKind.Bytes or ValueKind.List, _) => Concat(a, b),
        _ => EvaluationError.NoOverload,
    };

    static Value Subtract(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.Int, ValueKind.Int) => FromInt((Int128)a.Int - b.Int),
        (ValueKind.Uint, ValueKind.Uint) => FromUint((Int128)a.Uint - b.Uint),
        (ValueKind.Double, ValueKind.Double) => Value.From(a.Double - b.Double),
        (ValueKind.Decimal, ValueKind.Decimal) when a.DecimalScale == b.DecimalScale =>
            FromUnits((Int128)a.DecimalUnits - b.DecimalUnits, a.DecimalScale),
        (ValueKind.DateTime or ValueKind.Duration, ValueKind.DateTime or ValueKind.Duration) => TimeOperations.Subtract(a, b),
        _ => EvaluationError.NoOverload,
    };

    static Value Multiply(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.Int, ValueKind.Int) => FromInt((Int128)a.Int * b.Int),
        (ValueKind.Uint, ValueKind.Uint) =>
            (UInt128)a.Uint * b.Uint is var product && product <= ulong.MaxValue ? Value.From((ulong)product)
                : EvaluationError.Overflow,
        (ValueKind.Double, ValueKind.Double) => Value.From(a.Double * b.Double),
        (ValueKind.Decimal, ValueKind.Decimal) => FromUnits((Int128)a.DecimalUnits * b.DecimalUnits, a.DecimalScale + b.DecimalScale),
        _ => EvaluationError.NoOverload,
    };

    static Value Divide(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.Int, ValueKind.Int) => b.Int == 0 ? EvaluationError.DivisionByZero : FromInt((Int128)a.Int / b.Int),
        (ValueKind.Uint, ValueKind.Uint) => b.Uint == 0 ? EvaluationError.DivisionByZero : Value.From(a.Uint / b.Uint),
        (ValueKind.Double, ValueKind.Double) => Value.From(a.Double / b.Double),
        _ => EvaluationError.NoOverload,
    };

    /// <summary>The smallest int modulo -1 overflows, as its quotient does.</summary>
    static Value Modulo(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.Int, ValueKind.Int) when b.Int == 0 => EvaluationError.DivisionByZero,
        (ValueKind.Int, ValueKind.Int) => b.Int == -1 && a.Int == long.MinValue ? EvaluationError.Overflow : Value.From(a.Int % b.Int),
        (ValueKind.Uint, ValueKind.Uint) => b.Uint == 0 ? EvaluationError.DivisionByZero : Value.From(a.Uint % b.Uint),
        _ => EvaluationError.NoOverload,
    };

    static Value Concat(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.String, ValueKind.String) => Value.From(a.String + b.String),
        (ValueKind.Bytes, ValueKind.Bytes) => Value.FromBytes([.. a.Bytes, .. b.Bytes]),
        (ValueKind.List, ValueKind.List) => Value.FromList([.. a.List, .. b.List]),
        _ => EvaluationError.NoOverload,
    };

    static Value Size(in Value a) => a.Kind switch
    {
        ValueKind.String => Value.From((long)TextOperations.CodePoints(a.String)),
        ValueKind.Bytes => Value.From((long)a.Bytes.Length),
        ValueKind.List => Value.From((long)a.List.Length),
        ValueKind.Map => Value.From((long)a.Map.Count),
        ValueKind.Other when a.Other is MixedMap => Value.From((long)Maps.Count(a)),
        _ => EvaluationError.NoOverload,
    };
}
