using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Policy;

/// <summary>
/// The schema as one kind of caller sees it. Names are resolved against it, so that what a caller may not know of is unknown wherever a
/// name can stand. Positions are those of the whole schema: a row fits both.
/// </summary>
/// <param name="Number">0 is the whole schema; no two views of one schema share one.</param>
/// <param name="Schema">With fields marked that the caller may not read or write, and without what would tell of them.</param>
sealed record SchemaView(int Number, AppSchema Schema)
{
    public bool IsWhole => Number == 0;

    public static AppSchema Without(AppSchema schema, Func<(string Model, int Ordinal, FieldAccess Access), bool> isNever)
    {
        bool Unreadable(Model model, string name) =>
            model.Field(name) is { } field && isNever((model.Name, field.Ordinal, FieldAccess.Read));
        ImmutableArray<Model> models =
        [
            .. schema.Models.Select(model => model with
            {
                Fields =
                [
                    .. model.Fields.Select(f => f with
                    {
                        IsUnreadable = isNever((model.Name, f.Ordinal, FieldAccess.Read)),
                        IsUnwritable = isNever((model.Name, f.Ordinal, FieldAccess.Write)),
                    }),
                ],
                // To follow a reference is to read it, from either end.
                Relations =
                [
                    .. model.Relations.Where(r => !r.Fields.Any(f => Unreadable(model, f))
                        && !r.References.Any(f => Unreadable(schema.TargetOf(r), f))),
                ],
                Uniques = [.. model.Uniques.Where(u => !u.Fields.Any(f => Unreadable(model, f)))],
                FullText = [.. model.FullText.Where(f => !Unreadable(model, f))],
            }),
        ];
        return new AppSchema(schema.Name, schema.Defaults, schema.Auth, schema.Enums, schema.Types, schema.Unions, models)
            { Doc = schema.Doc, Version = schema.Version, IsTenanted = schema.IsTenanted, Channels = schema.Channels };
    }
}
