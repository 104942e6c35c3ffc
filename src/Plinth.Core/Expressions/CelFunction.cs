namespace Plinth.Expressions;

/// <summary>
/// Operators and functions after overloads are resolved: one word per meaning, the operand kinds are in the arguments' types.
/// </summary>
enum CelFunction
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,

    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Negate,

    /// <summary>To another scale: exact when it grows, truncating when it shrinks.</summary>
    Rescale,

    Concat,
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    LowerAscii,
    UpperAscii,
    Trim,
    Substring,
    CharAt,
    IndexOf,
    Replace,

    ToInt,
    ToUint,
    ToDouble,
    ToText,
    ToBytes,
    ToBool,
    ToTimestamp,
    ToDuration,
    ToDate,
    ToTime,
    ToUuid,

    GetFullYear,
    GetMonth,
    GetDate,
    GetDayOfMonth,
    GetDayOfWeek,
    GetDayOfYear,
    GetHours,
    GetMinutes,
    GetSeconds,
    GetMilliseconds,

    Greatest,
    Least,
    Abs,
}
