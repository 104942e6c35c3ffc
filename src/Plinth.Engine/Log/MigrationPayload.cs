using System.Text.Json;
using Plinth.Evolution;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// Payloads of events of whole models: <c>{"set":{…}}</c> gives every record a value;
/// <c>{"model":"Old","renamed":{"old":"new"},"dropped":["gone"]}</c> tells what became of names, and
/// <c>{"upcast":{"from":1,"to":2,"fields":["stage"]}}</c> that values are of another form from here on.
/// </summary>
static class MigrationPayload
{
    static readonly Dictionary<string, string?> s_noFields = [];

    public static byte[] Values(IReadOnlyList<(Field Field, Value Value)> values)
    {
        using ByteOutput output = new();
        output.Write("{\"set\":{"u8);
        for (int i = 0; i < values.Count; i++)
        {
            if (i > 0) output.Write((byte)',');
            JsonText.WriteName(output, values[i].Field.Name);
            WireJson.Write(output, values[i].Field, values[i].Value);
        }

        output.Write("}}"u8);
        return output.ToArray();
    }

    public static byte[] Names(RecordNames names)
    {
        using ByteOutput output = new();
        output.Write((byte)'{');
        if (names.RenamedFrom is { } old)
        {
            JsonText.WriteName(output, "model");
            JsonText.WriteString(output, old);
            output.Write((byte)',');
        }

        output.Write("\"renamed\":{"u8);
        for (int i = 0; i < names.Renamed.Length; i++)
        {
            if (i > 0) output.Write((byte)',');
            JsonText.WriteName(output, names.Renamed[i].From);
            JsonText.WriteString(output, names.Renamed[i].To);
        }

        output.Write("},\"dropped\":["u8);
        for (int i = 0; i < names.Dropped.Length; i++)
        {
            if (i > 0) output.Write((byte)',');
            JsonText.WriteString(output, names.Dropped[i]);
        }

        output.Write("]}"u8);
        return output.ToArray();
    }

    public static byte[] Version(RecordVersion version)
    {
        using ByteOutput output = new();
        output.Write("{\"upcast\":{\"from\":"u8);
        JsonText.WriteInt(output, version.From);
        output.Write(",\"to\":"u8);
        JsonText.WriteInt(output, version.To);
        output.Write(",\"fields\":["u8);
        for (int i = 0; i < version.Fields.Length; i++)
        {
            if (i > 0) output.Write((byte)',');
            JsonText.WriteString(output, version.Fields[i]);
        }

        output.Write("]}}"u8);
        return output.ToArray();
    }

    /// <summary>Reads what became of names, or of the form of values; null when the payload gives values instead.</summary>
    public static NameChange? ReadNames(LogEvent migrated)
    {
        using JsonDocument document = JsonDocument.Parse(migrated.Data);
        JsonElement root = document.RootElement;
        if (root.TryGetProperty("upcast", out JsonElement upcast))
        {
            return new NameChange(migrated.Position, migrated.Model, null, s_noFields)
                { ValuesOf = upcast.GetProperty("from").GetInt32() };
        }

        if (!root.TryGetProperty("renamed", out JsonElement renamed)) return null;
        string? oldModel = root.TryGetProperty("model", out JsonElement model) ? model.GetString() : null;
        Dictionary<string, string?> fields = new(StringComparer.Ordinal);
        foreach (JsonProperty field in renamed.EnumerateObject()) fields.Add(field.Name, field.Value.GetString());
        // We wrote strings.
        foreach (JsonElement field in root.GetProperty("dropped").EnumerateArray()) fields.Add(field.GetString()!, null);
        return new NameChange(migrated.Position, migrated.Model, oldModel, fields);
    }
}

/// <param name="Position">From here on the new names are used.</param>
/// <param name="Model">The model's name from here on.</param>
/// <param name="OldModel">Its name before, where that changed.</param>
/// <param name="Fields">Old names of fields to new ones; null for those that are gone.</param>
sealed record NameChange(long Position, string Model, string? OldModel, IReadOnlyDictionary<string, string?> Fields)
{
    /// <summary>Where it is not names that change, but the form of values: the version of the schema that older ones are of.</summary>
    public int? ValuesOf { get; init; }
}
