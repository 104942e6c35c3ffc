using System.Text;
using System.Text.Json;
using Plinth.Schema;

namespace Plinth.Cases;

/// <summary>The rows of a case as values, for the executions in memory: <c>-- rows Model --</c> and <c>-- caller --</c>.</summary>
sealed class CaseRows
{
    readonly AppSchema _schema;
    readonly Dictionary<string, List<Value[]>> _rows = new(StringComparer.Ordinal);

    public CaseRows(AppSchema schema, CaseFile file)
    {
        _schema = schema;
        foreach (CaseSection section in file.All("rows"))
        {
            Model model = schema.Model(section.Arguments);
            if (!_rows.TryGetValue(model.Name, out var rows)) _rows.Add(model.Name, rows = []);
            rows.AddRange(Json.Documents(section.Content).Select(record => Read(model.Fields, record)));
        }
    }

    public IReadOnlyList<Value[]> Of(Model model) => _rows.GetValueOrDefault(model.Name) ?? [];

    /// <summary>One record as values.</summary>
    public static Value[] Row(Model model, string record) => Read(model.Fields, record);

    /// <summary>The rows at the far end of a relation.</summary>
    public IReadOnlyList<Value[]> Related(Relation relation, Value[] row)
    {
        Model from = _schema.Model(relation.Model), to = _schema.Model(relation.Target);
        var pairs = relation.Fields.Zip(relation.References, (mine, theirs) => (Mine: Ordinal(from, mine), Theirs: Ordinal(to, theirs)))
            .ToList();
        return [.. Of(to).Where(other => pairs.All(p => !row[p.Mine].IsNull && row[p.Mine] == other[p.Theirs]))];
    }

    /// <summary>The claims of <c>-- caller --</c>, Null for nobody.</summary>
    public static Value Claims(AppSchema schema, string caller)
    {
        if (caller == "null" || schema.Auth is null) return Value.Null;
        Value[] values = Read([.. schema.Auth.Claims], caller);
        return Value.FromMap(new([.. schema.Auth.Claims.Select((claim, i) => KeyValuePair.Create(claim.Name, values[i]))]));
    }

    static int Ordinal(Model model, string field) => model.Fields.Single(f => f.Name == field).Ordinal;

    static Value[] Read(IReadOnlyList<Field> fields, string record)
    {
        using JsonDocument document = JsonDocument.Parse(record);
        Value[] row = new Value[fields.Count];
        for (int i = 0; i < fields.Count; i++)
        {
            bool isThere = document.RootElement.TryGetProperty(fields[i].Name, out JsonElement value)
                && value.ValueKind != JsonValueKind.Null;
            row[i] = isThere ? Read(fields[i], value.GetRawText()) : fields[i].IsList ? Value.FromJson("[]"u8.ToArray()) : Value.Null;
        }
        string? unknown = document.RootElement.EnumerateObject().Select(m => m.Name).FirstOrDefault(n => fields.All(f => f.Name != n));
        return unknown is null ? row : throw new FormatException($"a row names '{unknown}', which is no field");
    }

    static Value Read(Field field, string json)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(json);
        if (field.IsJsonStored) return Value.FromJson(bytes);
        Utf8JsonReader reader = new(bytes);
        reader.Read();
        if (field.Type is not ScalarFieldType scalar) return Value.From(reader.GetString()!);
        return scalar.Scalar.TryRead(ref reader, out Value value) ? value
            : throw new FormatException($"{json} is no value of {field.Name}");
    }
}
