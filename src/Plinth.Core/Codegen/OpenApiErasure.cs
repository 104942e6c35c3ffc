using System.Text.Json.Nodes;
using Plinth.Schema;

namespace Plinth.Codegen;

/// <summary>
/// The route by which administrators erase a person: of models that hold something personal, or that others say they are about.
/// </summary>
static class OpenApiErasure
{
    public static bool Has(AppSchema schema, Model model) => model.Subject is null && (model.IsPersonal
        || schema.Models.Any(other => other.SubjectRelation is { } about
            && string.Equals(about.Target, model.Name, StringComparison.Ordinal)));

    public static JsonObject Of(Model model)
    {
        JsonObject operation = OpenApiParts.Operation(
            model.Name, "erase" + model.Name, $"Erase the person that a record of {model.Name} is",
            "For administrators, and for good: fields with `@pii` are emptied, here and in the records about it, and what the log has of "
            + "them cannot be read any more.",
            OpenApiParts.Answer("What it came to.", Report(), null));
        operation["parameters"] = new JsonArray(new JsonObject
        {
            ["name"] = "scrub", ["in"] = "query", ["required"] = false,
            ["description"] = "`false`: do not take what was overwritten out of the database's files now.",
            ["schema"] = new JsonObject { ["type"] = "boolean", ["default"] = true },
        });
        return operation;
    }

    static JsonObject Report()
    {
        JsonObject properties = [];
        foreach (string count in new[] { "records", "events", "answers" }) properties[count] = new JsonObject { ["type"] = "integer" };
        properties["scrubbed"] = new JsonObject { ["type"] = new JsonArray("boolean", "null") };
        return new JsonObject
        {
            ["type"] = "object", ["properties"] = properties, ["required"] = new JsonArray("records", "events", "answers", "scrubbed"),
        };
    }
}
