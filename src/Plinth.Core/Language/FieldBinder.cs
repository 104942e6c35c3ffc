using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>Applies the attributes of one field to it. Where an attribute may stand, on which types, how often: by the table.</summary>
sealed class FieldBinder(Declarations declarations, Findings findings)
{
    /// <summary>Looks the attributes up and reads their arguments; those that are wrong are reported and left out.</summary>
    public void ReadAttributes(FieldSyntax syntax, AttributeTargets target, List<BoundAttribute> into, FieldType? type, bool isList)
    {
        foreach (AttributeSyntax attribute in syntax.Attributes)
        {
            if (Find(attribute, target, findings) is not { } spec) continue;
            if (!spec.Repeats && into.Exists(a => a.Spec == spec))
            {
                findings.Error(attribute.Source, Codes.DuplicateAttribute, attribute.Span,
                    $"{spec.Name} stands twice on '{syntax.Name.Text}'");
            }
            else if (type is not null && !Fits(spec.Fits, type, isList))
            {
                findings.Error(attribute.Source, Codes.AttributeType, attribute.Span,
                    $"{spec.Name} does not fit the type {type.Name}{(isList ? "[]" : "")}", FitHint(spec.Fits));
            }
            else if (ArgumentReader.Read(spec, attribute, findings) is { } bound)
            {
                into.Add(bound);
            }
        }
    }

    /// <summary>The row of the table, if the attribute is known, available, and may stand there.</summary>
    public static AttributeSpec? Find(AttributeSyntax attribute, AttributeTargets target, Findings findings)
    {
        if (attribute.IsBroken) return null;
        string spelling = attribute.Spelling;
        AttributeSpec? spec = Attributes.Find(spelling);
        if (spec is null)
        {
            var level = Attributes.All.Where(a => a.IsModelLevel == attribute.IsModelLevel).Select(a => a.Name);
            string other = attribute.IsModelLevel ? "@" + attribute.Name.Text : "@@" + attribute.Name.Text;
            findings.Error(attribute.Source, Codes.UnknownAttribute, attribute.Span.Join(attribute.Name.Span),
                $"unknown attribute {spelling}",
                Attributes.Find(other) is not null ? $"did you mean '{other}'?" : findings.DidYouMean(spelling, level));
            return null;
        }
        if (!spec.IsAvailable)
        {
            findings.Error(attribute.Source, Codes.NotAvailable, attribute.Span, $"{spelling} is not available in this version");
            return null;
        }
        if ((spec.Targets & target) != 0) return spec;
        findings.Error(attribute.Source, Codes.MisplacedAttribute, attribute.Span, $"{spelling} does not stand on {Describe(target)}",
            $"it stands on {DescribeAll(spec.Targets)}");
        return null;
    }

    /// <summary>Gives the field what its attributes say.</summary>
    public void Apply(FieldDraft draft)
    {
        foreach (BoundAttribute attribute in draft.Attributes)
        {
            if (ApplyOne(draft, attribute) is { } field) draft.Field = field;
            else draft.IsBroken = true;
        }
        Field result = draft.Field;
        if ((result.IsVersion || result.IsUpdatedAt || result.Computed is not null) && result.Default is not null)
            Conflict(draft, "@default", "the engine makes its value");
        if ((result.IsVersion || result.IsUpdatedAt) && (result.IsNullable || result.IsList || result.Computed is not null))
            Conflict(draft, result.IsVersion ? "@version" : "@updatedAt", "it is a single, required field that is not computed");
        if (result.Computed is not null && result.Normalisers.Length > 0)
            Conflict(draft, draft.Attributes.First(a => a.Name is "@trim" or "@lowercase" or "@uppercase" or "@html").Name,
                result.Normalisers.Contains(Normaliser.Html) ? "clean the fields that it is made from" : "write it into the expression");
        if (result.IsReadonly && !result.IsCreatable && (result.IsServerOnly || result.Computed is not null || result.IsVersion
            || result.IsUpdatedAt))
            NoEffect(draft, "@readonly", "the field is in no input already");
        if (result.IsImmutable && !result.IsCreatable) NoEffect(draft, "@immutable", "the field is in no input already");
        CheckRules(draft);
        if (result.Normalisers.Contains(Normaliser.Lowercase) && result.Normalisers.Contains(Normaliser.Uppercase))
            Conflict(draft, "@uppercase", "@lowercase stands there too");
        if (result.Normalisers.Contains(Normaliser.Html)
            && (result.Normalisers.Contains(Normaliser.Lowercase) || result.Normalisers.Contains(Normaliser.Uppercase)))
            Conflict(draft, "@html", "the case of its addresses and names of characters means something");
        CheckHtml(draft);
    }

