using System.Text.Json.Nodes;
using Plinth.Text;

namespace Plinth.Codegen;

/// <summary>What all routes share: parameters, headers, error answers, and the forms that operations are put together from.</summary>
static class OpenApiParts
{
    public static readonly string[] ListParameters =
        ["filter", "sort", "limit", "after", "before", "offset", "select", "include", "count", "search", "trashed",
        "asOf"];

    public static readonly string[] AggregateParameters = [
        "filter", "search", "trashed", "groupBy", "countGroups", "sum", "avg", "min", "max"];

    static readonly string[] s_errors = ["400", "401", "403", "404", "409", "412", "413", "415", "422", "428", "429", "503"];

    public static JsonObject Ref(string kind, string name) => new() { ["$ref"] = $"#/components/{kind}/{name}" };

    public static JsonObject Operation(string tag, string id, string summary, string? description, JsonObject answer, string status = "200")
    {
        JsonObject responses = new() { [status] = answer };
        foreach (string error in s_errors) responses[error] = Ref("responses", "Problem");
        responses["default"] = Ref("responses", "Problem");
        JsonObject operation = new() { ["tags"] = new JsonArray(tag), ["operationId"] = id, ["summary"] = summary,
            ["responses"] = responses };
        if (description is not null) operation["description"] = description;
        return operation;
    }

    public static JsonObject Answer(string description, JsonObject schema, JsonNode? example, params ReadOnlySpan<string> headers)
    {
        JsonObject names = new() { ["X-Request-Id"] = Ref("headers", "X-Request-Id") };
        foreach (string header in headers) names[header] = Ref("headers", header);
        return new JsonObject { ["description"] = description, ["headers"] = names, ["content"] = Content(schema, example, null) };
    }

    public static JsonObject Body(JsonObject schema, JsonNode? example, string? furtherType = null) =>
        new() { ["required"] = true, ["content"] = Content(schema, example, furtherType) };

    static JsonObject Content(JsonObject schema, JsonNode? example, string? furtherType)
    {
        JsonObject content = [];
        foreach (string? type in (ReadOnlySpan<string?>)["application/json", furtherType, "application/cbor"])
        {
            if (type is null) continue;
            JsonObject media = new() { ["schema"] = schema.DeepClone() };
            if (example is not null && type.EndsWith("json", StringComparison.Ordinal)) media["example"] = example.DeepClone();
            content[type] = media;
        }
        return content;
    }

    public static JsonObject Service(string id, string summary, string description) => new()
    {
        ["tags"] = new JsonArray("Service"),
        ["operationId"] = id,
        ["summary"] = summary,
        ["responses"] = new JsonObject
        {
            ["200"] = new JsonObject
            {
                ["description"] = description,
                ["content"] = Content(new JsonObject { ["type"] = "object" }, null, null),
            },
            ["429"] = Ref("responses", "Problem"),
            ["default"] = Ref("responses", "Problem"),
        },
    };

    public static JsonObject Batch()
    {
        JsonObject answer = Answer("The answers, in the order of the operations.", Ref("schemas", "BatchAnswer"), null);
        JsonObject operation = Operation("Service", "batch", "Perform many operations", "All or nothing unless `atomic` is false.", answer);
        operation["requestBody"] = Body(Ref("schemas", "Batch"), null);
        operation["parameters"] = new JsonArray(Ref("parameters", "IdempotencyKey"));
        return operation;
    }

