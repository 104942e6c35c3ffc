namespace Plinth.Language;

/// <summary>Every code that reading a schema can answer with. Never reused; expressions add their own (see <c>Expressions</c>).</summary>
static class Codes
{
    // The text.
    public const string UnexpectedCharacter = "unexpected_character";
    public const string BidiControl = "bidi_control";
    public const string BadName = "bad_name";
    public const string Unclosed = "unclosed";
    public const string TooManyFindings = "too_many_findings";
    public const string LimitExceeded = "limit_exceeded";

    // The grammar.
    public const string UnexpectedToken = "unexpected_token";
    public const string ExpectedName = "expected_name";
    public const string ExpectedType = "expected_type";
    public const string UnknownBlock = "unknown_block";
    public const string UnknownAttribute = "unknown_attribute";
    public const string UnknownSetting = "unknown_setting";
    public const string NotAvailable = "not_available";
    public const string BadArity = "bad_arity";

    // Arguments.
    public const string UnknownArgument = "unknown_argument";
    public const string MissingArgument = "missing_argument";
    public const string TooManyArguments = "too_many_arguments";
    public const string BadArgument = "bad_argument";
    public const string DuplicateAttribute = "duplicate_attribute";
    public const string MisplacedAttribute = "misplaced_attribute";
    public const string NoEffect = "no_effect";

    // Names.
    public const string DuplicateName = "duplicate_name";
    public const string ReservedName = "reserved_name";
    public const string NameCollision = "name_collision";
    public const string UnknownType = "unknown_type";
    public const string UnknownField = "unknown_field";
    public const string UnknownName = "unknown_name";
    public const string UnknownMixin = "unknown_mixin";
    public const string UnknownValue = "unknown_value";
    public const string UnknownFunction = "unknown_function";
    public const string UnknownClaim = "unknown_claim";
    public const string UnknownOperation = "unknown_operation";

    // Meaning.
    public const string EmptyBlock = "empty_block";
    public const string Cycle = "cycle";
    public const string TypeMismatch = "type_mismatch";
    public const string AttributeType = "attribute_type";
    public const string ConflictingAttributes = "conflicting_attributes";
    public const string MissingKey = "missing_key";
    public const string BadKey = "bad_key";
    public const string BadRelation = "bad_relation";
    public const string AmbiguousRelation = "ambiguous_relation";
    public const string MissingOtherSide = "missing_other_side";
    public const string ManyToMany = "many_to_many";
    public const string BadPattern = "bad_pattern";
    public const string OpenClaims = "open_claims";
    public const string ClosedField = "closed_field";

    // Warnings.
    public const string UnreachableModel = "unreachable_model";
    public const string UnsettableField = "unsettable_field";
    public const string KeptForLater = "kept_for_later";
    public const string AssumedDigits = "assumed_digits";
}
