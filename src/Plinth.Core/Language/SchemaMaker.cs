using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Language;

/// <summary>Drafts → records. Where something was wrong it makes what it can, so that conditions elsewhere are still checked.</summary>
static class SchemaMaker
{
    public static AppSchema Make(
        (string Name, string? Doc, int Version) app,
        AppDefaults defaults,
        AuthShape? auth,
        ImmutableArray<EnumType> enums,
        ImmutableArray<EmbeddedType> types,
        ImmutableArray<UnionType> unions,
        IReadOnlyCollection<ModelDraft> drafts,
        ImmutableArray<Channel> channels,
        bool isTenanted,
        bool hasUsers)
    {
        HashSet<string> routes = new(StringComparer.Ordinal);
        var models = ImmutableArray.CreateBuilder<Model>(drafts.Count);
        foreach (ModelDraft draft in drafts)
        {
            // A second model of one route was reported; the dictionary of routes takes one.
            string route = routes.Add(draft.Route) ? draft.Route : "\0" + draft.Name;
            models.Add(Make(draft, route));
        }
        return new AppSchema(app.Name, defaults, auth, enums, types, unions, models.ToImmutable())
        {
            Doc = app.Doc, Version = app.Version, Channels = channels, IsTenanted = isTenanted, HasUsers = hasUsers,
        };
    }

    static Model Make(ModelDraft draft, string route)
    {
        var fields = ImmutableArray.CreateBuilder<Field>(draft.Fields.Count);
        foreach (FieldDraft field in draft.Fields) fields.Add(field.Field with { Ordinal = fields.Count });
        return new Model
        {
            Name = draft.Name,
            Table = draft.Table,
            Route = route,
            Fields = fields.ToImmutable(),
            Relations = [.. draft.Relations.Where(r => !r.IsBroken).Select(Make)],
            Key = draft.Key,
            Uniques = [.. draft.Uniques],
            Indexes = [.. draft.Indexes],
            FullText = draft.FullText,
            Checks = [.. draft.Checks],
            Rules = [.. draft.Rules],
            Tenant = draft.Tenant,
            Subject = draft.Subject,
            IsSoftDelete = draft.IsSoftDelete,
            Projection = draft.Projection,
            AuditsReads = draft.Attribute("@@audit") is not null,
            IsPaged = draft.Attribute("@@paged") is not null,
            RenamedFrom = draft.Attribute("@@renamedFrom")?.Text("old"),
            Doc = draft.Syntax.Doc,
            Source = draft.Source,
            Span = draft.Span,
        };
    }

    static Relation Make(RelationDraft draft) => new()
    {
        Name = draft.Name,
        Model = draft.Model.Name,
        Target = draft.Target.Name,
        IsOwning = draft.IsOwning,
        IsToOne = !draft.IsList,
        IsOptional = draft.IsOptional,
        Fields = draft.Fields,
        References = draft.References,
        Inverse = draft.Inverse?.Name,
        OnDelete = draft.OnDelete,
        OnUpdate = draft.OnUpdate,
        Doc = draft.Syntax.Doc,
        Deprecated = draft.Attribute("@deprecated")?.Text("why"),
        Span = draft.Span,
    };
}
