using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>A record in memory as the JSON object that reads answer with: every field that leaves, in declaration order.</summary>
static class RecordJson
{
    /// <param name="hidden">By ordinal, what this caller may not read of this record; null when that is nothing.</param>
    public static void Write(ByteOutput output, Model model, Value[] row, bool[]? hidden = null)
    {
        output.Write((byte)'{');
        bool first = true;
        foreach (Field field in model.Fields)
        {
            if (!IsAnswered(field) || hidden?[field.Ordinal] == true) continue;
            if (!first) output.Write((byte)',');
            first = false;
            JsonText.WriteName(output, field.Name);
            WireJson.Write(output, field, row[field.Ordinal]);
        }
        output.Write((byte)'}');
    }

    /// <summary>The key's text parts, as a URL takes them before encoding.</summary>
    public static ImmutableArray<string> Key(Model model, Value[] row) =>
        [.. model.KeyFields.Select(field => Part(field, row[field.Ordinal]))];

    static string Part(Field field, in Value value) =>
        field.Type is ScalarFieldType { Scalar: var scalar } ? scalar.Format(value) : value.String;

    /// <summary>When a record was deleted is told only to who reads the trash.</summary>
    static bool IsAnswered(Field field) =>
        field.Leaves && !(field.IsImplied && string.Equals(field.Name, Model.DeletedAt, StringComparison.Ordinal));
}
