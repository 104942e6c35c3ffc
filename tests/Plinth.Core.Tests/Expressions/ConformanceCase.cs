using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Plinth.Cases;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>
/// One line of <c>cases/expressions/conformance</c>: a case of cel-spec, or of cel-go's own tests, as its generator wrote it.
/// </summary>
sealed class ConformanceCase(JsonElement json)
{
    public string Name => json.GetProperty("name").GetString()!;

    public string Text => json.GetProperty("expr").GetString()!;

    public bool IsUnchecked => json.TryGetProperty("unchecked", out _);

    public bool IsError => json.TryGetProperty("evalError", out _);

    public bool IsCheckedOnly => json.TryGetProperty("checkOnly", out _);

    /// <summary>What cel-go's parser made of it; null where it was refused, or where the suite is not about trees.</summary>
    public string? Tree => json.TryGetProperty("tree", out JsonElement tree) ? tree.GetString() : null;

    /// <summary>What cel-go said where it refused the expression: for people, its words are not what is tested.</summary>
    public string? Recorded => json.TryGetProperty("error", out JsonElement error) ? error.GetString() : null;

    /// <summary>The type that the case itself demands, or else the one that cel-go found; null where neither is recorded.</summary>
    public string? Type => Typed("deducedType") is { } deduced ? TypeOf(deduced, []).Name
        : json.TryGetProperty("type", out JsonElement type) ? type.GetString() : null;

    /// <summary>Null for an error, and for a case that is checked only. A case that says nothing expects true.</summary>
    public Value? Expected => IsError || IsCheckedOnly ? null
        : Typed("result") is { } result ? ValueOf(result)
        : json.TryGetProperty("value", out JsonElement value) ? ValueOf(value)
        : Value.True;

    JsonElement? Typed(string name) => json.TryGetProperty("typedResult", out JsonElement typed)
        && typed.TryGetProperty(name, out JsonElement member) ? member : null;

    public CelEnvironment Environment()
    {
        ImmutableArray<(string, CelType)>.Builder variables = ImmutableArray.CreateBuilder<(string, CelType)>();
        List<Overload> functions = [];
        foreach (JsonElement declared in Members("typeEnv").Select(d => d.Value))
        {
            string name = declared.GetProperty("name").GetString()!;
            if (declared.TryGetProperty("ident", out JsonElement ident)) variables.Add((name, TypeOf(ident.GetProperty("type"), [])));
            else functions.AddRange(Items(declared.GetProperty("function"), "overloads").Select(o => OverloadOf(name, o)));
        }
        foreach (string name in Members("bindings").Select(b => b.Name).Where(n => !variables.Any(v => v.Item1 == n)))
            variables.Add((name, CelType.Dyn));
        string container = json.TryGetProperty("container", out JsonElement space) ? space.GetString()! : "";
        return new CelEnvironment
        {
            Container = container, Variables = variables.ToImmutable(), Functions = [.. functions], IsUnchecked = IsUnchecked,
        };
    }

    public Value[] Inputs(CelEnvironment environment)
    {
        Dictionary<string, JsonElement> bindings = Members("bindings").ToDictionary(b => b.Name, b => b.Value, StringComparer.Ordinal);
        return [.. environment.Variables.Select(v => bindings.TryGetValue(v.Name, out JsonElement binding)
            ? ValueOf(binding.GetProperty("value"))
            : EvaluationError.Undeclared(v.Name))];
    }

    IEnumerable<(string Name, JsonElement Value)> Members(string name)
    {
        if (!json.TryGetProperty(name, out JsonElement of)) return [];
        return of.ValueKind == JsonValueKind.Array ? of.EnumerateArray().Select(i => ("", i))
            : of.EnumerateObject().Select(p => (p.Name, p.Value));
    }

    static IEnumerable<JsonElement> Items(JsonElement of, string name) =>
        of.TryGetProperty(name, out JsonElement items) ? items.EnumerateArray() : [];

    static Overload OverloadOf(string name, JsonElement overload)
    {
        List<string> parameters = [];
        ImmutableArray<CelType> types = [.. Items(overload, "params").Select(p => TypeOf(p, parameters))];
        CelType result = TypeOf(overload.GetProperty("resultType"), parameters);
        return new Overload(name, overload.TryGetProperty("isInstanceFunction", out _), null, types, result, parameters.Count);
    }

