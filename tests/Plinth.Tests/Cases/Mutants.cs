namespace Plinth.Cases;

/// <summary>A schema that says a little less than the one it was made of.</summary>
/// <param name="Dropped">What was taken away, as it stood.</param>
/// <param name="Construct">Its kind: the attribute, <c>name: of</c> one, or <c>a condition of</c> one.</param>
sealed record Mutant(string Dropped, string Construct, string Schema);

/// <summary>
/// All schemas that one gets from a text by leaving out one attribute, one named argument, or one condition of a rule (one side of a
/// top-level <c>&amp;&amp;</c> or <c>||</c>). Works on the text, so that whatever the language can say is covered without a list.
/// </summary>
static class Mutants
{
    public static IEnumerable<Mutant> Of(string schema)
    {
        foreach (Range attribute in Attributes(schema))
        {
            string text = schema[attribute];
            int open = text.IndexOf('(', StringComparison.Ordinal);
            string name = open < 0 ? text : text[..open].Trim();
            yield return new(text, name, Without(schema, attribute));
            if (open < 0) continue;
            int start = attribute.Start.Value;
            bool isRule = text.StartsWith("@@allow", StringComparison.Ordinal) || text.StartsWith("@@deny", StringComparison.Ordinal);
            Range[] arguments = [.. Split(text, (open + 1)..^1, [","])];
            for (int i = 0; i < arguments.Length; i++)
            {
                Range at = Shift(arguments[i], start, text.Length);
                string argument = schema[at].Trim();
                if (IsNamed(argument))
                    yield return new($"{argument} of {text}", $"{argument[..argument.IndexOf(':', StringComparison.Ordinal)]}: of {name}",
                        WithoutArgument(schema, at));
                if (!isRule || i == 0) continue;
                Range condition = AfterName(schema, at);
                Range[] sides = [.. Split(schema, condition, ["&&", "||"])];
                if (sides.Length < 2) continue;
                for (int side = 0; side < sides.Length; side++)
                    yield return new($"{schema[sides[side]].Trim()} of {text}", "a condition of " + name, WithoutSide(schema, sides, side));
            }
        }
    }

    /// <summary>Where attributes stand, with their arguments: outside comments and strings.</summary>
    static IEnumerable<Range> Attributes(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '"') i = EndOfString(text, i);
            else if (text[i] == '/' && i + 1 < text.Length && text[i + 1] == '/') i = EndOfLine(text, i);
            if (i >= text.Length || text[i] != '@') continue;
            int end = i;
            while (end < text.Length && text[end] == '@') end++;
            while (end < text.Length && char.IsAsciiLetterOrDigit(text[end])) end++;
            int open = end;
            while (open < text.Length && text[open] == ' ') open++;
            if (open < text.Length && text[open] == '(') end = EndOfBrackets(text, open) + 1;
            yield return i..end;
            i = end - 1;
        }
    }

    /// <summary>The parts of a range between separators that stand outside brackets and strings.</summary>
    public static IEnumerable<Range> Split(string text, Range range, string[] separators)
    {
        var (start, length) = range.GetOffsetAndLength(text.Length);
        int end = start + length, from = start;
        for (int i = start; i < end; i++)
        {
            if (text[i] == '"') i = EndOfString(text, i);
            else if (text[i] is '(' or '[' or '{') i = EndOfBrackets(text, i);
            else if (separators.FirstOrDefault(s => string.CompareOrdinal(text, i, s, 0, s.Length) == 0) is { } separator)
            {
                yield return from..i;
                i += separator.Length - 1;
                from = i + 1;
            }
        }
        if (from < end) yield return from..end;
    }

    static int EndOfString(string text, int quote)
    {
        int i = quote + 1;
        for (; i < text.Length && text[i] != '"'; i++)
        {
            if (text[i] == '\\') i++;
        }
        return i;
    }

    static int EndOfLine(string text, int from) => text.IndexOf('\n', from) is >= 0 and var end ? end : text.Length;

    static int EndOfBrackets(string text, int open)
    {
        int depth = 0;
        for (int i = open; i < text.Length; i++)
        {
            if (text[i] == '"') i = EndOfString(text, i);
            else if (text[i] is '(' or '[' or '{') depth++;
            else if (text[i] is ')' or ']' or '}' && --depth == 0) return i;
        }
        throw new FormatException("brackets that do not close");
    }

    static bool IsNamed(string argument)
    {
        string trimmed = argument.TrimStart();
        int name = 0;
        while (name < trimmed.Length && char.IsAsciiLetter(trimmed[name])) name++;
        return name > 0 && name < trimmed.Length && trimmed[name] == ':';
    }

    static Range AfterName(string text, Range argument)
    {
        string whole = text[argument];
        return IsNamed(whole) ? (argument.Start.Value + whole.IndexOf(':', StringComparison.Ordinal) + 1)..argument.End : argument;
    }

    static Range Shift(Range range, int by, int length)
    {
        var (start, count) = range.GetOffsetAndLength(length);
        return (start + by)..(start + by + count);
    }

    static string Without(string text, Range range) => text[..range.Start] + text[range.End..];

    /// <summary>Takes the comma along.</summary>
    static string WithoutArgument(string text, Range argument)
    {
        int start = argument.Start.Value, end = argument.End.Value;
        if (text[start - 1] == ',') start--;
        else if (text[end] == ',') end++;
        return text[..start] + text[end..];
    }

    /// <summary>Takes the operator before it along, or the one after it.</summary>
    public static string WithoutSide(string text, Range[] sides, int side) => side > 0
        ? text[..sides[side - 1].End] + text[sides[side].End..]
        : text[..sides[0].Start] + text[sides[1].Start..];
}
