using System.Globalization;
using Plinth.Schema;
using Plinth.Schema.Types;

namespace Plinth.Projections;

/// <summary>A row of a projection and what is to become of it.</summary>
/// <param name="Row">The whole row by ordinal; of one that goes, its key at least.</param>
/// <param name="Was">It is there.</param>
/// <param name="Stays">It shall be there.</param>
readonly record struct RowChange(Value[] Row, bool Was, bool Stays);

/// <summary>The arithmetic of one row: what it was and what changes → what it is.</summary>
static class ProjectionRow
{
    /// <param name="program">Of the projection.</param>
    /// <param name="key">Of the row.</param>
    /// <param name="row">The row as it is; null where there is none.</param>
    /// <param name="delta">What changes.</param>
    /// <param name="lookUp">Finds the best value of an aggregate among the records that are there; null where none holds one.</param>
    /// <exception cref="InvalidDataException">What is kept and what changes do not fit, or a sum has no room in its field.</exception>
    public static RowChange Of(
        ProjectionProgram program, in GroupKey key, Value[]? row, GroupDelta delta, Func<KeptAggregate, GroupKey, Value> lookUp)
    {
        Value[] next = new Value[program.Model.Fields.Length];
        for (int i = 0; i < key.Values.Length; i++) next[program.Model.StoredKey[i].Ordinal] = key.Values[i];
        long records = (row is null ? 0 : row[program.Records].Int) + delta.Records;
        if (records < 0) throw Unfit(program, key, "holds less than is taken away");
        if (records == 0) return new RowChange(next, row is not null, Stays: false);
        next[program.Records] = Value.From(records);
        for (int i = 0; i < program.Aggregates.Length; i++) Set(program, i, key, row, next, delta, lookUp);
        return new RowChange(next, row is not null, Stays: true);
    }

    static void Set(
        ProjectionProgram program, int index, in GroupKey key, Value[]? row, Value[] next, GroupDelta delta,
        Func<KeptAggregate, GroupKey, Value> lookUp)
    {
        KeptAggregate aggregate = program.Aggregates[index];
        ref readonly GroupDelta.Kept kept = ref delta.Of(index);
        int at = aggregate.Field.Ordinal;
        if (aggregate.Input < 0)
        {
            next[at] = Fitting(program, key, aggregate.Field, next[program.Records].Int);
            return;
        }
        if (aggregate.IsExtreme)
        {
            Value was = row is null ? Value.Null : row[at];
            // A value that came and is no worse than what there was is the best whatever went; else what went may have been the best.
            if (!kept.Came.IsNull && !aggregate.IsBetter(was, kept.Came)) next[at] = kept.Came;
            else if (!kept.Went.IsNull && !aggregate.IsBetter(was, kept.Went)) next[at] = lookUp(aggregate, key);
            else next[at] = was;
            return;
        }
        long count = (row is null ? 0 : row[aggregate.Count].Int) + kept.Count;
        if (count < 0) throw Unfit(program, key, $"counts fewer values of {aggregate.Field.Name} than are taken away");
        next[aggregate.Count] = aggregate.Function == ProjectedFunction.Count
            ? Fitting(program, key, aggregate.Field, count) : Value.From(count);
        if (aggregate.Function == ProjectedFunction.Count) return;
        Int128 sum = kept.Sum + (row is null || row[aggregate.Sum].IsNull ? 0 : Units(row[aggregate.Sum]));
        Field holds = program.Model.Fields[aggregate.Sum];
        bool isEmpty = count == 0;
        next[aggregate.Sum] = isEmpty && holds.IsNullable ? Value.Null : Fitting(program, key, holds, sum);
        if (aggregate.Function == ProjectedFunction.Average)
            next[at] = isEmpty ? Value.Null : Average(program, key, aggregate.Field, sum, count, holds.StoredKind == ValueKind.Decimal);
    }

    static Int128 Units(in Value value) => value.Kind == ValueKind.Decimal ? value.DecimalUnits : value.Int;

    static Value Average(ProjectionProgram program, in GroupKey key, Field field, Int128 sum, long count, bool isDecimal)
    {
        if (!isDecimal) return Value.From((double)sum / count);
        Int128 scaled = sum * DecimalType.PowerOfTen(Projection.AverageDigits);
        var (units, rest) = Int128.DivRem(scaled, count);
        Int128 twice = Int128.Abs(rest) * 2;
        if (twice > count || (twice == count && !Int128.IsEvenInteger(units))) units += Int128.Sign(scaled);
        return Fitting(program, key, field, units);
    }

    static Value Fitting(ProjectionProgram program, in GroupKey key, Field field, Int128 units)
    {
        bool fits = field.Type is ScalarFieldType { Scalar: var scalar } && scalar switch
        {
            IntType => units >= int.MinValue && units <= int.MaxValue,
            BigIntType => units >= long.MinValue && units <= long.MaxValue,
            DecimalType { Precision: var digits } => Int128.Abs(units) < DecimalType.PowerOfTen(digits),
            _ => false,
        };
        if (!fits) throw Unfit(program, key, $"has no room for {units.ToString(CultureInfo.InvariantCulture)} in {field.Name}");
        return field.StoredKind == ValueKind.Decimal ? Value.FromDecimal((long)units, field.Scale) : Value.From((long)units);
    }

    /// <summary>Which row it is tells an operator of records, not of what they hold: keys are no secrets.</summary>
    static InvalidDataException Unfit(ProjectionProgram program, in GroupKey key, string what) =>
        new($"{program.Model.Name} {string.Join(',', key.Values.Select(v => v.ToString()))} {what}");
}
