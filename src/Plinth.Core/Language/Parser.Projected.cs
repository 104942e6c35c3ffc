using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>The fields of a projection: <c>key stage</c>, <c>key year Int = …</c>, <c>value Decimal(18, 2) = sum(value)</c>.</summary>
sealed partial class Parser
{
    FieldSyntax ParseProjected()
    {
        int first = _at;
        string? doc = DocOf(first);
        bool isKey = Current.Kind == TokenKind.Name && Is(Current, "key") && Peek(1).IsName;
        if (isKey) _at++;
        NameSyntax name = TakeName();
        TypeSyntax? type = null;
        if (Current.IsName && (isKey ? HasTypeAndValue() : !IsNextField(first))) type = ParseType();
        else if (!isKey || Current.Kind == TokenKind.Equal)
            Error(Codes.ExpectedType, name.Span, $"the field '{name.Text}' has no type", "write it behind the name: Int, Decimal(18, 2) …");
        ArgumentSyntax? value = null;
        if (Current.Kind == TokenKind.Equal)
        {
            _at++;
            value = ParseValue();
        }
        else if (!isKey)
        {
            Error(Codes.MissingArgument, name.Span, $"nothing says what '{name.Text}' is",
                $"write {name.Text} … = count(), or another aggregate; what records are counted by is written key {name.Text}");
            _isBlockBroken = true;
        }
        var attributes = ImmutableArray.CreateBuilder<AttributeSyntax>();
        while (Current.Kind == TokenKind.At)
        {
            if (ParseAttribute() is { } attribute) attributes.Add(attribute);
        }
        return new FieldSyntax(name, type, attributes.ToImmutable(), doc)
        {
            Source = _source, Tokens = new TokenRange(first, _at), IsKey = isKey, Value = value,
        };
    }

    /// <summary>
    /// A key without a type is a field of the model, and what follows it another field: only one that has a value of its own has a type.
    /// </summary>
    bool HasTypeAndValue()
    {
        int at = 1;
        if (Peek(at).Kind == TokenKind.OpenParen)
        {
            while (Peek(at).Kind is not (TokenKind.CloseParen or TokenKind.End or TokenKind.CloseBrace)) at++;
            at++;
        }
        while (Peek(at).Kind is TokenKind.Question or TokenKind.OpenBracket or TokenKind.CloseBracket) at++;
        return Peek(at).Kind == TokenKind.Equal;
    }

    /// <summary>
    /// The expression behind <c>=</c>: up to the next member, which begins where a name follows an operand, as nothing in an expression
    /// does.
    /// </summary>
    ArgumentSyntax? ParseValue()
    {
        int first = _at;
        Stack<TokenKind> brackets = _brackets;
        brackets.Clear();
        for (; ; _at++)
        {
            TokenKind kind = Current.Kind;
            if (kind is TokenKind.End or TokenKind.At or TokenKind.AtAt or TokenKind.BrokenString) break;
            if (Current.StartsLine && StartsBlock()) break;
            if (brackets.Count == 0 && (kind is TokenKind.Comma or TokenKind.CloseBrace || IsBehindOperand(first))) break;
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
            else if (kind is TokenKind.CloseParen or TokenKind.CloseBracket or TokenKind.CloseBrace
                && (brackets.Count == 0 || brackets.Pop() != kind))
            {
                Error(Codes.UnexpectedToken, Current.Span, $"'{TextOf(Current)}' closes nothing here");
                SkipToMember();
                return null;
            }
        }
        if (brackets.Count > 0)
        {
            Error(Codes.Unclosed, _tokens[first].Span, "a bracket of the expression is not closed");
            _isBlockBroken = true;
            return null;
        }
        if (first == _at)
        {
            Unexpected("an expression");
            _isBlockBroken = true;
            return null;
        }
        CheckText(first, mayMixScripts: false);
        Span span = Span.Between(_tokens[first].Start, _tokens[_at - 1].End);
        return new ArgumentSyntax(null, new ArraySegment<Token>(_tokens, first, _at - first), span);
    }

    bool IsBehindOperand(int first)
    {
        if (_at == first || !Current.IsName || Is(Current, "in")) return false;
        Token before = _tokens[_at - 1];
        return before.Kind is TokenKind.Number or TokenKind.String or TokenKind.QuotedName or TokenKind.CloseParen
            or TokenKind.CloseBracket or TokenKind.CloseBrace || (before.Kind == TokenKind.Name && !Is(before, "in"));
    }
}
