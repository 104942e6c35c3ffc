using Plinth.Expressions;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cases;

/// <summary>A case of <c>cases/expressions</c>, read.</summary>
sealed class ExpressionStory
{
    public ExpressionStory(CaseFile file)
    {
        file.AllowOnly("schema", "rows", "caller", "eval");
        File = file;
        SchemaReading reading = SchemaReader.Read([new SourceText("schema.plinth", file.Get("schema").Content)]);
        Schema = reading.Schema ?? throw new FormatException($"{file.Path}: {reading.Diagnostics[0].Message}");
        Model = Schema.Model(file.Get("rows").Arguments);
    }

    public static readonly bool HasTimeZones = TimeZoneData.Ensure();

    public CaseFile File { get; }

    public AppSchema Schema { get; }

    /// <summary>Whose row the expressions are about.</summary>
    public Model Model { get; }

    public string Caller => File.Find("caller")?.Content ?? "null";

    /// <summary>Each line of <c>eval</c>; "in memory only" behind a result says that the databases refuse the expression.</summary>
    public IEnumerable<ExpressionLine> Lines => File.Get("eval").Lines.Select(line =>
    {
        int arrow = line.LastIndexOf("=>", StringComparison.Ordinal);
        string[] result = line[(arrow + 2)..].Split(',', StringSplitOptions.TrimEntries);
        return new ExpressionLine(line, line[..arrow].Trim(), result[0], InMemoryOnly: result.Length > 1 && result[1] == "in memory only");
    });

    public CheckedExpression? Check(string text, out string refusal)
    {
        SourceText source = new("expression", text);
        var (expression, diagnostics) =
            CheckedExpression.Read(source, new Span(0, text.Length), ExpressionScope.Rule(Schema, Model), CelType.Bool, Limits.Default);
        refusal = diagnostics.IsEmpty ? "" : $"{diagnostics[0].Code}: {diagnostics[0].Message}";
        return expression;
    }
}

sealed record ExpressionLine(string Line, string Text, string Expected, bool InMemoryOnly);
