using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Language;

/// <summary>
/// What <c>@upcast</c> says of one field: that its steps go up to the version of the schema, one after the other, that each gives what the
/// next one takes, and that the field is one whose values may change under a record.
/// </summary>
/// <param name="schema">The schema.</param>
/// <param name="check">Checks one expression in a scope.</param>
/// <param name="findings">Takes what is wrong.</param>
sealed class UpcastChecker(
    AppSchema schema, Func<Condition, ExpressionScope, CelType?, CheckedExpression?> check, Findings findings)
{
    public void Check(Model model, Field field)
    {
        if (Hindrance(model, field) is { } why)
            Error(field.Upcasts[0], Codes.ConflictingAttributes, $"@upcast cannot stand on '{field.Name}': {why}");
        for (int i = 0; i < field.Upcasts.Length; i++)
        {
            Upcast step = field.Upcasts[i];
            CheckVersion(step, i == 0 ? 1 : field.Upcasts[i - 1].Version);
            FieldType type = Upcast.TypeAfter(field, i);
            // Of an enum it is text that comes out, since it is text that goes in: its words are looked at below.
            CelType expected = type is EnumFieldType ? CelType.String : CelType.Of(schema, type);
            CheckedExpression? expression = check(step.Value, ExpressionScope.OldValue(schema, step, field), expected);
            if (expression is not null && type is EnumFieldType { Enum: var words }) CheckWords(step, expression.Root, words);
        }
    }

    void CheckVersion(Upcast step, int before)
    {
        if (step.Version > schema.Version)
        {
            Error(step, Codes.BadArgument, $"the schema is of version {schema.Version}, before version {step.Version}",
                $"write app {{ version = {step.Version} }}");
        }
        else if (step.Version <= before)
        {
            Error(step, Codes.BadArgument, before == 1 ? "there are no values of versions before 1"
                : $"the step of version {before} stands before it", "the steps of a field stand in the order of their versions, from 2 on");
        }
    }

    static string? Hindrance(Model model, Field field)
    {
        if (model.Key.Contains(field.Name, StringComparer.Ordinal)) return "it is part of the key, by which events name their record";
        if (string.Equals(field.Name, model.Tenant, StringComparison.Ordinal)) return "it says whose the record is";
        if (model.Relations.Any(r => r.IsOwning && r.Fields.Contains(field.Name, StringComparer.Ordinal)))
            return "it holds the key of another record";
        if (field.IsVersion || field.IsUpdatedAt) return "the engine makes its value";
        if (field.Computed is not null) return "it is computed: upcast what it is computed from";
        if (field is { IsPii: true, IsNullable: false }) return "what was erased holds a mark there, which is no value";
        return null;
    }

    /// <summary>A word that the enum does not have could never be stored.</summary>
    void CheckWords(Upcast step, CheckedNode node, EnumType words)
    {
        if (node is ConditionalNode choice)
        {
            CheckWords(step, choice.Then, words);
            CheckWords(step, choice.Else, words);
        }
        else if (node is LiteralNode { Value: { Kind: ValueKind.String, String: var word } } && !words.Values.Contains(word))
        {
            findings.Error(step.Value.Source, Codes.UnknownValue, node.Span, $"{words.Name} has no value '{word}'",
                findings.DidYouMean(word, words.Values));
        }
    }

    void Error(Upcast step, string code, string message, string? hint = null) =>
        findings.Error(step.Value.Source, code, step.Span, message, hint);
}
