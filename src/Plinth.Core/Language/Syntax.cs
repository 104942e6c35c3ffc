using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>One file as written. Tokens and comments stay at hand: the formatter prints from them, and expressions are cut out of them.</summary>
sealed record SchemaSyntax(SourceText Source, Token[] Tokens, Comment[] Comments, ImmutableArray<BlockSyntax> Blocks)
{
    public string TextOf(in Token token) => Source.Text.Substring(token.Start, token.Length);

    public bool Is(in Token token, string text) => Source.Text.AsSpan(token.Start, token.Length).SequenceEqual(text);
}

/// <summary>A name where one is declared or used; <see cref="Span"/> covers the backticks, <see cref="Text"/> does not.</summary>
sealed record NameSyntax(string Text, Span Span);

/// <param name="FirstToken">Index of its keyword.</param>
/// <param name="EndToken">Index of the first token behind it.</param>
abstract record BlockSyntax(SourceText Source, NameSyntax? Name, string? Doc, int FirstToken, int EndToken)
{
    /// <summary>Where a finding about the block as a whole points: its name, or its keyword.</summary>
    public required Span Head { get; init; }
}

sealed record AppSyntax(SourceText Source, NameSyntax? Name, string? Doc, int FirstToken, int EndToken, ImmutableArray<SettingSyntax> Settings)
    : BlockSyntax(Source, Name, Doc, FirstToken, EndToken);

/// <summary><c>name = value</c>, or <c>name { … }</c> when <see cref="Settings"/> is not default.</summary>
sealed record SettingSyntax(NameSyntax Name, Token Value, ImmutableArray<SettingSyntax> Settings, int FirstToken, int EndToken);

sealed record EnumSyntax(SourceText Source, NameSyntax? Name, string? Doc, int FirstToken, int EndToken, ImmutableArray<NameSyntax> Values)
    : BlockSyntax(Source, Name, Doc, FirstToken, EndToken);

sealed record UnionSyntax(SourceText Source, NameSyntax? Name, string? Doc, int FirstToken, int EndToken, ImmutableArray<NameSyntax> Variants)
    : BlockSyntax(Source, Name, Doc, FirstToken, EndToken);

enum RecordKind
{
    Auth,
    Mixin,
    Type,
    Model,
}

/// <summary>Everything with fields: <c>model</c>, <c>mixin</c>, <c>type</c> and <c>auth</c>.</summary>
sealed record RecordSyntax(
    RecordKind Kind, SourceText Source, NameSyntax? Name, string? Doc, int FirstToken, int EndToken, ImmutableArray<MemberSyntax> Members)
    : BlockSyntax(Source, Name, Doc, FirstToken, EndToken);

abstract record MemberSyntax(SourceText Source, int FirstToken, int EndToken);

sealed record UseSyntax(SourceText Source, NameSyntax Mixin, int FirstToken, int EndToken) : MemberSyntax(Source, FirstToken, EndToken);

sealed record ModelAttributeSyntax(AttributeSyntax Attribute, int FirstToken, int EndToken)
    : MemberSyntax(Attribute.Source, FirstToken, EndToken);

sealed record FieldSyntax(
    SourceText Source, NameSyntax Name, TypeSyntax? Type, ImmutableArray<AttributeSyntax> Attributes, string? Doc, int FirstToken, int EndToken)
    : MemberSyntax(Source, FirstToken, EndToken);

/// <param name="Parameters">What stands between the parentheses; default when there are none.</param>
sealed record TypeSyntax(NameSyntax Name, ImmutableArray<ArgumentSyntax> Parameters, bool IsOptional, bool IsList, Span Span, int FirstToken, int EndToken);

/// <param name="IsModelLevel">Written with <c>@@</c>.</param>
sealed record AttributeSyntax(
    SourceText Source, bool IsModelLevel, NameSyntax Name, ImmutableArray<ArgumentSyntax> Arguments, Span Span, int FirstToken, int EndToken)
{
    /// <summary>As it is spoken of: <c>@id</c>, <c>@@index</c>.</summary>
    public string Spelling => (IsModelLevel ? "@@" : "@") + Name.Text;
}

/// <summary>
/// One argument, not yet understood: what it means is known to the attribute table alone. Its end was found by counting brackets.
/// </summary>
sealed record ArgumentSyntax(NameSyntax? Label, ArraySegment<Token> Tokens, Span Span);
