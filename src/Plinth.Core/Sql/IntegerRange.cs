using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Schema.Types;

namespace Plinth.Sql;

/// <summary>
/// What can be said of a number (an int, a decimal's units, microseconds) without a row: where arithmetic provably stays within 64
/// bits, it needs no guard.
/// </summary>
readonly record struct IntegerRange(Int128 Min, Int128 Max)
{
    static readonly IntegerRange s_all = new(long.MinValue, long.MaxValue);
    static readonly IntegerRange s_small = new(int.MinValue, int.MaxValue);
    static readonly IntegerRange s_instant = new(DateTimeType.Min, DateTimeType.Max);

    /// <summary>The result fits: no overflow, and an instant stays within the calendar.</summary>
    public static bool IsSafe(CallNode call)
    {
        IntegerRange range = OfCall(call), bounds = call.Type.Kind == CelKind.Timestamp ? s_instant : s_all;
        return range.Min >= bounds.Min && range.Max <= bounds.Max;
    }

    public bool Contains(long value) => Min <= value && value <= Max;

    /// <summary>Of the value that the node has: what is out of range is null, so no more than 64 bits.</summary>
    public static IntegerRange Of(CheckedNode node)
    {
        IntegerRange range = node switch
        {
            LiteralNode { Value: { Kind: ValueKind.Int } v } => new(v.Int, v.Int),
            LiteralNode { Value: { Kind: ValueKind.Decimal } v } => new(v.DecimalUnits, v.DecimalUnits),
            LiteralNode { Value: { Kind: ValueKind.DateTime or ValueKind.Duration or ValueKind.Date or ValueKind.Time } v } =>
                new(v.Ticks, v.Ticks),
            SlotNode { IsSmall: true } => s_small,
            FieldNode { Field.Type: ScalarFieldType type } => OfField(type.Scalar),
            MemberNode { Field.Type: ScalarFieldType type } => OfField(type.Scalar),
            ConditionalNode c => Union(Of(c.Then), Of(c.Else)),
            CallNode call => OfCall(call),
            { Type.Kind: CelKind.Timestamp } => s_instant,
            _ => s_all,
        };
        IntegerRange bounds = node.Type.Kind == CelKind.Timestamp ? s_instant : s_all;
        return new(Int128.Clamp(range.Min, bounds.Min, bounds.Max), Int128.Clamp(range.Max, bounds.Min, bounds.Max));
    }

    static IntegerRange OfField(ScalarType type) => type switch
    {
        IntType => s_small,
        DecimalType d => new(-DecimalType.PowerOfTen(d.Precision), DecimalType.PowerOfTen(d.Precision)),
        DateTimeType => s_instant,
        _ => s_all,
    };

    /// <summary>Before any guard: may lie beyond 64 bits.</summary>
    static IntegerRange OfCall(CallNode call)
    {
        IntegerRange A() => Of(call.Arguments[0]);
        IntegerRange B() => Of(call.Arguments[1]);
        return call.Function switch
        {
            CelFunction.Add => new(A().Min + B().Min, A().Max + B().Max),
            CelFunction.Subtract => new(A().Min - B().Max, A().Max - B().Min),
            CelFunction.Multiply => Product(A(), B()),
            CelFunction.Negate => new(-A().Max, -A().Min),
            CelFunction.Rescale => Product(A(), Power(call)),
            CelFunction.Divide or CelFunction.Abs => Magnitude(A()),
            CelFunction.Modulo => A() is var a && a.Contains(long.MinValue) ? s_all : a,
            CelFunction.Greatest or CelFunction.Least => Union(A(), B()),
            CelFunction.Size or CelFunction.IndexOf or (>= CelFunction.GetFullYear and <= CelFunction.GetDayOfYear) => s_small,
            CelFunction.ToTimestamp => Product(A(), new(Calendar.MicrosecondsPerSecond, Calendar.MicrosecondsPerSecond)),
            _ => s_all,
        };
    }

    static IntegerRange Power(CallNode rescale)
    {
        int from = (rescale.Arguments[0].Type as DecimalCelType)?.Scale ?? 0;
        Int128 power = DecimalType.PowerOfTen(((DecimalCelType)rescale.Type).Scale - from);
        return new(power, power);
    }

    /// <summary>The smallest number divided by -1 is its magnitude, which is one too large.</summary>
    static IntegerRange Magnitude(IntegerRange a)
    {
        Int128 most = Int128.Max(Int128.Abs(a.Min), Int128.Abs(a.Max));
        return new(-most, most);
    }

    static IntegerRange Union(IntegerRange a, IntegerRange b) => new(Int128.Min(a.Min, b.Min), Int128.Max(a.Max, b.Max));

    static IntegerRange Product(IntegerRange a, IntegerRange b)
    {
        Int128 p = a.Min * b.Min, q = a.Min * b.Max, r = a.Max * b.Min, s = a.Max * b.Max;
        return new(Int128.Min(Int128.Min(p, q), Int128.Min(r, s)), Int128.Max(Int128.Max(p, q), Int128.Max(r, s)));
    }
}
