using System.Collections.Immutable;

namespace Plinth.Language;

/// <summary><c>channel board(deal: Deal) { @@allow("join", …) presence: Viewer }</c>.</summary>
sealed partial class Parser
{
    ChannelSyntax? ParseChannel()
    {
        int first = _at++;
        string? doc = DocOf(first);
        NameSyntax? name = BlockName("channel");
        _isBlockBroken = false;
        ImmutableArray<FieldSyntax> parameters = Current.Kind == TokenKind.OpenParen ? ParseParameters() : [];
        int body = _at + 1;
        if (!Open("channel", out Token open)) return null;
        var members = ImmutableArray.CreateBuilder<MemberSyntax>();
        while (!Closed(open))
        {
            int before = _at;
            if (ParseChannelMember() is { } member) members.Add(member);
            if (_at == before) _at++;
        }
        return new ChannelSyntax(parameters, members.ToImmutable(), body)
        {
            Source = _source, Name = name, Doc = doc, Tokens = new TokenRange(first, _at), Head = name?.Span ?? _tokens[first].Span,
            IsBroken = _isBlockBroken,
        };
    }

    /// <summary><c>(name: Type, …)</c>, from the opening parenthesis to behind the closing one.</summary>
    ImmutableArray<FieldSyntax> ParseParameters()
    {
        Token open = _tokens[_at++];
        var parameters = ImmutableArray.CreateBuilder<FieldSyntax>();
        while (Current.Kind != TokenKind.CloseParen)
        {
            if (Current.Kind is TokenKind.End or TokenKind.OpenBrace or TokenKind.CloseBrace)
            {
                Error(Codes.Unclosed, open.Span, "the parenthesis is not closed", "end it with )");
                _isBlockBroken = true;
                return parameters.ToImmutable();
            }
            int first = _at;
            if (Current.Kind == TokenKind.Comma && parameters.Count > 0) _at++;
            else if (Current.IsName && Peek(1).Kind == TokenKind.Colon && Peek(2).IsName)
            {
                NameSyntax name = TakeName();
                _at++;
                TypeSyntax type = ParseType();
                parameters.Add(new FieldSyntax(name, type, [], null) { Source = _source, Tokens = new TokenRange(first, _at) });
            }
            else
            {
                Unexpected("a parameter (name: Type)");
                _isBlockBroken = true;
                _at++;
            }
        }
        _at++;
        return parameters.ToImmutable();
    }

    MemberSyntax? ParseChannelMember()
    {
        if (Current.Kind is TokenKind.Comma or TokenKind.At or TokenKind.AtAt) return ParseMember(RecordKind.Model);
        if (!Current.IsName)
        {
            SkipMember("a rule, presence or message");
            return null;
        }
        int first = _at;
        NameSyntax name = TakeName();
        TypeSyntax? type = null;
        if (Current.Kind == TokenKind.Colon)
        {
            _at++;
            if (Current.IsName) type = ParseType();
            else Error(Codes.ExpectedType, name.Span, $"'{name.Text}:' has nothing behind it", $"as in {name.Text}: Viewer");
        }
        return new ChannelOptionSyntax(name, type) { Source = _source, Tokens = new TokenRange(first, _at) };
    }
}
