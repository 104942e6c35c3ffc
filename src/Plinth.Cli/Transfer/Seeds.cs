using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Cli.Transfer;

/// <summary>The files of <c>seeds/</c>: one per model, named by model or route (<c>Company.ndjson</c>, <c>10-companies.json</c>), in
/// an order in which references exist.</summary>
static class Seeds
{
    /// <param name="Tenant">Whose records they are; Null where the model has no tenants.</param>
    public sealed record SeedFile(Model Model, string Path, RecordFormat Format, Value Tenant);

    /// <summary>
    /// With tenants, the records of each are in a folder named by its id (<c>seeds/&lt;tenant&gt;/Company.json</c>); beside them is what
    /// belongs to all.
    /// </summary>
    /// <exception cref="InvalidDataException">A file names no model of the schema, or has a format that is not known.</exception>
    public static ImmutableArray<SeedFile> Find(AppSchema schema, string folder)
    {
        if (!Directory.Exists(folder)) return [];
        List<SeedFile> files = [.. FilesOf(folder).Select(path => Of(schema, path, Value.Null))];
        string[] tenants = schema.IsTenanted ? Directory.GetDirectories(folder) : [];
        foreach (string tenant in tenants.Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(tenant);
            Value id = Commands.TenantOption.Tenant(schema, name) ?? throw new InvalidDataException($"seeds/{name} names no tenant");
            files.AddRange(FilesOf(tenant).Select(path => Of(schema, path, id)));
        }
        if (files.Find(f => f.Model.Tenant is not null == f.Tenant.IsNull) is { } misplaced)
            throw new InvalidDataException(misplaced.Tenant.IsNull
                ? $"seeds/{Path.GetFileName(misplaced.Path)} belongs into a folder named by its tenant"
                : $"{misplaced.Model.Name} belongs to no tenant: its seeds stand in seeds/ itself");
        var order = Order(schema);
        // A stable sort: files of one model stay in the order of their names.
        return [.. files.OrderBy(f => order[f.Model.Name])];
    }

    static IEnumerable<string> FilesOf(string folder) => Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal);

    static SeedFile Of(AppSchema schema, string path, Value tenant)
    {
        string stem = Path.GetFileNameWithoutExtension(path).TrimStart("0123456789-_".ToCharArray());
        string name = Path.GetFileName(path);
        Model model = schema.FindModel(stem) ?? schema.FindRoute(stem) ?? throw new InvalidDataException(
            $"seeds/{name} names no model"
                + (Plinth.Text.Names.DidYouMean(stem, schema.Models.Select(m => m.Name)) is { } hint ? $" ({hint})" : ""));
        RecordFormat format = RecordFormats.Of(null, path) ?? throw new InvalidDataException(
            $"seeds/{name} is neither .json, .ndjson nor .csv");
        return new(model, path, format, tenant);
    }

    /// <summary>A number per model such that a model comes after those it refers to; within a circle, the order of the schema.</summary>
    static Dictionary<string, int> Order(AppSchema schema)
    {
        Dictionary<string, int> order = new(StringComparer.Ordinal);
        HashSet<string> visiting = new(StringComparer.Ordinal);
        foreach (Model model in schema.Models) Visit(model);
        return order;

        void Visit(Model model)
        {
            if (order.ContainsKey(model.Name) || !visiting.Add(model.Name)) return;
            foreach (Relation relation in model.Relations.Where(r => r.IsOwning)) Visit(schema.TargetOf(relation));
            order[model.Name] = order.Count;
        }
    }
}
