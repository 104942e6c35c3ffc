using System.Collections.Immutable;
using System.Text;
using Plinth.Language.Cstack;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Tokens → syntax, by recursive descent over blocks (arguments are cut out by counting brackets, so nothing nests by itself).
/// Recovery: a broken member is reported once and skipped to the next line that can begin one; a block without its closing brace ends
/// where the next block begins. Every loop moves forward: a step that consumed nothing skips a token.
/// Two files: this one reads blocks, <c>Parser.Members.cs</c> what stands in them.
/// </summary>
sealed partial class Parser
{
    readonly SourceText _source;
    readonly Token[] _tokens;
    readonly Comment[] _comments;
    readonly Findings _findings;
    readonly Limits _limits;

    /// <summary>Those open in the argument being read: arguments do not nest, so one stack serves all.</summary>
    readonly Stack<TokenKind> _brackets = new();
    int _at;
    bool _isBlockBroken;

    Parser(SourceText source, Findings findings, Limits limits)
    {
        (_source, _findings, _limits) = (source, findings, limits);
        (_tokens, _comments) = Lexer.Read(source, findings);
    }

    /// <summary>The syntax of a file. One of another notation is first made into native text, which its findings do not show.</summary>
    public static SchemaSyntax Parse(SourceText source, Findings findings, Limits limits) =>
        ParseNative(CstackReader.IsCstack(source) ? CstackReader.Native(source, findings, limits) : source, findings, limits);

    public static SchemaSyntax ParseNative(SourceText source, Findings findings, Limits limits)
    {
        if (source.Text.Length > limits.SchemaBytes)
        {
            findings.Error(source, Codes.LimitExceeded, default, $"the file is larger than {limits.SchemaBytes} bytes (limits.schemaBytes)",
                "split it, or raise the limit");
            return new SchemaSyntax(source, [new Token(TokenKind.End, 0, 0, 0, true)], [], []);
        }
        Parser parser = new(source, findings, limits);
        var blocks = parser.ParseBlocks();
        return new SchemaSyntax(source, parser._tokens, parser._comments, blocks);
    }

    ImmutableArray<BlockSyntax> ParseBlocks()
    {
        var blocks = ImmutableArray.CreateBuilder<BlockSyntax>();
        while (Current.Kind != TokenKind.End)
        {
            int before = _at;
            if (ParseBlock() is { } block) blocks.Add(block);
            if (_at == before) _at++;
        }
        return blocks.ToImmutable();
    }

    BlockSyntax? ParseBlock()
    {
        Token token = Current;
        string word = token.Kind == TokenKind.Name ? TextOf(token) : "";
        switch (word)
        {
            case "app": return ParseApp();
            case "auth": return ParseRecord(RecordKind.Auth);
            case "mixin": return ParseRecord(RecordKind.Mixin);
            case "type": return ParseRecord(RecordKind.Type);
            case "model": return ParseRecord(RecordKind.Model);
            case "extend": return ParseRecord(RecordKind.Extend);
            case "projection": return ParseRecord(RecordKind.Projection);
            case "enum": return ParseEnum();
            case "union": return ParseUnion();
            case "channel": return ParseChannel();
        }
        if (Blocks.NotAvailable.Contains(word))
        {
            Error(Codes.NotAvailable, token.Span, $"'{word}' is not available in this version");
        }
        else if (word.Length > 0 && Peek(1).Kind is TokenKind.Name or TokenKind.QuotedName or TokenKind.OpenBrace)
        {
            Error(Codes.UnknownBlock, token.Span, $"unknown block '{word}'",
                _findings.DidYouMean(word, Blocks.Known) ?? $"blocks are {string.Join(", ", Blocks.Known.Order(StringComparer.Ordinal))}");
        }
        else
        {
            Unexpected("a block (model, enum, type …)");
        }
        SkipBlock();
        return null;
    }

    /// <summary>To behind the braces that follow, or to where the next block begins, whichever is first.</summary>
    void SkipBlock()
    {
        // "mutation procedure" is one keyword of two words.
        _at += Is(Current, "mutation") && Is(Peek(1), "procedure") ? 2 : 1;
        int depth = 0;
        for (; Current.Kind != TokenKind.End; _at++)
        {
            if (Current.Kind == TokenKind.OpenBrace) depth++;
            if (Current.Kind == TokenKind.CloseBrace && --depth <= 0)
            {
                _at++;
                return;
            }
            if (StartsBlock() && (depth == 0 || Current.StartsLine)) return;
            if (depth == 0 && StartsStatement()) return;
        }
    }

