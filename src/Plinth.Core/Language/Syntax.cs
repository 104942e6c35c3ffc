using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// One file as written. Tokens and comments stay at hand: the formatter prints from them, and expressions are cut out of them.
/// </summary>
sealed record SchemaSyntax(SourceText Source, Token[] Tokens, Comment[] Comments, ImmutableArray<BlockSyntax> Blocks)
{
    /// <summary>
    /// The source as the expression language may read it, which has no block comments: they are blanks there, so that every place stays
    /// where it is.
    /// </summary>
    public SourceText WithoutBlockComments()
    {
        if (!Array.Exists(Comments, c => c.Kind == CommentKind.Block)) return Source;
        char[] text = Source.Text.ToCharArray();
        foreach (Comment comment in Comments)
        {
            for (int i = comment.Start; comment.Kind == CommentKind.Block && i < comment.End; i++)
            {
                if (text[i] != '\n') text[i] = ' ';
            }
        }
        return new SourceText(Source.Path, new string(text), new EditMap(Source, []));
    }

    public string TextOf(in Token token) => Source.Text.Substring(token.Start, token.Length);

    public bool Is(in Token token, string text) => Source.Text.AsSpan(token.Start, token.Length).SequenceEqual(text);
}

/// <summary>A name where one is declared or used; <see cref="Span"/> covers the backticks, <see cref="Text"/> does not.</summary>
sealed record NameSyntax(string Text, Span Span);

/// <summary>Where something stands among the tokens of its file.</summary>
/// <param name="First">Index of its first token.</param>
/// <param name="End">Index of the first token behind it.</param>
readonly record struct TokenRange(int First, int End);

abstract record BlockSyntax
{
    private protected BlockSyntax()
    {
    }

    public required SourceText Source { get; init; }

    /// <summary>Null when it was forgotten, and where a block needs none.</summary>
    public required NameSyntax? Name { get; init; }

    public required string? Doc { get; init; }

    public required TokenRange Tokens { get; init; }

    /// <summary>Something in it could not be read, which was reported: what seems to be missing may be what was skipped.</summary>
    public bool IsBroken { get; init; }

    /// <summary>Where a finding about the block as a whole points: its name, or its keyword.</summary>
    public required Span Head { get; init; }
}

sealed record AppSyntax(ImmutableArray<SettingSyntax> Settings) : BlockSyntax;

/// <summary><c>name = value</c>, or <c>name { … }</c> when <see cref="Settings"/> is not default.</summary>
sealed record SettingSyntax(NameSyntax Name, Token Value, ImmutableArray<SettingSyntax> Settings, TokenRange Tokens);

sealed record EnumSyntax(ImmutableArray<NameSyntax> Values) : BlockSyntax;

sealed record UnionSyntax(ImmutableArray<NameSyntax> Variants) : BlockSyntax;

/// <summary><c>channel name(parameter: Type) { … }</c>.</summary>
/// <param name="Body">Index of the token behind the opening brace.</param>
sealed record ChannelSyntax(ImmutableArray<FieldSyntax> Parameters, ImmutableArray<MemberSyntax> Members, int Body) : BlockSyntax;

enum RecordKind
{
    Auth,
    Mixin,
    Type,
    Model,

    /// <summary>What a schema adds to a model that the product brings.</summary>
    Extend,

    /// <summary>What is counted and added up over another model's records.</summary>
    Projection,
}

/// <summary>
/// Everything with fields: <c>model</c>, <c>extend</c>, <c>mixin</c>, <c>type</c>, <c>auth</c> and <c>projection</c>.
/// </summary>
sealed record RecordSyntax(RecordKind Kind, ImmutableArray<MemberSyntax> Members) : BlockSyntax
{
    /// <summary>The model that a projection is made from; null when it was forgotten.</summary>
    public NameSyntax? From { get; init; }
}

abstract record MemberSyntax
{
    private protected MemberSyntax()
    {
    }

    public required SourceText Source { get; init; }

    public required TokenRange Tokens { get; init; }
}

sealed record UseSyntax(NameSyntax Mixin) : MemberSyntax;

/// <summary><c>presence</c> or <c>message: Type</c>, in a channel.</summary>
sealed record ChannelOptionSyntax(NameSyntax Name, TypeSyntax? Type) : MemberSyntax;

sealed record ModelAttributeSyntax(AttributeSyntax Attribute) : MemberSyntax;

sealed record FieldSyntax(NameSyntax Name, TypeSyntax? Type, ImmutableArray<AttributeSyntax> Attributes, string? Doc) : MemberSyntax
{
    /// <summary><c>key</c> stands before it, in a projection.</summary>
    public bool IsKey { get; init; }

    /// <summary>What stands behind its <c>=</c>, in a projection.</summary>
    public ArgumentSyntax? Value { get; init; }
}

/// <param name="Parameters">What stands between the parentheses; default when there are none.</param>
sealed record TypeSyntax(
    NameSyntax Name, ImmutableArray<ArgumentSyntax> Parameters, bool IsOptional, bool IsList, Span Span, TokenRange Tokens);

/// <param name="IsModelLevel">Written with <c>@@</c>.</param>
sealed record AttributeSyntax(
    SourceText Source, bool IsModelLevel, NameSyntax Name, ImmutableArray<ArgumentSyntax> Arguments, Span Span, TokenRange Tokens)
{
    /// <summary>Its arguments could not be read, which was reported: it says nothing.</summary>
    public bool IsBroken { get; init; }

    /// <summary>As it is spoken of: <c>@id</c>, <c>@@index</c>.</summary>
    public string Spelling => (IsModelLevel ? "@@" : "@") + Name.Text;
}

/// <summary>
/// One argument, not yet understood: what it means is known to the attribute table alone. Its end was found by counting brackets.
/// </summary>
sealed record ArgumentSyntax(NameSyntax? Label, ArraySegment<Token> Tokens, Span Span);
