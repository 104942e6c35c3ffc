using System.Collections.Frozen;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>The operators of short filters (<c>?score[gte]=10</c>): their names, and which fields they make sense for.</summary>
static class ShortOperators
{
    static readonly FrozenDictionary<string, ShortOperator> s_byName = new Dictionary<string, ShortOperator>(StringComparer.Ordinal)
    {
        ["eq"] = ShortOperator.Equal,
        ["ne"] = ShortOperator.NotEqual,
        ["lt"] = ShortOperator.Less,
        ["lte"] = ShortOperator.LessOrEqual,
        ["gt"] = ShortOperator.Greater,
        ["gte"] = ShortOperator.GreaterOrEqual,
        ["in"] = ShortOperator.In,
        ["nin"] = ShortOperator.NotIn,
        ["like"] = ShortOperator.Contains,
        ["starts"] = ShortOperator.StartsWith,
        ["ends"] = ShortOperator.EndsWith,
        ["null"] = ShortOperator.IsNull,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The operator that the text names, or the fault that names the ones there are.</summary>
    public static Result<ShortOperator> Find(ShortFilter filter)
    {
        if (!s_byName.TryGetValue(filter.Operator, out ShortOperator found))
        {
            string known = string.Join(", ", s_byName.Keys.Order(StringComparer.Ordinal));
            return Wrong(filter, $"'{filter.Operator}' is not an operator; there are {known}")
                with { Hint = Text.Names.DidYouMean(filter.Operator, s_byName.Keys) };
        }
        if (found != ShortOperator.IsNull) return found;
        return filter.Text switch
        {
            "true" => ShortOperator.IsNull,
            "false" => ShortOperator.IsNotNull,
            _ => Wrong(filter, $"{filter.Field}[null] takes true or false"),
        };
    }

    /// <summary>A fault when the field's values cannot be asked this.</summary>
    public static Fault? Refusal(ShortFilter filter, ShortOperator op, Field field)
    {
        if (op is ShortOperator.IsNull or ShortOperator.IsNotNull) return null;
        if (field.IsJsonStored)
        {
            return Wrong(filter, $"{filter.Field} holds {(field.IsList ? "a list" : field.Type.Name)}: use filter= for it");
        }
        bool isText = KindOf(field) == ValueKind.String;
        if (op is ShortOperator.Contains or ShortOperator.StartsWith or ShortOperator.EndsWith && !isText)
        {
            return Wrong(filter, $"[{filter.Operator}] is for texts, and {filter.Field} is {field.Type.Name}");
        }
        bool isBoolean = KindOf(field) == ValueKind.Boolean;
        if (isBoolean && op is not (ShortOperator.Equal or ShortOperator.NotEqual or ShortOperator.In or ShortOperator.NotIn))
        {
            return Wrong(filter, $"[{filter.Operator}] is not for booleans, and {filter.Field} is one");
        }
        return null;
    }

    public static bool TakesList(ShortOperator op) => op is ShortOperator.In or ShortOperator.NotIn;

    /// <summary>Slots for a list of that many values: the next power of two, so that few shapes serve all lengths.</summary>
    public static int Slots(int values) => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, values));

    /// <summary>The value of one text, or the fault that says what the field takes.</summary>
    public static Result<Value> Parse(ShortFilter filter, Field field, ReadOnlySpan<char> text)
    {
        switch (field.Type)
        {
            case EnumFieldType { Enum: var words }:
                string word = text.ToString();
                if (words.Values.Contains(word)) return Value.From(word);
                return Wrong(filter, $"{filter.Field} takes one of {string.Join(", ", words.Values)}")
                    with { Hint = Text.Names.DidYouMean(word, words.Values) };
            case ScalarFieldType { Scalar: var scalar }:
                return scalar.TryParse(text, out Value value) ? value : Wrong(filter, $"{filter.Field} takes {scalar.Expected}");
            default:
                throw new InvalidOperationException($"{field.Name} was admitted to a short filter");
        }
    }

    static ValueKind KindOf(Field field) => field.Type is ScalarFieldType { Scalar.Kind: var kind } ? kind : ValueKind.String;

    static Fault Wrong(ShortFilter filter, string message) =>
        Faults.MalformedParameter.Says(message) with { Details = [new FaultDetail(filter.Field, Faults.MalformedParameter.Code, message)] };
}