    /// <summary>A keyword with what only a block has behind it: such a place is never the inside of another block.</summary>
    bool StartsBlock()
    {
        if (Current.Kind != TokenKind.Name || !Blocks.IsKeyword(_source.Text.AsSpan(Current.Start, Current.Length))) return false;
        Token next = Peek(1), afterNext = Peek(2);
        if (next.Kind == TokenKind.OpenBrace) return Is(Current, "app") || Is(Current, "auth") || Is(Current, "mcp");
        if (!next.IsName) return false;
        bool isOperation = Is(Current, "procedure") || Is(Current, "query") || Is(Current, "action") || Is(Current, "channel");
        return afterNext.Kind == TokenKind.OpenBrace || (afterNext.Kind == TokenKind.Equal && Is(Current, "union"))
            || (afterNext.Kind == TokenKind.OpenParen && isOperation && !TakesParameters(next))
            || (Is(Current, "projection") && Is(afterNext, "from") && Peek(3).IsName && Peek(4).Kind == TokenKind.OpenBrace)
            || (Is(Current, "mutation") && Is(next, "procedure")) || (Is(Current, "view") && Is(afterNext, "from") && ListsModels());
    }

    /// <summary><c>view X from A, B {</c>; fields called <c>view</c> and <c>from</c> go on in another way.</summary>
    bool ListsModels()
    {
        int at = 3;
        while (Peek(at).IsName && Peek(at + 1).Kind == TokenKind.Comma) at += 2;
        return Peek(at).IsName && Peek(at + 1).Kind == TokenKind.OpenBrace;
    }

    /// <summary>A field that is called <c>action</c> may be of such a type.</summary>
    bool TakesParameters(in Token type) => Is(type, "Decimal") || Is(type, "Vector");

    /// <summary>What is a whole line by itself (<c>transport rest</c>); inside a block it would be a field.</summary>
    bool StartsStatement() =>
        Current.StartsLine && Is(Current, "transport") && Peek(1).Kind == TokenKind.Name && !Peek(1).StartsLine && Peek(2).StartsLine;

    AppSyntax? ParseApp()
    {
        int first = _at++;
        string? doc = DocOf(first);
        NameSyntax? name = Current.IsName ? TakeName() : null;
        if (!Open("app", out Token open)) return null;
        var settings = ParseSettings(open, depth: 1);
        return new AppSyntax(settings)
        {
            Source = _source, Name = name, Doc = doc, Tokens = new TokenRange(first, _at), Head = name?.Span ?? _tokens[first].Span,
        };
    }

    ImmutableArray<SettingSyntax> ParseSettings(Token open, int depth)
    {
        var settings = ImmutableArray.CreateBuilder<SettingSyntax>();
        while (!Closed(open))
        {
            int first = _at;
            if (!Current.IsName)
            {
                if (Current.Kind != TokenKind.Comma) Unexpected("a setting (name = value)");
                _at++;
                continue;
            }
            NameSyntax name = TakeName();
            if (Current.Kind == TokenKind.Equal)
            {
                _at++;
                if (Current.Kind is TokenKind.Name or TokenKind.QuotedName or TokenKind.Number or TokenKind.String)
                {
                    settings.Add(new SettingSyntax(name, _tokens[_at++], default, new TokenRange(first, _at)));
                }
                else
                {
                    Unexpected("a value");
                }
            }
            else if (Current.Kind == TokenKind.OpenBrace && depth < _limits.SchemaDepth)
            {
                Token inner = _tokens[_at++];
                settings.Add(new SettingSyntax(name, default, ParseSettings(inner, depth + 1), new TokenRange(first, _at)));
            }
            else if (Current.Kind == TokenKind.OpenBrace)
            {
                TooDeep();
                SkipBlock();
            }
            else
            {
                Error(Codes.UnexpectedToken, name.Span, $"the setting '{name.Text}' has no value", $"write {name.Text} = …");
            }
        }
        return settings.ToImmutable();
    }

    EnumSyntax? ParseEnum()
    {
        int first = _at++;
        string? doc = DocOf(first);
        NameSyntax? name = BlockName("enum");
        if (!Open("enum", out Token open)) return null;
        var values = ImmutableArray.CreateBuilder<NameSyntax>();
        while (!Closed(open))
        {
            if (Current.IsName) values.Add(TakeName());
            else if (Current.Kind == TokenKind.Comma) _at++;
            else SkipMember("a value of the enum");
        }
        return new EnumSyntax(values.ToImmutable())
        {
            Source = _source, Name = name, Doc = doc, Tokens = new TokenRange(first, _at), Head = name?.Span ?? _tokens[first].Span,
        };
    }

    UnionSyntax? ParseUnion()
    {
        int first = _at++;
        string? doc = DocOf(first);
        NameSyntax? name = BlockName("union");
        if (Current.Kind != TokenKind.Equal)
        {
            Unexpected("'='");
            if (Current.Kind == TokenKind.OpenBrace) SkipBlock();
            return null;
        }
        _at++;
        if (Current.Kind == TokenKind.Bar) _at++;
        var variants = ImmutableArray.CreateBuilder<NameSyntax>();
        while (true)
        {
            if (!Current.IsName || StartsBlock())
            {
                Unexpected("the name of a type");
                break;
            }
            variants.Add(TakeName());
            if (Current.Kind != TokenKind.Bar) break;
            _at++;
        }
        return new UnionSyntax(variants.ToImmutable())
        {
            Source = _source, Name = name, Doc = doc, Tokens = new TokenRange(first, _at), Head = name?.Span ?? _tokens[first].Span,
        };
    }

