using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>What stands behind the name of one field.</summary>
sealed class YamlFieldText
{
    public bool IsPrimary { get; set; }

    /// <summary><c>true</c>, or a mapping; null when it is not.</summary>
    public string? Unique { get; set; }

    public string? Index { get; set; }

    public string Spec(Field field)
    {
        YamlFlow flow = new();
        ImmutableArray<Validator> validators = field.Validators;
        string native = field.Type.Name;
        bool isEmail = native == "String" && validators is [EmailValidator, ..];
        if (isEmail) validators = validators[1..];
        bool isRich = native == "Text" && field.Normalisers is [Normaliser.Html, ..];
        string type = isEmail ? "email" : isRich ? "richtext" : YamlTypes.WordOf(native) ?? YamlText.Scalar(native);
        flow.Add("type", type);
        if (field.IsList) flow.Add("list", "true");
        if (field.IsNullable) flow.Add("nullable", "true");
        if (IsPrimary) flow.Add("primary", "true");
        if (Unique is not null) flow.Add("unique", Unique);
        if (Index is not null) flow.Add("index", Index);
        if (field.Default is { } value) flow.Add("default", Default(field, value, IsPrimary));
        Normalise(field, isRich, flow);
        Validate(field, validators, flow);
        if (field.Computed is { } computed) flow.Add("computed", YamlText.Expression(computed));
        Flags(field, flow);
        if (field.Column.Length > 0 && field.Column != Names.SnakeCase(field.Name)) flow.Add("column", YamlText.Scalar(field.Column));
        if (field.RenamedFrom is { } old) flow.Add("renamedFrom", YamlText.Scalar(old));
        if (field.Deprecated is { } why) flow.Add("deprecated", YamlText.Scalar(why));
        if (field.Doc is { } doc) flow.Add("description", YamlText.Scalar(doc));
        return flow.Count == 1 && (isRich || (YamlTypes.WordOf(native) is not null && !isEmail)) ? type : flow.ToString();
    }

    /// <summary>A rich text is cleaned first; of another the order says when.</summary>
    static void Normalise(Field field, bool isRich, YamlFlow flow)
    {
        ImmutableArray<Normaliser> normalisers = isRich ? field.Normalisers[1..] : field.Normalisers;
        if (field.Normalisers.Contains(Normaliser.Html))
        {
            string? html = YamlRichText.Text(field.Html) ?? (isRich ? null : "{ preset: basic }");
            if (html is not null) flow.Add("richtext", html);
        }
        if (normalisers.Length > 0) flow.Add("normalise", YamlText.List([.. normalisers.Select(n => n.ToString().ToLowerInvariant())]));
    }

    /// <summary>What a relation says for the key that it adds.</summary>
    public static void Shared(Field key, Relation relation, YamlFlow flow)
    {
        if (relation.Fields.Length == 1)
        {
            if (key.Default is { } value) flow.Add("default", Default(key, value, isPrimary: false));
            if (key.Column != Names.SnakeCase(key.Name)) flow.Add("column", YamlText.Scalar(key.Column));
        }
        if (key.IsReadonly) flow.Add("readonly", "true");
        if (key.IsImmutable) flow.Add("immutable", "true");
        Rules(key, flow);
        string suffix = KeyFieldMaker.NameOf("", relation.References[relation.Fields.IndexOf(key.Name)]);
        if (key.RenamedFrom is { } old && old.EndsWith(suffix, StringComparison.Ordinal))
            flow.Add("renamedFrom", YamlText.Scalar(old[..^suffix.Length]));
    }

    static void Flags(Field field, YamlFlow flow)
    {
        if (field.IsUpdatedAt) flow.Add("onUpdate", "now");
        if (field.IsVersion) flow.Add("version", "true");
        if (field.IsReadonly) flow.Add("readonly", "true");
        if (field.IsImmutable) flow.Add("immutable", "true");
        if (field.IsServerOnly) flow.Add("internal", "true");
        if (field.IsPii) flow.Add("pii", "true");
        if (field.IsSensitive) flow.Add("sensitive", "true");
        Rules(field, flow);
    }

