using Plinth.Schema;

namespace Plinth.Log;

/// <summary>Undoes the events of one model as they are read, with what happened to all its records at once in between.</summary>
/// <param name="schema">Of today.</param>
/// <param name="model">Whose records they are.</param>
/// <param name="keys">Opens sealed values.</param>
/// <param name="former">What the model was called.</param>
/// <param name="after">Events come from behind this position on.</param>
/// <param name="known">What was found up to there already.</param>
sealed class UndoneEvents(
    AppSchema schema, Model model, LogKeys keys, FormerNames former, long after,
    IReadOnlyDictionary<string, UndoneRecord>? known = null)
{
    readonly Undoing _undoing = new(schema, model, keys, former.Names, known);
    int _migration;

    public IReadOnlyDictionary<string, UndoneRecord> Records => _undoing.Records;

    /// <summary>Of a single record: the last of its events took it away, or into the trash.</summary>
    public bool IsGone { get; private set; }

    /// <summary>Takes the next event of a record; a later position than all before.</summary>
    public void Add(LogEvent happened)
    {
        AddMigrations(happened.Position);
        _undoing.Add(happened);
        if (happened.Kind != EventKinds.Erased) IsGone = happened.Kind is EventKinds.Deleted or EventKinds.Purged;
    }

    /// <summary>There are no more.</summary>
    public void End() => AddMigrations(long.MaxValue);

    // They belong to no tenant and to no record, and are few: they come from the list of all.
    void AddMigrations(long before)
    {
        for (; _migration < former.Migrations.Length && former.Migrations[_migration].Position < before; _migration++)
        {
            LogEvent happened = former.Migrations[_migration];
            if (happened.Position > after && IsOfModel(happened)) _undoing.Add(happened);
        }
    }

    bool IsOfModel(LogEvent happened) =>
        former.Names.At(schema, happened.Model, happened.Position).Model is { } now
        && string.Equals(now.Name, model.Name, StringComparison.Ordinal);
}
