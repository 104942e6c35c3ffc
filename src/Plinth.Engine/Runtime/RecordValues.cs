using System.Text.Json;
using Plinth.Log;
using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>
/// A record's values read back from its answer: what was not answered is null, so only rules that do not ask for it may be held
/// against them.
/// </summary>
static class RecordValues
{
    /// <param name="model">Of the record.</param>
    /// <param name="json">Its answer.</param>
    /// <param name="wanted">Fields to read; others stay null.</param>
    public static Value[] Read(Model model, byte[] json, FieldSet wanted)
    {
        Value[] values = new Value[model.Fields.Length];
        Utf8JsonReader reader = new(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            Field? field = null;
            foreach (Field candidate in model.Fields)
            {
                if (!reader.ValueTextEquals(candidate.Name)) continue;
                field = candidate;
                break;
            }
            reader.Read();
            if (field is not null && !wanted.Has(field.Ordinal))
            {
                reader.Skip();
                continue;
            }
            if (field is null || !FieldJson.TryRead(ref reader, json, field, out values[field.Ordinal]))
            {
                throw new InvalidOperationException($"an answer of ours about {model.Name} does not read back");
            }
        }
        return values;
    }
}
