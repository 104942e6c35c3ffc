using Plinth.Schema;

namespace Plinth.Expressions;

public class FunctionTableTests
{
    /// <summary>Without checked types the name alone says what runs.</summary>
    [Fact]
    public void A_name_has_one_function_whatever_its_arguments() => Assert.All(
        FunctionTable.Groups().SelectMany(g => g.Functions).GroupBy(f => (f.Overload.Name, f.Overload.IsMethod)),
        named => Assert.Single(named.Select(f => f.Overload.Function).Distinct()));

    [Fact]
    public void Every_function_that_can_be_called_says_what_it_means() => Assert.All(
        FunctionTable.Groups().SelectMany(g => g.Functions).Where(f => f.Overload.Name[0] != '@'), f => Assert.NotEmpty(f.Means));

    static readonly Value[] s_values =
    [
        CelNull.It, Value.True, Value.From(0L), Value.From(long.MinValue), Value.From(7UL), Value.From(1.5), Value.From(double.NaN),
        Value.FromDecimal(120, 2), Value.From(""), Value.From("a\U0001F600b"), Value.From("+02:00"), Value.FromBytes([0xFF]),
        Value.FromDateTime(-1, 999), Value.FromDate(0), Value.FromTime(0), Value.FromDuration(long.MinValue, 1), Value.From(Guid.Empty),
        Value.FromList(), Value.FromList(Value.From(1L), Value.From("x"), Value.FromList(Value.True)), Value.FromMap(ValueMap.Empty),
        Value.FromOther(new MixedMap([new(Value.From(1L), Value.From("x"))])), TypeValue.Of("int"), OptionalValue.None,
        OptionalValue.Of(Value.From(1L)), Value.FromJson("{\"a\":[1]}"u8.ToArray()),
    ];

    /// <summary>Whatever an unchecked expression brings, there is a value or an error, never an exception.</summary>
    [Fact]
    public void No_function_breaks_on_any_value()
    {
        foreach (CelFunction function in Enum.GetValues<CelFunction>())
        {
            // Made by the checker alone, with the type that it needs; and one that is a step of its own.
            if (function is CelFunction.Rescale or CelFunction.IfKnown) continue;
            foreach (Value a in s_values)
            {
                AssertAnswers(function, a);
                foreach (Value b in s_values)
                {
                    AssertAnswers(function, a, b);
                    AssertAnswers(function, a, b, s_values[2]);
                    AssertAnswers(function, a, b, s_values[9]);
                }
            }
        }
    }

    static void AssertAnswers(CelFunction function, params Value[] arguments)
    {
        try
        {
            Operations.Apply(function, CelType.Dyn, arguments);
        }
        catch (Exception e)
        {
            Assert.Fail($"{function}({string.Join(", ", arguments)}): {e}");
        }
    }
}
