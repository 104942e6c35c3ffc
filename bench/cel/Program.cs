using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Plinth.Expressions;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

// Plinth's side of bench/run cel: reads names of rules from its input, measures each, writes one line of JSON. The rules, the row and
// the caller stand in rules.json, which the other side reads too.
JsonElement data = JsonDocument.Parse(File.ReadAllText(args[0])).RootElement;
SchemaReading reading = SchemaReader.Read([new SourceText("schema.plinth", data.GetProperty("schema").GetString()!)]);
AppSchema schema = reading.Schema ?? throw new InvalidOperationException(reading.Diagnostics[0].ToString());
Model model = schema.Models[0];
Value[] row = [.. model.Fields.Select(f => Of(f, data.GetProperty("row")))];
JsonElement claims = data.GetProperty("auth");
Value auth = Value.FromMap(new ValueMap([.. schema.Auth!.Claims.Select(c => KeyValuePair.Create(c.Name, Of(c, claims)))]));
DateTimeType.It.TryParse(data.GetProperty("now").GetString(), out Value now);
EvaluationContext context = new() { Row = row, Auth = auth, NowMicroseconds = now.Ticks };
Dictionary<string, CompiledExpression> rules = data.GetProperty("rules").EnumerateObject().ToDictionary(r => r.Name, r =>
{
    string text = r.Value.GetString()!;
    var (expression, diagnostics) = CheckedExpression.Read(new SourceText(r.Name, text), new Span(0, text.Length),
        ExpressionScope.Rule(schema, model), CelType.Bool, Limits.Default);
    return CompiledExpression.Compile(expression ?? throw new InvalidOperationException(diagnostics[0].ToString()));
});

while (Console.ReadLine() is { } line)
{
    string[] command = line.Split(' ');
    CompiledExpression rule = rules[command[0]];
    int milliseconds = int.Parse(command[1], CultureInfo.InvariantCulture);
    Measure(rule, milliseconds / 4);
    (double nanoseconds, double bytes) = Measure(rule, milliseconds);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{{\"result\":{(rule.IsTrue(context) ? "true" : "false")},\"nanoseconds\":{nanoseconds:F1},\"bytes\":{bytes:F1}}}"));
}

(double Nanoseconds, double Bytes) Measure(CompiledExpression rule, int milliseconds)
{
    const int Batch = 10_000;
    long count = 0, trues = 0, before = GC.GetAllocatedBytesForCurrentThread();
    Stopwatch watch = Stopwatch.StartNew();
    while (watch.ElapsedMilliseconds < milliseconds)
    {
        for (int i = 0; i < Batch; i++) trues += rule.IsTrue(context) ? 1 : 0;
        count += Batch;
    }
    double elapsed = watch.Elapsed.TotalNanoseconds;
    if (trues != 0 && trues != count) throw new InvalidOperationException("a rule changed its mind");
    return (elapsed / count, (double)(GC.GetAllocatedBytesForCurrentThread() - before) / count);
}

static Value Of(Field field, JsonElement of)
{
    if (!of.TryGetProperty(field.Name, out JsonElement json) || json.ValueKind == JsonValueKind.Null) return Value.Null;
    byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(json.GetRawText());
    if (field.IsList) return Value.FromJson(utf8);
    Utf8JsonReader reader = new(utf8);
    reader.Read();
    if (field.Type is ScalarFieldType scalar && scalar.Scalar.TryRead(ref reader, out Value value)) return value;
    return Value.From(json.GetString()!);
}
