using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>
/// Why an expression has no value. It travels as a <see cref="Value"/> of kind Null that carries it: where every error is unknown
/// nobody asks for the reason, and in an unbound environment it is the answer.
/// </summary>
sealed class EvaluationError(string message)
{
    public string Message => message;

    public override string ToString() => message;

    static Value Of(string message) => Value.Missing(new EvaluationError(message));

    public static readonly Value NoOverload = Of("no such overload");
    public static readonly Value Overflow = Of("the result is beyond the range of its type");
    public static readonly Value DivisionByZero = Of("division by zero");
    public static readonly Value NoSuchKey = Of("no such key");
    public static readonly Value OutOfBounds = Of("the index is outside of the list or text");
    public static readonly Value BadKey = Of("a key is a text, a bool or a whole number");
    public static readonly Value RepeatedKey = Of("a key stands twice");
    public static readonly Value NotConvertible = Of("the value has no counterpart in that type");
    public static readonly Value NotUtf8 = Of("the bytes are not UTF-8");
    public static readonly Value BadPattern = Of("the pattern is not taken");
    public static readonly Value BadZone = Of("no such time zone");
    public static readonly Value NothingThere = Of("the optional holds nothing");
    public static readonly Value NotOrdered = Of("the values have no common order");
    public static readonly Value BadFormat = Of("the format does not fit its arguments");
    public static readonly Value NotBool = Of("a condition is neither true nor false");
    public static readonly Value NotFinite = Of("the number is not finite");

    public static Value Undeclared(string name) => Of($"nothing is named '{name}'");
}
