using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Schema.Types;

namespace Plinth.Language;

/// <summary>
/// What the expressions of a projection say: that they are of the types that the fields hold, that what was added up can be taken away
/// again, and that nothing is told to readers of the projection which the model keeps to itself.
/// </summary>
/// <param name="schema">The schema.</param>
/// <param name="check">Checks one expression over the projected model; of a type, or of any.</param>
/// <param name="findings">Takes what is wrong.</param>
sealed class ProjectionChecker(
    AppSchema schema, Func<Condition, ExpressionScope, CelType?, CheckedExpression?> check, Findings findings)
{
    public void Check(Model model, Projection projection)
    {
        if (schema.FindModel(projection.From) is not { } source) return;
        ExpressionScope scope = ExpressionScope.OwnFields(schema, source);
        if (projection.Where is { } where && check(where, scope, CelType.Bool) is { } condition)
            CheckOpen(source, where, condition, "a projection would tell which records hold what", allowed: null);
        foreach (ProjectedKey key in projection.Keys)
        {
            if (model.Field(key.Field) is not { } field) continue;
            if (check(key.Value, scope, CelType.Of(schema, field)) is not { } expression) continue;
            CheckOpen(source, key.Value, expression, "a key is always answered", allowed: null);
        }
        foreach (ProjectedAggregate aggregate in projection.Aggregates)
        {
            if (model.Field(aggregate.Field) is { } field) Check(model, source, field, aggregate, scope);
        }
    }

    void Check(Model model, Model source, Field field, ProjectedAggregate aggregate, ExpressionScope scope)
    {
        if (field.IsList)
        {
            Mismatch(model, field, "an aggregate is a single value", $"write {field.Type.Name}");
        }
        else if (aggregate.Value is not { } value)
        {
            CheckCount(model, field);
        }
        else if (aggregate.Function == ProjectedFunction.Count && source.Field(value.Text) is null)
        {
            findings.Error(value.Source, Codes.BadArgument, value.Span, "count(…) counts the records that hold a field",
                "name the field; count() counts all, and @@where(…) says which");
        }
        else if (check(value, scope, null) is { } expression)
        {
            CheckOpen(source, value, expression, "a projection would tell what it holds", allowed: field);
            if (aggregate.Function == ProjectedFunction.Count) CheckCount(model, field);
            else CheckType(model, field, aggregate.Function, value, expression);
            if (aggregate.Function != ProjectedFunction.Count) CheckNull(model, field, source, value);
        }
    }

    void CheckCount(Model model, Field field)
    {
        if (!IsWhole(field)) Mismatch(model, field, "a count is a whole number", "write Int, or BigInt");
        if (field.IsNullable) Mismatch(model, field, "a count is never null", $"write {field.Type.Name}");
    }

    void CheckType(Model model, Field field, ProjectedFunction function, Condition value, CheckedExpression expression)
    {
        string name = function switch
        {
            ProjectedFunction.Sum => "sum",
            ProjectedFunction.Average => "avg",
            ProjectedFunction.Min => "min",
            _ => "max",
        };
        if (function is ProjectedFunction.Sum or ProjectedFunction.Average && expression.Type.Kind == CelKind.Double)
        {
            findings.Error(value.Source, Codes.TypeMismatch, value.Span,
                $"{name}(…) of Float is not exact: what was added could not be taken away again", "make the field a Decimal");
            return;
        }
        string? needed = (function, expression.Type) switch
        {
            (ProjectedFunction.Sum, { Kind: CelKind.Int }) => IsWhole(field) ? null : "BigInt",
            (ProjectedFunction.Sum, DecimalCelType { Scale: var scale }) => IsDecimal(field, scale) ? null : $"Decimal(18, {scale})",
            (ProjectedFunction.Average, { Kind: CelKind.Int }) => IsFloat(field) ? null : "Float",
            (ProjectedFunction.Average, DecimalCelType { Scale: <= 14 and var scale }) =>
                IsDecimal(field, scale + Projection.AverageDigits) ? null : $"Decimal(18, {scale + Projection.AverageDigits})",
            (ProjectedFunction.Min or ProjectedFunction.Max, { Kind: CelKind.Int or CelKind.Double or CelKind.Decimal
                or CelKind.Timestamp or CelKind.Date or CelKind.Time or CelKind.Duration } type) =>
                CelType.Of(schema, field) == type ? null : type.Name,
            _ => "",
        };
        if (needed is null)
        {
            CheckedExpression.Keep(value, ExpressionScope.OwnFields(schema, schema.Model(model.Projection!.From)), expression.Type,
                expression); // Not null: it is a projection that is checked.
        }
        else if (needed.Length == 0)
        {
            findings.Error(value.Source, Codes.TypeMismatch, value.Span, $"there is no {name}(…) of {expression.Type.Name}",
                function is ProjectedFunction.Min or ProjectedFunction.Max ? "it is for numbers and times"
                    : "it is for Int, BigInt and Decimal");
        }
        else
        {
            Mismatch(model, field, $"{name}(…) of {expression.Type.Name} is {needed}, not {field.Type.Name}", $"write {needed}");
        }
    }

    /// <summary>Of no values there is no sum: where records may hold none, the field may be null, and nowhere else.</summary>
    void CheckNull(Model model, Field field, Model source, Condition value)
    {
        bool mayBeNull = source.Field(value.Text) is not { IsNullable: false };
        if (mayBeNull == field.IsNullable) return;
        if (mayBeNull) Mismatch(model, field, "records may hold no value, and of none there is no aggregate", $"write {field.Type.Name}?");
        else Mismatch(model, field, "every record holds a value: it is never null", $"write {field.Type.Name}");
    }

    /// <summary>
    /// Readers of the projection are let in by its own rules, whatever those of the model say: so what the model hides from everyone, or
    /// keeps in a form that can be erased, does not get in; and what it shows to some, only with a rule that says to whom.
    /// </summary>
    void CheckOpen(Model source, Condition place, CheckedExpression expression, string why, Field? allowed)
    {
        foreach (string name in expression.OwnFields)
        {
            if (source.Field(name) is not { } read || string.Equals(name, source.Tenant, StringComparison.Ordinal)) continue;
            string? wrong = read.IsServerOnly ? $"is @serverOnly: {why}"
                : read.IsPii ? "is @pii: a projection would keep it in plain, past its erasure"
                : read.IsSensitive ? "is @sensitive: a projection would keep it in plain"
                : read.IsRuled(FieldAccess.Read) && allowed is null ? $"has a rule for reading, and {why}"
                : null;
            if (wrong is not null)
            {
                findings.Error(place.Source, Codes.ClosedField, place.Span, $"{source.Name}.{name} {wrong}", "leave it out");
            }
            else if (read.IsRuled(FieldAccess.Read) && allowed?.IsRuled(FieldAccess.Read) == false)
            {
                findings.Error(place.Source, Codes.ClosedField, place.Span,
                    $"{source.Name}.{name} has a rule for reading, and '{allowed.Name}' has none",
                    "say who may read it: @allow(\"read\", …) behind the aggregate");
            }
        }
    }

    void Mismatch(Model model, Field field, string message, string hint) =>
        findings.Error(model.Source, Codes.TypeMismatch, field.Span, $"'{field.Name}': {message}", hint);

    static bool IsWhole(Field field) => field.Type is ScalarFieldType { Scalar: IntType or BigIntType };

    static bool IsFloat(Field field) => field.Type is ScalarFieldType { Scalar: FloatType };

    static bool IsDecimal(Field field, int scale) =>
        field.Type is ScalarFieldType { Scalar: DecimalType { Scale: var own } } && own == scale;
}
