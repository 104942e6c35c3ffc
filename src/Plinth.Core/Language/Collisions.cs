using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Names that are different in the schema and meet elsewhere: columns, tables and indexes in the database, routes in the URL space.
/// </summary>
sealed class Collisions(IReadOnlyCollection<ModelDraft> models, Findings findings)
{
    /// <summary>Our own tables begin with it.</summary>
    const string OwnPrefix = "plinth_";

    // Databases compare identifiers without case in one place or another; the URL space does not.
    readonly Dictionary<string, string> _relations = new(StringComparer.OrdinalIgnoreCase);
    readonly Dictionary<string, ModelDraft> _routes = new(StringComparer.Ordinal);

    public void Check()
    {
        foreach (ModelDraft model in models)
        {
            CheckColumns(model);
            CheckRoute(model);
            Claim(model, model.Table, $"the table of {model.Name}", "@@map", "give one of them another table with @@map(\"…\")");
            CheckRenamedModel(model);
        }
        foreach (ModelDraft model in models)
        {
            Claim(model, model.Table + "_key", $"the key of {model.Name}", "@@map", "give one of them another name");
            if (!model.FullText.IsEmpty)
            {
                foreach (string suffix in (ReadOnlySpan<string>)["_fts", "_fts_data", "_fts_idx", "_fts_content", "_fts_docsize",
                    "_fts_config"])
                    Claim(model, model.Table + suffix, $"the full-text index of {model.Name}", "@@fulltext",
                        "give one of them another table with @@map(\"…\")");
            }
            foreach (UniqueKey unique in model.Uniques) Claim(model, unique.Name, $"a unique key of {model.Name}", "@@unique",
                "name one of them: name: \"…\"");
            foreach (ModelIndex index in model.Indexes) Claim(model, index.Name, $"an index of {model.Name}", "@@index",
                "name one of them: name: \"…\"");
        }
    }

    void CheckColumns(ModelDraft model)
    {
        Dictionary<string, FieldDraft> columns = new(StringComparer.OrdinalIgnoreCase);
        foreach (FieldDraft field in model.Fields)
        {
            if (model.RelationsByName.ContainsKey(field.Field.Name))
            {
                findings.Error(field.Source, Codes.NameCollision, field.Name.Span,
                    $"'{field.Field.Name}' is a relation of {model.Name} and a field", "rename one of them");
            }
            else if (!columns.TryAdd(field.Field.Column, field))
            {
                findings.Error(field.Source, Codes.NameCollision, field.Attribute("@map")?.Span ?? field.Name.Span,
                    $"'{field.Field.Name}' and '{columns[field.Field.Column].Field.Name}' have the same column, {field.Field.Column}",
                        "map one of them: @map(\"…\")");
            }
        }
    }

    void CheckRoute(ModelDraft model)
    {
        BoundAttribute? route = model.Attribute("@@route");
        if (model.Route == "batch")
            findings.Error(model.Source, Codes.ReservedName, route?.Span ?? model.Span, "the route 'batch' is taken by /api/batch",
                "choose another: @@route(\"…\")");
        if (_routes.TryAdd(model.Route, model)) return;
        findings.Error(model.Source, Codes.NameCollision, route?.Span ?? model.Span,
            $"{model.Name} and {_routes[model.Route].Name} have the same route, /api/{model.Route}",
                "give one of them another: @@route(\"…\")");
    }

    void Claim(ModelDraft model, string name, string what, string attribute, string hint)
    {
        Span span = model.Attribute(attribute)?.Span ?? model.Span;
        if (name.Length > Limits.NameLength)
            findings.Error(model.Source, Codes.LimitExceeded, span,
                $"{what} would be called '{name}', longer than {Limits.NameLength} characters (limits.nameLength)",
                "@@map(\"…\") gives the table a shorter name");
        else if (name.StartsWith(OwnPrefix, StringComparison.OrdinalIgnoreCase))
            findings.Error(model.Source, Codes.ReservedName, span,
                $"{what} would be called '{name}': names that begin with {OwnPrefix} are ours", hint);
        else if (!_relations.TryAdd(name, what))
            findings.Error(model.Source, Codes.NameCollision, span,
                $"{what} and {_relations[name]} have the same name in the database, {name}", hint);
    }

    void CheckRenamedModel(ModelDraft model)
    {
        if (model.Attribute("@@renamedFrom") is not { } attribute || attribute.Text("old") is not { } old) return;
        if (models.Any(m => string.Equals(m.Name, old, StringComparison.Ordinal)))
            findings.Error(attribute.Source, Codes.NameCollision, attribute.SpanOf("old"), $"'{old}' is still a model");
    }
}