    RecordSyntax? ParseRecord(RecordKind kind)
    {
        string keyword = TextOf(Current);
        int first = _at++;
        string? doc = DocOf(first);
        NameSyntax? name = kind == RecordKind.Auth ? (Current.IsName ? TakeName() : null) : BlockName(keyword);
        NameSyntax? from = kind == RecordKind.Projection ? Source(name) : null;
        if (!Open(keyword, out Token open)) return null;
        _isBlockBroken = false;
        var members = ImmutableArray.CreateBuilder<MemberSyntax>();
        while (!Closed(open))
        {
            int before = _at;
            if (ParseMember(kind) is { } member) members.Add(member);
            if (_at == before) _at++;
        }
        return new RecordSyntax(kind, members.ToImmutable())
        {
            Source = _source, Name = name, Doc = doc, Tokens = new TokenRange(first, _at), Head = name?.Span ?? _tokens[first].Span,
            IsBroken = _isBlockBroken, From = from,
        };
    }

    /// <summary><c>from Model</c>, behind the name of a projection.</summary>
    NameSyntax? Source(NameSyntax? projection)
    {
        if (Current.Kind == TokenKind.Name && Is(Current, "from") && Peek(1).IsName)
        {
            _at++;
            return TakeName();
        }
        Error(Codes.ExpectedName, projection?.Span ?? _tokens[_at - 1].Span, "a projection needs the model that it is made from",
            $"projection {projection?.Text ?? "Name"} from Model {{ … }}");
        if (Current.Kind == TokenKind.Name && Is(Current, "from")) _at++;
        return null;
    }

    NameSyntax? BlockName(string keyword)
    {
        if (Current.IsName) return TakeName();
        Error(Codes.ExpectedName, Current.Kind == TokenKind.End ? _tokens[_at - 1].Span : Current.Span, $"'{keyword}' needs a name");
        return null;
    }

    bool Open(string keyword, out Token open)
    {
        open = Current;
        if (Current.Kind == TokenKind.OpenBrace)
        {
            _at++;
            return true;
        }
        Unexpected($"'{{' of '{keyword}'");
        _at--;
        SkipBlock();
        return false;
    }

    /// <summary>At the closing brace (which it takes), or where the block must have ended (which it reports).</summary>
    bool Closed(in Token open)
    {
        if (Current.Kind == TokenKind.CloseBrace)
        {
            _at++;
            return true;
        }
        if (Current.Kind != TokenKind.End && !StartsBlock()) return false;
        Error(Codes.Unclosed, open.Span, "the block is not closed", "end it with }");
        _isBlockBroken = true;
        return true;
    }

    Token Current => _tokens[_at];

    Token Peek(int by) => _tokens[Math.Min(_at + by, _tokens.Length - 1)];

    bool Is(in Token token, string text) => _source.Text.AsSpan(token.Start, token.Length).SequenceEqual(text);

    string TextOf(in Token token) => _source.Text.Substring(token.Start, token.Length);

    NameSyntax TakeName()
    {
        Token token = _tokens[_at++];
        string text = TextOf(token);
        if (token.Kind == TokenKind.QuotedName) text = text.Trim('`');
        // Nothing between the backticks: reported by the lexer, and a name from here on.
        return new NameSyntax(text.Length > 0 ? text : "unnamed", token.Span);
    }

    void Unexpected(string expected)
    {
        Token token = Current;
        string found = token.Kind == TokenKind.End ? "the file ends" : $"'{Shorten(TextOf(token))}' stands";
        Error(Codes.UnexpectedToken, token.Kind == TokenKind.End && _at > 0 ? _tokens[_at - 1].Span : token.Span,
            $"{found} where {expected} is expected");
    }

    void TooDeep() => Error(Codes.LimitExceeded, Current.Span, $"nested deeper than {_limits.SchemaDepth} levels (limits.schemaDepth)");

    void Error(string code, Span span, string message, string? hint = null) => _findings.Error(_source, code, span, message, hint);

    static string Shorten(string text) => text.Length <= 40 ? text : string.Concat(text.AsSpan(0, 40), "…");

    /// <summary>The <c>///</c> lines right above a token.</summary>
    string? DocOf(int token)
    {
        int from = token == 0 ? 0 : _tokens[token - 1].Comments;
        StringBuilder? doc = null;
        for (int i = from; i < _tokens[token].Comments; i++)
        {
            Comment comment = _comments[i];
            if (comment.Kind != CommentKind.Doc || !comment.OwnLine) continue;
            doc = doc is null ? new StringBuilder() : doc.Append('\n');
            ReadOnlySpan<char> text = _source.Text.AsSpan(comment.Start + 3, comment.Length - 3);
            doc.Append(text.StartsWith(" ") ? text[1..].TrimEnd() : text.TrimEnd());
        }
        return doc?.ToString();
    }
}
