using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>Fields, <c>use</c>, attributes and their arguments.</summary>
sealed partial class Parser
{
    MemberSyntax? ParseMember(RecordKind kind)
    {
        switch (Current.Kind)
        {
            case TokenKind.Comma:
                _at++;
                return null;
            case TokenKind.AtAt:
                int first = _at;
                return ParseAttribute() is { } attribute
                    ? new ModelAttributeSyntax(attribute) { Source = _source, Tokens = new TokenRange(first, _at) }
                    : null;
            case TokenKind.At:
                Error(Codes.MisplacedAttribute, Current.Span, "an attribute with one @ stands behind a field",
                    "attributes of the model as a whole are written with @@");
                ParseAttribute();
                return null;
            case TokenKind.Name when Is(Current, "use"):
                return ParseUse();
            case TokenKind.Name or TokenKind.QuotedName:
                return kind == RecordKind.Projection ? ParseProjected() : ParseField();
            default:
                SkipMember("a field");
                return null;
        }
    }

    UseSyntax? ParseUse()
    {
        int first = _at++;
        if (Current.IsName) return new UseSyntax(TakeName()) { Source = _source, Tokens = new TokenRange(first, _at) };
        Error(Codes.ExpectedName, _tokens[first].Span, "'use' needs the name of a mixin", "a field of that name is written `use`");
        return null;
    }

    FieldSyntax ParseField()
    {
        int first = _at;
        string? doc = DocOf(first);
        NameSyntax name = TakeName();
        TypeSyntax? type = null;
        if (!Current.IsName || IsNextField(first))
        {
            Error(Codes.ExpectedType, name.Span, $"the field '{name.Text}' has no type", "write it behind the name: String, Int, Uuid …");
            if (Current.Kind is not (TokenKind.At or TokenKind.AtAt or TokenKind.Comma or TokenKind.CloseBrace)
                && !Current.IsName) SkipToMember();
        }
        else
        {
            type = ParseType();
        }
        var attributes = ImmutableArray.CreateBuilder<AttributeSyntax>();
        while (Current.Kind == TokenKind.At)
        {
            if (ParseAttribute() is { } attribute) attributes.Add(attribute);
        }
        return new FieldSyntax(name, type, attributes.ToImmutable(), doc) { Source = _source, Tokens = new TokenRange(first, _at) };
    }

    /// <summary>
    /// A field whose type was forgotten: alone on its line, and what follows has the look of a field of its own (a small first letter
    /// and a type behind it). White space means nothing where the text is right; this only decides what a wrong text is told.
    /// </summary>
    bool IsNextField(int field) =>
        Current.StartsLine && _tokens[field].StartsLine && Peek(1).IsName && !Peek(1).StartsLine
        && Current.Kind == TokenKind.Name && char.IsAsciiLetterLower(_source.Text[Current.Start]);

    TypeSyntax ParseType()
    {
        int first = _at;
        NameSyntax name = TakeName();
        ImmutableArray<ArgumentSyntax> parameters = Current.Kind == TokenKind.OpenParen ? ParseArguments(out _) : default;
        bool isOptional = false, isList = false;
        int arity = _at;
        while (Current.Kind == TokenKind.Question || (Current.Kind == TokenKind.OpenBracket && Peek(1).Kind == TokenKind.CloseBracket))
        {
            isList |= Current.Kind == TokenKind.OpenBracket;
            isOptional |= Current.Kind == TokenKind.Question;
            _at += Current.Kind == TokenKind.Question ? 1 : 2;
        }
        Span span = Span.Between(name.Span.Start, _tokens[_at - 1].End);
        if (isOptional && isList)
        {
            Error(Codes.BadArity, Span.Between(_tokens[arity].Start, span.End), "a list is never null: it is empty",
                $"write {name.Text}[]");
        }
        return new TypeSyntax(name, parameters, isOptional, isList, span, new TokenRange(first, _at));
    }

    AttributeSyntax? ParseAttribute()
    {
        int first = _at;
        bool isModelLevel = Current.Kind == TokenKind.AtAt;
        _at++;
        if (!Current.IsName)
        {
            Error(Codes.ExpectedName, _tokens[first].Span, "the name of an attribute is missing");
            if (Current.Kind == TokenKind.OpenParen) ParseArguments(out _);
            return null;
        }
        NameSyntax name = TakeName();
        while (Current.Kind == TokenKind.Dot && Peek(1).IsName)
        {
            _at++;
            NameSyntax part = TakeName();
            name = new NameSyntax($"{name.Text}.{part.Text}", name.Span.Join(part.Span));
        }
        bool isClosed = true;
        ImmutableArray<ArgumentSyntax> arguments = Current.Kind == TokenKind.OpenParen ? ParseArguments(out isClosed) : [];
        CheckText(first, mayMixScripts: name.Text == "regex");
        Span span = Span.Between(_tokens[first].Start, _tokens[_at - 1].End);
        return new AttributeSyntax(_source, isModelLevel, name, arguments, span, new TokenRange(first, _at)) { IsBroken = !isClosed };
    }

