using System.Globalization;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Writes <c>{"groups":[{"stage":"won","count":3,"sum":{"amount":"12.00"}}]}</c>. Sums of whole numbers and decimals are exact, and
/// one that leaves 64 bits is a fault; the average of decimals has four digits more than the field, halves to even; that of other
/// numbers is a Float. Of no values count is 0 and all others are null.
/// </summary>
sealed class AggregateWriter(AggregateShape shape, Limits limits)
{
    const int AverageDigits = 4;

    static readonly (AggregateFunction Function, string Name)[] s_functions =
    [
        (AggregateFunction.Sum, "sum"),
        (AggregateFunction.Average, "avg"),
        (AggregateFunction.Min, "min"),
        (AggregateFunction.Max, "max"),
    ];

    /// <param name="rows">The statement, bound; it is disposed.</param>
    /// <param name="output">Receives the document.</param>
    public Fault? Write(Statement rows, ByteOutput output)
    {
        using Statement row = rows;
        output.Write("{\"groups\":["u8);
        int groups = 0;
        while (row.Step())
        {
            if (groups == limits.Groups)
            {
                return Faults.TooManyRows.Says($"there are more than {limits.Groups} groups (limits.groups): narrow the filter");
            }
            if (groups++ > 0) output.Write((byte)',');
            if (WriteGroup(row, output) is { } fault) return fault;
        }
        output.Write("]}"u8);
        return null;
    }

    Fault? WriteGroup(Statement row, ByteOutput output)
    {
        output.Write((byte)'{');
        int column = 0;
        int start = output.Length;
        foreach (Field field in shape.GroupBy)
        {
            Name(output, field.Name, start);
            WireJson.Write(output, field, row.ColumnValue(column++, field.StoredKind, field.Scale));
        }
        if (shape.Count)
        {
            Name(output, "count", start);
            JsonText.WriteInt(output, row.ColumnInt64(column++));
        }
        int first = column;
        foreach (var (function, name) in s_functions)
        {
            if (!shape.Columns.Any(c => c.Function == function)) continue;
            Name(output, name, start);
            output.Write((byte)'{');
            int open = output.Length;
            column = first;
            foreach (AggregateColumn asked in shape.Columns)
            {
                if (asked.Function == function)
                {
                    Name(output, asked.Field.Name, open);
                    if (WriteValue(row, column, asked, output) is { } fault) return fault;
                }
                column += Width(asked);
            }
            output.Write((byte)'}');
        }
        output.Write((byte)'}');
        return null;
    }

    /// <summary>Columns that an aggregate takes: an exact sum comes in two halves, an average also brings its count.</summary>
    static int Width(AggregateColumn column) => column.Function switch
    {
        AggregateFunction.Sum => IsExact(column.Field) ? 2 : 1,
        AggregateFunction.Average => IsExact(column.Field) ? 3 : 2,
        _ => 1,
    };

    static bool IsExact(Field field) => field.StoredKind is ValueKind.Int or ValueKind.Decimal;

    static Fault? WriteValue(Statement row, int column, AggregateColumn asked, ByteOutput output)
    {
        Field field = asked.Field;
        if (row.IsNull(column))
        {
            JsonText.WriteNull(output);
            return null;
        }
        if (asked.Function is AggregateFunction.Min or AggregateFunction.Max)
        {
            WireJson.Write(output, field, row.ColumnValue(column, field.StoredKind, field.Scale));
            return null;
        }
        if (!IsExact(field)) return WriteDouble(row, column, asked, output);
        Int128 total = ((Int128)row.ColumnInt64(column) << 32) + row.ColumnInt64(column + 1);
        if (asked.Function == AggregateFunction.Average) WriteAverage(total, row.ColumnInt64(column + 2), field, output);
        else if (total < long.MinValue || total > long.MaxValue) return Overflow(field);
        else if (field.StoredKind == ValueKind.Decimal) CellWriter.WriteDecimal(output, (long)total, field.Scale);
        else if (field.Type is ScalarFieldType { Scalar: BigIntType }) JsonText.WriteIntString(output, (long)total);
        else JsonText.WriteInt(output, (long)total);
        return null;
    }

    static Fault? WriteDouble(Statement row, int column, AggregateColumn asked, ByteOutput output)
    {
        double sum = row.ColumnDouble(column);
        if (asked.Function == AggregateFunction.Average) sum /= row.ColumnInt64(column + 1);
        if (!double.IsFinite(sum)) return Overflow(asked.Field);
        JsonText.WriteDouble(output, sum);
        return null;
    }

    static void WriteAverage(Int128 total, long count, Field field, ByteOutput output)
    {
        if (field.StoredKind != ValueKind.Decimal)
        {
            JsonText.WriteDouble(output, (double)total / count);
            return;
        }
        Int128 scaled = total * DecimalType.PowerOfTen(AverageDigits);
        var (units, rest) = Int128.DivRem(scaled, count);
        Int128 twice = Int128.Abs(rest) * 2;
        if (twice > count || (twice == count && !Int128.IsEvenInteger(units))) units += Int128.Sign(scaled);
        WriteUnits(units, field.Scale + AverageDigits, output);
    }

    /// <summary>Like a Decimal on the wire, with more digits than a field may have.</summary>
    static void WriteUnits(Int128 units, int scale, ByteOutput output)
    {
        string digits = Int128.Abs(units).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        JsonText.WriteString(output, (units < 0 ? "-" : "") + digits[..^scale] + "." + digits[^scale..]);
    }

    static Fault Overflow(Field field) => Faults.LimitExceeded.Says($"the sum of {field.Name} is out of range: narrow the filter");

    /// <summary>The name of the next member of an object whose first starts at <paramref name="start"/>.</summary>
    static void Name(ByteOutput output, string name, int start)
    {
        if (output.Length > start) output.Write((byte)',');
        JsonText.WriteName(output, name);
    }
}
