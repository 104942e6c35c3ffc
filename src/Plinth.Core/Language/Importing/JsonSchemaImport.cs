using System.Text.Json;
using Plinth.Language.Yaml;
using Plinth.Text;

namespace Plinth.Language.Importing;

/// <summary>
/// JSON Schema, or the components of an OpenAPI document → a native schema. An object with an id is a model, one without is a value type;
/// a reference to a model is a relation. References are followed inside of the document and never fetched. Two files: this one finds what
/// is declared, <c>JsonSchemaMember</c> reads properties.
/// </summary>
sealed class JsonSchemaImport
{
    readonly ImportedSchema _schema;
    readonly JsonDefinitions _definitions;

    readonly JsonPairs _pairs;

    JsonSchemaImport(JsonDefinitions definitions, ImportedSchema schema) =>
        (_definitions, _schema, _pairs) = (definitions, schema, new JsonPairs(definitions));

    /// <param name="source">JSON; for places of what is no JSON.</param>
    /// <param name="json">The document as JSON text, when the source is YAML.</param>
    public static Imported Import(SourceText source, Limits limits, string? json = null)
    {
        Findings findings = new(limits.SchemaFindings);
        string text = json ?? source.Text.TrimStart('\uFEFF');
        try
        {
            if (source.Text.Length > limits.SchemaBytes)
            {
                findings.Error(source, Codes.LimitExceeded, default,
                    $"the file is larger than {limits.SchemaBytes} bytes (limits.schemaBytes)");
                return new Imported(null, [], findings.InOrder([source]));
            }
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions
            {
                MaxDepth = limits.SchemaDepth, AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip,
            });
            return Import(document.RootElement, source, findings, limits);
        }
        catch (JsonException broken)
        {
            findings.Error(source, Codes.UnexpectedToken, PlaceOf(source, broken), "this is no JSON: " + Reason(broken));
        }
        catch (InvalidOperationException)
        {
            // A string that is no Unicode (half of a surrogate pair) is found out when it is read.
            findings.Error(source, Codes.UnexpectedCharacter, default, "a string of the document is not well-formed Unicode");
        }
        return new Imported(null, [], findings.InOrder([source]));
    }

    /// <summary>The same of a document in YAML, whose events are handed in.</summary>
    public static Imported ImportYaml(SourceText source, IEnumerable<YamlEvent> events, Limits limits)
    {
        Findings findings = new(limits.SchemaFindings);
        if (source.Text.Length > limits.SchemaBytes) return Import(source, limits);
        YamlMapping? root = YamlComposer.Compose(new YamlFile(source, findings, limits), events);
        if (root is null || findings.HasErrors) return new Imported(null, [], findings.InOrder([source]));
        return Import(source, limits, YamlDefault.Json(root));
    }

    static Imported Import(JsonElement root, SourceText source, Findings findings, Limits limits)
    {
        ImportedSchema schema = new(limits);
        JsonDefinitions definitions = JsonDefinitions.Find(root, schema, limits);
        if (definitions.All.Count == 0)
        {
            findings.Error(source, Codes.EmptyBlock, default, "the document declares no object",
                "it has components.schemas, $defs, definitions, or properties of its own");
            return new Imported(null, [], findings.InOrder([source]));
        }
        if (definitions.All.Count > limits.SchemaBlocks)
        {
            findings.Error(source, Codes.LimitExceeded, default, $"more than {limits.SchemaBlocks} schemas (limits.schemaBlocks)");
            return new Imported(null, [], findings.InOrder([source]));
        }
        return new JsonSchemaImport(definitions, schema).Run(source.Path);
    }

    Imported Run(string origin)
    {
        _pairs.Find();
        // Objects inside of objects become blocks of their own, behind those that are declared.
        for (int i = 0; i < _definitions.All.Count; i++)
        {
            JsonDefinition definition = _definitions.All[i];
            switch (definition.Kind)
            {
                case JsonDefinitionKind.Enum: Enum(definition); break;
                case JsonDefinitionKind.Union: Union(definition); break;
                case JsonDefinitionKind.Model or JsonDefinitionKind.Type: Record(definition); break;
                // What it stands for is written where it is used.
                case JsonDefinitionKind.Alias: break;
                default: throw new InvalidOperationException($"no form for {definition.Kind}");
            }
        }
        _pairs.WriteBetween(_schema);
        if (_definitions.All.Any(d => d.Kind == JsonDefinitionKind.Model))
            _schema.Note("#", "these formats have no access rules: add @@allow to each model that callers may reach");
        return _schema.Settle(origin);
    }

    void Enum(JsonDefinition definition)
    {
        _schema.Open($"enum `{definition.Name}`", definition.Doc);
        foreach (string value in definition.Words) _schema.Member($"`{value}`", definition.Path);
        _schema.Close();
    }

    void Union(JsonDefinition definition)
    {
        string variants = string.Join(" | ", definition.Variants.Select(v => $"`{v.Name}`"));
        _schema.Single($"union `{definition.Name}` = {variants}", definition.Path, definition.Doc);
    }

    void Record(JsonDefinition definition)
    {
        bool isModel = definition.Kind == JsonDefinitionKind.Model;
        _schema.Open($"{(isModel ? "model" : "type")} `{definition.Name}`", definition.Doc);
        HashSet<string> taken = new(StringComparer.Ordinal);
        JsonSchemaMember member = new(_schema, _definitions, _pairs, definition, taken);
        if (isModel && definition.Properties.All(p => p.Name != "id"))
        {
            taken.Add("id");
            _schema.Member("`id` Uuid @id @default(uuid7())", definition.Path);
            _schema.Note(definition.Path, "it has no id: one was added");
        }
        foreach (JsonMember property in definition.Properties) member.Write(property);
        foreach (JsonBackReference back in definition.Back)
        {
            string name = ImportedNames.Field(char.ToLowerInvariant(back.From.Name[0]) + back.From.Name[1..], taken);
            _schema.Member($"`{name}` `{back.From.Name}`? @relation({NativeText.Quoted(back.Pair)}, onDelete: setNull)", back.Path);
        }
        if (definition.Properties.IsEmpty && definition.Back.Count == 0 && !isModel) _schema.Member("`value` Json?", definition.Path);
        _schema.Close();
    }

    static Span PlaceOf(SourceText source, JsonException broken)
    {
        if (broken.LineNumber is not { } line || line >= source.LineCount) return default;
        int start = 0;
        for (int i = 0; i < line; i++) start = source.Text.IndexOf('\n', start) + 1;
        return new Span(Math.Min(source.Text.Length, start + (int)(broken.BytePositionInLine ?? 0)), 0);
    }

    static string Reason(JsonException broken)
    {
        string message = broken.Message;
        int end = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}
