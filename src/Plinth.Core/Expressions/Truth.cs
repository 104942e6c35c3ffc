using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>The three truth values of Kleene's logic.</summary>
enum Truth : byte
{
    False,
    True,
    Unknown,
}

static class Truths
{
    public static Truth Of(bool value) => value ? Truth.True : Truth.False;

    /// <summary>What is neither true nor false is unknown.</summary>
    public static Truth Of(in Value value) => value.IsTrue ? Truth.True : value.IsFalse ? Truth.False : Truth.Unknown;

    public static Truth Not(this Truth truth) => truth switch
    {
        Truth.True => Truth.False,
        Truth.False => Truth.True,
        _ => Truth.Unknown,
    };

    public static Value ToValue(this Truth truth) => truth switch
    {
        Truth.True => Value.True,
        Truth.False => Value.False,
        _ => Value.Null,
    };
}