    /// <param name="parameters">Names of type parameters met so far: they count from -1 down, as in signatures.</param>
    static CelType TypeOf(JsonElement json, List<string> parameters)
    {
        JsonProperty type = json.EnumerateObject().Single();
        switch (type.Name)
        {
            case "primitive":
                return type.Value.GetString() switch
                {
                    "BOOL" => CelType.Bool,
                    "INT64" => CelType.Int,
                    "UINT64" => CelType.Uint,
                    "DOUBLE" => CelType.Double,
                    "STRING" => CelType.String,
                    "BYTES" => CelType.Bytes,
                    var other => throw new FormatException($"no primitive type {other}"),
                };
            case "wellKnown": return type.Value.GetString() == "TIMESTAMP" ? CelType.Timestamp : CelType.Duration;
            // CEL's own types, by the names that protocol buffers have for them.
            case "messageType":
                return type.Value.GetString() switch
                {
                    "google.protobuf.Timestamp" => CelType.Timestamp,
                    "google.protobuf.Duration" => CelType.Duration,
                    var other => throw new FormatException($"no message type {other}"),
                };
            case "dyn": return CelType.Dyn;
            case "null": return CelType.Null;
            case "listType": return new ListType(TypeOf(type.Value.GetProperty("elemType"), parameters));
            case "mapType":
                return new MapType(TypeOf(type.Value.GetProperty("keyType"), parameters),
                    TypeOf(type.Value.GetProperty("valueType"), parameters));
            case "typeParam":
                string name = type.Value.GetString()!;
                if (!parameters.Contains(name)) parameters.Add(name);
                return new TypeParameter(-1 - parameters.IndexOf(name));
            case "abstractType":
                ImmutableArray<CelType> inner = [.. Items(type.Value, "parameterTypes").Select(p => TypeOf(p, parameters))];
                string of = type.Value.GetProperty("name").GetString()!;
                return of == "optional_type" ? new OptionalType(inner[0]) : new AbstractType(of, inner);
            default: throw new FormatException($"no type {type.Name}");
        }
    }

    static Value ValueOf(JsonElement json)
    {
        JsonProperty value = json.EnumerateObject().Single();
        return value.Name switch
        {
            "nullValue" => CelNull.It,
            "boolValue" => Value.From(value.Value.GetBoolean()),
            "int64Value" => Value.From(long.Parse(value.Value.GetString()!, CultureInfo.InvariantCulture)),
            "uint64Value" => Value.From(ulong.Parse(value.Value.GetString()!, CultureInfo.InvariantCulture)),
            "doubleValue" => Value.From(value.Value.ValueKind == JsonValueKind.Number ? value.Value.GetDouble()
                : double.Parse(value.Value.GetString()!, CultureInfo.InvariantCulture)),
            "stringValue" => Value.From(value.Value.GetString()!),
            "bytesValue" => Value.FromBytes(Convert.FromBase64String(value.Value.GetString()!)),
            "objectValue" when value.Value.GetProperty("@type").GetString() == "type.googleapis.com/google.protobuf.Duration" =>
                Value.FromDuration((long)(decimal.Parse(value.Value.GetProperty("value").GetString()!.TrimEnd('s'),
                    CultureInfo.InvariantCulture) * 1_000_000)),
            "typeValue" => TypeValue.Of(value.Value.GetString()!),
            "listValue" => Value.FromList([.. Items(value.Value, "values").Select(ValueOf)]),
            "mapValue" => Maps.Of([.. Items(value.Value, "entries")
                .Select(e => KeyValuePair.Create(ValueOf(e.GetProperty("key")), ValueOf(e.GetProperty("value"))))]),
            _ => throw new FormatException($"no value {value.Name}"),
        };
    }

    public static IReadOnlyList<ConformanceCase> Of(string suite) =>
        [.. File.ReadLines(Path.Combine(Corpus.Root, "cases/expressions/conformance", suite + ".jsonl"))
            .Select(line => new ConformanceCase(JsonDocument.Parse(line).RootElement))];
}
