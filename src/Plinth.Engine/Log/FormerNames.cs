using System.Collections.Immutable;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// What a model and its fields were called: older events of its records stand under older names, and an older name may be another model's,
/// or another field's, by now.
/// </summary>
/// <param name="Spans">Oldest first.</param>
/// <param name="Names">From names then to names now.</param>
sealed record FormerNames(ImmutableArray<FormerNames.Span> Spans, NameHistory Names)
{
    /// <summary>The model's name for events after one position and up to another.</summary>
    internal readonly record struct Span(string Name, long After, long UpTo);

    /// <summary>All events of whole models, in order.</summary>
    public ImmutableArray<LogEvent> Migrations { get; private init; } = [];

    /// <summary>Where the events of the model, or of one record or tenant of it, are between two positions, oldest first.</summary>
    public IEnumerable<PastScope> Scopes(string? recordId, string? tenant, long after, long upTo) => Spans
        .Where(span => after < span.UpTo && span.After < upTo)
        .Select(span => new PastScope(span.Name, recordId, tenant, Math.Max(after, span.After), Math.Min(upTo, span.UpTo)));

    public static FormerNames Of(Connection connection, string model)
    {
        List<LogEvent> migrations = EventLog.Migrations(connection);
        NameChange[] renames = [.. migrations.Select(MigrationPayload.ReadNames).OfType<NameChange>().Where(c => c.OldModel is not null)];
        List<Span> spans = [];
        Span span = new(model, 0, long.MaxValue);
        while (true)
        {
            // The last that gave a model the name, or took it away: what stands under it before is older, or another model's.
            NameChange? last = renames.LastOrDefault(c => c.Position < span.UpTo && (Is(c.Model, span) || Is(c.OldModel, span)));
            spans.Insert(0, span with { After = last?.Position ?? 0 });
            if (last is not { OldModel: { } old } || !Is(last.Model, span)) break;
            span = new Span(old, 0, last.Position);
        }

        return new FormerNames([.. spans], new NameHistory(migrations)) { Migrations = [.. migrations] };

        static bool Is(string? name, Span span) => string.Equals(name, span.Name, StringComparison.Ordinal);
    }

    /// <summary>The events of one record after a position, in order, at most so many, whatever its model was called.</summary>
    public List<LogEvent> History(Connection connection, string recordId, long after, int eventsMax)
    {
        List<LogEvent> history = [];
        foreach (Span span in Spans)
        {
            if (after >= span.UpTo || history.Count >= eventsMax) continue;
            history.AddRange(EventLog.History(
                connection, span.Name, recordId, Math.Max(after, span.After), eventsMax - history.Count, span.UpTo));
        }

        return history;
    }
}
