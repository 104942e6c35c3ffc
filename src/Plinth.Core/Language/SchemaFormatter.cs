using System.Collections.Immutable;
using System.Text;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// The one form of a schema file: two spaces, names, types and attributes in columns, single blank lines kept, comments where they
/// were. A block that was written on one line stays on one if it fits. Only white space and commas change; formatting twice is
/// formatting once. Two files: this one arranges lines, <c>TokenPrinter</c> prints what stands on them.
/// </summary>
sealed class SchemaFormatter
{
    const int LineMax = 140;

    readonly SchemaSyntax _file;
    readonly TokenPrinter _printer;
    readonly StringBuilder _text = new();
    int _comment;

    SchemaFormatter(SchemaSyntax file) => (_file, _printer) = (file, new TokenPrinter(file));

    /// <summary>
    /// The formatted text; the text as it is where it has errors of grammar (they are <see cref="SchemaReader"/>'s to report).
    /// </summary>
    public static string Format(SourceText source) => Format(source, Limits.Default);

    public static string Format(SourceText source, Limits limits)
    {
        Findings findings = new(limits.SchemaFindings);
        SchemaSyntax file = Parser.Parse(source, findings, limits);
        return findings.HasErrors ? source.Text : new SchemaFormatter(file).Run();
    }

    string Run()
    {
        bool wasTall = false;
        foreach (BlockSyntax block in _file.Blocks)
        {
            int start = CommentStart(block.Tokens.First);
            bool isTall = OneLine(block) is null;
            bool hasComments = _comment < _file.Tokens[block.Tokens.First].Comments;
            // Small blocks may stand together; everything else has air around it.
            if (_text.Length > 0 && (isTall || wasTall || hasComments || HasBlankLineBefore(start))) _text.Append('\n');
            Comments(block.Tokens.First, indent: 0);
            Write(block);
            wasTall = isTall;
        }
        int end = _file.Tokens.Length - 1;
        if (_comment < _file.Comments.Length && _text.Length > 0 && HasBlankLineBefore(_file.Comments[_comment].Start)) _text.Append('\n');
        Comments(end, indent: 0);
        return _text.ToString();
    }

    void Write(BlockSyntax block)
    {
        if (OneLine(block) is { } line)
        {
            _text.Append(line);
            EndLine(block.Tokens.End);
            return;
        }
        switch (block)
        {
            case AppSyntax app:
                Open(block);
                Settings(app.Settings, indent: 2);
                Close(block.Tokens.End - 1, indent: 0);
                break;
            case EnumSyntax known:
                Open(block);
                Rows([.. known.Values.Select(v => new Line(TokenAt(v.Span), TokenAt(v.Span) + 1, [TokenPrinter.Name(v)]))]);
                Close(block.Tokens.End - 1, indent: 0);
                break;
            case RecordSyntax record:
                Open(block);
                Rows([.. record.Members.Select(LineOf)]);
                Close(block.Tokens.End - 1, indent: 0);
                break;
            case ChannelSyntax channel:
                Open(block);
                Rows([.. channel.Members.Select(LineOf)]);
                Close(block.Tokens.End - 1, indent: 0);
                break;
            default:
                _text.Append(_printer.Flat(block.Tokens));
                EndLine(block.Tokens.End);
                break;
        }
    }

    /// <summary>The block on one line: when it was on one, has no comment inside, and fits.</summary>
    string? OneLine(BlockSyntax block)
    {
        int last = block.Tokens.End - 1;
        for (int i = block.Tokens.First + 1; i <= last; i++)
        {
            if (_file.Tokens[i].StartsLine || _file.Tokens[i].Comments != _file.Tokens[block.Tokens.First].Comments) return null;
        }
        string? body = block switch
        {
            UnionSyntax union => " = " + string.Join(" | ", union.Variants.Select(TokenPrinter.Name)),
            EnumSyntax known => Braced(" ", known.Values.Select(TokenPrinter.Name)),
            RecordSyntax record => Braced("   ", record.Members.Select(OneCell)),
            ChannelSyntax channel => Braced("   ", channel.Members.Select(OneCell)),
            AppSyntax app => Braced("  ", app.Settings.Select(Setting)),
            _ => throw new InvalidOperationException($"no form for {block.GetType().Name}"),
        };
        string line = Head(block) + body;
        return line.Length <= LineMax ? line : null;
    }

    string OneCell(MemberSyntax member) => string.Join(' ', LineOf(member).Cells.Where(c => c.Length > 0));

    static string Braced(string separator, IEnumerable<string> items)
    {
        string body = string.Join(separator, items);
        return body.Length == 0 ? " {}" : $" {{ {body} }}";
    }

    string Setting(SettingSyntax setting) => setting.Settings.IsDefault
        ? $"{TokenPrinter.Name(setting.Name)} = {_file.TextOf(setting.Value)}"
        : TokenPrinter.Name(setting.Name) + Braced("  ", setting.Settings.Select(Setting));

