using System.Collections.Immutable;
using System.Text;
using Plinth.Text;

namespace Plinth.Language.Importing;

/// <summary>
/// Prisma's schema language: blocks of lines. What is broken is reported with its place and skipped to the next line, so that all of it
/// is reported; nesting is bounded.
/// </summary>
sealed class PrismaParser(SourceText source, Findings findings, Limits limits)
{
    readonly string _text = source.Text;
    int _at = source.Text.StartsWith('\uFEFF') ? 1 : 0;

    public static ImmutableArray<PrismaBlock> Parse(SourceText source, Findings findings, Limits limits)
    {
        if (source.Text.Length <= limits.SchemaBytes) return new PrismaParser(source, findings, limits).Blocks();
        findings.Error(source, Codes.LimitExceeded, default, $"the file is larger than {limits.SchemaBytes} bytes (limits.schemaBytes)");
        return [];
    }

    ImmutableArray<PrismaBlock> Blocks()
    {
        var blocks = ImmutableArray.CreateBuilder<PrismaBlock>();
        while (true)
        {
            string? doc = Space(lines: true);
            if (_at >= _text.Length) return blocks.ToImmutable();
            int start = _at;
            string keyword = Word(), name = "";
            Space(lines: false);
            if (keyword.Length > 0) name = Word();
            Space(lines: false);
            if (keyword == "type" && Take('='))
            {
                Error(Codes.NotAvailable, start, "type aliases ended with Prisma 2");
                SkipLine();
                continue;
            }
            if (name.Length == 0 || !Take('{'))
            {
                Error(Codes.UnexpectedToken, Math.Min(start, _text.Length), "a block is expected: model Name { … }");
                SkipLine();
                continue;
            }
            if (findings.IsFull) return blocks.ToImmutable();
            var members = Members(keyword, start);
            blocks.Add(new PrismaBlock(keyword, name, Span.Between(start, start + keyword.Length), doc, members));
        }
    }

    ImmutableArray<PrismaMember> Members(string keyword, int start)
    {
        var members = ImmutableArray.CreateBuilder<PrismaMember>();
        while (true)
        {
            string? doc = Space(lines: true);
            if (_at >= _text.Length)
            {
                Error(Codes.Unclosed, start, "the block is not closed", "end it with }");
                return members.ToImmutable();
            }
            if (Take('}')) return members.ToImmutable();
            if (keyword is "datasource" or "generator")
            {
                SkipLine();
                continue;
            }
            if (Member(keyword, doc) is { } member) members.Add(member);
            if (findings.IsFull) SkipAll();
        }
    }

    PrismaMember? Member(string keyword, string? doc)
    {
        int start = _at;
        string name = "", type = "";
        bool isOptional = false, isList = false;
        ImmutableArray<PrismaValue> arguments = [];
        if (Peek() != '@')
        {
            name = Word();
            if (name.Length == 0) return Broken("a field is expected");
            Space(lines: false);
            if (keyword != "enum")
            {
                type = Word();
                if (type.Length == 0) return Broken($"the field '{name}' has no type");
                if (Take('('))
                {
                    if (Arguments(')', depth: 1) is not { } values) return null;
                    arguments = [.. values.Select(v => v.Value)];
                }
                if (Take('[')) isList = Take(']') || Refused("]");
                isOptional = Take('?');
            }
        }
        var attributes = ImmutableArray.CreateBuilder<PrismaAttribute>();
        while (true)
        {
            Space(lines: false);
            char c = Peek();
            if (c is '\n' or '}' or '\0' or '/') break;
            if (c != '@') return Broken($"'{c}' stands where an attribute or the end of the line is expected");
            if (Attribute() is not { } attribute) return null;
            attributes.Add(attribute);
        }
        return new PrismaMember(name, type, arguments, isOptional, isList, attributes.ToImmutable(), doc, Span.Between(start, _at));
    }

    PrismaAttribute? Attribute()
    {
        int start = _at;
        while (Take('@'))
        {
        }
        string name = Word();
        while (Peek() == '.' && Take('.')) name += "." + Word();
        if (name.Length == 0)
        {
            Broken("the name of an attribute is missing");
            return null;
        }
        ImmutableArray<PrismaArgument> arguments = [];
        if (Take('('))
        {
            if (Arguments(')', depth: 1) is not { } read) return null;
            arguments = read;
        }
        return new PrismaAttribute(name, arguments, Span.Between(start, _at));
    }

