using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Writes one field of a row, name and value, straight from the column's bytes into the answer: no string, no box. One per field of a
/// plan, its name encoded once.
/// </summary>
abstract class CellWriter
{
    readonly byte[] _prefix;

    protected CellWriter(Field field) => _prefix = NamePrefix(field.Name);

    /// <summary><c>,"name":</c></summary>
    public static byte[] NamePrefix(string name)
    {
        using ByteOutput prefix = new(64);
        prefix.Write((byte)',');
        JsonText.WriteName(prefix, name);
        return prefix.ToArray();
    }

    public static CellWriter Of(Field field)
    {
        if (field.IsJsonStored) return new JsonCell(field);
        return field.Type switch
        {
            EnumFieldType => new WordCell(field),
            ScalarFieldType { Scalar: DecimalType } => new DecimalCell(field),
            ScalarFieldType { Scalar: BigIntType } => new BigIntCell(field),
            ScalarFieldType { Scalar.Kind: var kind } => kind switch
            {
                ValueKind.Uuid => new UuidCell(field),
                ValueKind.DateTime => new DateTimeCell(field),
                ValueKind.Int => new IntCell(field),
                ValueKind.Boolean => new BooleanCell(field),
                ValueKind.Double => new DoubleCell(field),
                ValueKind.String => new TextCell(field),
                _ => new ValueCell(field),
            },
            _ => throw new InvalidOperationException($"no cell for {field.Type.Name}"),
        };
    }

    /// <summary>The first cell of a record opens it; its prefix's comma gives way to the brace.</summary>
    public void Write(ByteOutput output, Statement row, int column, bool first)
    {
        if (first)
        {
            output.Write((byte)'{');
            output.Write(_prefix.AsSpan(1));
        }
        else
        {
            output.Write(_prefix);
        }
        WriteValue(output, row, column);
    }

    protected abstract void WriteValue(ByteOutput output, Statement row, int column);

    /// <summary>Empty bytes are null or the empty text; only then is the column's kind asked for.</summary>
    static bool IsNull(ReadOnlySpan<byte> bytes, Statement row, int column) => bytes.IsEmpty && row.IsNull(column);

    sealed class TextCell(Field field) : CellWriter(field)
    {
        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            ReadOnlySpan<byte> text = row.ColumnBytes(column);
            if (IsNull(text, row, column)) JsonText.WriteNull(output);
            else JsonText.WriteString(output, text);
        }
    }

    /// <summary>A word of an enum is an identifier: nothing in it needs escaping.</summary>
    sealed class WordCell(Field field) : CellWriter(field)
    {
        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            ReadOnlySpan<byte> word = row.ColumnBytes(column);
            if (word.IsEmpty)
            {
                JsonText.WriteNull(output);
                return;
            }
            Span<byte> to = output.GetSpan(word.Length + 2);
            to[0] = (byte)'"';
            word.CopyTo(to[1..]);
            to[word.Length + 1] = (byte)'"';
            output.Advance(word.Length + 2);
        }
    }

    /// <summary>Stored in the form of the wire: copied, not parsed.</summary>
    sealed class JsonCell(Field field) : CellWriter(field)
    {
        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            ReadOnlySpan<byte> json = row.ColumnBytes(column);
            if (json.IsEmpty) JsonText.WriteNull(output);
            else output.Write(json);
        }
    }

    sealed class UuidCell(Field field) : CellWriter(field)
    {
        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            ReadOnlySpan<byte> uuid = row.ColumnBytes(column);
            if (uuid.IsEmpty) JsonText.WriteNull(output);
            else UuidType.WriteJson(output, uuid);
        }
    }

    sealed class DateTimeCell(Field field) : CellWriter(field)
    {
        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            long at = row.ColumnInt64(column);
            if (at == 0 && row.IsNull(column)) JsonText.WriteNull(output);
            else DateTimeType.WriteJson(output, at);
        }
    }

    sealed class IntCell(Field field) : CellWriter(field)
    {
        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            long number = row.ColumnInt64(column);
            if (number == 0 && row.IsNull(column)) JsonText.WriteNull(output);
            else JsonText.WriteInt(output, number);
        }
    }

    sealed class BigIntCell(Field field) : CellWriter(field)
    {
        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            long number = row.ColumnInt64(column);
            if (number == 0 && row.IsNull(column)) JsonText.WriteNull(output);
            else JsonText.WriteIntString(output, number);
        }
    }

    sealed class BooleanCell(Field field) : CellWriter(field)
    {
        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            long bit = row.ColumnInt64(column);
            if (bit == 0 && row.IsNull(column)) JsonText.WriteNull(output);
            else JsonText.WriteBoolean(output, bit != 0);
        }
    }

    sealed class DoubleCell(Field field) : CellWriter(field)
    {
        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            double number = row.ColumnDouble(column);
            if (number == 0 && row.IsNull(column)) JsonText.WriteNull(output);
            else JsonText.WriteDouble(output, number);
        }
    }

    sealed class DecimalCell(Field field) : CellWriter(field)
    {
        readonly int _scale = field.Scale;

        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            long units = row.ColumnInt64(column);
            if (units == 0 && row.IsNull(column)) JsonText.WriteNull(output);
            else WriteDecimal(output, units, _scale);
        }
    }

    /// <summary>The types without a path of their own: through a value, which is a struct.</summary>
    sealed class ValueCell(Field field) : CellWriter(field)
    {
        readonly ScalarType _type = ((ScalarFieldType)field.Type).Scalar;

        protected override void WriteValue(ByteOutput output, Statement row, int column)
        {
            Value value = row.ColumnValue(column, _type.Kind);
            if (value.IsNull) JsonText.WriteNull(output);
            else _type.WriteJson(output, value);
        }
    }

    /// <summary>A decimal as the string that it is on every wire.</summary>
    public static void WriteDecimal(ByteOutput output, long units, int scale)
    {
        Span<byte> to = output.GetSpan(48);
        to[0] = (byte)'"';
        int length = DecimalType.Format(units, scale, to[1..]);
        to[length + 1] = (byte)'"';
        output.Advance(length + 2);
    }
}
