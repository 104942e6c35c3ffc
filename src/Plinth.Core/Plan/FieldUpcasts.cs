using System.Collections.Immutable;
using System.Text.Json;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// The steps that bring values of one field from a version of the schema to its form of today. Each is a function of one value, so bringing
/// what events say and folding them is the same as folding them and bringing the record. Thread-safe.
/// </summary>
sealed class FieldUpcasts
{
    static readonly Value s_nothing = Value.Missing(new object());

    readonly Field _field;
    readonly FieldType _then;
    readonly ImmutableArray<(CompiledExpression Expression, Field Result)> _steps;

    FieldUpcasts(AppSchema schema, Field field, int first)
    {
        _field = field;
        _then = field.Upcasts[first].TypeOfThen(field);
        _steps =
        [
            .. Enumerable.Range(first, field.Upcasts.Length - first).Select(i =>
            {
                FieldType type = Upcast.TypeAfter(field, i);
                CelType expected = type is EnumFieldType ? CelType.String : CelType.Of(schema, type);
                ExpressionScope scope = ExpressionScope.OldValue(schema, field.Upcasts[i], field);
                return (CompiledExpression.Compile(CheckedExpression.Of(field.Upcasts[i].Value, scope, expected)),
                    field with { Type = type });
            }),
        ];
    }

    /// <summary>The steps of a field for values of a version; null where they are of today's form.</summary>
    /// <param name="schema">Of today.</param>
    /// <param name="field">Of today.</param>
    /// <param name="version">That the values are of.</param>
    public static FieldUpcasts? Of(AppSchema schema, Field field, int version)
    {
        for (int i = 0; i < field.Upcasts.Length; i++)
        {
            if (field.Upcasts[i].Version > version) return new FieldUpcasts(schema, field, i);
        }
        return null;
    }

    /// <summary>
    /// The value now; null where the steps say so, and null with a reason where they give none that the field could hold.
    /// </summary>
    public Value Bring(in Value then)
    {
        Value value = then;
        try
        {
            foreach (var (expression, result) in _steps)
            {
                value = expression.Evaluate(new EvaluationContext { Row = [value], Cost = Limits.UpcastCost });
                // Nothing that was meant has no reason; what could not be computed, or held, has one.
                if (!value.IsNull) value = Held(result.Type, Deciding.Stored(result, value));
            }
        }
        catch (ExpressionCostException)
        {
            return s_nothing;
        }
        return value;
    }

    /// <summary>Reads a value in its form of then, from the token that the reader stands on, as what it is now.</summary>
    public bool TryRead(ref Utf8JsonReader json, out Value value)
    {
        value = Value.Null;
        if (json.TokenType != JsonTokenType.Null && !((ScalarFieldType)_then).Scalar.TryRead(ref json, out value)) return false;
        value = Bring(value);
        if (value.IsNull) value = Value.Null;
        return true;
    }

    /// <summary>Writes a value that stands in its form of then as what it is now.</summary>
    public void Write(ByteOutput output, ReadOnlySpan<byte> then)
    {
        Utf8JsonReader json = new(then);
        json.Read();
        WireJson.Write(output, _field, TryRead(ref json, out Value value) ? value : Value.Null);
    }

    /// <summary>What the type demands beyond the kind of its values: the words of an enum, the form of an address or an id.</summary>
    static Value Held(FieldType type, in Value value)
    {
        if (value.IsNull) return s_nothing;
        if (value.Kind != ValueKind.String) return value;
        bool isHeld = type is EnumFieldType words ? words.Enum.Values.Contains(value.String, StringComparer.Ordinal)
            : ((TextType)((ScalarFieldType)type).Scalar).TryParse(value.String, out _); // No other type has texts.
        return isHeld ? value : s_nothing;
    }
}