    /// <summary>A word that changes nothing was meant to change something.</summary>
    void CheckHtml(FieldDraft draft)
    {
        if (draft.Attribute("@html") is not { } at) return;
        HtmlFormats preset = Preset(at), allow = HtmlPresets.Formats(at.Words("allow")), deny = HtmlPresets.Formats(at.Words("deny"));
        Say(allow & deny, "allow", "is denied beside it");
        Say(allow & preset & ~deny, "allow", "is allowed already");
        Say(deny & ~preset & ~allow, "deny", "is not allowed anyway");

        void Say(HtmlFormats formats, string argument, string why)
        {
            if (formats != HtmlFormats.None)
                findings.Warning(draft.Source, Codes.NoEffect, at.SpanOf(argument),
                    $"{string.Join(", ", HtmlPresets.WordsOf(formats))} {why}: '{argument}:' says nothing of it", "remove it");
        }
    }

    static HtmlFormats Preset(BoundAttribute html) => html.Word("preset") is { } name ? HtmlPresets.Of(name) : HtmlPresets.Basic;

    /// <summary>A rule about what no caller could do anyway says nothing.</summary>
    void CheckRules(FieldDraft draft)
    {
        foreach (BoundAttribute attribute in draft.Attributes.Where(a => a.Name is "@allow" or "@deny"))
        {
            bool writes = attribute.Accesses("accesses").Contains(FieldAccess.Write);
            string? why = draft.Field.IsServerOnly ? "the field never leaves and never enters"
                : writes && !draft.Field.IsCreatable ? "the field is in no input"
                : attribute.Has("message") && !writes ? "'message:' is for who may not write; an unreadable field is not told apart"
                : null;
            if (why is not null)
                findings.Error(attribute.Source, Codes.NoEffect, attribute.Span,
                    $"{attribute.Name} has no effect on '{draft.Name.Text}': {why}", "remove it");
        }
    }

    void Conflict(FieldDraft draft, string attribute, string why)
    {
        if (draft.Attribute(attribute) is not { } at) return;
        findings.Error(draft.Source, Codes.ConflictingAttributes, at.Span, $"{attribute} cannot stand on '{draft.Name.Text}': {why}");
    }

    void NoEffect(FieldDraft draft, string attribute, string why)
    {
        if (draft.Attribute(attribute) is { } at)
            findings.Error(draft.Source, Codes.NoEffect, at.Span, $"{attribute} has no effect on '{draft.Name.Text}': {why}", "remove it");
    }

    Field? ApplyOne(FieldDraft draft, BoundAttribute attribute)
    {
        Field field = draft.Field;
        switch (attribute.Name)
        {
            // Of the model: keys and indexes are made where all fields are known.
            case "@id" or "@unique" or "@index" or "@relation": return field;
            case "@default":
                return new DefaultReader(declarations, findings).Read(attribute, field) is { } value ? field with { Default = value }
                    : null;
            case "@map": return Column(attribute, "column") is { } column ? field with { Column = column } : null;
            case "@version": return field with { IsVersion = true };
            case "@updatedAt": return field with { IsUpdatedAt = true };
            case "@computed": return field with { Computed = attribute.Expression("value") };
            case "@readonly": return field with { IsReadonly = true };
            case "@immutable": return field with { IsImmutable = true };
            case "@serverOnly": return field with { IsServerOnly = true };
            case "@pii": return field with { IsPii = true };
            case "@sensitive": return field with { IsSensitive = true };
            case "@allow" or "@deny": return field with { Rules = field.Rules.Add(Rule(attribute)) };
            case "@renamedFrom": return field with { RenamedFrom = attribute.Text("old") + draft.KeySuffix };
            case "@upcast": return field with { Upcasts = field.Upcasts.Add(Step(attribute)) };
            case "@deprecated": return field with { Deprecated = attribute.Text("why") };
            case "@trim": return field with { Normalisers = field.Normalisers.Add(Normaliser.Trim) };
            case "@lowercase": return field with { Normalisers = field.Normalisers.Add(Normaliser.Lowercase) };
            case "@uppercase": return field with { Normalisers = field.Normalisers.Add(Normaliser.Uppercase) };
            case "@html":
                return field with
                {
                    Normalisers = field.Normalisers.Add(Normaliser.Html),
                    Html = (Preset(attribute) | HtmlPresets.Formats(attribute.Words("allow")))
                        & ~HtmlPresets.Formats(attribute.Words("deny")),
                };
            default: return ReadValidator(field, attribute) is { } validator ? field with { Validators = field.Validators.Add(validator) }
                : null;
        }
    }

    static FieldRule Rule(BoundAttribute attribute) => new(
        attribute.Name == "@allow" ? RuleEffect.Allow : RuleEffect.Deny,
        attribute.Accesses("accesses"),
        attribute.Expression("when") ?? throw new InvalidOperationException("the argument reader admitted a rule without a condition"))
    {
        Message = attribute.Text("message"),
        Span = attribute.Span,
    };

    static Upcast Step(BoundAttribute attribute) => new((int)(attribute.Number("version") ?? 0), attribute.Type("from"),
        attribute.Expression("value") ?? throw new InvalidOperationException("the argument reader admitted an upcast without a value"))
    {
        Span = attribute.Span,
    };

