using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>A checked tree and what it reads. Made by <see cref="CelChecker"/> and by the passes that rewrite trees.</summary>
sealed class CheckedExpression
{
    CheckedExpression(CheckedNode root, ExpressionReads reads) => (Root, Reads) = (root, reads);

    public CheckedNode Root { get; }

    public ExpressionReads Reads { get; }

    public CelType Type => Root.Type;

    /// <summary>Checked without a schema, in an environment where errors are errors and null is a value.</summary>
    public bool IsUnbound { get; private init; }

    /// <summary>Names of the row's own fields that are read (of the row and of <c>before</c>), sorted.</summary>
    public ImmutableArray<string> OwnFields => Reads.OwnFields;

    public bool ReadsRelations => Reads.Relations;

    /// <summary><c>auth</c> or <c>request</c>.</summary>
    public bool ReadsCaller => Reads.Caller;

    public bool ReadsNow => Reads.Now;

    public bool ReadsBefore => Reads.Before;

    public bool ReadsRow => Reads.Row;

    /// <summary>Without a source of related rows.</summary>
    public bool CanEvaluateInMemory => !Reads.Relations;

    /// <summary>Parse and check in one step, for texts that a caller wrote.</summary>
    public static (CheckedExpression? Expression, ImmutableArray<Diagnostic> Diagnostics) Read(
        SourceText source, Span span, ExpressionScope scope, CelType? expected, Limits limits)
    {
        var (root, diagnostics) = CelParser.Parse(source, span, limits);
        return root is null ? (null, diagnostics) : CelChecker.Check(root, scope, source, expected, limits);
    }

    // The binder held the bounds that are set; a second opinion could only differ.
    static readonly Limits s_admitted = Limits.Default with
    {
        ExpressionNodes = int.MaxValue, ExpressionDepth = int.MaxValue, Hops = int.MaxValue, ExpressionEstimate = long.MaxValue,
    };

    // What the binder made of each condition, for as long as the condition lives: a large schema is checked once, not once per reader.
    static readonly ConditionalWeakTable<Condition, Kept> s_kept = [];

    sealed record Kept(ExpressionScope Scope, CelType Expected, CheckedExpression Expression);

    /// <summary>
    /// Keeps what a condition was found to mean. One that stands in several models (of a mixin) keeps its last meaning; the others are
    /// read again.
    /// </summary>
    public static void Keep(Condition condition, ExpressionScope scope, CelType expected, CheckedExpression expression) =>
        s_kept.AddOrUpdate(condition, new Kept(scope, expected, expression));

    /// <summary>The checked tree of a condition that the binder admitted. Its spans may be those of the file or of the text.</summary>
    /// <exception cref="InvalidOperationException">It does not check: a bug, since the binder checked it in the same scope.</exception>
    public static CheckedExpression Of(Condition condition, ExpressionScope scope, CelType? expected = null) =>
        s_kept.TryGetValue(condition, out Kept? kept) && kept.Scope.IsSame(scope) && kept.Expected == (expected ?? CelType.Bool)
            ? kept.Expression
            : OfText(condition, scope, expected);

    /// <summary>The same with spans within the condition's text, for those who show parts of it.</summary>
    /// <exception cref="InvalidOperationException">As above.</exception>
    public static CheckedExpression OfText(Condition condition, ExpressionScope scope, CelType? expected = null)
    {
        SourceText source = new(condition.Source.Path, condition.Text);
        var (expression, diagnostics) = Read(source, new Span(0, condition.Text.Length), scope, expected ?? CelType.Bool, s_admitted);
        return expression
            ?? throw new InvalidOperationException($"'{condition.Text}' was admitted and does not check: {diagnostics[0].Message}");
    }

    public static CheckedExpression Unbound(CheckedNode root) => new(root, ExpressionReads.Of(root)) { IsUnbound = true };

    public static CheckedExpression Of(CheckedNode root) => new(root, ExpressionReads.Of(root));

    public static readonly CheckedExpression True = Of(LiteralNode.True);

    public static readonly CheckedExpression False = Of(LiteralNode.False);
}
