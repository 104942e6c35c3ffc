using Plinth.Language.Yaml;

namespace Plinth.Language.Importing;

/// <summary>
/// Which list of a model is the other side of what: of a reference back; of a list back, with a model between them; or of a reference
/// that the other model is given.
/// </summary>
sealed class JsonPairs(JsonDefinitions definitions)
{
    readonly Dictionary<(JsonDefinition Model, string Property), string> _names = [];
    readonly Dictionary<(JsonDefinition Model, string Property), string> _between = [];
    readonly List<(string Name, (JsonDefinition Model, string Pair) First, (JsonDefinition Model, string Pair) Second)> _models = [];

    /// <summary>The name that pairs the relation with its other side, if it has one.</summary>
    public string? NameOf(JsonDefinition model, string property) => _names.GetValueOrDefault((model, property));

    /// <summary>The model between, when both sides are lists.</summary>
    public string? BetweenOf(JsonDefinition model, string property) => _between.GetValueOrDefault((model, property));

    public void Find()
    {
        foreach (JsonDefinition model in definitions.All.Where(d => d.Kind == JsonDefinitionKind.Model).ToArray())
        {
            foreach (JsonMember list in model.Properties)
            {
                if (_names.ContainsKey((model, list.Name))) continue;
                JsonShape shape = JsonShape.Of(list.Schema, definitions);
                if (shape is { IsList: true, Definition: { Kind: JsonDefinitionKind.Model } target }) Pair(model, list, target);
            }
        }
    }

    void Pair(JsonDefinition model, JsonMember list, JsonDefinition target)
    {
        string pair = $"{model.Name}.{list.Name}";
        _names[(model, list.Name)] = pair;
        if (Free(target, model, isList: false) is { } reference)
        {
            _names[(target, reference.Name)] = pair;
        }
        else if (Free(target, model, isList: true) is { } back)
        {
            string name = definitions.NameFor($"{model.Name}To{target.Name}");
            string other = $"{target.Name}.{back.Name}";
            _names[(target, back.Name)] = other;
            _between[(model, list.Name)] = _between[(target, back.Name)] = name;
            _models.Add((name, (model, pair), (target, other)));
        }
        else
        {
            target.Back.Add(new JsonBackReference(model, pair, list.Path));
        }
    }

    JsonMember? Free(JsonDefinition from, JsonDefinition to, bool isList) => from.Properties.FirstOrDefault(p =>
        !_names.ContainsKey((from, p.Name)) && JsonShape.Of(p.Schema, definitions) is var shape && shape.IsList == isList
        && shape.Definition == to);

    public void WriteBetween(ImportedSchema schema)
    {
        foreach (var (name, first, second) in _models)
        {
            schema.Open($"model `{name}`", null);
            HashSet<string> taken = new(StringComparer.Ordinal);
            List<string> keys = [];
            foreach (var (model, pair) in new[] { first, second })
            {
                string end = ImportedNames.Field(char.ToLowerInvariant(model.Name[0]) + model.Name[1..], taken);
                keys.Add(end);
                schema.Member($"`{end}` `{model.Name}` @relation({NativeText.Quoted(pair)}, onDelete: cascade)", model.Path);
            }
            schema.Member($"@@id([{string.Join(", ", keys)}])", first.Model.Path);
            schema.Close();
        }
    }
}
