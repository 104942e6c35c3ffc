using System.Collections.Immutable;
using System.Text.Json;
using Plinth.Text;

namespace Plinth.Language.Importing;

enum JsonDefinitionKind
{
    Model,
    Type,
    Enum,
    Union,

    /// <summary>Something without a block of its own: a string with a format, a list …</summary>
    Alias,
}

/// <summary>A property, with whether it must be there.</summary>
sealed record JsonMember(string Name, JsonElement Schema, bool IsRequired, string Path);

/// <summary>A list of a model that refers to nothing: the model gets the relation back.</summary>
sealed record JsonBackReference(JsonDefinition From, string Pair, string Path);

sealed class JsonDefinition(string pointer, JsonElement schema)
{
    /// <summary><c>#/components/schemas/Post</c></summary>
    public string Path { get; } = pointer;

    public JsonElement Schema { get; } = schema;

    public string Name { get; set; } = "";

    public JsonDefinitionKind Kind { get; set; }

    /// <summary>Of what <c>allOf</c> joins too.</summary>
    public ImmutableArray<JsonMember> Properties { get; set; } = [];

    public ImmutableArray<string> Words { get; set; } = [];

    public ImmutableArray<JsonDefinition> Variants { get; set; } = [];

    public List<JsonBackReference> Back { get; } = [];


    public string? Doc => Text(Schema, "description") ?? Text(Schema, "title");

    public static string? Text(JsonElement schema, string name) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out JsonElement value)
            && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <summary>What a document declares, by pointer, and what kind of block each becomes.</summary>
sealed class JsonDefinitions
{
    const int AllOfDepthMax = 20, PropertiesMax = 2000, JoinsMax = 100_000;

    readonly Dictionary<string, JsonDefinition> _byPath = new(StringComparer.Ordinal);
    readonly List<JsonDefinition> _all = [];
    readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    readonly ImportedSchema _schema;
    int _joins;

    JsonDefinitions(ImportedSchema schema) => _schema = schema;

    public IReadOnlyList<JsonDefinition> All => _all;

    public JsonDefinition? Find(string reference) => _byPath.GetValueOrDefault(reference);

    public static JsonDefinitions Find(JsonElement root, ImportedSchema schema, Limits limits)
    {
        JsonDefinitions found = new(schema);
        if (root.ValueKind != JsonValueKind.Object) return found;
        found.Collect(root, "#/components/schemas", "components", "schemas");
        found.Collect(root, "#/$defs", "$defs");
        found.Collect(root, "#/definitions", "definitions");
        if (root.TryGetProperty("properties", out _)) found.Add("#", JsonDefinition.Text(root, "title") ?? "Root", root);
        if (found._all.Count > limits.SchemaBlocks) return found;
        foreach (JsonDefinition definition in found._all) found.Classify(definition);
        if (found._all.TrueForAll(d => d.Kind != JsonDefinitionKind.Model)) found.Promote();
        foreach (JsonDefinition definition in found._all) found.Unite(definition);
        return found;
    }