    public static JsonObject Parameters() => new()
    {
        ["filter"] = Query("filter", "A CEL expression over the model's fields: `score >= 10 && name.startsWith(\"A\")`."),
        ["requiredFilter"] = Required(Query("filter", "A CEL expression over the model's fields; the records to change.")),
        ["sort"] = Query("sort", "Fields joined by commas, `-` before one descends: `-createdAt,title`."),
        ["limit"] = Number("limit", "Records of a page."),
        ["after"] = Query("after", "The cursor `page.next` of a page before."),
        ["before"] = Query("before", "The cursor `page.previous` of a page behind."),
        ["offset"] = Number("offset", "Records to skip; cursors are faster and do not drift."),
        ["select"] = Query("select", "Fields to answer, joined by commas; the key always comes."),
        ["include"] = Query("include", "Relations to answer along: `author,comments(limit:5,sort:-createdAt,select:id+text)`."),
        ["count"] = Choice("count", "Adds `page.total`; `estimated` may approximate it where that is cheaper.", "exact", "estimated"),
        ["search"] = Query("search", "Words that all must occur in the full-text fields; the last may be a beginning."),
        ["trashed"] = Choice("trashed", "Also, or only, records in the trash.", "only", "with"),
        ["asOf"] = Query("asOf", "A time (RFC 3339) or a position of the log: the records as they were then, in today's shape."),
        ["version"] = Number("version", "A version of the record, as its history and its ETag say it."),
        ["groupBy"] = Query("groupBy", "Fields joined by commas."),
        ["countGroups"] = Choice("count", "Counts the records of each group.", "true", "false"),
        ["sum"] = Query("sum", "Fields joined by commas."),
        ["avg"] = Query("avg", "Fields joined by commas."),
        ["min"] = Query("min", "Fields joined by commas."),
        ["max"] = Query("max", "Fields joined by commas."),
        ["on"] = Query("on", "Find the record by this unique key instead of the one in the path."),
        ["purge"] = Choice("purge", "Remove for good.", "true"),
        ["IfMatch"] = Header("If-Match", "The ETag that the record must still have."),
        ["IfNoneMatch"] = Header("If-None-Match", "An ETag at hand: 304 when the record still has it."),
        ["IdempotencyKey"] = Header("Idempotency-Key", "The same key again answers with the first answer, without doing anything twice."),
        ["Prefer"] = Header("Prefer", "`return=minimal` for an answer without the record."),
    };

    public static JsonObject Headers() => new()
    {
        ["ETag"] = Described("The version of the record, for If-Match and If-None-Match."),
        ["Location"] = Described("The path of the record."),
        ["X-Request-Id"] = Described("The id under which the request is in the logs."),
    };

    public static JsonObject Responses() => new()
    {
        ["Problem"] = new JsonObject
        {
            ["description"] = "What went wrong, by code.",
            ["headers"] = new JsonObject { ["X-Request-Id"] = Ref("headers", "X-Request-Id") },
            ["content"] = new JsonObject
            {
                ["application/problem+json"] = new JsonObject
                {
                    ["schema"] = Ref("schemas", "Problem"),
                    ["example"] = new JsonObject
                    {
                        ["type"] = "/errors/validation_failed",
                        ["title"] = Faults.ValidationFailed.Title,
                        ["status"] = 422,
                        ["code"] = "validation_failed",
                        ["message"] = "1 field is not acceptable",
                        ["details"] = new JsonArray(
                            new JsonObject { ["field"] = "email", ["code"] = "email", ["message"] = "is not an e-mail address" }),
                        ["traceId"] = "4bf92f3577b34da6a3ce929d0e0e4736",
                        ["requestId"] = "01945c2e-7b1a-7c3e-9d4f-5a6b7c8d9e0f",
                    },
                },
            },
        },
    };

