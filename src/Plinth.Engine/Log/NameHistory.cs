using System.Collections.Concurrent;
using System.Collections.Frozen;
using Plinth.Plan;
using Plinth.Schema;

namespace Plinth.Log;

/// <summary>
/// What the names in older events are called now, and what brings their values to the form of now. Both change with migrations, which the
/// log tells of. Thread-safe.
/// </summary>
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
        int? version = null;
        List<IReadOnlyDictionary<string, string?>> fields = [];
        foreach (NameChange change in _changes.AsSpan(passed))
        {
            bool continues = change.OldModel is { } old
                ? string.Equals(old, now, StringComparison.Ordinal)
                : string.Equals(change.Model, now, StringComparison.Ordinal);
            if (!continues) continue;
            now = change.Model;
            if (change.ValuesOf is { } of) version ??= of;
            else fields.Add(change.Fields);
        }

        Model? found = schema.FindModel(now);
        return new NamesThen(found, fields.Count == 0 ? null : name => Follow(fields, name))
        {
            Upcasts = found is null || version is not { } then ? null : UpcastsOf(schema, found, then),
        };
    }

    static FrozenDictionary<string, FieldUpcasts> UpcastsOf(AppSchema schema, Model model, int version)
    {
        Dictionary<string, FieldUpcasts> upcasts = new(StringComparer.Ordinal);
        foreach (Field field in model.Fields)
        {
            if (FieldUpcasts.Of(schema, field, version) is { } steps) upcasts.Add(field.Name, steps);
        }

        return upcasts.ToFrozenDictionary(StringComparer.Ordinal);
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
sealed record NamesThen(Model? Model, Func<string, string?>? NameNow)
{
    /// <summary>What brings the values of then, by the names of fields now; null where all have the form that they had.</summary>
    public FrozenDictionary<string, FieldUpcasts>? Upcasts { get; init; }
}
