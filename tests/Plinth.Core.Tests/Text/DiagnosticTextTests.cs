using System.Text;
using System.Text.Json;

namespace Plinth.Text;

public class DiagnosticTextTests
{
    static Diagnostic At(string text, int start, int length, string? hint = null) =>
        new("unknown_type", Severity.Error, new SourceText("schema.plinth", text), new Span(start, length), "unknown type 'Strng'", hint);

    [Fact]
    public void A_finding_shows_its_place() => Assert.Equal(
        """
        schema.plinth:2:8: error: unknown type 'Strng' [unknown_type]
          2 |   name Strng @id
            |        ^^^^^
          hint: did you mean 'String'?
        """,
        DiagnosticText.Render(At("model A {\n  name Strng @id\n}", 17, 5, "did you mean 'String'?")));

    [Fact]
    public void Of_a_long_line_the_surroundings_are_shown()
    {
        string text = new string('a', 5000) + "HERE" + new string('b', 5000);
        string[] lines = DiagnosticText.Render(At(text, 5000, 4)).Split('\n');
        Assert.All(lines, line => Assert.True(line.Length < 200, line));
        Assert.Equal(lines[1].IndexOf("HERE", StringComparison.Ordinal), lines[2].IndexOf("^^^^", StringComparison.Ordinal));
    }

    [Fact]
    public void What_cannot_be_seen_is_shown_as_a_dot()
    {
        string excerpt = DiagnosticText.Render(At("a\u202Eb\u200Bc\u001B[31m", 0, 1)).Split('\n')[1];
        Assert.Equal("  1 | a·b·c·[31m", excerpt);
    }

    [Fact]
    public void A_place_at_the_end_and_an_empty_text_are_places()
    {
        Assert.Equal("schema.plinth:1:1: error: unknown type 'Strng' [unknown_type]", DiagnosticText.Render(At("", 0, 0)));
        Assert.EndsWith("  1 | ab\n    |   ^", DiagnosticText.Render(At("ab", 2, 0)), StringComparison.Ordinal);
    }

    [Fact]
    public void Programs_get_an_array()
    {
        using JsonDocument json = JsonDocument.Parse(DiagnosticText.Json([At("x\nyy zz", 5, 2, "say \"so\""), At("x", 0, 1)]));
        Assert.Equal(
            """{"file":"schema.plinth","line":2,"column":4,"length":2,"severity":"error","code":"unknown_type" """.TrimEnd()
                + ""","message":"unknown type 'Strng'","hint":"say \"so\""}""",
            json.RootElement[0].GetRawText());
        Assert.Equal(JsonValueKind.Null, json.RootElement[1].GetProperty("hint").ValueKind);
        Assert.Equal("[]", Encoding.UTF8.GetString(DiagnosticText.Json([])));
    }
}
