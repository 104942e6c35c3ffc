using System.Diagnostics;
using System.Text;
using Plinth.Cli.Schemas;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language.Importing;

public class JsonSchemaImportTests
{
    const string Shop = """
        { "openapi": "3.1.0", "paths": {}, "components": { "schemas": {
          "Customer": { "type": "object", "description": "Who buys", "required": ["id", "name"], "properties": {
            "id": { "type": "string", "format": "uuid", "readOnly": true },
            "name": { "type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[A-Z]" },
            "email": { "type": ["string", "null"], "format": "email" },
            "age": { "type": "integer", "minimum": 0, "exclusiveMaximum": 150 },
            "visits": { "type": "integer", "format": "int64", "default": 0 },
            "status": { "$ref": "#/components/schemas/Status" },
            "level": { "type": "string", "enum": ["one", "two words"], "default": "one" },
            "address": { "$ref": "#/components/schemas/Address" },
            "orders": { "type": "array", "items": { "$ref": "#/components/schemas/Order" } },
            "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 5 },
            "limit": { "type": "number" }
          } },
          "Order": { "allOf": [ { "$ref": "#/components/schemas/Entity" }, { "type": "object", "required": ["customer", "lines"], "properties": {
            "customer": { "$ref": "#/components/schemas/Customer" },
            "lines": { "type": "array", "items": { "type": "object", "required": ["sku"], "properties": {
              "sku": { "type": "string" }, "count": { "type": "integer", "not": {} } } } },
            "payment": { "$ref": "#/components/schemas/Payment" },
            "labels": { "type": "array", "items": { "$ref": "#/components/schemas/Label" } },
            "elsewhere": { "$ref": "https://example.org/x.json" }
          } } ] },
          "Label": { "type": "object", "properties": { "id": { "type": "integer" }, "orders": { "type": "array", "items": { "$ref": "#/components/schemas/Order" } } } },
          "Entity": { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" }, "createdAt": { "type": "string", "format": "date-time" } } },
          "Status": { "type": "string", "enum": ["active", "closed"] },
          "Address": { "type": "object", "properties": { "street": { "type": "string" }, "near": { "$ref": "#/components/schemas/Address" } } },
          "Card": { "type": "object", "properties": { "number": { "type": "string" } } },
          "Cash": { "type": "object", "properties": { "till": { "type": "integer" } } },
          "Payment": { "oneOf": [ { "$ref": "#/components/schemas/Card" }, { "$ref": "#/components/schemas/Cash" } ] }
        } } }
        """;

    static Imported Import(string text) => JsonSchemaImport.Import(new SourceText("openapi.json", text), Limits.Default);

    static string Notes(Imported imported) => string.Join('\n', imported.Notes.Select(n => $"{n.Path}: {n.Message}"));

    [Fact]
    public void Components_become_a_schema_that_checks_and_what_they_lose_is_listed()
    {
        Imported imported = Import(Shop);
        Assert.True(imported.Text is not null, string.Join('\n', imported.Diagnostics.Select(DiagnosticText.Render)));
        AppSchema schema = Schemas.Load(imported.Text);
        Model customer = schema.Model("Customer"), order = schema.Model("Order");
        Assert.Equal("Who buys", customer.Doc);
        Assert.Equal("Uuid", customer.Field("id")!.Type.Name);
        Assert.True(customer.Field("email")!.IsNullable);
        Assert.False(customer.Field("name")!.IsNullable);
        Assert.Equal("BigInt", customer.Field("visits")!.Type.Name);
        Assert.IsType<EnumFieldType>(customer.Field("status")!.Type);
        Assert.Contains(customer.Field("age")!.Validators, v => v is RangeValidator { Min: 0, Max: 149 });
        Assert.Equal("customer", customer.Relation("orders")!.Inverse);
        Assert.Equal(ReferentialAction.Restrict, order.Relation("customer")!.OnDelete);
        Assert.NotNull(order.Field("createdAt"));
        Assert.Equal("OrderLines", order.Field("lines")!.Type.Name);
        Assert.IsType<UnionFieldType>(order.Field("payment")!.Type);
        Assert.Equal("Json", order.Field("elsewhere")!.Type.Name);
        Assert.NotNull(schema.FindModel("OrderToLabel"));
        Assert.All(schema.Models, m => Assert.Empty(m.Rules));
        string notes = Notes(imported);
        Assert.Contains("https://example.org/x.json is outside of the document, and is not fetched", notes, StringComparison.Ordinal);
        Assert.Contains("/properties/count: not is not carried", notes, StringComparison.Ordinal);
        Assert.Contains("limit: called", notes, StringComparison.Ordinal);
        Assert.Contains("no access rules", notes, StringComparison.Ordinal);
    }

    [Fact]
    public void An_openapi_document_in_yaml_is_the_same_document()
    {
        SourceText source = new("openapi.yaml",
            "components:\n  schemas:\n    Note:\n      type: object\n      properties:\n        id: { type: string }\n");
        Imported imported = JsonSchemaImport.ImportYaml(source, YamlEvents.Of(source), Limits.Default);
        Assert.Equal("id", Schemas.Load(imported.Text!).Model("Note").Key.Single());
    }

