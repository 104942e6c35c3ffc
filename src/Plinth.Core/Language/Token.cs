using Plinth.Text;

namespace Plinth.Language;

enum TokenKind : byte
{
    End,
    Name,

    /// <summary>A name between backticks: never a keyword.</summary>
    QuotedName,
    String,

    /// <summary>A string that its line ends before it does: reported by the lexer, with all that it swallowed.</summary>
    BrokenString,
    Number,
    OpenBrace,
    CloseBrace,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    Comma,
    Colon,
    Question,
    Dot,
    Equal,
    Bar,
    At,
    AtAt,

    /// <summary>What only expressions use: <c>==</c>, <c>&amp;&amp;</c>, <c>+</c> …</summary>
    Operator,
}

/// <param name="Comments">How many comments of the source stand before this token: those between two tokens belong to the later.</param>
/// <param name="StartsLine">A line end stands between the token before and this one.</param>
readonly record struct Token(TokenKind Kind, int Start, int Length, int Comments, bool StartsLine)
{
    public Span Span => new(Start, Length);

    public int End => Start + Length;

    public bool IsName => Kind is TokenKind.Name or TokenKind.QuotedName;
}

enum CommentKind : byte
{
    Line,
    Block,

    /// <summary><c>///</c>: travels into everything that is generated from the schema.</summary>
    Doc,
}

/// <param name="OwnLine">Nothing but white space stands before it on its line.</param>
readonly record struct Comment(CommentKind Kind, int Start, int Length, bool OwnLine)
{
    public Span Span => new(Start, Length);

    public int End => Start + Length;
}