    static void Rules(Field field, YamlFlow flow)
    {
        if (!field.Rules.IsEmpty) flow.Add("rules", $"[{string.Join(", ", field.Rules.Select(Rule))}]");
    }

    static string Rule(FieldRule rule)
    {
        YamlFlow flow = new();
        flow.Add(rule.Effect == RuleEffect.Allow ? "allow" : "deny",
            YamlText.List(rule.Accesses.Select(a => a.ToString().ToLowerInvariant())));
        flow.Add("when", YamlText.Expression(rule.When));
        if (rule.Message is { } message) flow.Add("message", YamlText.Scalar(message));
        return flow.ToString();
    }

    static string Default(Field field, DefaultValue value, bool isPrimary) => value switch
    {
        NowDefault => "now",
        AutoincrementDefault => "auto",
        GeneratedDefault { Generator: IdGenerator.Uuid7 } => "auto",
        GeneratedDefault { Generator: IdGenerator.Cuid } when isPrimary || field.Type.Name == "Cuid" => "auto",
        GeneratedDefault generated => $"{{ generate: {generated.Generator.ToString().ToLowerInvariant()} }}",
        ClaimDefault claim => $"{{ auth: {string.Join('.', claim.Path)} }}",
        LiteralDefault literal => Literal(field, literal.Value),
        _ => throw new InvalidOperationException($"no form for {value.GetType().Name}"),
    };

    static string Literal(Field field, in Value value)
    {
        if (value.Kind == ValueKind.Json) return YamlText.Json(Encoding.UTF8.GetString(value.Json));
        if (field.Type is not ScalarFieldType { Scalar: var scalar } || value.Kind == ValueKind.String)
            return YamlText.Scalar(value.String);
        using ByteOutput json = new(64);
        scalar.WriteJson(json, value);
        return YamlText.Json(Encoding.UTF8.GetString(json.Written));
    }

    /// <summary>One mapping in the order of the validators; a list of them when a key stands twice.</summary>
    static void Validate(Field field, ImmutableArray<Validator> validators, YamlFlow flow)
    {
        if (validators.IsEmpty) return;
        YamlFlow[] each = [.. validators.Select(v => One(field, v))];
        string[] keys = [.. each.SelectMany(e => e.Keys)];
        YamlFlow whole = new();
        foreach (YamlFlow one in each) whole.AddAll(one);
        bool isOnce = keys.Distinct().Count() == keys.Length;
        flow.Add("validate", isOnce ? whole.ToString() : "[" + string.Join(", ", each.Select(e => e.ToString())) + "]");
    }

    static YamlFlow One(Field field, Validator validator)
    {
        YamlFlow flow = new();
        switch (validator)
        {
            case LengthValidator length:
                if (length.Min is { } least) flow.Add("minLength", least.ToString(CultureInfo.InvariantCulture));
                if (length.Max is { } most) flow.Add("maxLength", most.ToString(CultureInfo.InvariantCulture));
                break;
            case RangeValidator range:
                if (range.Min is { } min) flow.Add("min", min.ToString(CultureInfo.InvariantCulture));
                if (range.Max is { } max) flow.Add("max", max.ToString(CultureInfo.InvariantCulture));
                break;
            case RegexValidator regex: flow.Add("pattern", YamlText.Scalar(regex.Pattern)); break;
            case EmailValidator: flow.Add("format", "email"); break;
            case UrlValidator: flow.Add("format", "url"); break;
            case Iso4217Validator: flow.Add("format", "currency"); break;
            case OneOfValidator oneOf: flow.Add("enum", $"[{string.Join(", ", oneOf.Values.Select(v => Literal(field, v)))}]"); break;
            case CheckValidator check: flow.Add("check", YamlText.Expression(check.Condition)); break;
            default: throw new InvalidOperationException($"no form for {validator.GetType().Name}");
        }
        return flow;
    }
}
