using System.Collections.Concurrent;
using Plinth.Schema;

namespace Plinth.Log;

/// <summary>What the names in older events are called now. Names change with migrations, which the log tells of. Thread-safe.</summary>
sealed class NameHistory
{
    readonly NameChange[] _changes;
    readonly ConcurrentDictionary<(string Model, int Passed), NamesThen> _known = new();

    public NameHistory(IEnumerable<LogEvent> migrations) =>
        _changes = [.. migrations.Select(MigrationPayload.ReadNames).OfType<NameChange>().OrderBy(static change => change.Position)];

    /// <summary>The model of a schema that an event of this name and position belongs to; null when it is gone.</summary>
    public NamesThen At(AppSchema schema, string model, long position)
    {
        int passed = 0;
        while (passed < _changes.Length && _changes[passed].Position <= position) passed++;
        if (_known.TryGetValue((model, passed), out NamesThen? names)) return names;
        return _known[(model, passed)] = Resolve(schema, model, passed);
    }

    NamesThen Resolve(AppSchema schema, string model, int passed)
    {
        string now = model;
        List<IReadOnlyDictionary<string, string?>> fields = [];
        foreach (NameChange change in _changes.AsSpan(passed))
        {
            bool continues = change.OldModel is { } old
                ? string.Equals(old, now, StringComparison.Ordinal)
                : string.Equals(change.Model, now, StringComparison.Ordinal);
            if (!continues) continue;
            now = change.Model;
            fields.Add(change.Fields);
        }

        return new NamesThen(schema.FindModel(now), fields.Count == 0 ? null : name => Follow(fields, name));
    }

    static string? Follow(List<IReadOnlyDictionary<string, string?>> changes, string name)
    {
        string? now = name;
        foreach (IReadOnlyDictionary<string, string?> change in changes)
        {
            if (now is not null && change.TryGetValue(now, out string? next)) now = next;
        }

        return now;
    }
}

/// <param name="Model">As it is now; null when it is gone.</param>
/// <param name="NameNow">From a field's name then to its name now, null for one that is gone; null where all names are as they
/// were.</param>
sealed record NamesThen(Model? Model, Func<string, string?>? NameNow);
