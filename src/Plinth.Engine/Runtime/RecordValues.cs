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
    public static Value[] Read(Model model, byte[] json)
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
            if (field is null || !FieldJson.TryRead(ref reader, json, field, out values[field.Ordinal]))
            {
                throw new InvalidOperationException($"an answer of ours about {model.Name} does not read back");
            }
        }
        return values;
    }
}