    /// <summary>
    /// Strings in attributes decide who may do what, so a reader must see what they hold. A pattern may list letters of several scripts.
    /// </summary>
    void CheckText(int first, bool mayMixScripts)
    {
        for (int i = first; i < _at; i++)
        {
            Token token = _tokens[i];
            if (token.Kind != TokenKind.String) continue;
            int at = CodePoint.Deceiving(_source.Text.AsSpan(token.Start, token.Length), mayMixScripts);
            if (at < 0) continue;
            at += token.Start;
            Error(Codes.UnexpectedCharacter, new Span(at, char.IsSurrogatePair(_source.Text, at) ? 2 : 1),
                $"{CodePoint.Describe(_source.Text, at)} cannot stand in the text of an attribute",
                $"if it is meant, write it as an escape: {CodePoint.Escape(_source.Text, at)}");
        }
    }

    /// <summary>From the opening parenthesis to behind the closing one.</summary>
    ImmutableArray<ArgumentSyntax> ParseArguments(out bool isClosed)
    {
        Token open = _tokens[_at++];
        isClosed = true;
        var arguments = ImmutableArray.CreateBuilder<ArgumentSyntax>();
        while (true)
        {
            if (Current.Kind == TokenKind.CloseParen)
            {
                _at++;
                break;
            }
            if (Current.Kind == TokenKind.Comma)
            {
                Unexpected("an argument");
                _at++;
                continue;
            }
            ArgumentSyntax? argument = ParseArgument(open);
            if (argument is null)
            {
                isClosed = false;
                _isBlockBroken = true;
                break;
            }
            arguments.Add(argument);
            if (Current.Kind == TokenKind.Comma) _at++;
        }
        return arguments.ToImmutable();
    }

    /// <summary>Null when the list is not closed: reported here, and nothing of it is kept.</summary>
    ArgumentSyntax? ParseArgument(in Token open)
    {
        NameSyntax? label = null;
        if (Current.IsName && Peek(1).Kind == TokenKind.Colon)
        {
            label = TakeName();
            _at++;
        }
        int first = _at;
        Stack<TokenKind> brackets = _brackets;
        brackets.Clear();
        for (; ; _at++)
        {
            TokenKind kind = Current.Kind;
            if (kind == TokenKind.BrokenString)
            {
                // It swallowed the rest of its line, and with it whatever would have closed the list.
                _at++;
                return null;
            }
            bool isEnd = kind is TokenKind.End or TokenKind.At or TokenKind.AtAt || (Current.StartsLine && StartsBlock());
            if (isEnd || (kind == TokenKind.CloseBrace && !brackets.Contains(TokenKind.CloseBrace)))
            {
                Error(Codes.Unclosed, open.Span, "the parenthesis is not closed", "end it with )");
                return null;
            }
            if (brackets.Count == 0 && kind is TokenKind.Comma or TokenKind.CloseParen && brackets.Count == 0) break;
            if (Closing(kind) is { } closing)
            {
                if (brackets.Count >= _limits.SchemaDepth)
                {
                    TooDeep();
                    SkipToMember();
                    return null;
                }
                brackets.Push(closing);
            }
            else if (kind is TokenKind.CloseParen or TokenKind.CloseBracket or TokenKind.CloseBrace)
            {
                if (brackets.Count == 0 || brackets.Pop() != kind)
                {
                    Error(Codes.UnexpectedToken, Current.Span, $"'{TextOf(Current)}' closes nothing here");
                    SkipToMember();
                    return null;
                }
            }
        }
        Span span = first < _at ? Span.Between(_tokens[first].Start, _tokens[_at - 1].End) : new Span(Current.Start, 0);
        return new ArgumentSyntax(label, new ArraySegment<Token>(_tokens, first, _at - first), span);
    }

    static TokenKind? Closing(TokenKind open) => open switch
    {
        TokenKind.OpenParen => TokenKind.CloseParen,
        TokenKind.OpenBracket => TokenKind.CloseBracket,
        TokenKind.OpenBrace => TokenKind.CloseBrace,
        _ => null,
    };

    void SkipMember(string expected)
    {
        Unexpected(expected);
        _isBlockBroken = true;
        _at++;
        SkipToMember();
    }

    /// <summary>To a line that can begin a member, or to what ends the block.</summary>
    void SkipToMember()
    {
        while (Current.Kind is not (TokenKind.End or TokenKind.CloseBrace or TokenKind.AtAt) && !StartsBlock())
        {
            if (Current.StartsLine && Current.IsName) return;
            _at++;
        }
    }
}
