using System.Text.Json.Nodes;

namespace Plinth.Codegen;

/// <summary>The routes of <c>/audit</c>.</summary>
static class OpenApiAudit
{
    static readonly (string Name, string Description)[] s_parameters =
    [
        ("model", "A model's name or route."), ("record", "With `model`: the key of a record, as in a path."),
        ("actor", "Who did it: the `id` of an identity, or `system`."),
        ("operation", "created, updated, deleted, restored, purged, erased or migrated."),
        ("tenant", "Of one tenant; where the schema has tenants, everybody sees the log of their own."),
        ("from", "A time or a position of the log: events at it and after it."), ("to", "A time or a position: events up to it."),
        ("after", "`page.next` of a page before."), ("limit", "Events of a page."), ("order", "newest (first) or oldest."),
    ];

    public static void AddTo(JsonObject paths)
    {
        string[] page = ["operation", "tenant", "from", "to", "after", "limit", "order"];
        Add(paths, "/audit/logs", "listAuditLogs", "What happened, for administrators and auditors", Page(),
            ["model", "record", "actor", .. page]);
        Add(paths, "/audit/user/{id}/activity", "listUserActivity", "What a user did", Page(), ["model", .. page]);
        Add(paths, "/audit/entity/{model}/{id}", "listEntityAudit", "What happened to a record", Page(), ["actor", .. page]);
        Add(paths, "/audit/reads", "listReadings", "Who read which records of models with @@audit(read), newest first", Page(),
            ["model", "record", "actor", "tenant", "from", "to", "after", "limit"]);
        Add(paths, "/audit/statistics", "auditStatistics", "How many events of which kind, and by whom", Statistics(),
            ["actor", "tenant", "from", "to"]);
    }

    static void Add(JsonObject paths, string path, string id, string summary, JsonObject answer, string[] names)
    {
        JsonObject operation = OpenApiParts.Operation("Audit", id, summary,
            "A page may be shorter than its limit while `page.next` says that it goes on.",
            OpenApiParts.Answer("The answer.", answer, null));
        operation["parameters"] = new JsonArray([.. names.Select(static name =>
            Parameter(name, "query", s_parameters.First(p => string.Equals(p.Name, name, StringComparison.Ordinal)).Description))]);
        JsonObject item = new() { ["get"] = operation };
        string[] holes = [.. path.Split('/').Where(static part => part.StartsWith('{')).Select(static part => part[1..^1])];
        if (holes.Length > 0)
        {
            item["parameters"] = new JsonArray([.. holes.Select(static name =>
                Parameter(name, "path", name is "model" ? "A model's name or route." : "The id, percent-encoded."))]);
        }
        paths[path] = item;
    }

    static JsonObject Parameter(string name, string place, string description) => new()
    {
        ["name"] = name,
        ["in"] = place,
        ["required"] = place is "path",
        ["description"] = description,
        ["schema"] = new JsonObject { ["type"] = name is "limit" ? "integer" : "string" },
    };

    static JsonObject Page() => Shape(("items", ListOf(Shape(
        ("position", Text()), ("kind", Text()), ("at", Text()), ("actor", Nullable()), ("version", Number()), ("model", Text()),
        ("id", Nullable()), ("before", Any()), ("after", Any()), ("redacted", ListOf(Text()))))), ("page", Any()));

    static JsonObject Statistics() => Shape(
        ("events", Number()), ("whole", new JsonObject { ["type"] = "boolean" }), ("next", Nullable()), ("from", Any()), ("to", Any()),
        ("models", ListOf(Shape(("model", Text()), ("kind", Text()), ("events", Number())))),
        ("actors", ListOf(Shape(("actor", Nullable()), ("events", Number())))));

    static JsonObject Shape(params ReadOnlySpan<(string Name, JsonObject Type)> members)
    {
        JsonObject properties = [];
        foreach (var (name, type) in members) properties[name] = type;
        return new JsonObject { ["type"] = "object", ["properties"] = properties };
    }

    static JsonObject ListOf(JsonObject item) => new() { ["type"] = "array", ["items"] = item };

    static JsonObject Text() => new() { ["type"] = "string" };

    static JsonObject Nullable() => new() { ["type"] = new JsonArray("string", "null") };

    static JsonObject Number() => new() { ["type"] = "integer" };

    static JsonObject Any() => new() { ["type"] = new JsonArray("object", "null") };
}
