using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// Names that a request wrote, resolved to what the caller may know of; a name that leads nowhere is a fault that says which was meant.
/// </summary>
static class FieldNames
{
    /// <summary>Fields of the model (as the caller sees it) that a request may name: never those that stay on the server.</summary>
    public static IEnumerable<Field> Known(Model model) => model.Fields.Where(static f => f.Leaves);

    public static Result<Field> Field(Model model, string name)
    {
        foreach (Field field in model.Fields)
        {
            if (field.Leaves && string.Equals(field.Name, name, StringComparison.Ordinal)) return field;
        }
        return UnknownField(model, name, Known(model).Select(static f => f.Name));
    }

    public static Result<Relation> Relation(Model model, string name)
    {
        foreach (Relation relation in model.Relations)
        {
            if (string.Equals(relation.Name, name, StringComparison.Ordinal)) return relation;
        }
        return UnknownField(model, name, model.Relations.Select(static r => r.Name), "relation");
    }

    /// <summary><c>name</c>, or <c>company.country.name</c> over relations that lead to one record.</summary>
    public static Result<FieldPath> Path(AppSchema schema, Model model, string path, int hopsMax)
    {
        if (!path.Contains('.', StringComparison.Ordinal))
        {
            return Field(model, path).Failed(out Fault? wrong, out Field? own) ? wrong : new FieldPath([], own);
        }
        string[] parts = path.Split('.');
        if (parts.Length - 1 > hopsMax)
        {
            return Faults.LimitExceeded.Says($"'{path}' takes {parts.Length - 1} relation hops, {hopsMax} are allowed (limits.hops)");
        }
        ImmutableArray<Relation>.Builder relations = ImmutableArray.CreateBuilder<Relation>(parts.Length - 1);
        foreach (string part in parts.AsSpan(0, parts.Length - 1))
        {
            if (Relation(model, part).Failed(out Fault? unknown, out Relation? relation)) return unknown;
            if (!relation.IsToOne)
            {
                return Faults.MalformedParameter.Says($"'{path}' leads over '{part}', which holds many records: use filter= with exists")
                    with { Details = [new FaultDetail(path, "to_many", "leads over a relation to many")] };
            }
            relations.Add(relation);
            model = schema.TargetOf(relation);
        }
        return Field(model, parts[^1]).Failed(out Fault? fault, out Field? field) ? fault : new FieldPath(relations.ToImmutable(), field);
    }

    static Fault UnknownField(Model model, string name, IEnumerable<string> known, string noun = "field") =>
        Faults.UnknownField.Says($"{model.Name} has no {noun} '{name}'", Names.DidYouMean(name, known))
            with { Details = [new FaultDetail(name, Faults.UnknownField.Code, $"is not a {noun} of {model.Name}")] };
}
