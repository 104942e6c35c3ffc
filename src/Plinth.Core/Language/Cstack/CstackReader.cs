using Plinth.Text;

namespace Plinth.Language.Cstack;

/// <summary>
/// A <c>.cstack</c> file → native text of the same meaning, by edits of the places that differ; everything after it (parser, binder,
/// formatter) knows the native notation alone. What has no counterpart is refused here, by name. Findings keep pointing at what the
/// person wrote (<see cref="TextEdits"/>). The words are <see cref="CstackAliases"/>'; conditions are <see cref="CstackRules"/>'.
/// Two files: this one goes through the blocks, <c>CstackReader.Members.cs</c> through what stands in them.
/// </summary>
sealed partial class CstackReader
{
    public const string Extension = ".cstack";

    readonly SourceText _source;
    readonly SchemaSyntax _file;
    readonly Findings _findings;
    readonly TextEdits _edits;
    readonly CstackRelations _relations;
    readonly CstackRules _rules;

    CstackReader(SchemaSyntax file, Findings findings)
    {
        (_file, _source, _findings) = (file, file.Source, findings);
        _edits = new TextEdits(_source);
        _relations = new CstackRelations(file);
        _rules = new CstackRules(file, findings, _edits);
    }

    public static bool IsCstack(SourceText source) => source.Path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase);

    public static SourceText Native(SourceText source, Findings findings, Limits limits)
    {
        // What is wrong with the text is found once more, and then reported, when the native text is parsed.
        SchemaSyntax file = Parser.ParseNative(source, new Findings(limits.SchemaFindings), limits);
        CstackReader reader = new(file, findings);
        reader.Run();
        return reader._edits.Apply();
    }

    void Run()
    {
        DetachDocs();
        int at = 0;
        foreach (BlockSyntax block in _file.Blocks)
        {
            Between(at, block.Tokens.First);
            if (block is RecordSyntax record) Record(record);
            at = block.Tokens.End;
        }
        Between(at, _file.Tokens.Length - 1);
    }

    /// <summary>Tokens of no native block: of those that stand there, two are <c>.cstack</c>'s own.</summary>
    void Between(int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            if (Is(i, "datasource") && Kind(i + 1) == TokenKind.Name && Kind(i + 2) == TokenKind.OpenBrace) i = Datasource(i, to);
            else if (Is(i, "transport") && Kind(i + 1) == TokenKind.Name) Transport(i++);
        }
    }

    /// <summary>
    /// Where the data lives is a setting here. The block stays readable as a comment, and is checked: a provider that is mistyped was
    /// meant to matter.
    /// </summary>
    int Datasource(int first, int to)
    {
        int close = first + 2;
        while (close < to && Kind(close) != TokenKind.CloseBrace) close++;
        string provider = "";
        for (int i = first + 3; i + 2 < close; i++)
        {
            if (Kind(i) != TokenKind.Name || Kind(i + 1) != TokenKind.Equal) continue;
            string key = Text(i);
            if (key is not ("provider" or "url"))
                Error(Codes.UnknownSetting, Token(i).Span, $"'datasource' has no setting '{key}'",
                    _findings.DidYouMean(key, ["provider", "url"]) ?? "it has provider and url");
            if (key != "provider") continue;
            provider = Text(i + 2).Trim('"', '\'');
            if (!CstackAliases.Providers.Contains(provider))
                Error(Codes.UnknownValue, Token(i + 2).Span, $"'{provider}' is no provider",
                    _findings.DidYouMean(provider, CstackAliases.Providers) ?? $"one of {string.Join(", ", CstackAliases.Providers)}");
        }
        if (provider == "none" && _file.Blocks.FirstOrDefault(b => b is RecordSyntax { Kind: RecordKind.Model }) is { } model)
            Error(Codes.ConflictingAttributes, model.Head,
                $"provider = \"none\" is a schema without models, and {model.Name?.Text} is one");
        else
            _findings.Warning(_source, Codes.NoEffect, Token(first).Span, "where the data lives is a setting, not part of the schema",
                "see `plinth config print`; `plinth fmt` makes the block a comment");
        CommentOut(Span.Between(Token(first).Start, Token(Math.Min(close, to - 1)).End));
        return close;
    }

    void Transport(int first)
    {
        string kind = Text(first + 1);
        Span span = Token(first).Span.Join(Token(first + 1).Span);
        if (CstackAliases.Refused.TryGetValue("transport " + kind, out string? way))
            Error(Codes.NotAvailable, span, $"'transport {kind}' is not available in this version", way);
        else if (kind != "rest")
            Error(Codes.UnknownValue, Token(first + 1).Span, $"'{kind}' is no transport", "write transport rest, or leave the line out");
        CommentOut(span);
    }

    void CommentOut(Span span)
    {
        string text = _source.Slice(span).Replace("\r", "", StringComparison.Ordinal);
        _edits.Replace(span, "// " + text.Replace("\n", "\n// ", StringComparison.Ordinal));
    }

    /// <summary>A doc comment is attached by standing right above: a blank line or a plain comment in between clears it.</summary>
    void DetachDocs()
    {
        for (int i = 0; i < _file.Comments.Length; i++)
        {
            Comment comment = _file.Comments[i];
            if (comment.Kind != CommentKind.Doc || !comment.OwnLine) continue;
            int end = i;
            while (end + 1 < _file.Comments.Length && _file.Comments[end + 1].Kind == CommentKind.Doc && IsNextLine(_file.Comments[end].End,
                _file.Comments[end + 1].Start)) end++;
            int next = end + 1 < _file.Comments.Length ? _file.Comments[end + 1].Start : int.MaxValue;
            bool isAttached = FollowsRightBelow(_file.Comments[end].End, next);
            for (; i <= end; i++) if (!isAttached) _edits.Remove(new Span(_file.Comments[i].Start, 1));
            i = end;
        }
    }

    bool FollowsRightBelow(int end, int nextComment)
    {
        int at = end;
        while (at < _source.Text.Length && char.IsWhiteSpace(_source.Text[at])) at++;
        return at != nextComment && at < _source.Text.Length && IsNextLine(end, at);
    }

    bool IsNextLine(int from, int to) => _source.Text.AsSpan(from, to - from).Count('\n') == 1;

    Token Token(int index) => _file.Tokens[Math.Min(index, _file.Tokens.Length - 1)];

    TokenKind Kind(int index) => Token(index).Kind;

    string Text(int index) => _file.TextOf(Token(index));

    bool Is(int index, string text) => Kind(index) == TokenKind.Name && _file.Is(Token(index), text);

    void Error(string code, Span span, string message, string? hint = null) => _findings.Error(_source, code, span, message, hint);
}
