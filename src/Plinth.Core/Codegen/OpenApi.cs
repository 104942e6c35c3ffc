using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Plinth.Schema;

namespace Plinth.Codegen;

/// <summary>What the document says beside the schema.</summary>
/// <param name="Version">Of the API: the schema's version as text.</param>
/// <param name="Allows">Whether the reader of the document could ever perform the operation: what it could not is not in it.</param>
sealed record OpenApiOptions(string Version, Func<Model, Operation, bool> Allows);

/// <summary>
/// A schema as an OpenAPI 3.1 document: every route of every model that the reader may use, with its parameters, bodies, answers and
/// errors. One file per concern: here the document and its paths, in <see cref="OpenApiSchemas"/> the shapes of records, in
/// <see cref="OpenApiParts"/> the parameters, headers and answers that all routes share.
/// </summary>
sealed class OpenApi
{
    static readonly JsonWriterOptions s_plainText =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true };

    readonly AppSchema _schema;
    readonly OpenApiOptions _options;
    readonly OpenApiSchemas _schemas;
    readonly JsonObject _paths = [];

    OpenApi(AppSchema schema, OpenApiOptions options)
    {
        (_schema, _options) = (schema, options);
        _schemas = new OpenApiSchemas(schema, IsVisible);
    }

    public static byte[] Write(AppSchema schema, OpenApiOptions options)
    {
        JsonObject document = new OpenApi(schema, options).Document();
        using MemoryStream bytes = new();
        using (Utf8JsonWriter writer = new(bytes, s_plainText)) document.WriteTo(writer);
        return bytes.ToArray();
    }

    bool IsVisible(Model model) => Enum.GetValues<Operation>().Any(o => _options.Allows(model, o));

    JsonObject Document()
    {
        ImmutableArray<Model> models = [.. _schema.Models.Where(IsVisible)];
        foreach (Model model in models) AddModel(model);
        if (models.Length > 0) _paths["/api/batch"] = new JsonObject { ["post"] = OpenApiParts.Batch() };
        AddOperations();
        OpenApiAudit.AddTo(_paths);
        if (_schema.HasUsers) OpenApiAuth.AddTo(_paths, models.Any(m => m.Name == "User"));
        JsonObject document = Whole(models);
        DropUnused(document);
        if (_schema.HasUsers) document["components"]!["securitySchemes"] = OpenApiAuth.Schemes(); // put there by Whole
        return document;
    }

    JsonObject Whole(ImmutableArray<Model> models) => new()
    {
        ["openapi"] = "3.1.1",
        ["info"] = new JsonObject
        {
            ["title"] = _schema.Name,
            ["version"] = _options.Version,
            ["description"] = _schema.Doc ?? $"The API of {_schema.Name}: one resource per model, problem documents for every error.",
        },
        ["servers"] = new JsonArray(new JsonObject { ["url"] = "/" }),
        ["security"] = _schema.HasUsers ? OpenApiAuth.Security() : new JsonArray(new JsonObject()),
        ["tags"] = new JsonArray(
        [
            .. models.Select(m => (JsonNode)Tag(m.Name, m.Doc ?? $"Records of the model {m.Name}.")),
            .. _schema.HasUsers ? (JsonNode[])[Tag("Identity", "Signing in, sessions, keys of programs.")] : [],
            Tag("Service", "Batches, health, version and descriptions of the service itself."),
        ]),
        ["paths"] = _paths,
        ["components"] = new JsonObject
        {
            ["schemas"] = _schemas.Components(models),
            ["parameters"] = OpenApiParts.Parameters(),
            ["headers"] = OpenApiParts.Headers(),
            ["responses"] = OpenApiParts.Responses(),
        },
    };

    static JsonObject Tag(string name, string description) => new() { ["name"] = name, ["description"] = description };

    /// <summary>Components that nothing reaches from a path: what the reader may not do needs no shape.</summary>
    static void DropUnused(JsonObject document)
    {
        HashSet<string> used = new(StringComparer.Ordinal);
        Reach(document, document["paths"], used);
        foreach (var (kind, node) in document["components"]!.AsObject()) // Put there by Whole, and its members are objects.
        {
            JsonObject components = node!.AsObject();
            foreach (string name in components.Select(c => c.Key).ToArray())
            {
                if (!used.Contains($"#/components/{kind}/{name}")) components.Remove(name);
            }
        }
    }

    static void Reach(JsonObject document, JsonNode? node, HashSet<string> used)
    {
        if (node is JsonArray array)
        {
            foreach (JsonNode? item in array) Reach(document, item, used);
        }
        if (node is not JsonObject members) return;
        foreach (var (name, value) in members)
        {
            bool refers = value is JsonValue
                && (name == "$ref" || members.Parent is JsonObject { } parent && parent.ContainsKey("propertyName"));
            if (!refers) Reach(document, value, used);
            else if (used.Add(value!.GetValue<string>())) Reach(document, Target(document, value.GetValue<string>()), used);
        }
    }

    static JsonNode? Target(JsonObject document, string reference)
    {
        JsonNode? at = document;
        foreach (string part in reference[2..].Split('/')) at = at?[part];
        return at;
    }

    void AddModel(Model model)
    {
        string path = "/api/" + model.Route;
        string one = path + "/{" + KeyName(model) + "}";
        bool lists = May(model, Operation.List), creates = May(model, Operation.Create), updates = May(model, Operation.Update),
            deletes = May(model, Operation.Delete);

        JsonObject collection = [];
        if (lists) collection["get"] = List(model);
        if (creates) collection["post"] = Create(model);
        if (lists && updates) collection["patch"] = ChangeMany(model, "update", "Change every record that a filter finds", hasBody: true);
        if (lists && deletes) collection["delete"] = ChangeMany(model, "delete", "Delete every record that a filter finds", hasBody: false);
        Put(path, collection);
        if (lists)
        {
            Put(path + "/query", new JsonObject { ["post"] = Query(model) });
            Put(path + "/aggregate", new JsonObject { ["get"] = Aggregate(model) });
        }

        JsonObject item = [];
        if (May(model, Operation.Get)) item["get"] = Get(model);
        if (updates) item["patch"] = Update(model);
        if (updates || creates) item["put"] = Upsert(model);
        if (deletes || May(model, Operation.Purge)) item["delete"] = Delete(model);
        if (item.Count > 0) item["parameters"] = KeyParameters(model);
        Put(one, item);
        if (May(model, Operation.Get))
            Put(one + "/history", new JsonObject { ["parameters"] = KeyParameters(model), ["get"] = History(model) });
        if (May(model, Operation.Get) && May(model, Operation.Update))
            Put(one + "/revert", new JsonObject { ["parameters"] = KeyParameters(model), ["post"] = Revert(model) });
        if (OpenApiErasure.Has(_schema, model))
            Put(one + "/erase", new JsonObject { ["parameters"] = KeyParameters(model), ["post"] = OpenApiErasure.Of(model) });
        if (model.IsSoftDelete && May(model, Operation.Restore))
            Put(one + "/restore", new JsonObject { ["parameters"] = KeyParameters(model), ["post"] = Restore(model) });
    }

    bool May(Model model, Operation operation) => _options.Allows(model, operation);

    void Put(string path, JsonObject operations)
    {
        if (operations.Count > 0) _paths[path] = operations;
    }

    JsonObject List(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(model.Name, "list" + Many(model), $"List {model.Route}", model.Doc,
            OpenApiParts.Answer("A page of records.", OpenApiParts.Ref("schemas", model.Name + "Page"),
                OpenApiExamples.Page(_schema, model)));
        JsonArray parameters = [.. OpenApiParts.ListParameters.Select(n => (JsonNode)OpenApiParts.Ref("parameters", n))];
        foreach (Field field in model.Fields.Where(f => f.Leaves && !f.IsJsonStored))
        {
            parameters.Add((JsonNode)new JsonObject
            {
                ["name"] = field.Name,
                ["in"] = "query",
                ["description"] = $"Only records whose {field.Name} equals the value; other operators as `{field.Name}[gte]=`.",
                ["schema"] = new JsonObject { ["type"] = "string" },
            });
        }
        operation["parameters"] = parameters;
        return operation;
    }

    JsonObject Query(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(model.Name, "query" + Many(model), $"List {model.Route}, the parameters as a body",
            "The same as the list by GET, for parameters too long for a URL. The method QUERY on the collection takes the same body.",
            OpenApiParts.Answer("A page of records.", OpenApiParts.Ref("schemas", model.Name + "Page"),
                OpenApiExamples.Page(_schema, model)));
        operation["requestBody"] = OpenApiParts.Body(OpenApiParts.Ref("schemas", "ListQuery"), new JsonObject { ["limit"] = 5 });
        return operation;
    }

    JsonObject Aggregate(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(model.Name, "aggregate" + Many(model), $"Count and sum up {model.Route}", null,
            OpenApiParts.Answer("The groups.", OpenApiParts.Ref("schemas", "Groups"), null));
        operation["parameters"] = new JsonArray(
            [.. OpenApiParts.AggregateParameters.Select(n => (JsonNode)OpenApiParts.Ref("parameters", n))]);
        return operation;
    }

    JsonObject Create(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(model.Name, "create" + model.Name, $"Create a record of {model.Name}",
            "One record, or an array of records: all of them or none. `application/x-ndjson` takes one record per line, for bulk.",
            OpenApiParts.Answer("The record as created.", OpenApiParts.Ref("schemas", model.Name),
                OpenApiExamples.Record(_schema, model, forInput: false), "Location", "ETag"),
            status: "201");
        JsonObject input = OpenApiParts.Ref("schemas", model.Name + "Create");
        JsonObject body = OpenApiParts.Body(
            new JsonObject { ["oneOf"] = new JsonArray(input, new JsonObject { ["type"] = "array", ["items"] = input.DeepClone() }) },
            OpenApiExamples.Record(_schema, model, forInput: true));
        body["content"]!["application/x-ndjson"] = new JsonObject { ["schema"] = new JsonObject { ["type"] = "string" } };
        operation["requestBody"] = body;
        operation["parameters"] = new JsonArray(OpenApiParts.Ref("parameters", "IdempotencyKey"), OpenApiParts.Ref("parameters", "Prefer"));
        return operation;
    }

    JsonObject Get(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(model.Name, "get" + model.Name, $"Read one record of {model.Name}", null,
            OpenApiParts.Answer("The record.", OpenApiParts.Ref("schemas", model.Name),
                OpenApiExamples.Record(_schema, model, forInput: false), "ETag"));
        operation["parameters"] = new JsonArray(OpenApiParts.Ref("parameters", "select"), OpenApiParts.Ref("parameters", "include"),
            OpenApiParts.Ref("parameters", "asOf"),
            OpenApiParts.Ref("parameters", "IfNoneMatch"));
        JsonObject unchanged = new() { ["description"] = "The record is the one that If-None-Match names." };
        ((JsonObject)operation["responses"]!)["304"] = unchanged;
        return operation;
    }

    JsonObject Update(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(model.Name, "update" + model.Name, $"Change one record of {model.Name}",
            "A JSON Merge Patch (RFC 7396): what is absent stays, null clears.",
            OpenApiParts.Answer("The record after the change.", OpenApiParts.Ref("schemas", model.Name),
                OpenApiExamples.Record(_schema, model, forInput: false), "ETag"));
        operation["requestBody"] = OpenApiParts.Body(
            OpenApiParts.Ref("schemas", model.Name + "Patch"), OpenApiExamples.Patch(_schema, model), "application/merge-patch+json");
        operation["parameters"] = WriteParameters();
        return operation;
    }

    JsonObject Upsert(Model model)
    {
        JsonObject answer = OpenApiParts.Answer(
            "The record, which was there and is replaced.", OpenApiParts.Ref("schemas", model.Name),
            OpenApiExamples.Record(_schema, model, forInput: false), "ETag");
        JsonObject operation = OpenApiParts.Operation(model.Name, "upsert" + model.Name, $"Create or replace one record of {model.Name}",
            "Absent fields take their default, or null.", answer);
        ((JsonObject)operation["responses"]!)["201"] = OpenApiParts.Answer(
            "The record, which was not there.", OpenApiParts.Ref("schemas", model.Name), null, "Location", "ETag");
        operation["requestBody"] = OpenApiParts.Body(
            OpenApiParts.Ref("schemas", model.Name + "Create"), OpenApiExamples.Record(_schema, model, forInput: true));
        JsonArray parameters = WriteParameters();
        parameters.Add((JsonNode)OpenApiParts.Ref("parameters", "on"));
        operation["parameters"] = parameters;
        return operation;
    }

    JsonObject Delete(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(model.Name, "delete" + model.Name, $"Delete one record of {model.Name}",
            model.IsSoftDelete ? "The record goes to the trash, from which it can be restored; `purge=true` removes it for good." : null,
            new JsonObject { ["description"] = "Deleted." }, status: "204");
        JsonArray parameters = [OpenApiParts.Ref("parameters", "IfMatch"), OpenApiParts.Ref("parameters", "IdempotencyKey")];
        if (model.IsSoftDelete) parameters.Add((JsonNode)OpenApiParts.Ref("parameters", "purge"));
        operation["parameters"] = parameters;
        return operation;
    }

    JsonObject History(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(model.Name, "history" + model.Name, $"What happened to a record of {model.Name}",
            "Its events, oldest first. Values that the log keeps sealed are named in `redacted`.",
            OpenApiParts.Answer("A page of events.", OpenApiParts.Ref("schemas", "History"), null));
        operation["parameters"] = new JsonArray(OpenApiParts.Ref("parameters", "limit"), OpenApiParts.Ref("parameters", "after"));
        return operation;
    }

    JsonObject Revert(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(
            model.Name, "revert" + model.Name, $"Bring one record of {model.Name} back to what it was",
            "An update to the values of `version`, or of `asOf`: one of the two.",
            OpenApiParts.Answer("The record after the change.", OpenApiParts.Ref("schemas", model.Name),
                OpenApiExamples.Record(_schema, model, forInput: false), "ETag"));
        JsonArray parameters = WriteParameters();
        parameters.Add((JsonNode)OpenApiParts.Ref("parameters", "version"));
        parameters.Add((JsonNode)OpenApiParts.Ref("parameters", "asOf"));
        operation["parameters"] = parameters;
        return operation;
    }

    JsonObject Restore(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(
            model.Name, "restore" + model.Name, $"Take a record of {model.Name} out of the trash", null,
            OpenApiParts.Answer("The record, live again.", OpenApiParts.Ref("schemas", model.Name),
                OpenApiExamples.Record(_schema, model, forInput: false), "ETag"));
        operation["parameters"] = WriteParameters();
        return operation;
    }

    JsonObject ChangeMany(Model model, string verb, string summary, bool hasBody)
    {
        JsonObject operation = OpenApiParts.Operation(
            model.Name, verb + Many(model), summary, "All of them or none; an empty filter is refused.",
            OpenApiParts.Answer("How many records matched, and how many changed.", OpenApiParts.Ref("schemas", "Changed"),
                new JsonObject { ["matched"] = 3, ["changed"] = 2 }));
        operation["parameters"] = new JsonArray(
            OpenApiParts.Ref("parameters", "requiredFilter"), OpenApiParts.Ref("parameters", "IdempotencyKey"));
        if (hasBody)
            operation["requestBody"] = OpenApiParts.Body(
                OpenApiParts.Ref("schemas", model.Name + "Patch"), OpenApiExamples.Patch(_schema, model), "application/merge-patch+json");
        return operation;
    }

    static JsonArray WriteParameters() =>
        new(OpenApiParts.Ref("parameters", "IfMatch"), OpenApiParts.Ref("parameters", "IdempotencyKey"),
        OpenApiParts.Ref("parameters", "Prefer"));

    void AddOperations()
    {
        Add("livez", "Is the process alive", "It is.");
        Add("readyz", "May requests come", "They may.");
        Add("version", "Versions of product, schema and storage", "The versions.");
        Add("openapi", "This document, as the caller may see it", "The document.", path: "/openapi.json");
        Add("schema", "The schema, as the caller may see it", "The schema.", path: "/schema.json");
        Add("errors", "Every error code with its meaning", "The codes.");

        void Add(string id, string summary, string answer, string? path = null) =>
            _paths[path ?? "/" + id] = new JsonObject { ["get"] = OpenApiParts.Service(id, summary, answer) };
    }

    static string KeyName(Model model) => model.Key.Length == 1 ? model.Key[0] : "key";

    JsonArray KeyParameters(Model model)
    {
        bool single = model.Key.Length == 1;
        JsonObject parameter = new()
        {
            ["name"] = KeyName(model),
            ["in"] = "path",
            ["required"] = true,
            ["description"] = single ? "The key of the record."
                : $"The parts of the key ({string.Join(", ", model.Key)}), each percent-encoded, joined by commas.",
            ["schema"] = single ? _schemas.Type(model.KeyFields[0]) : new JsonObject { ["type"] = "string" },
        };
        if (single && OpenApiExamples.Of(_schema, model.KeyFields[0], depth: 0) is { } example) parameter["example"] = example;
        return new JsonArray(parameter);
    }

    /// <summary><c>webhook_deliveries</c> → <c>WebhookDeliveries</c></summary>
    static string Many(Model model)
    {
        StringBuilder name = new();
        foreach (string word in model.Route.Split('_', '-'))
        {
            if (word.Length > 0) name.Append(char.ToUpperInvariant(word[0])).Append(word, 1, word.Length - 1);
        }
        return name.ToString();
    }
}