    public static JsonObject Schemas() => new()
    {
        ["Problem"] = Object(required: ["type", "title", "status", "code", "message", "details", "traceId", "requestId"],
            ("type", Text("A page about the code.")), ("title", Text()), ("status", Whole()),
            ("code", new JsonObject { ["type"] = "string", ["description"] = "One of the codes of /errors, or one that the schema names.",
                ["examples"] = Codes() }),
            ("message", Text()), ("hint", Text("The way out, where one is known.")), ("details", ArrayOf(Ref("schemas", "ProblemDetail"))),
            ("traceId", Text()), ("requestId", Text())),
        ["ProblemDetail"] = Object(required: ["field", "code", "message"], ("field", Text()), ("code", Text()), ("message", Text())),
        ["PageInfo"] = Object(required: ["next", "previous", "limit"], ("next", NullableText()), ("previous", NullableText()),
            ("limit", Whole()), ("total", Whole())),
        ["Changed"] = Object(required: ["matched", "changed"], ("matched", Whole()), ("changed", Whole())),
        ["Groups"] = Object(required: ["groups"], ("groups", ArrayOf(new JsonObject { ["type"] = "object" }))),
        ["History"] = Object(required: ["items", "page"],
            ("items", ArrayOf(Ref("schemas", "Event"))), ("page", Ref("schemas", "HistoryPage"))),
        ["HistoryPage"] = Object(required: ["next", "limit"], ("next", NullableText()), ("limit", Whole())),
        ["Event"] = Object(required: ["position", "kind", "at", "actor", "version"],
            ("position", Text()), ("kind", Text("created, updated, deleted, restored, purged.")), ("at", Text()), ("actor", NullableText()),
            ("version", Whole()), ("before", new JsonObject { ["type"] = "object" }), ("after", new JsonObject { ["type"] = "object" }),
            ("redacted", ArrayOf(Text()))),
        ["ListQuery"] = new JsonObject
        {
            ["type"] = "object",
            ["description"] = "The parameters of a list by name. Members named like a field, or `field[op]`, are short filters.",
            ["additionalProperties"] = new JsonObject { ["type"] = new JsonArray("string", "number", "boolean", "array") },
        },
        ["Batch"] = Object(required: ["operations"], ("atomic", new JsonObject { ["type"] = "boolean", ["default"] = true }),
            ("operations", ArrayOf(Ref("schemas", "BatchOperation")))),
        ["BatchOperation"] = Object(required: ["method", "path"],
            ("method", new JsonObject { ["enum"] = new JsonArray("POST", "PATCH", "PUT", "DELETE") }),
            ("path", Text("As the request by itself would have it, with its query: `/api/notes/1`.")),
            ("body", new JsonObject { ["description"] = "The body, as JSON." }),
            ("headers", Object(required: [], ("If-Match", Text()), ("Prefer", Text())))),
        ["BatchAnswer"] = Object(required: ["results"], ("results", ArrayOf(Object(required: ["status"],
            ("status", Whole()), ("location", Text()), ("etag", Text()), ("body", new JsonObject()),
                ("problem", Ref("schemas", "Problem")))))),
    };

    static JsonObject Object(string[] required, params ReadOnlySpan<(string Name, JsonObject Type)> members)
    {
        JsonObject properties = [];
        foreach (var (name, type) in members) properties[name] = type;
        return required.Length == 0
            ? new JsonObject { ["type"] = "object", ["properties"] = properties }
            : new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = new JsonArray(
                [.. required.Select(r => (JsonNode)r)]) };
    }

    static JsonArray Codes() => new([.. Faults.All.Take(8).Select(c => (JsonNode)c.Code)]);

    static JsonObject ArrayOf(JsonObject item) => new() { ["type"] = "array", ["items"] = item };

    static JsonObject Text(string? description = null) =>
        description is null ? new() { ["type"] = "string" } : new() { ["type"] = "string", ["description"] = description };

    static JsonObject NullableText() => new() { ["type"] = new JsonArray("string", "null") };

    static JsonObject Whole() => new() { ["type"] = "integer" };

    static JsonObject Described(string description) => new() { ["description"] = description, ["schema"] = Text() };

    static JsonObject Query(string name, string description) => Parameter(name, "query", description, Text());

    static JsonObject Header(string name, string description) => Parameter(name, "header", description, Text());

    static JsonObject Number(string name, string description) => Parameter(name, "query", description, Whole());

    static JsonObject Choice(string name, string description, params string[] choices) =>
        Parameter(name, "query", description,
            new JsonObject { ["type"] = "string", ["enum"] = new JsonArray([.. choices.Select(c => (JsonNode)c)]) });

    static JsonObject Required(JsonObject parameter)
    {
        parameter["required"] = true;
        return parameter;
    }

    static JsonObject Parameter(string name, string place, string description, JsonObject schema) =>
        new() { ["name"] = name, ["in"] = place, ["description"] = description, ["schema"] = schema };
}
