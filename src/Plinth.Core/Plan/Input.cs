using Plinth.Schema;

namespace Plinth.Plan;

/// <summary>What a body says about one field.</summary>
enum Given : byte
{
    /// <summary>Nothing: untouched by a patch, its default at create.</summary>
    Nothing,

    /// <summary>A value, or null.</summary>
    Value,

    /// <summary>
    /// A JSON object that is merged into the stored one (RFC 7396): the value holds the bytes of the patch, not yet checked.
    /// </summary>
    Merge,

    /// <summary>Something that is already among the problems.</summary>
    Refused,
}

/// <summary>A body, read against a model: values by field position, and which of them were given.</summary>
sealed class Input(Value[] values, Given[] given)
{
    public Value[] Values { get; } = values;

    public Given[] Given { get; } = given;
}

/// <summary>What a body is for; it decides which fields it may name.</summary>
enum InputMode
{
    Create,

    /// <summary>JSON Merge Patch: fields of the key and immutable ones are refused, the version may stand as the precondition.</summary>
    Patch,

    /// <summary>The whole record (PUT): fields of the key and immutable ones may stand, and are compared with the record.</summary>
    Replace,
}