    string Head(BlockSyntax block)
    {
        string keyword = _file.TextOf(_file.Tokens[block.Tokens.First]);
        string head = block.Name is { } name ? $"{keyword} {TokenPrinter.Name(name)}" : keyword;
        if (block is RecordSyntax { From: { } from }) return $"{head} from {TokenPrinter.Name(from)}";
        if (block is not ChannelSyntax { Parameters: { IsEmpty: false } parameters }) return head;
        return $"{head}({string.Join(", ", parameters.Select(p => $"{TokenPrinter.Name(p.Name)}: {_printer.Type(p.Type)}"))})";
    }

    void Open(BlockSyntax block)
    {
        _text.Append(Head(block)).Append(" {");
        int brace = block is ChannelSyntax channel ? channel.Body
            : block.Tokens.First + (block.Name is null ? 2 : 3) + (block is RecordSyntax { From: not null } ? 2 : 0);
        EndLine(brace);
    }

    void Close(int brace, int indent)
    {
        Comments(brace, indent + 2);
        _text.Append(' ', indent).Append('}');
        EndLine(brace + 1);
    }

    void Settings(ImmutableArray<SettingSyntax> settings, int indent)
    {
        int width = settings.Where(s => s.Settings.IsDefault).Select(s => TokenPrinter.Name(s.Name).Length).DefaultIfEmpty(0).Max();
        bool isFirst = true;
        foreach (SettingSyntax setting in settings)
        {
            BlankLine(setting.Tokens.First, isFirst);
            isFirst = false;
            Comments(setting.Tokens.First, indent);
            string name = TokenPrinter.Name(setting.Name);
            bool isTall = !setting.Settings.IsDefault && Enumerable.Range(setting.Tokens.First + 1,
                setting.Tokens.End - setting.Tokens.First - 1)
                .Any(i => _file.Tokens[i].StartsLine || _file.Tokens[i].Comments > _file.Tokens[setting.Tokens.First].Comments);
            _text.Append(' ', indent);
            if (isTall)
            {
                _text.Append(name).Append(" {");
                EndLine(setting.Tokens.First + 2);
                Settings(setting.Settings, indent + 2);
                Close(setting.Tokens.End - 1, indent);
                continue;
            }
            _text.Append(setting.Settings.IsDefault ? $"{name.PadRight(width)} = {_file.TextOf(setting.Value)}" : Setting(setting));
            EndLine(setting.Tokens.End);
        }
    }

    /// <summary>One member on its line. Cells of neighbours stand in columns; the last one ends where it ends.</summary>
    readonly record struct Line(int First, int End, ImmutableArray<string> Cells);

    Line LineOf(MemberSyntax member) => member switch
    {
        UseSyntax use => new Line(member.Tokens.First, member.Tokens.End, ["use " + TokenPrinter.Name(use.Mixin)]),
        ModelAttributeSyntax model => new Line(member.Tokens.First, member.Tokens.End, _printer.ModelAttribute(model.Attribute)),
        ChannelOptionSyntax option => new Line(member.Tokens.First, member.Tokens.End,
            [option.Type is null ? TokenPrinter.Name(option.Name) : $"{TokenPrinter.Name(option.Name)}: {_printer.Type(option.Type)}"]),
        FieldSyntax { Value: not null } or FieldSyntax { IsKey: true } => new Line(
            member.Tokens.First, member.Tokens.End, _printer.Projected((FieldSyntax)member)),
        FieldSyntax field => new Line(member.Tokens.First, member.Tokens.End,
            [TokenPrinter.FieldName(field.Name), _printer.Type(field.Type), string.Join(' ', field.Attributes.Select(_printer.Attribute))]),
        _ => throw new InvalidOperationException($"no form for {member.GetType().Name}"),
    };

    void Rows(ImmutableArray<Line> rows)
    {
        int at = 0;
        while (at < rows.Length)
        {
            // A run is what is read together: fields up to a blank line.
            int end = at + 1;
            while (end < rows.Length && rows[end].Cells.Length == rows[at].Cells.Length
                && !HasBlankLineBefore(CommentStart(rows[end].First))) end++;
            Run(rows.AsSpan(at, end - at), isFirst: at == 0);
            at = end;
        }
    }

