using Plinth.Schema;
using Plinth.Schema.Types;

namespace Plinth.Expressions;

/// <summary>
/// The meaning of the operators and functions on values. No result (an error, an overflow, a number that is not finite) is
/// <see cref="Value.Null"/>; so is the result of an unknown argument, except where said. The one place: folding, evaluation and the
/// tests of the lowering all ask here. Equality and order are in <see cref="Comparison"/>, text in <see cref="TextOperations"/>,
/// instants in <see cref="TimeOperations"/>.
/// </summary>
static class Operations
{
    public static Value Apply(CelFunction function, CelType result, ReadOnlySpan<Value> arguments)
    {
        foreach (ref readonly Value argument in arguments)
        {
            if (argument.IsNull) return Value.Null;
        }
        ref readonly Value a = ref arguments[0];
        return arguments.Length switch
        {
            1 => Apply(function, result, a),
            2 => Apply(function, a, arguments[1]),
            _ => Apply(function, a, arguments[1], arguments[2]),
        };
    }

    public static Value Apply(CelFunction function, CelType result, in Value a) => function switch
    {
        CelFunction.Negate => Negate(a),
        CelFunction.Abs => IsNegative(a) ? Negate(a) : a,
        CelFunction.Rescale => Rescale(a, ((DecimalCelType)result).Scale),
        CelFunction.Size => Size(a),
        CelFunction.LowerAscii or CelFunction.UpperAscii or CelFunction.Trim => TextOperations.Apply(function, a),
        >= CelFunction.ToInt and <= CelFunction.ToUuid => Conversions.Apply(function, a),
        >= CelFunction.GetFullYear and <= CelFunction.GetMilliseconds => TimeOperations.Part(function, a),
        _ => throw new InvalidOperationException($"{function} does not take one argument"),
    };

    public static Value Apply(CelFunction function, in Value a, in Value b) => function switch
    {
        CelFunction.Equal => Comparison.Equal(a, b).ToValue(),
        CelFunction.NotEqual => Comparison.Equal(a, b).Not().ToValue(),
        CelFunction.Less or CelFunction.LessOrEqual or CelFunction.Greater or CelFunction.GreaterOrEqual =>
            Comparison.Ordered(function, a, b).ToValue(),
        CelFunction.Add => Add(a, b),
        CelFunction.Subtract => Subtract(a, b),
        CelFunction.Multiply => Multiply(a, b),
        CelFunction.Divide => Divide(a, b),
        CelFunction.Modulo => Modulo(a, b),
        CelFunction.Concat => Concat(a, b),
        CelFunction.Greatest => Comparison.Ordered(CelFunction.GreaterOrEqual, a, b) == Truth.True ? a : b,
        CelFunction.Least => Comparison.Ordered(CelFunction.LessOrEqual, a, b) == Truth.True ? a : b,
        // Of literals, folded once; a step over rows keeps its pattern compiled.
        CelFunction.Matches => Value.From(Regex2.Compile(b.String).IsMatch(a.String)),
        CelFunction.Contains or CelFunction.StartsWith or CelFunction.EndsWith or CelFunction.Substring or CelFunction.CharAt
            or CelFunction.IndexOf => TextOperations.Apply(function, a, b),
        _ => throw new InvalidOperationException($"{function} does not take two arguments"),
    };

    public static Value Apply(CelFunction function, in Value a, in Value b, in Value c) => function switch
    {
        CelFunction.Substring => TextOperations.Substring(a, b, c),
        CelFunction.Replace => TextOperations.Replace(a, b, c),
        _ => throw new InvalidOperationException($"{function} does not take three arguments"),
    };

    static bool IsNegative(in Value value) => value.Kind switch
    {
        ValueKind.Int => value.Int < 0,
        ValueKind.Double => value.Double < 0,
        ValueKind.Decimal => value.DecimalUnits < 0,
        _ => false,
    };

    /// <summary>An int, or a decimal of a smaller scale, as units of the given scale.</summary>
    public static Value Rescale(in Value value, int scale)
    {
        if (value.IsNull) return value;
        (long units, int from) = value.Kind == ValueKind.Int ? (value.Int, 0) : (value.DecimalUnits, value.DecimalScale);
        return Fits((Int128)units * DecimalType.PowerOfTen(scale - from), out long scaled) ? Value.FromDecimal(scaled, scale) : Value.Null;
    }

    static bool Fits(Int128 value, out long fitting)
    {
        fitting = (long)value;
        return fitting == value;
    }

    static Value Finite(double value) => double.IsFinite(value) ? Value.From(value) : Value.Null;

    static Value FromInt(Int128 value) => Fits(value, out long fitting) ? Value.From(fitting) : Value.Null;

    static Value FromUint(Int128 value) => value >= 0 && value <= ulong.MaxValue ? Value.From((ulong)value) : Value.Null;

    static Value FromDuration(Int128 value) => Fits(value, out long fitting) ? Value.FromDuration(fitting) : Value.Null;

    static Value FromInstant(Int128 value) =>
        value >= DateTimeType.Min && value <= DateTimeType.Max ? Value.FromDateTime((long)value) : Value.Null;

    static Value FromUnits(Int128 value, int scale) => Fits(value, out long fitting) ? Value.FromDecimal(fitting, scale) : Value.Null;

