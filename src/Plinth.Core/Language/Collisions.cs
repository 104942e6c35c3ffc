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
    readonly HashSet<string> _names = new(models.Select(m => m.Name), StringComparer.Ordinal);

    public void Check()
    {
        foreach (ModelDraft model in models)
        {
            CheckColumns(model);
            CheckRoute(model);
            Claim(model, model.Table, $"the table of {model.Name}", "@@map", "give one of them another table with @@map(\"…\")");
            CheckRenamedModel(model);
        }
        foreach (ModelDraft model in models) ClaimIndexes(model);
    }

    void ClaimIndexes(ModelDraft model)
    {
        const string Remap = "give one of them another table with @@map(\"…\")", Rename = "name one of them: name: \"…\"";
        Claim(model, model.Table + "_key", $"the key of {model.Name}", "@@map", Remap);
        foreach (UniqueKey unique in model.Uniques) Claim(model, unique.Name, $"a unique key of {model.Name}", "@@unique", Rename);
        foreach (ModelIndex index in model.Indexes) Claim(model, index.Name, $"an index of {model.Name}", "@@index", Rename);
        if (model.FullText.IsEmpty) return;
        // The index is a table, and keeps tables of its own beside it.
        foreach (string part in (ReadOnlySpan<string>)["", "_data", "_idx", "_content", "_docsize", "_config"])
            Claim(model, $"{model.Table}_fts{part}", $"the full-text index of {model.Name}", "@@fulltext", Remap);
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
            else if (field.Field.Column.Length > Limits.NameLength)
            {
                findings.Error(field.Source, Codes.LimitExceeded, field.Name.Span,
                    $"the column '{field.Field.Column}' is longer than {Limits.NameLength} characters (limits.nameLength)",
                    "@map(\"…\") gives it a shorter name");
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
        var (source, span) = PlaceOf(model, "@@route");
        if (model.Route == "batch")
        {
            findings.Error(source, Codes.ReservedName, span, "the route 'batch' is taken by /api/batch",
                "choose another: @@route(\"…\")");
        }
        if (_routes.TryAdd(model.Route, model)) return;
        findings.Error(source, Codes.NameCollision, span,
            $"{model.Name} and {_routes[model.Route].Name} have the same route, /api/{model.Route}",
            "give one of them another: @@route(\"…\")");
    }

    void Claim(ModelDraft model, string name, string what, string attribute, string hint)
    {
        var (source, span) = PlaceOf(model, attribute);
        if (name.Length > Limits.NameLength)
        {
            findings.Error(source, Codes.LimitExceeded, span,
                $"{what} would be called '{name}', longer than {Limits.NameLength} characters (limits.nameLength)",
                "@@map(\"…\") gives the table a shorter name");
        }
        else if (name.StartsWith(OwnPrefix, StringComparison.OrdinalIgnoreCase))
        {
            findings.Error(source, Codes.ReservedName, span,
                $"{what} would be called '{name}': names that begin with {OwnPrefix} are ours", hint);
        }
        else if (!_relations.TryAdd(name, what))
        {
            findings.Error(source, Codes.NameCollision, span,
                $"{what} and {_relations[name]} have the same name in the database, {name}", hint);
        }
    }

    /// <summary>The attribute that made the name, which may stand in a mixin's file; else the model.</summary>
    static (SourceText Source, Span Span) PlaceOf(ModelDraft model, string attribute) =>
        model.Attribute(attribute) is { } written ? (written.Source, written.Span) : (model.Source, model.Span);

    void CheckRenamedModel(ModelDraft model)
    {
        if (model.Attribute("@@renamedFrom") is not { } attribute || attribute.Text("old") is not { } old) return;
        if (_names.Contains(old))
            findings.Error(attribute.Source, Codes.NameCollision, attribute.SpanOf("old"), $"'{old}' is still a model");
    }
}