    [Fact]
    public void A_json_schema_with_a_root_of_its_own_becomes_a_model()
    {
        Imported imported = Import("""{ "title": "Note", "properties": { "text": { "type": "string" } }, "$defs": { "X": { "type": "string" } } }""");
        AppSchema schema = Schemas.Load(imported.Text!);
        Assert.Equal(["id", "text"], schema.Model("Note").Fields.Select(f => f.Name));
        Assert.Contains("it has no id", Notes(imported), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "unexpected_token")]
    [InlineData("[]", "empty_block")]
    [InlineData("{}", "empty_block")]
    [InlineData("{ \"a\": ", "unexpected_token")]
    [InlineData("nonsense", "unexpected_token")]
    public void What_is_no_schema_is_said(string text, string code)
    {
        Imported imported = Import(text);
        Assert.Null(imported.Text);
        Assert.Equal(code, Assert.Single(imported.Diagnostics).Code);
    }

    [Theory]
    [InlineData("""{ "$defs": { "A": { "$ref": "#/$defs/B" }, "B": { "$ref": "#/$defs/A" }, "M": { "properties": { "id": { "$ref": "#/$defs/A" } } } } }""")]
    [InlineData("""{ "$defs": { "A": { "allOf": [ { "$ref": "#/$defs/A" } ], "properties": { "id": { "type": "integer" } } } } }""")]
    [InlineData("""{ "$defs": { "A": { "required": ["b"], "properties": { "b": { "$ref": "#/$defs/B" } } }, "B": { "required": ["a"], "properties": { "a": { "$ref": "#/$defs/A" } } }, "M": { "properties": { "id": { "type": "integer" }, "a": { "$ref": "#/$defs/A" } } } } }""")]
    [InlineData("""{ "$defs": { "A": { "items": { "$ref": "#/$defs/A" } }, "M": { "properties": { "id": { "type": "integer" }, "a": { "$ref": "#/$defs/A" } } } } }""")]
    [InlineData("""{ "properties": { "self": { "$ref": "#" }, "many": { "type": "array", "items": { "$ref": "#" } } } }""")]
    public void Cycles_of_references_end(string text)
    {
        Imported imported = Import(text);
        Assert.NotNull(imported.Text);
        Schemas.Load(imported.Text);
    }

    [Fact]
    public void Large_deep_and_branching_documents_are_answered()
    {
        string deep = "{\"properties\":" + string.Concat(Enumerable.Repeat("{\"a\":{\"properties\":", 5000));
        string branching = "{ \"$defs\": {" + string.Join(",", Enumerable.Range(0, 30).Select(i =>
            $"\"A{i}\": {{ \"allOf\": [ {{ \"$ref\": \"#/$defs/A{i + 1}\" }}, {{ \"$ref\": \"#/$defs/A{i + 1}\" }} ] }}")) + "} }";
        string wide = "{ \"$defs\": {" + string.Join(",", Enumerable.Range(0, 2000).Select(i =>
            $"\"A{i}\": {{ \"properties\": {{ \"id\": {{ \"type\": \"integer\" }}, "
            + $"\"n\": {{ \"$ref\": \"#/$defs/A{(i * 7) % 2000}\" }} }} }}")) + "} }";
        foreach (string text in (string[])[deep, branching, wide, new string(' ', (10 << 20) + 1)])
        {
            Stopwatch watch = Stopwatch.StartNew();
            Imported imported = Import(text);
            Assert.True(imported.Text is null != imported.Diagnostics.IsEmpty);
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{watch.Elapsed} for '{text[..20]}…'");
        }
    }

    [Fact]
    public void Noise_is_answered()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 300, soak: 30_000), read = 0;
        Random random = new(seed);
        string[] words = ["\"string\"", "\"integer\"", "\"object\"", "\"array\"", "null", "true", "[]", "{}", "-1", "1e999",
            "\"#/components/schemas/Order\"",
            "\"#/components/schemas/Customer\"", "\"$ref\"", "\"oneOf\"", "\"\\ud800\"", "\"\\u202e\"", "\"type\"", "\"items\"",
                "\"properties\"", "\"enum\""];
        System.Text.RegularExpressions.Regex token = new("\"[^\"]*\"|true|[0-9]+");
        for (int i = 0; i < count; i++)
        {
            StringBuilder text = new(Shop);
            int accidents = random.Next(1, 5);
            for (int j = 0; j < accidents; j++)
            {
                var matches = token.Matches(text.ToString());
                var at = matches[random.Next(matches.Count)];
                text.Remove(at.Index, at.Length).Insert(at.Index, words[random.Next(words.Length)]);
            }
            Imported imported = Import(text.ToString());
            Assert.True(imported.Text is null != imported.Diagnostics.IsEmpty, $"seed {seed}:\n{text}");
            if (imported.Text is not { } native) continue;
            read++;
            Assert.True(Schemas.Read(native).Schema is not null, $"seed {seed}:\n{text}\n→\n{native}");
        }
        Assert.True(read > count / 4, $"{read} of {count} (seed {seed})");
        Counts.Report("JSON Schema import: accidents", count, seed, $"{read} imported");
    }
}
