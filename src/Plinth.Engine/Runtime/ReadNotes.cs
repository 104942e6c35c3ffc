using System.Text.Json;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>
/// What one answer showed of models with <c>@@audit</c>: one note for each of them, whether it was asked for or included. The ids come from
/// the answer itself, since it is the answer that was read.
/// </summary>
static class ReadNotes
{
    /// <summary>Null where no model of the question is audited.</summary>
    public static List<ReadNote>? Of(ReadShape shape, ReadRequest request, Caller caller, ReadOnlyMemory<byte> answer)
    {
        if (!IsAudited(shape.Root)) return null;
        Dictionary<string, HashSet<string>> shown = new(StringComparer.Ordinal);
        using JsonDocument document = JsonDocument.Parse(answer);
        JsonElement root = document.RootElement;
        switch (shape.Kind)
        {
            case ReadKind.Get: Add(root, shape.Root, caller, shown); break;
            case ReadKind.List:
                foreach (JsonElement item in root.GetProperty("items").EnumerateArray()) Add(item, shape.Root, caller, shown);
                break;
            case ReadKind.Aggregate: shown[shape.Root.Model.Name] = []; break;
            default: throw new InvalidOperationException($"no notes of {shape.Kind}");
        }
        string kind = shape.Kind switch { ReadKind.Get => "get", ReadKind.List => "list", _ => "aggregate" };
        string? tenant = TenantOf(shape.Root.Model, caller);
        return [.. shown.OrderBy(static s => s.Key, StringComparer.Ordinal).Select(s =>
            new ReadNote(s.Key, kind, caller.Subject, tenant, request.AsOf, s.Value.Count, [.. s.Value.Order(StringComparer.Ordinal)]))];
    }

    public static bool IsAudited(LevelShape level) => level.Model.AuditsReads || level.Includes.Any(static i => IsAudited(i.Level));

    static string? TenantOf(Model model, Caller caller) =>
        model.TenantField is { Type: ScalarFieldType { Scalar: var type } } && !caller.Tenant.IsNull ? type.Format(caller.Tenant) : null;

    static void Add(JsonElement record, LevelShape level, Caller caller, Dictionary<string, HashSet<string>> shown)
    {
        if (level.Model.AuditsReads)
        {
            if (!shown.TryGetValue(level.Model.Name, out HashSet<string>? ids))
                shown.Add(level.Model.Name, ids = new HashSet<string>(StringComparer.Ordinal));
            ids.Add(IdOf(record, level.Model, caller));
        }
        foreach (IncludeShape include in level.Includes)
        {
            if (!IsAudited(include.Level) || !record.TryGetProperty(include.Relation.Name, out JsonElement led)) continue;
            if (led.ValueKind == JsonValueKind.Object) Add(led, include.Level, caller, shown);
            else if (led.ValueKind == JsonValueKind.Array)
                foreach (JsonElement one in led.EnumerateArray()) Add(one, include.Level, caller, shown);
        }
    }

    /// <summary>The record as the log names it: its key is in every answer.</summary>
    static string IdOf(JsonElement record, Model model, Caller caller)
    {
        Value[] row = new Value[model.Fields.Length];
        if (model.TenantField is { } tenant) row[tenant.Ordinal] = caller.Tenant;
        foreach (Field field in model.KeyFields)
        {
            if (!record.TryGetProperty(field.Name, out JsonElement part)) continue;
            string text = part.ValueKind == JsonValueKind.String ? part.GetString() ?? "" : part.GetRawText();
            if (field.Type is not ScalarFieldType { Scalar: var scalar }) row[field.Ordinal] = Value.From(text);
            else if (!scalar.TryParse(text, out row[field.Ordinal]))
                throw new InvalidOperationException($"{model.Name}.{field.Name} was answered in a form that is not read");
        }
        return EventWriter.RecordId(model, row);
    }
}
