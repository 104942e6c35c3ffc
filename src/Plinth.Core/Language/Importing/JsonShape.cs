using System.Text.Json;

namespace Plinth.Language.Importing;

/// <summary>What a property holds, once references and the ways to say "or null" are looked through.</summary>
/// <param name="Schema">Of the value; of a list that of its items.</param>
/// <param name="Definition">The declared model, type, enum or union that it is.</param>
/// <param name="List">The schema of the list, when it is one.</param>
/// <param name="Problem">Why it is held as Json.</param>
sealed record JsonShape(JsonElement Schema, JsonDefinition? Definition, bool IsNullable, JsonElement? List, string? Problem)
{
    const int StepsMax = 20;

    public bool IsList => List is not null;

    /// <summary>The JSON type, or "" when it is none or several.</summary>
    public string Type { get; private init; } = "";

    public static JsonShape Of(JsonElement schema, JsonDefinitions definitions)
    {
        JsonShape shape = One(schema, definitions);
        if (shape is not { Type: "array", Definition: null, Problem: null }) return shape;
        if (!shape.Schema.TryGetProperty("items", out JsonElement items)) return shape with { Type = "", List = null };
        JsonShape item = One(items, definitions);
        return item.Type == "array" ? shape with { Type = "" }
            : item with { List = shape.Schema, IsNullable = shape.IsNullable };
    }

    static JsonShape One(JsonElement schema, JsonDefinitions definitions)
    {
        bool isNullable = false;
        for (int step = 0; step < StepsMax; step++)
        {
            if (schema.ValueKind != JsonValueKind.Object) return new JsonShape(schema, null, isNullable, null, null);
            isNullable |= IsTrue(schema, "nullable");
            if (JsonDefinition.Text(schema, "$ref") is { } reference)
            {
                if (definitions.Find(reference) is not { } found)
                    return new JsonShape(schema, null, isNullable, null, JsonDefinitions.Unfollowed(reference));
                if (found.Kind != JsonDefinitionKind.Alias) return new JsonShape(schema, found, isNullable, null, null);
                schema = found.Schema;
                continue;
            }
            if (Single(schema, "allOf") is { } only)
            {
                schema = only;
                continue;
            }
            if (Choice(schema) is { } choice)
            {
                isNullable |= choice.IsNullable;
                if (choice.Left is not { } left) return new JsonShape(schema, null, isNullable, null, "a choice between several");
                schema = left;
                continue;
            }
            var (type, orNull) = TypeOf(schema);
            return new JsonShape(schema, null, isNullable || orNull, null, null) { Type = type };
        }
        return new JsonShape(schema, null, isNullable, null, $"references lead on for more than {StepsMax} steps");
    }

    static bool IsTrue(JsonElement schema, string name) => schema.TryGetProperty(name,
        out JsonElement v) && v.ValueKind == JsonValueKind.True;

    static JsonElement? Single(JsonElement schema, string word) => !schema.TryGetProperty("properties", out _)
        && schema.TryGetProperty(word, out JsonElement parts) && parts.ValueKind == JsonValueKind.Array && parts.GetArrayLength() == 1
            ? parts[0] : null;

    /// <summary>Of <c>oneOf</c> and <c>anyOf</c>, what is left when null is taken out, if that is one.</summary>
    static (bool IsNullable, JsonElement? Left)? Choice(JsonElement schema)
    {
        foreach (string word in (ReadOnlySpan<string>)["oneOf", "anyOf"])
        {
            if (!schema.TryGetProperty(word, out JsonElement parts) || parts.ValueKind != JsonValueKind.Array) continue;
            JsonElement[] left = [.. parts.EnumerateArray().Where(p => JsonDefinition.Text(p, "type") != "null")];
            return (left.Length < parts.GetArrayLength(), left.Length == 1 ? left[0] : null);
        }
        return null;
    }

    static (string Type, bool OrNull) TypeOf(JsonElement schema)
    {
        if (!schema.TryGetProperty("type", out JsonElement type))
            return (schema.TryGetProperty("properties", out _) ? "object" : schema.TryGetProperty("items", out _) ? "array"
                : schema.TryGetProperty("enum", out _) && !JsonDefinitions.WordsOf(schema).IsEmpty ? "string" : "", false);
        if (type.ValueKind == JsonValueKind.String) return (type.GetString()!, false);
        if (type.ValueKind != JsonValueKind.Array) return ("", false);
        string[] types = [.. type.EnumerateArray().Where(t => t.ValueKind == JsonValueKind.String).Select(t => t.GetString()!)];
        string[] left = Array.FindAll(types, t => t != "null");
        return (left.Length == 1 ? left[0] : "", left.Length < types.Length);
    }
}
