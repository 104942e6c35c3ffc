using System.Collections.Immutable;

namespace Plinth.Text;

/// <summary>Why a request failed, in the order in which a request can fail. The HTTP status is decided in <c>Http</c> alone.</summary>
enum FaultKind
{
    NotReadable,
    NotInSchema,
    NotAllowed,
    RefusedByState,
    Ours,
}

/// <summary>One named kind of failure. The list of them is <see cref="Faults"/>; the error reference is generated from it.</summary>
/// <param name="Code">snake_case, never reused.</param>
/// <param name="Title">A short sentence for people, the same for every occurrence.</param>
/// <param name="Explanation">What it means and what to do about it: the page <c>/errors/{code}</c>.</param>
sealed record FaultCode(string Code, FaultKind Kind, string Title, string Explanation);

/// <summary>One thing that is wrong with one field (or with the whole, when <see cref="Field"/> is empty).</summary>
sealed record FaultDetail(string Field, string Code, string Message);

/// <summary>A refusal: a coded value that travels from where it was found to the edge, unchanged.</summary>
sealed record Fault(FaultCode Kind, string Message)
{
    public ImmutableArray<FaultDetail> Details { get; init; } = [];

    /// <summary>The way out, where one is known.</summary>
    public string? Hint { get; init; }

    /// <summary>A code that the schema names instead of ours (<c>@unique(code: "slug_already_exist")</c>).</summary>
    public string? OwnCode { get; init; }

    /// <summary>After how many seconds a retry makes sense; 0 when it does not.</summary>
    public int RetryAfterSeconds { get; init; }

    public string Code => OwnCode ?? Kind.Code;
}