    void Run(ReadOnlySpan<Line> rows, bool isFirst)
    {
        List<string> lines = InColumns(rows);
        int commentColumn = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            if (EndsWithComment(rows[i]) && !lines[i].Contains('\n')) commentColumn = Math.Max(commentColumn, lines[i].Length);
        }
        for (int i = 0; i < rows.Length; i++)
        {
            BlankLine(rows[i].First, isFirst && i == 0);
            Comments(rows[i].First, indent: 2);
            _text.Append(lines[i]);
            int pad = EndsWithComment(rows[i]) && !lines[i].Contains('\n') ? commentColumn - lines[i].Length : 0;
            EndLine(rows[i].End, pad);
        }
    }

    static List<string> InColumns(ReadOnlySpan<Line> rows)
    {
        string[][] cells = new string[rows.Length][];
        for (int i = 0; i < rows.Length; i++) cells[i] = [.. rows[i].Cells];
        // Allow and deny are read below one another: their operations begin in one column.
        if (cells[0].Length == 2 && Array.Exists(cells, c => c[0].StartsWith("@@allow(", StringComparison.Ordinal)))
        {
            foreach (string[] rule in cells) rule[0] = rule[0].Replace("@@deny(", "@@deny (", StringComparison.Ordinal);
        }
        // A cell with nothing behind it ends where it ends: one long type does not push the attributes of all others away.
        int[] widths = new int[cells[0].Length];
        foreach (string[] row in cells)
        {
            for (int i = 0; i + 1 < row.Length; i++) widths[i] = Math.Max(widths[i], row[i + 1].Length > 0 ? row[i].Length : 0);
        }
        List<string> lines = [];
        foreach (string[] row in cells)
        {
            StringBuilder line = new("  ");
            for (int i = 0; i + 1 < row.Length; i++) line.Append(row[i].PadRight(widths[i] + 1));
            lines.Add(line.Append(row[^1]).ToString().TrimEnd());
        }
        return lines;
    }

    /// <summary>A comment will end the row's line: one that stands there, or one from between its tokens, which moves there.</summary>
    bool EndsWithComment(Line row)
    {
        int index = _file.Tokens[row.First].Comments;
        if (index >= _file.Tokens[row.End].Comments) return false;
        return index < FirstCommentBehind(row.End) || !_file.Comments[index].OwnLine;
    }

    int FirstCommentBehind(int nextToken) => nextToken == 0 ? 0 : _file.Tokens[nextToken - 1].Comments;

    /// <summary>Ends the line, with the comments that stood on it.</summary>
    void EndLine(int nextToken, int pad = 0)
    {
        while (_comment < _file.Tokens[nextToken].Comments && (_comment < FirstCommentBehind(nextToken)
            || !_file.Comments[_comment].OwnLine))
        {
            _text.Append(' ', pad + 2).Append(CommentText(_file.Comments[_comment++], indent: 0, isDoc: false));
            pad = -1;
            if (_file.Comments[_comment - 1].Kind != CommentKind.Block) break;
        }
        _text.Append('\n');
    }

    /// <summary>The comments that stand on their own lines before a token.</summary>
    void Comments(int token, int indent)
    {
        bool isFirst = true;
        while (_comment < _file.Tokens[token].Comments)
        {
            Comment comment = _file.Comments[_comment++];
            if (!isFirst && HasBlankLineBefore(comment.Start)) _text.Append('\n');
            isFirst = false;
            bool isDoc = _comment > FirstCommentBehind(token) && comment.OwnLine;
            _text.Append(' ', indent).Append(CommentText(comment, indent, isDoc)).Append('\n');
        }
        if (!isFirst && _file.Tokens[token].Kind != TokenKind.End && _file.Tokens[token].Kind != TokenKind.CloseBrace
            && HasBlankLineBefore(_file.Tokens[token].Start)) _text.Append('\n');
    }

    /// <param name="isDoc">It stands where a doc comment is one. Elsewhere three slashes were two, and where it moves it must not become
    /// one.</param>
    string CommentText(Comment comment, int indent, bool isDoc)
    {
        string text = _file.Source.Slice(comment.Span).TrimEnd();
        if (comment.Kind == CommentKind.Doc && !isDoc) return text[1..];
        if (comment.Kind != CommentKind.Block || !text.Contains('\n', StringComparison.Ordinal)) return text;
        // Inner lines of a block comment keep their words; their indentation follows.
        string[] lines = text.Split('\n');
        for (int i = 1; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            lines[i] = line.Length == 0 ? "" : new string(' ', indent + (line[0] == '*' ? 1 : 3)) + line;
        }
        return string.Join('\n', lines.Select(l => l.TrimEnd()));
    }

    void BlankLine(int token, bool isFirst)
    {
        if (!isFirst && HasBlankLineBefore(CommentStart(token))) _text.Append('\n');
    }

    /// <summary>Where the token begins, with the comments above it that have not been printed.</summary>
    int CommentStart(int token)
    {
        for (int i = FirstCommentBehind(token); i < _file.Tokens[token].Comments; i++)
        {
            if (_file.Comments[i].OwnLine) return _file.Comments[i].Start;
        }
        return _file.Tokens[token].Start;
    }

    bool HasBlankLineBefore(int position)
    {
        int lines = 0;
        for (int i = position - 1; i >= 0 && char.IsWhiteSpace(_file.Source.Text[i]); i--)
        {
            if (_file.Source.Text[i] == '\n') lines++;
        }
        return lines > 1;
    }

    int TokenAt(Span span)
    {
        int low = 0, high = _file.Tokens.Length - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_file.Tokens[middle].Start < span.Start) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
