using Plinth.Expressions;

namespace Plinth.Cases;

/// <summary>
/// <c>cases/expressions</c>, in memory: lines of <c>expression => true</c>, <c>false</c>, <c>unknown</c> or <c>error</c>, about the
/// first row of the first model. Plinth.Tests runs the same lines as SQL.
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
        foreach (var (line, text, expected, _) in story.Lines)
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
