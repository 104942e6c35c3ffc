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

    /// <summary>
    /// The chain of arithmetic under the node stays within its bounds at every step: 64 bits, and for an instant the calendar.
    /// </summary>
    /// <param name="node">Its root.</param>
    /// <param name="continues">Whether an operand belongs to the chain; other operands are guarded on their own.</param>
    public static bool IsSafe(CheckedNode node, Func<CheckedNode, bool> continues) => Measure(node, continues).IsSafe;

    public bool Contains(long value) => Min <= value && value <= Max;

    /// <summary>Of the value that the node has: what is out of range is null, so no more than 64 bits.</summary>
    public static IntegerRange Of(CheckedNode node) => Measure(node, static _ => false).Range;

    /// <summary>One walk: asking each operand twice would double with every level.</summary>
    static (IntegerRange Range, bool IsSafe) Measure(CheckedNode node, Func<CheckedNode, bool> continues)
    {
        IntegerRange bounds = node.Type.Kind == CelKind.Timestamp ? s_instant : s_all;
        if (node is not CallNode call) return (OfPlain(node).Within(bounds), true);
        bool isSafe = true;
        IntegerRange a = Operand(0), b = Operand(1);
        IntegerRange range = OfCall(call, a, b);
        return (range.Within(bounds), isSafe && range == range.Within(bounds));

        IntegerRange Operand(int index)
        {
            if (index >= call.Arguments.Length) return s_all;
            var (operand, isOperandSafe) = Measure(call.Arguments[index], continues);
            if (continues(call.Arguments[index])) isSafe &= isOperandSafe;
            return operand;
        }
    }

    IntegerRange Within(IntegerRange bounds) => new(Int128.Clamp(Min, bounds.Min, bounds.Max), Int128.Clamp(Max, bounds.Min, bounds.Max));

    static IntegerRange OfPlain(CheckedNode node) => node switch
    {
        LiteralNode { Value: { Kind: ValueKind.Int } v } => new(v.Int, v.Int),
        LiteralNode { Value: { Kind: ValueKind.Decimal } v } => new(v.DecimalUnits, v.DecimalUnits),
        LiteralNode { Value: { Kind: >= ValueKind.DateTime and <= ValueKind.Duration } v } => new(v.Ticks, v.Ticks),
        SlotNode { IsSmall: true } => s_small,
        FieldNode { Field.Type: ScalarFieldType type } => OfField(type.Scalar),
        MemberNode { Field.Type: ScalarFieldType type } => OfField(type.Scalar),
        ConditionalNode c => Union(Of(c.Then), Of(c.Else)),
        { Type.Kind: CelKind.Timestamp } => s_instant,
        _ => s_all,
    };

    static IntegerRange OfField(ScalarType type) => type switch
    {
        IntType => s_small,
        DecimalType d => new(-DecimalType.PowerOfTen(d.Precision), DecimalType.PowerOfTen(d.Precision)),
        DateTimeType => s_instant,
        _ => s_all,
    };

    /// <summary>Before any guard: may lie beyond 64 bits.</summary>
    static IntegerRange OfCall(CallNode call, IntegerRange a, IntegerRange b) => call.Function switch
    {
        CelFunction.Add => new(a.Min + b.Min, a.Max + b.Max),
        CelFunction.Subtract => new(a.Min - b.Max, a.Max - b.Min),
        CelFunction.Multiply => Product(a, b),
        CelFunction.Negate => new(-a.Max, -a.Min),
        CelFunction.Rescale => Product(a, Power(call)),
        CelFunction.Divide or CelFunction.Abs => Magnitude(a),
        CelFunction.Modulo => a.Contains(long.MinValue) ? s_all : a,
        CelFunction.Greatest or CelFunction.Least => Union(a, b),
        CelFunction.Size or CelFunction.IndexOf or (>= CelFunction.GetFullYear and <= CelFunction.GetDayOfYear) => s_small,
        CelFunction.ToTimestamp => Product(a, new(Calendar.MicrosecondsPerSecond, Calendar.MicrosecondsPerSecond)),
        _ => s_all,
    };

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
