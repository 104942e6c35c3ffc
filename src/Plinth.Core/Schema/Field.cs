using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Schema;

/// <summary>One field of a model or embedded type. Relations are not fields; their key fields are.</summary>
sealed record Field
{
    /// <summary>As on the wire (camelCase as written).</summary>
    public required string Name { get; init; }

    /// <summary>Column in the database. Empty for fields of embedded types.</summary>
    public required string Column { get; init; }

    public required FieldType Type { get; init; }

    /// <summary>Position in <see cref="Model.Fields"/>; also the position of its value in a row.</summary>
    public int Ordinal { get; init; }

    public bool IsNullable { get; init; }

    /// <summary><c>T[]</c>: stored as a JSON array, never null, empty by default.</summary>
    public bool IsList { get; init; }

    public DefaultValue? Default { get; init; }

    public ImmutableArray<Validator> Validators { get; init; } = [];

    /// <summary>Applied in the order written, before validation.</summary>
    public ImmutableArray<Normaliser> Normalisers { get; init; } = [];

    /// <summary>What its text of HTML may be made of, where <see cref="Normaliser.Html"/> is among its normalisers.</summary>
    public HtmlFormats Html { get; init; }

    /// <summary>Computed from the row's own fields at each write, and stored (so it filters and sorts like any field). Never in
    /// inputs.</summary>
    public Condition? Computed { get; init; }

    /// <summary>In outputs, never in inputs.</summary>
    public bool IsReadonly { get; init; }

    /// <summary>Taken on create, refused afterwards.</summary>
    public bool IsImmutable { get; init; }

    /// <summary>Never leaves and never enters.</summary>
    public bool IsServerOnly { get; init; }

    /// <summary>Who may read and write it, beyond the rules of the record. Empty: whoever may the record.</summary>
    public ImmutableArray<FieldRule> Rules { get; init; } = [];

    /// <summary>In the schema as one caller sees it: no rule lets them read it, whatever the record.</summary>
    public bool IsUnreadable { get; init; }

    /// <summary>In the schema as one caller sees it: no rule lets them write it, whatever the record.</summary>
    public bool IsUnwritable { get; init; }

    /// <summary>It may be in answers, and be named by requests.</summary>
    public bool Leaves => !IsServerOnly && !IsUnreadable;

    /// <summary>As unknown as a field that is not there: it neither leaves nor enters.</summary>
    public bool IsUnknown => IsServerOnly || (IsUnreadable && IsUnwritable);

    public bool IsPii { get; init; }

    public bool IsSensitive { get; init; }

    /// <summary>Counts writes from 1; makes If-Match (or the field in the body) required.</summary>
    public bool IsVersion { get; init; }

    public bool IsUpdatedAt { get; init; }

    /// <summary>Added by an attribute or a relation, not written out (a foreign key, <c>deletedAt</c>).</summary>
    public bool IsImplied { get; init; }

    public string? RenamedFrom { get; init; }

    /// <summary>How values of earlier versions of the schema become what they are now, by version.</summary>
    public ImmutableArray<Upcast> Upcasts { get; init; } = [];

    public string? Deprecated { get; init; }

    public string? Doc { get; init; }

    public Span Span { get; init; }

    /// <summary>A caller may give a value at create.</summary>
    public bool IsCreatable => !IsReadonly && !IsServerOnly && !IsUnwritable && Computed is null && !IsVersion && !IsUpdatedAt;

    /// <summary>A caller may give a value at update. A version may be given, as the precondition.</summary>
    public bool IsUpdatable => IsCreatable && !IsImmutable;

    /// <summary>Encrypted in the log.</summary>
    public bool IsSecretInLog => IsServerOnly || IsPii || IsSensitive;

    /// <summary>The kind of its stored values, when they are not null.</summary>
    public ValueKind StoredKind => IsJsonStored ? ValueKind.Json : Type is ScalarFieldType { Scalar.Kind: var kind } ? kind
        : ValueKind.String;

    /// <summary>Digits after the point, of decimals; 0 of all others.</summary>
    public int Scale => Type is ScalarFieldType { Scalar: Types.DecimalType { Scale: var scale } } ? scale : 0;

    /// <summary>Whether a rule says who may do this with it.</summary>
    public bool IsRuled(FieldAccess access)
    {
        foreach (FieldRule rule in Rules)
        {
            if (rule.Accesses.Contains(access)) return true;
        }
        return false;
    }

    /// <summary>Stored as JSON text: lists, embedded values, unions (and Json itself).</summary>
    public bool IsJsonStored => IsList || Type is EmbeddedFieldType or UnionFieldType
        || Type is ScalarFieldType { Scalar.Kind: ValueKind.Json };
}

enum FieldAccess
{
    Read,
    Write,
}

/// <summary>
/// One <c>@allow</c> or <c>@deny</c> of a field. Where a field has allows for an access, one of them must be true; a deny applies when true
/// or unknown.
/// </summary>
sealed record FieldRule(RuleEffect Effect, ImmutableArray<FieldAccess> Accesses, Condition When)
{
    /// <summary>What a caller is told whom it keeps from writing.</summary>
    public string? Message { get; init; }

    public Span Span { get; init; }
}

/// <summary>Where a value comes from when a create names none.</summary>
abstract record DefaultValue
{
    private protected DefaultValue()
    {
    }
}

sealed record LiteralDefault(Value Value) : DefaultValue;

sealed record NowDefault : DefaultValue;

/// <summary><c>uuid7()</c>, <c>uuid4()</c>, <c>cuid()</c>, <c>nanoid()</c>.</summary>
sealed record GeneratedDefault(IdGenerator Generator) : DefaultValue;

/// <summary><c>autoincrement()</c>: only for Int and BigInt.</summary>
sealed record AutoincrementDefault : DefaultValue;

/// <summary><c>auth.x</c> or <c>auth.x.y</c>: a missing required claim is the fault <c>missing_claim</c>, not null.</summary>
sealed record ClaimDefault(ImmutableArray<string> Path) : DefaultValue;

enum IdGenerator
{
    Uuid7,
    Uuid4,
    Cuid,
    NanoId,
}

enum Normaliser
{
    Trim,
    Lowercase,
    Uppercase,

    /// <summary>HTML of nothing but the formats that the field allows.</summary>
    Html,
}

/// <summary>What a value must satisfy. Null passes every validator; lists are checked per item, except length, which counts
/// items.</summary>
abstract record Validator
{
    private protected Validator()
    {
    }
}

/// <summary>Length in code points (String, Text), bytes (Bytes) or items (lists); both ends inclusive.</summary>
sealed record LengthValidator(int? Min, int? Max) : Validator;

/// <summary>Inclusive; the bounds are exact decimals, compared with whatever numeric kind the field has.</summary>
sealed record RangeValidator(decimal? Min, decimal? Max) : Validator;

/// <summary>RE2 syntax (linear time), matched anywhere unless anchored.</summary>
sealed record RegexValidator(string Pattern) : Validator;

sealed record EmailValidator : Validator;

sealed record UrlValidator : Validator;

/// <summary>A currency code of ISO 4217.</summary>
sealed record Iso4217Validator : Validator;

sealed record OneOfValidator(ImmutableArray<Value> Values) : Validator;

/// <summary><c>@check(expr)</c>: false refuses, unknown passes, as in SQL.</summary>
sealed record CheckValidator(Condition Condition) : Validator;