    /// <summary>To behind the closing bracket; null when it is broken, which was reported.</summary>
    ImmutableArray<PrismaArgument>? Arguments(char close, int depth)
    {
        if (depth > limits.SchemaDepth)
        {
            Error(Codes.LimitExceeded, _at, $"nested deeper than {limits.SchemaDepth} levels (limits.schemaDepth)");
            SkipLine();
            return null;
        }
        var arguments = ImmutableArray.CreateBuilder<PrismaArgument>();
        while (true)
        {
            Space(lines: true);
            if (Take(close)) return arguments.ToImmutable();
            string? label = null;
            int before = _at;
            string word = Word();
            Space(lines: true);
            if (word.Length > 0 && Take(':')) label = word;
            else _at = before;
            Space(lines: true);
            if (Value(depth) is not { } value) return null;
            arguments.Add(new PrismaArgument(label, value));
            Space(lines: true);
            if (!Take(',') && Peek() != close)
            {
                Broken($"'{close}' is missing");
                return null;
            }
        }
    }

    PrismaValue? Value(int depth)
    {
        char c = Peek();
        if (c == '"') return String();
        if (Take('[')) return Arguments(']', depth + 1) is { } items ? new PrismaValue(PrismaValueKind.List, "", items) : null;
        int start = _at;
        if (c == '-' || char.IsAsciiDigit(c))
        {
            for (_at++; char.IsAsciiDigit(Peek()) || Peek() is '.' or 'e' or 'E' or '+' or '-';) _at++;
            return new PrismaValue(PrismaValueKind.Number, _text[start.._at], []);
        }
        string word = Word();
        while (word.Length > 0 && Peek() == '.' && Take('.')) word += "." + Word();
        if (word.Length == 0)
        {
            Broken("a value is expected");
            return null;
        }
        if (!Take('(')) return new PrismaValue(PrismaValueKind.Word, word, []);
        return Arguments(')', depth + 1) is { } arguments ? new PrismaValue(PrismaValueKind.Call, word, arguments) : null;
    }

    PrismaValue? String()
    {
        int start = _at++;
        StringBuilder text = new();
        for (; _at < _text.Length && _text[_at] is not ('"' or '\n'); _at++)
        {
            char c = _text[_at];
            if (c != '\\' || _at + 1 >= _text.Length)
            {
                text.Append(c);
                continue;
            }
            c = _text[++_at];
            text.Append(c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', _ => c });
        }
        if (Take('"')) return new PrismaValue(PrismaValueKind.Text, text.ToString(), []);
        Error(Codes.Unclosed, start, "the string is not closed", "end it with \"");
        SkipLine();
        return null;
    }

    char Peek() => _at < _text.Length ? _text[_at] : '\0';

    bool Take(char c)
    {
        if (Peek() != c || _at >= _text.Length) return false;
        _at++;
        return true;
    }

    bool Refused(string expected)
    {
        Error(Codes.UnexpectedToken, _at, $"'{expected}' is expected");
        return false;
    }

    string Word()
    {
        int start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '_' or '-')) _at++;
        return _text[start.._at];
    }

    /// <summary>Over white space and comments; what <c>///</c> says right above the next thing.</summary>
    string? Space(bool lines)
    {
        StringBuilder? doc = null;
        while (_at < _text.Length)
        {
            char c = _text[_at];
            if (c is ' ' or '\t' or '\r' || (c == '\n' && lines))
            {
                _at++;
                continue;
            }
            if (!_text.AsSpan(_at).StartsWith("//", StringComparison.Ordinal)) break;
            int start = _at, end = _text.IndexOf('\n', _at);
            _at = end < 0 ? _text.Length : end;
            if (!lines) break;
            ReadOnlySpan<char> comment = _text.AsSpan(start, _at - start);
            if (!comment.StartsWith("///", StringComparison.Ordinal)) continue;
            doc = doc is null ? new StringBuilder() : doc.Append('\n');
            doc.Append(comment[3..].Trim());
        }
        return doc?.ToString();
    }

    void SkipLine()
    {
        int end = _at >= _text.Length ? -1 : _text.IndexOf('\n', _at);
        _at = end < 0 ? _text.Length : end + 1;
    }

    void SkipAll() => _at = _text.Length;

    PrismaMember? Broken(string message)
    {
        Error(Codes.UnexpectedToken, Math.Min(_at, _text.Length), message);
        SkipLine();
        return null;
    }

    void Error(string code, int at, string message, string? hint = null) =>
        findings.Error(source, code, new Span(Math.Clamp(at, 0, Math.Max(0, _text.Length - 1)), _text.Length > 0 ? 1 : 0), message, hint);
}