    Validator? ReadValidator(Field field, BoundAttribute attribute) => attribute.Name switch
    {
        "@length" => Bounds(attribute) is var (min, max) ? new LengthValidator((int?)min, (int?)max) : null,
        "@range" => Bounds(attribute) is var (min, max) ? new RangeValidator(min, max) : null,
        "@regex" => Pattern(attribute),
        "@email" => new EmailValidator(),
        "@url" => new UrlValidator(),
        "@iso4217" => new Iso4217Validator(),
        "@oneOf" => new DefaultReader(declarations, findings).Values(attribute, field) is { IsDefault: false } values
            ? new OneOfValidator(values) : null,
        "@check" => new CheckValidator(attribute.Expression("condition")
            ?? throw new InvalidOperationException("the argument reader admitted a check without a condition")),
        _ => throw new InvalidOperationException($"the table knows {attribute.Name}, the binder does not"),
    };

    (decimal? Min, decimal? Max)? Bounds(BoundAttribute attribute)
    {
        decimal? min = attribute.Number("min"), max = attribute.Number("max");
        if (min is null && max is null)
            findings.Error(attribute.Source, Codes.MissingArgument, attribute.Span, $"{attribute.Name} needs 'min', 'max' or both");
        else if (min > max)
            findings.Error(attribute.Source, Codes.BadArgument, attribute.Span, $"nothing can be at least {min} and at most {max}");
        else
            return (min, max);
        return null;
    }

    RegexValidator? Pattern(BoundAttribute attribute)
    {
        string pattern = attribute.Text("pattern") ?? "";
        if (Regex2.Refusal(pattern) is not { } refusal) return new RegexValidator(pattern);
        findings.Error(attribute.Source, Codes.BadPattern, attribute.SpanOf("pattern"), $"the pattern cannot be used: {refusal}");
        return null;
    }

    string? Column(BoundAttribute attribute, string argument) => DatabaseName(attribute, argument, findings);

    /// <summary>A name for the database, quoted wherever it is used, so that anything readable will do.</summary>
    public static string? DatabaseName(BoundAttribute attribute, string argument, Findings findings)
    {
        string name = attribute.Text(argument) ?? "";
        if (name.Length is > 0 and <= Limits.NameLength && name[0] != '_' && name.All(c =>
            char.IsAsciiLetterOrDigit(c) || c == '_')) return name;
        findings.Error(attribute.Source, Codes.BadName, attribute.SpanOf(argument),
            $"'{name}' is no name for the database", $"ASCII letters, digits and _, at most {Limits.NameLength}, not beginning with _");
        return null;
    }

    public static bool Fits(TypeFit fit, FieldType type, bool isList)
    {
        if (fit == TypeFit.Any || (isList && (fit & TypeFit.AnyList) != 0)) return true;
        if (isList && (fit & TypeFit.Lists) == 0) return false;
        TypeFit own = type switch
        {
            ScalarFieldType { Scalar.Kind: ValueKind.String } => TypeFit.Text,
            ScalarFieldType { Scalar.Kind: ValueKind.Int } => TypeFit.Integer,
            ScalarFieldType { Scalar.Kind: ValueKind.Double or ValueKind.Decimal } => TypeFit.Fraction,
            ScalarFieldType { Scalar.Kind: ValueKind.DateTime } => TypeFit.Moment,
            ScalarFieldType { Scalar.Kind: ValueKind.Bytes } => TypeFit.Bytes,
            ScalarFieldType { Scalar.Kind: ValueKind.Json } or EmbeddedFieldType or UnionFieldType => 0,
            _ => TypeFit.Other,
        };
        return (fit & own) != 0;
    }

    public static string FitHint(TypeFit fit)
    {
        List<string> kinds = [];
        if ((fit & TypeFit.Text) != 0) kinds.Add("text");
        if ((fit & TypeFit.Integer) != 0) kinds.Add("whole numbers");
        if ((fit & TypeFit.Fraction) != 0) kinds.Add("fractions");
        if ((fit & TypeFit.Moment) != 0) kinds.Add("DateTime");
        if ((fit & TypeFit.Bytes) != 0) kinds.Add("Bytes");
        if ((fit & TypeFit.Other) != 0) kinds.Add("other single values");
        if ((fit & TypeFit.AnyList) != 0) kinds.Add("lists");
        return "it is for " + string.Join(", ", kinds);
    }

    public static string DescribeAll(AttributeTargets targets) =>
        string.Join(", ", Enum.GetValues<AttributeTargets>().Where(t => (targets & t) != 0).Select(Describe));

    static string Describe(AttributeTargets target) => target switch
    {
        AttributeTargets.Field => "a field of a model",
        AttributeTargets.Relation => "a relation that holds the key",
        AttributeTargets.OtherSide => "the other side of a relation",
        AttributeTargets.Member => "a field of a type",
        AttributeTargets.Model => "a model",
        AttributeTargets.Kept => "what a projection keeps",
        AttributeTargets.CountedBy => "a key of a projection",
        AttributeTargets.Projection => "a projection",
        _ => "a field",
    };
}
