namespace Plinth.Expressions;

/// <summary>
/// Operators and functions after overloads are resolved: one word per meaning, the operand kinds are in the arguments' types, or found
/// when it runs. Which signatures each has is in <see cref="FunctionTable"/>. The order matters where ranges are asked for.
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

    LastIndexOf,
    Split,
    Join,
    Format,
    Quote,
    Reverse,

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
    Sign,
    Ceil,
    Floor,
    Round,
    Trunc,
    Sqrt,
    IsNaN,
    IsInf,
    IsFinite,
    BitAnd,
    BitOr,
    BitXor,
    BitNot,
    BitShiftLeft,
    BitShiftRight,

    In,
    Index,
    OptionalIndex,
    TypeOf,
    Dyn,

    Slice,
    Flatten,
    Range,
    Distinct,
    Sort,
    SortByKeys,
    First,
    Last,

    OptionalOf,
    OptionalOfNonZero,
    OptionalNone,
    HasValue,
    ValueOf,
    Or,
    OrValue,
    Unwrap,

    /// <summary>Bound: an optional of what is known, none of what is unknown.</summary>
    IfKnown,

    Base64Encode,
    Base64Decode,
}
