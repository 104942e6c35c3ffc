using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>The JSON form of stored values, the same as reads answer with.</summary>
static class WireJson
{
    public static void Write(ByteOutput output, Field field, in Value value)
    {
        if (value.IsNull) JsonText.WriteNull(output);
        else if (value.Kind == ValueKind.Json) output.Write(value.Json);
        else Write(output, field.Type, value);
    }

    /// <summary>A value of a type that is not stored as JSON, or an item of a list of such.</summary>
    public static void Write(ByteOutput output, FieldType type, in Value value)
    {
        switch (type)
        {
            case EnumFieldType: JsonText.WriteString(output, value.String); break;
            case ScalarFieldType { Scalar: var scalar }: scalar.WriteJson(output, value); break;
            default: throw new InvalidOperationException($"a value of {type.Name} is stored as JSON");
        }
    }

    /// <summary>A list of scalars or words as the JSON value that is stored.</summary>
    public static Value List(FieldType type, ReadOnlySpan<Value> items)
    {
        using ByteOutput output = new();
        output.Write((byte)'[');
        for (int i = 0; i < items.Length; i++)
        {
            if (i > 0) output.Write((byte)',');
            if (items[i].Kind == ValueKind.Json) output.Write(items[i].Json);
            else Write(output, type, items[i]);
        }
        output.Write((byte)']');
        return Value.FromJson(output.ToArray());
    }
}
