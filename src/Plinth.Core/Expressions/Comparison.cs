using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>Equality and order of values: numbers exactly across kinds, text by code points, bytes and uuids bytewise.</summary>
static class Comparison
{
    /// <summary>Values of different kinds are unequal (numbers aside); a null on either side is unknown.</summary>
    public static Truth Equal(in Value a, in Value b)
    {
        if (a.Kind == b.Kind)
        {
            return a.Kind switch
            {
                ValueKind.Null => Truth.Unknown,
                ValueKind.Double => Truths.Of(a.Double == b.Double),
                ValueKind.List => Equal(a.List, b.List),
                ValueKind.Map => Equal(a.Map, b.Map),
                ValueKind.Json => Equal(JsonValues.Read(a.Json), JsonValues.Read(b.Json)),
                ValueKind.Other => Equal(a.Other, b.Other),
                _ => Truths.Of(a.Equals(b)),
            };
        }
        if (a.IsNull || b.IsNull) return Truth.Unknown;
        if (IsNumber(a.Kind) && IsNumber(b.Kind)) return Truths.Of(!IsNaN(a) && !IsNaN(b) && Numbers(a, b) == 0);
        if (a.Kind == ValueKind.Json) return Equal(JsonValues.Read(a.Json), b);
        if (b.Kind == ValueKind.Json) return Equal(a, JsonValues.Read(b.Json));
        return Truth.False;
    }

    /// <summary>Kinds that have no common order are unknown.</summary>
    /// <param name="asDoubles">
    /// A whole number beside a double is compared as one, rounded, which is how CEL orders them; else exactly, as databases do.
    /// </param>
    public static Truth Ordered(CelFunction function, in Value a, in Value b, bool asDoubles = false)
    {
        bool isMixed = asDoubles && a.Kind != b.Kind && (a.Kind == ValueKind.Double || b.Kind == ValueKind.Double);
        if (isMixed && IsNumber(a.Kind) && IsNumber(b.Kind))
            return Ordered(function, Conversions.Apply(CelFunction.ToDouble, a), Conversions.Apply(CelFunction.ToDouble, b));
        if (a.IsNull || b.IsNull || !TryCompare(a, b, out int order)) return Truth.Unknown;
        if (IsNaN(a) || IsNaN(b)) return Truth.False;
        return Truths.Of(function switch
        {
            CelFunction.Less => order < 0,
            CelFunction.LessOrEqual => order <= 0,
            CelFunction.Greater => order > 0,
            _ => order >= 0,
        });
    }

    /// <summary>The order of lists: null is smallest.</summary>
    public static int Order(in Value a, in Value b)
    {
        if (a.IsNull || b.IsNull) return b.IsNull.CompareTo(a.IsNull);
        return TryCompare(a, b, out int order) ? order : throw new InvalidOperationException($"{a.Kind} and {b.Kind} have no order");
    }

    static Truth Equal(object a, object b)
    {
        if (a is OptionalValue x && b is OptionalValue y)
            return x.HasValue && y.HasValue ? Equal(x.Value, y.Value) : Truths.Of(x.HasValue == y.HasValue);
        if (a is not MixedMap map || b is not MixedMap other) return Truths.Of(Equals(a, b));
        if (map.Entries.Length != other.Entries.Length) return Truth.False;
        RuntimeHelpers.EnsureSufficientExecutionStack();
        Value theirs = Value.FromOther(other);
        Truth all = Truth.True;
        foreach (var (key, value) in map.Entries)
        {
            if (!Maps.TryGet(theirs, key, out Value found)) return Truth.False;
            Truth item = SameElement(value, found);
            if (item == Truth.False) return item;
            if (item == Truth.Unknown) all = item;
        }
        return all;
    }

