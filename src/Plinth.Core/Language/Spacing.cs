using System.Text;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// White space inside arguments: one space around operators with two operands and behind commas, none inside brackets, else a space
/// where something stood. The formatter prints by it, and conditions are kept in it: how a rule is laid out is no part of what it says.
/// </summary>
static class Spacing
{
    /// <summary>The text of an expression on one line, without comments.</summary>
    public static string Flat(SourceText source, ArraySegment<Token> tokens)
    {
        StringBuilder text = new();
        for (int i = 0; i < tokens.Count; i++)
        {
            if (i > 0) text.Append(Between(source, tokens, i));
            text.Append(source.Text, tokens[i].Start, tokens[i].Length);
        }
        return text.ToString();
    }

    /// <summary>What stands before the token at an index that is not the first.</summary>
    public static string Between(SourceText source, ArraySegment<Token> tokens, int index)
    {
        Token left = tokens[index - 1], right = tokens[index];
        if (left.Kind == TokenKind.Comma) return " ";
        if (right.Kind is TokenKind.Comma or TokenKind.CloseParen or TokenKind.CloseBracket) return "";
        if (left.Kind is TokenKind.OpenParen or TokenKind.OpenBracket) return "";
        bool isApart = left.End < right.Start || IsBinary(source, tokens, index - 1) || IsBinary(source, tokens, index);
        return isApart ? " " : "";
    }

    /// <summary>An operator behind an operand; a minus or an exclamation mark at the head of one belongs to it.</summary>
    static bool IsBinary(SourceText source, ArraySegment<Token> tokens, int at)
    {
        if (tokens[at].Kind != TokenKind.Operator || at == 0) return false;
        Token before = tokens[at - 1];
        return before.Kind is TokenKind.Number or TokenKind.String or TokenKind.CloseParen or TokenKind.CloseBracket or TokenKind.CloseBrace
            || (before.IsName && !source.Text.AsSpan(before.Start, before.Length).SequenceEqual("in"));
    }
}
