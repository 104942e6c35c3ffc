using Plinth.Expressions;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cases;

/// <summary>
/// <c>cases/expressions</c>, in memory: lines of <c>expression => true, false, unknown or error</c>, about the first row of the first
/// model. Plinth.Tests runs the same lines as SQL.
/// </summary>
public class ExpressionCases
{
    public static TheoryData<string> Paths => Corpus.Of("expressions");

    [Theory]
    [MemberData(nameof(Paths))]
    public void Holds_in_memory(string path)
    {
        ExpressionStory story = new(Corpus.Read(path));
        CaseRows rows = new(story.Schema, story.File);
        List<string> wrong = [];
        foreach (var (line, text, expected) in story.Lines)
        {
            CheckedExpression? expression = story.Check(text, out string refusal);
            string result = expression is null ? "error" : Evaluate(story, rows, expression);
            if (result != expected) wrong.Add($"{path}: {line}\n  gave {result} {refusal}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    static string Evaluate(ExpressionStory story, CaseRows rows, CheckedExpression expression) =>
        CompiledExpression.Compile(expression).Decide(new EvaluationContext
        {
            Row = rows.Of(story.Model)[0],
            Auth = CaseRows.Claims(story.Schema, story.Caller),
            Related = rows.Related,
        }) switch
        {
            Truth.True => "true",
            Truth.False => "false",
            _ => "unknown",
        };
}

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

    public CaseFile File { get; }

    public AppSchema Schema { get; }

    /// <summary>Whose row the expressions are about.</summary>
    public Model Model { get; }

    public string Caller => File.Find("caller")?.Content ?? "null";

    public IEnumerable<(string Line, string Text, string Expected)> Lines => File.Get("eval").Lines.Select(line =>
    {
        int arrow = line.LastIndexOf("=>", StringComparison.Ordinal);
        return (line, line[..arrow].Trim(), line[(arrow + 2)..].Trim());
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
