using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Plinth.Schema;

namespace Plinth.Log;

/// <summary>The text form of a record's key, as events carry it, read back into values.</summary>
static class RecordIds
{
    public static bool TryRead(Model model, string recordId, [NotNullWhen(true)] out Value[]? key)
    {
        key = null;
        if (recordId.Length == 0) return false;
        ImmutableArray<Field> fields = model.StoredKey;
        string[] parts = fields.Length == 1 ? [recordId] : recordId.Split(',');
        if (parts.Length != fields.Length) return false;
        Value[] values = new Value[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            string text = parts.Length == 1
                ? parts[i]
                : parts[i].Replace("%2C", ",", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);
            if (fields[i].Type is not ScalarFieldType { Scalar: var scalar }) values[i] = Value.From(text);
            else if (!scalar.TryParse(text, out values[i])) return false;
        }
        key = values;
        return true;
    }
}