    static bool TryCompare(in Value a, in Value b, out int order)
    {
        order = 0;
        if (a.Kind != b.Kind)
        {
            if (!IsNumber(a.Kind) || !IsNumber(b.Kind)) return false;
            order = Numbers(a, b);
            return true;
        }
        switch (a.Kind)
        {
            case ValueKind.Int: order = a.Int.CompareTo(b.Int); return true;
            case ValueKind.Uint: order = a.Uint.CompareTo(b.Uint); return true;
            case ValueKind.Double: order = a.Double.CompareTo(b.Double); return true;
            case ValueKind.Decimal when a.DecimalScale == b.DecimalScale: order = a.DecimalUnits.CompareTo(b.DecimalUnits); return true;
            case ValueKind.Boolean: order = a.Boolean.CompareTo(b.Boolean); return true;
            case ValueKind.String: order = CodePoints(a.String, b.String); return true;
            case ValueKind.Bytes: order = a.Bytes.AsSpan().SequenceCompareTo(b.Bytes); return true;
            case ValueKind.Date or ValueKind.Time: order = a.Ticks.CompareTo(b.Ticks); return true;
            case ValueKind.DateTime or ValueKind.Duration:
                order = a.Ticks.CompareTo(b.Ticks);
                if (order == 0) order = a.Nanoseconds.CompareTo(b.Nanoseconds);
                return true;
            case ValueKind.Uuid: order = Uuids(a, b); return true;
            default: return false;
        }
    }

    static int Uuids(in Value a, in Value b)
    {
        Span<byte> x = stackalloc byte[16], y = stackalloc byte[16];
        a.WriteUuid(x);
        b.WriteUuid(y);
        return x.SequenceCompareTo(y);
    }

    /// <summary>Order of UTF-16 is order of code points but where a surrogate meets U+E000..U+FFFF.</summary>
    public static int CodePoints(string a, string b)
    {
        int length = Math.Min(a.Length, b.Length);
        int at = a.AsSpan(0, length).CommonPrefixLength(b.AsSpan(0, length));
        if (at == length) return a.Length.CompareTo(b.Length);
        char x = a[at], y = b[at];
        if (char.IsSurrogate(x) != char.IsSurrogate(y)) return char.IsSurrogate(x) ? 1 : -1;
        return x.CompareTo(y);
    }

    static bool IsNaN(in Value value) => value.Kind == ValueKind.Double && double.IsNaN(value.Double);

    static bool IsNumber(ValueKind kind) => kind is ValueKind.Int or ValueKind.Uint or ValueKind.Double;

    static int Numbers(in Value a, in Value b)
    {
        if (a.Kind == ValueKind.Double && b.Kind == ValueKind.Double) return a.Double.CompareTo(b.Double);
        if (a.Kind == ValueKind.Double) return -IntegerToDouble(Integer(b), a.Double);
        if (b.Kind == ValueKind.Double) return IntegerToDouble(Integer(a), b.Double);
        return Integer(a).CompareTo(Integer(b));
    }

    static Int128 Integer(in Value value) => value.Kind == ValueKind.Int ? value.Int : value.Uint;

    /// <summary>Exact: the double is never rounded to an integer, nor the integer to a double.</summary>
    static int IntegerToDouble(Int128 integer, double number)
    {
        if (number >= 18446744073709551616.0) return -1;
        if (number < -9223372036854775808.0) return 1;
        double whole = Math.Floor(number);
        int order = integer.CompareTo((Int128)whole);
        return order != 0 ? order : whole < number ? -1 : 0;
    }

    /// <summary>
    /// Lists that differ in length, or in some known element, are unequal; else an unknown element makes the whole unknown.
    /// </summary>
    static Truth Equal(ImmutableArray<Value> a, ImmutableArray<Value> b)
    {
        if (a.Length != b.Length) return Truth.False;
        RuntimeHelpers.EnsureSufficientExecutionStack();
        Truth all = Truth.True;
        for (int i = 0; i < a.Length; i++)
        {
            Truth item = SameElement(a[i], b[i]);
            if (item == Truth.False) return item;
            if (item == Truth.Unknown) all = item;
        }
        return all;
    }

    /// <summary>Inside JSON null is a value like others: two of them are equal.</summary>
    static Truth SameElement(in Value a, in Value b) => a.IsNull || b.IsNull ? Truths.Of(a.IsNull && b.IsNull) : Equal(a, b);

    static Truth Equal(ValueMap a, ValueMap b)
    {
        if (a.Count != b.Count) return Truth.False;
        RuntimeHelpers.EnsureSufficientExecutionStack();
        Truth all = Truth.True;
        foreach (ref readonly var entry in a.Entries)
        {
            if (!b.TryGet(entry.Key, out Value other)) return Truth.False;
            Truth item = SameElement(entry.Value, other);
            if (item == Truth.False) return item;
            if (item == Truth.Unknown) all = item;
        }
        return all;
    }
}