    void Collect(JsonElement root, string pointer, params ReadOnlySpan<string> path)
    {
        foreach (string step in path)
        {
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(step, out root)) return;
        }
        if (root.ValueKind != JsonValueKind.Object) return;
        foreach (JsonProperty property in root.EnumerateObject())
            Add($"{pointer}/{property.Name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}",
                property.Name, property.Value);
    }

    void Add(string pointer, string name, JsonElement schema)
    {
        JsonDefinition definition = new(pointer, schema);
        if (!_byPath.TryAdd(pointer, definition)) return;
        definition.Name = ImportedNames.Block(name.Length == 0 ? "Unnamed" : char.ToUpperInvariant(name[0]) + name[1..], _taken);
        if (!string.Equals(definition.Name, name, StringComparison.Ordinal)) _schema.Note(pointer, $"called {definition.Name}");
        _all.Add(definition);
    }

    /// <summary>A block for an object that is written inside of another.</summary>
    public JsonDefinition Inline(string wished, JsonElement schema, string path)
    {
        JsonDefinition inline = new(path, schema)
        {
            Kind = JsonDefinitionKind.Type, Name = ImportedNames.Block(wished, _taken),
            Properties = [.. Properties(schema, path, 0, [])],
        };
        _all.Add(inline);
        return inline;
    }

    public string NameFor(string wished) => ImportedNames.Block(wished, _taken);

    void Classify(JsonDefinition definition)
    {
        JsonElement schema = definition.Schema;
        definition.Words = WordsOf(schema);
        definition.Properties = [.. Properties(schema, definition.Path, 0, [])];
        bool isObject = schema.ValueKind == JsonValueKind.Object && (!definition.Properties.IsEmpty
            || (JsonDefinition.Text(schema, "type") == "object" && schema.TryGetProperty("properties", out _)));
        definition.Kind = !definition.Words.IsEmpty ? JsonDefinitionKind.Enum
            : !isObject ? JsonDefinitionKind.Alias
            : definition.Properties.Any(p => p.Name == "id") ? JsonDefinitionKind.Model
            : JsonDefinitionKind.Type;
        if (!definition.Properties.IsEmpty && schema.TryGetProperty("oneOf", out _))
            _schema.Note(definition.Path, "oneOf beside properties is not carried");
    }

    /// <summary>Nothing has an id: what nothing else refers to is what records are made of.</summary>
    void Promote()
    {
        string everything = string.Concat(_all.Select(d => d.Schema.GetRawText()));
        foreach (JsonDefinition definition in _all.Where(d => d.Kind == JsonDefinitionKind.Type))
        {
            bool isUsed = everything.Contains($"\"{definition.Path}\"", StringComparison.Ordinal);
            if (!isUsed) definition.Kind = JsonDefinitionKind.Model;
        }
    }

    /// <summary><c>oneOf</c> of value types without a member <c>type</c> is a union.</summary>
    void Unite(JsonDefinition definition)
    {
        if (definition.Kind != JsonDefinitionKind.Alias || definition.Schema.ValueKind != JsonValueKind.Object) return;
        foreach (string word in (ReadOnlySpan<string>)["oneOf", "anyOf"])
        {
            if (!definition.Schema.TryGetProperty(word, out JsonElement parts) || parts.ValueKind != JsonValueKind.Array) continue;
            JsonDefinition?[] variants = [.. parts.EnumerateArray().Select(p => JsonDefinition.Text(p, "$ref") is { } r ? Find(r) : null)];
            bool isUnion = variants.Length > 0 && variants.All(v => v is { Kind: JsonDefinitionKind.Type }
                && v.Properties.All(p => p.Name != "type")) && variants.Distinct().Count() == variants.Length;
            if (!isUnion) continue;
            definition.Kind = JsonDefinitionKind.Union;
            definition.Variants = [.. variants.OfType<JsonDefinition>()];
            _schema.Note(definition.Path, "a union: its values say their variant in 'type'");
            return;
        }
    }

    /// <summary>Words of an enum that can be one here; empty when some cannot.</summary>
    public static ImmutableArray<string> WordsOf(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("enum", out JsonElement values)
            || values.ValueKind != JsonValueKind.Array) return [];
        var words = ImmutableArray.CreateBuilder<string>();
        foreach (JsonElement value in values.EnumerateArray())
        {
            if (value.ValueKind == JsonValueKind.Null) continue;
            if (value.ValueKind != JsonValueKind.String || !ImportedNames.IsWord(value.GetString()!)) return [];
            if (!words.Contains(value.GetString()!)) words.Add(value.GetString()!);
        }
        return words.ToImmutable();
    }

    /// <summary>Properties of an object and of what <c>allOf</c> joins to it, each name once: the later one counts.</summary>
    public IEnumerable<JsonMember> Properties(JsonElement schema, string path, int depth, HashSet<string> seen)
    {
        Dictionary<string, JsonMember> members = new(StringComparer.Ordinal);
        List<string> order = [];
        HashSet<string> required = new(StringComparer.Ordinal);
        Join(schema, path, depth, seen, members, order, required);
        foreach (string name in order.Take(PropertiesMax)) yield return members[name] with { IsRequired = required.Contains(name) };
        if (order.Count > PropertiesMax) _schema.Note(path, $"left out: properties beyond the first {PropertiesMax}");
    }

    void Join(JsonElement schema, string path, int depth, HashSet<string> seen, Dictionary<string, JsonMember> members, List<string> order,
        HashSet<string> required)
    {
        if (schema.ValueKind != JsonValueKind.Object) return;
        // Definitions that join each other many times over are more than anyone wrote by hand.
        if (depth > AllOfDepthMax || ++_joins > JoinsMax)
        {
            _schema.Note("#", $"left out: allOf deeper than {AllOfDepthMax} levels or more than {JoinsMax} in all");
            return;
        }
        if (depth > 0 && JsonDefinition.Text(schema, "$ref") is { } reference)
        {
            if (!seen.Add(reference)) _schema.Note(path, $"allOf joins {reference} to itself");
            else if (Find(reference) is { } joined) Join(joined.Schema, joined.Path, depth + 1, seen, members, order, required);
            else _schema.Note(path, Unfollowed(reference));
            seen.Remove(reference);
        }
        if (schema.TryGetProperty("allOf", out JsonElement parts) && parts.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement part in parts.EnumerateArray()) Join(part, path, depth + 1, seen, members, order, required);
        }
        if (schema.TryGetProperty("required", out JsonElement names) && names.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement name in names.EnumerateArray())
            {
                if (name.ValueKind == JsonValueKind.String) required.Add(name.GetString()!);
            }
        }
        if (!schema.TryGetProperty("properties", out JsonElement properties) || properties.ValueKind != JsonValueKind.Object) return;
        foreach (JsonProperty property in properties.EnumerateObject())
        {
            if (!members.ContainsKey(property.Name)) order.Add(property.Name);
            members[property.Name] = new JsonMember(property.Name, property.Value, false, $"{path}/properties/{property.Name}");
        }
    }

    public static string Unfollowed(string reference) => reference.StartsWith('#')
        ? $"{reference} is not in the document" : $"{reference} is outside of the document, and is not fetched";
}