    static Value Negate(in Value a) => a.Kind switch
    {
        ValueKind.Int => FromInt(-(Int128)a.Int),
        ValueKind.Double => Value.From(-a.Double),
        ValueKind.Decimal => FromUnits(-(Int128)a.DecimalUnits, a.DecimalScale),
        _ => Value.Null,
    };

    static Value Add(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.Int, ValueKind.Int) => FromInt((Int128)a.Int + b.Int),
        (ValueKind.Uint, ValueKind.Uint) => FromUint((Int128)a.Uint + b.Uint),
        (ValueKind.Double, ValueKind.Double) => Finite(a.Double + b.Double),
        (ValueKind.Decimal, ValueKind.Decimal) when a.DecimalScale == b.DecimalScale =>
            FromUnits((Int128)a.DecimalUnits + b.DecimalUnits, a.DecimalScale),
        (ValueKind.DateTime, ValueKind.Duration) or (ValueKind.Duration, ValueKind.DateTime) => FromInstant((Int128)a.Ticks + b.Ticks),
        (ValueKind.Duration, ValueKind.Duration) => FromDuration((Int128)a.Ticks + b.Ticks),
        (ValueKind.String or ValueKind.Bytes or ValueKind.List, _) => Concat(a, b),
        _ => Value.Null,
    };

    static Value Subtract(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.Int, ValueKind.Int) => FromInt((Int128)a.Int - b.Int),
        (ValueKind.Uint, ValueKind.Uint) => FromUint((Int128)a.Uint - b.Uint),
        (ValueKind.Double, ValueKind.Double) => Finite(a.Double - b.Double),
        (ValueKind.Decimal, ValueKind.Decimal) when a.DecimalScale == b.DecimalScale =>
            FromUnits((Int128)a.DecimalUnits - b.DecimalUnits, a.DecimalScale),
        (ValueKind.DateTime, ValueKind.Duration) => FromInstant((Int128)a.Ticks - b.Ticks),
        (ValueKind.DateTime, ValueKind.DateTime) or (ValueKind.Duration, ValueKind.Duration) => FromDuration((Int128)a.Ticks - b.Ticks),
        _ => Value.Null,
    };

    static Value Multiply(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.Int, ValueKind.Int) => FromInt((Int128)a.Int * b.Int),
        (ValueKind.Uint, ValueKind.Uint) =>
            (UInt128)a.Uint * b.Uint is var product && product <= ulong.MaxValue ? Value.From((ulong)product) : Value.Null,
        (ValueKind.Double, ValueKind.Double) => Finite(a.Double * b.Double),
        (ValueKind.Decimal, ValueKind.Decimal) => FromUnits((Int128)a.DecimalUnits * b.DecimalUnits, a.DecimalScale + b.DecimalScale),
        _ => Value.Null,
    };

    static Value Divide(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.Int, ValueKind.Int) => b.Int == 0 ? Value.Null : FromInt((Int128)a.Int / b.Int),
        (ValueKind.Uint, ValueKind.Uint) => b.Uint == 0 ? Value.Null : Value.From(a.Uint / b.Uint),
        (ValueKind.Double, ValueKind.Double) => Finite(a.Double / b.Double),
        _ => Value.Null,
    };

    /// <summary>The smallest int modulo -1 overflows, as its quotient does.</summary>
    static Value Modulo(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.Int, ValueKind.Int) => b.Int == 0 || (b.Int == -1 && a.Int == long.MinValue) ? Value.Null : Value.From(a.Int % b.Int),
        (ValueKind.Uint, ValueKind.Uint) => b.Uint == 0 ? Value.Null : Value.From(a.Uint % b.Uint),
        _ => Value.Null,
    };

    static Value Concat(in Value a, in Value b) => (a.Kind, b.Kind) switch
    {
        (ValueKind.String, ValueKind.String) => Value.From(a.String + b.String),
        (ValueKind.Bytes, ValueKind.Bytes) => Value.FromBytes([.. a.Bytes, .. b.Bytes]),
        (ValueKind.List, ValueKind.List) => Value.FromList([.. a.List, .. b.List]),
        _ => Value.Null,
    };

    static Value Size(in Value a) => a.Kind switch
    {
        ValueKind.String => Value.From((long)TextOperations.CodePoints(a.String)),
        ValueKind.Bytes => Value.From((long)a.Bytes.Length),
        ValueKind.List => Value.From((long)a.List.Length),
        ValueKind.Map => Value.From((long)a.Map.Count),
        _ => Value.Null,
    };

    /// <summary>"UTC", "Z" or a fixed offset such as "+02:00" or "-05:30".</summary>
    public static bool TryOffset(string zone, out long microseconds)
    {
        microseconds = 0;
        if (zone is "UTC" or "Z" or "") return zone.Length > 0;
        bool isSigned = zone[0] is '+' or '-';
        ReadOnlySpan<char> text = isSigned ? zone.AsSpan(1) : zone;
        if (text.Length != 5 || text[2] != ':' || !Calendar.TryDigits(text[..2], out int hours)
            || !Calendar.TryDigits(text[3..], out int minutes)) return false;
        microseconds = (hours * 60L + minutes) * 60 * Calendar.MicrosecondsPerSecond * (zone[0] == '-' ? -1 : 1);
        return hours < 24 && minutes < 60;
    }
}
