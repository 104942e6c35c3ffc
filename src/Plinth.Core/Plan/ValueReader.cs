using System.Text.Json;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// Reads one field's value from JSON. Scalars come back as they are read (deciding normalises and checks them); lists, embedded values
/// and unions come back whole, completed and checked, as the canonical bytes that are stored and sent.
/// </summary>
sealed class ValueReader(RecordShapes shapes, Moment moment, Problems problems)
{
    public Moment Moment => moment;

    public Problems Problems => problems;

    /// <summary>The body is the product's own: it may name what no caller writes.</summary>
    public bool AsServer { get; init; }

    /// <summary>An object in a patch is the whole value, not what is merged into it.</summary>
    public bool ReplacesValues { get; init; }

    /// <summary>Reads the value the reader stands on (not null), and leaves the reader on its last token.</summary>
    /// <returns>False when it is no value of the field; the problem is then noted at the current place.</returns>
    public bool TryRead(ref Utf8JsonReader json, FieldShape field, out Value value)
    {
        if (field.Field.IsList) return TryReadList(ref json, field, out value);
        if (field.Field.Type is EmbeddedFieldType or UnionFieldType)
        {
            using ByteOutput output = new();
            bool read = TryWriteObject(ref json, field.Field.Type, output);
            value = read ? Value.FromJson(output.ToArray()) : default;
            return read;
        }
        return TryReadScalar(ref json, field.Field.Type, out value);
    }

    bool TryReadScalar(ref Utf8JsonReader json, FieldType type, out Value value)
    {
        if (type is EnumFieldType { Enum: var words }) return TryReadWord(ref json, words, out value);
        var scalar = ((ScalarFieldType)type).Scalar;
        if (json.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            if (scalar.TryRead(ref json, out value)) return true;
        }
        else
        {
            Utf8JsonReader start = json;
            if (scalar.Kind == ValueKind.Json && scalar.TryRead(ref json, out value)) return true;
            json = start;
            json.Skip();
        }
        value = default;
        problems.Add("type", "expected " + scalar.Expected);
        return false;
    }

    bool TryReadWord(ref Utf8JsonReader json, EnumType type, out Value value)
    {
        value = default;
        if (Schema.Types.JsonStrings.TryRead(ref json, out string text))
        {
            foreach (string word in type.Values)
            {
                if (!string.Equals(word, text, StringComparison.Ordinal)) continue;
                value = Value.From(word);
                return true;
            }
        }
        json.Skip();
        problems.Add("type", "expected one of " + string.Join(", ", type.Values));
        return false;
    }

    bool TryReadList(ref Utf8JsonReader json, FieldShape field, out Value value)
    {
        value = default;
        if (json.TokenType != JsonTokenType.StartArray) return Mismatch(ref json, "expected an array");
        int before = problems.Count, count = 0;
        using ByteOutput output = new();
        output.Write((byte)'[');
        while (JsonNames.NextItem(ref json))
        {
            if (count > 0) output.Write((byte)',');
            problems.Enter(count++);
            WriteItem(ref json, field, output);
            problems.Leave();
        }
        output.Write((byte)']');
        if (field.ListLength?.Problem(count, "items") is { } problem) problems.Add(field.ListLength.Code, problem);
        if (problems.Count > before) return false;
        value = Value.FromJson(output.ToArray());
        return true;
    }

    void WriteItem(ref Utf8JsonReader json, FieldShape field, ByteOutput output)
    {
        FieldType type = field.Field.Type;
        if (json.TokenType == JsonTokenType.Null)
        {
            problems.Add("type", "an item may not be null");
            return;
        }
        if (type is EmbeddedFieldType or UnionFieldType)
        {
            TryWriteObject(ref json, type, output);
            return;
        }
        if (!TryReadScalar(ref json, type, out Value item)) return;
        item = Normalising.Apply(field.Field, item);
        foreach (ValueCheck check in field.Checks)
        {
            if (check.Problem(item) is { } problem) problems.Add(check.Code, problem);
        }
        WireJson.Write(output, type, item);
    }

    bool TryWriteObject(ref Utf8JsonReader json, FieldType type, ByteOutput output)
    {
        if (json.TokenType != JsonTokenType.StartObject) return Mismatch(ref json, $"expected an object ({type.Name})");
        if (type is EmbeddedFieldType embedded) return TryWriteMembers(ref json, shapes.Type(embedded.TypeName), tag: null, output);
        UnionType union = shapes.Schema.Union(((UnionFieldType)type).UnionName);
        if (FindTag(json) is not { } tag)
        {
            problems.Add("type", "required", $"names the variant: one of {string.Join(", ", union.Variants)}");
            json.Skip();
            return false;
        }
        if (!union.Variants.Contains(tag, StringComparer.Ordinal))
        {
            problems.Add("type", "one_of", $"expected one of {string.Join(", ", union.Variants)}");
            json.Skip();
            return false;
        }
        return TryWriteMembers(ref json, shapes.Type(tag), tag, output);
    }

    /// <summary>The text of the member <c>type</c> of the object that the reader (a copy) stands on.</summary>
    static string? FindTag(Utf8JsonReader json)
    {
        while (JsonNames.NextMember(ref json))
        {
            bool isTag = JsonNames.Is(ref json, "type"u8);
            json.Read();
            if (isTag) return Schema.Types.JsonStrings.TryRead(ref json, out string text) ? text : null;
            json.Skip();
        }
        return null;
    }

    bool TryWriteMembers(ref Utf8JsonReader json, RecordShape shape, string? tag, ByteOutput output)
    {
        int before = problems.Count;
        Input input = InputReader.ReadMembers(ref json, shape, InputMode.Create, this, tag is not null);
        Deciding.Complete(shape, input, this);
        if (problems.Count > before) return false;
        output.Write((byte)'{');
        if (tag is not null)
        {
            output.Write("\"type\":"u8);
            JsonText.WriteString(output, tag);
        }
        foreach (FieldShape field in shape.Fields)
        {
            if (field.Index > 0 || tag is not null) output.Write((byte)',');
            JsonText.WriteName(output, field.Name);
            WireJson.Write(output, field.Field, input.Values[field.Index]);
        }
        output.Write((byte)'}');
        return true;
    }

    bool Mismatch(ref Utf8JsonReader json, string message)
    {
        problems.Add("type", message);
        json.Skip();
        return false;
    }
}
