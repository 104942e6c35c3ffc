using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>
/// Which names an expression may use: one constructor per place of the table "Expressions: CEL" in the language's contract.
/// </summary>
sealed record ExpressionScope(AppSchema Schema)
{
    /// <summary>The model whose fields and relations are in scope by their bare names (and as <c>this</c>-less paths).</summary>
    public Model? Row { get; init; }

    /// <summary>Fields in scope without a model: an embedded type's own, or one <c>@check</c>'s.</summary>
    public EmbeddedType? Embedded { get; init; }

    /// <summary>Relations may be entered (rules and filters; not checks and computed fields).</summary>
    public bool Relations { get; init; }

    /// <summary><c>auth</c>, <c>now</c> (and <c>request</c> in rules).</summary>
    public bool Identity { get; init; }

    public bool Request { get; init; }

    /// <summary><c>before</c> is in scope (in <c>after:</c>).</summary>
    public bool Before { get; init; }

    /// <summary>
    /// Fields that do not leave are in scope; where a caller writes the expression, those and what the caller may not read are unknown
    /// names.
    /// </summary>
    public bool ServerOnly { get; init; } = true;

    /// <summary>Set where there is no schema: names, nulls and errors are those of CEL.</summary>
    public CelEnvironment? Environment { get; init; }

    /// <summary>The same names of the very same schema, and so the same meaning of every text.</summary>
    public bool IsSame(ExpressionScope other) => ReferenceEquals(Schema, other.Schema)
        && ReferenceEquals(Row, other.Row) && ReferenceEquals(Embedded, other.Embedded) && ReferenceEquals(Environment, other.Environment)
        && (Relations, Identity, Request, Before, ServerOnly)
            == (other.Relations, other.Identity, other.Request, other.Before, other.ServerOnly);

    static readonly AppSchema s_none = new("none", new AppDefaults(), auth: null, enums: [], types: [], unions: [], models: []);

    public static ExpressionScope Unbound(CelEnvironment environment) => new(s_none) { Environment = environment };

    public static ExpressionScope Rule(AppSchema schema, Model row) =>
        new(schema) { Row = row, Relations = true, Identity = true, Request = true };

    public static ExpressionScope After(AppSchema schema, Model row) => Rule(schema, row) with { Before = true };

    /// <summary>
    /// <c>@check</c>, <c>@@check</c>, <c>@computed</c>, <c>where:</c> of an index: the row's own fields, immutable functions.
    /// </summary>
    public static ExpressionScope OwnFields(AppSchema schema, Model row) => new(schema) { Row = row };

    public static ExpressionScope OwnFields(AppSchema schema, EmbeddedType type) => new(schema) { Embedded = type };

    /// <summary><c>@upcast</c>: the value of an earlier version, as <c>old</c>, and nothing else.</summary>
    public static ExpressionScope OldValue(AppSchema schema, Upcast upcast, Field field) => OwnFields(schema, new EmbeddedType(
        "@upcast", [new Field { Name = Upcast.Old, Column = "", Type = upcast.TypeOfThen(field), IsNullable = true }]));

    public static ExpressionScope Filter(AppSchema schema, Model row) =>
        new(schema) { Row = row, Relations = true, Identity = true, ServerOnly = false };
}
