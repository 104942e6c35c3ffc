using System.Globalization;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>The moment that a read with <c>asOf</c> is about: just after a position of the log, or a time.</summary>
/// <param name="Position">Null where a time was given.</param>
/// <param name="At">Microseconds since the epoch; 0 where a position was given.</param>
sealed record PastMoment(long? Position, long At)
{
    /// <summary>The words that are searched for: no index knows those of the past.</summary>
    public string? Search { get; init; }

    /// <summary>The caller's, which says whose log is looked at; null for who has none.</summary>
    public Value Tenant { get; init; }

    public static Result<PastMoment> Parse(string asOf)
    {
        if (long.TryParse(asOf, NumberStyles.None, CultureInfo.InvariantCulture, out long position)) return new PastMoment(position, 0);
        if (DateTimeType.It.TryParse(asOf, out Value at)) return new PastMoment(null, at.Ticks);
        return Refused("is neither a position of the log nor an instant as in RFC 3339, such as 2026-01-31T08:30:00Z");
    }

    public static Fault Refused(string why) =>
        Faults.MalformedParameter.Says($"asOf: {why}", new FaultDetail("asOf", Faults.MalformedParameter.Code, why));
}
