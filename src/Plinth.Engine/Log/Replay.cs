using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Plinth.Evolution;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>What of the log is folded.</summary>
/// <param name="Models">Names of models; empty for all.</param>
/// <param name="From">
/// The position to begin after: records are what they were there, found by undoing what followed, and only those that something happened
/// to since are compared. 0 begins with nothing.
/// </param>
sealed record ReplayScope(ImmutableArray<string> Models, long From)
{
    public static readonly ReplayScope Whole = new([], 0);
}

/// <summary>What a replay found.</summary>
/// <param name="Events">Events folded.</param>
/// <param name="Records">Records that they left.</param>
/// <param name="Position">Position of the last event.</param>
/// <param name="Differences">Each as a sentence, without values; at most <see cref="Replay.DifferencesMax"/>.</param>
sealed record ReplayReport(long Events, long Records, long Position, IReadOnlyList<string> Differences)
{
    /// <summary>Why nothing was folded; null when something was.</summary>
    public string? Refused { get; init; }
}

/// <summary>
/// Folds the log in memory and holds the outcome against the tables that requests read, row by row and value by value. They must be
/// equal: this is what "nothing changes behind the log" means.
/// </summary>
/// <remarks>
/// The folded rows are compared where they are. Loading them into shadow tables first, and letting the database compare, took three times
/// as long and could not name the field.
/// </remarks>
sealed class Replay(AppSchema schema, LogKeys keys, Ddl ddl)
{
    public const int DifferencesMax = 100;

    const int PageEvents = 20_000;

    const int PageRows = 5_000;

    /// <param name="reader">A connection of its own: one snapshot is read to the end, which may take longer than a request may.</param>
    /// <param name="progress">Told the position folded so far, and the last one.</param>
    /// <param name="cancel">Stops between pages.</param>
    public ReplayReport Run(Connection reader, Action<long, long>? progress, CancellationToken cancel) =>
        Run(reader, ReplayScope.Whole, progress, cancel);

    /// <param name="reader">A connection of its own.</param>
    /// <param name="scope">What is folded; the models are of the schema.</param>
    /// <param name="progress">Told the position folded so far, and the last one.</param>
    /// <param name="cancel">Stops between pages.</param>
    public ReplayReport Run(Connection reader, ReplayScope scope, Action<long, long>? progress, CancellationToken cancel)
    {
        reader.BeginRead();
        try
        {
            long head = EventLog.ReadHead(reader).Position;
            if (Refusal(reader, scope, head) is { } refused) return new ReplayReport(0, 0, scope.From, []) { Refused = refused };
            NameHistory names = new(EventLog.Migrations(reader));
            Folding folding = new(schema, keys, names);
            List<string> differences = [];
            // A projection has no events: it is held against the records by its own command.
            ImmutableArray<Model> models = [.. schema.Models.Where(m =>
                m.Projection is null && (scope.Models.IsEmpty || scope.Models.Contains(m.Name, StringComparer.Ordinal)))];
            Dictionary<string, IReadOnlySet<string>>? since = scope.From == 0 ? null : [];
            long position = scope.From, events = 0;
            if (since is not null && Seed(reader, models, names, scope.From, folding, since, differences, cancel) is { } unreadable)
                return new ReplayReport(0, 0, position, [unreadable]);
            using IEnumerator<List<LogEvent>> pages = Pages(reader, scope.From, names, models, cancel).GetEnumerator();
            for (List<LogEvent>? page = Next(pages), next = null; page is not null; page = next)
            {
                string? wrong = null;
                // The next is read while this one is folded.
                AtOnce(() => wrong = folding.Apply(page), () => next = Next(pages));
                events += page.Count;
                if (page.Count > 0) position = page[^1].Position;
                if (wrong is not null) return new ReplayReport(events, 0, position, [wrong]);
                progress?.Invoke(position, head);
            }

            long records = 0;
            foreach (Model model in models)
            {
                records += folding.Count(model);
                Compare(reader, model, folding, since?[model.Name], differences, cancel);
            }

            progress?.Invoke(head, head);
            return new ReplayReport(events, records, head, differences);
        }
        finally
        {
            reader.Rollback();
        }
    }

    /// <summary>What retention took away cannot be folded, and is not guessed.</summary>
    static string? Refusal(Connection reader, ReplayScope scope, long head)
    {
        if (scope.From > head) return string.Create(CultureInfo.InvariantCulture, $"the log ends at position {head}");
        long cut = LogCut.Position(reader);
        return scope.From >= cut ? null : string.Create(CultureInfo.InvariantCulture,
            $"payloads up to position {cut} were taken away by retention: what came before cannot be folded; --from {cut} begins there");
    }

    static void AtOnce(Action one, Action other)
    {
        try
        {
            Parallel.Invoke(one, other);
        }
        catch (AggregateException both)
        {
            // As if it had been thrown here: whoever stops us, or a database that does not answer.
            ExceptionDispatchInfo.Throw(both.InnerExceptions[0]);
        }
    }

    static List<LogEvent>? Next(IEnumerator<List<LogEvent>> pages) => pages.MoveNext() ? pages.Current : null;

    /// <summary>The events after a position that belong to one of the models, under whatever name, some thousands at a time.</summary>
    IEnumerable<List<LogEvent>> Pages(
        Connection reader, long after, NameHistory names, ImmutableArray<Model> models, CancellationToken cancel)
    {
        HashSet<string> wanted = new(models.Select(static m => m.Name), StringComparer.Ordinal);
        bool isAll = models.Length == schema.Models.Count(static m => m.Projection is null);
        EventReader events = new();
        using Statement select = EventLog.ScanToFold(reader, after);
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            List<LogEvent> page = new(PageEvents);
            while (page.Count < PageEvents && select.Step()) page.Add(events.Read(select));
            // A statement that is stepped behind its end begins anew.
            bool isLast = page.Count < PageEvents;
            if (!isAll)
                page.RemoveAll(e => names.At(schema, e.Model, e.Position).Model is not { } model || !wanted.Contains(model.Name));
            yield return page;
            if (isLast) yield break;
        }
    }

    /// <summary>
    /// Gives the folding the records as they were at a position: those that something happened to since. Answers what could not be read.
    /// </summary>
    string? Seed(
        Connection reader, ImmutableArray<Model> models, NameHistory names, long from, Folding folding,
        Dictionary<string, IReadOnlySet<string>> since, List<string> differences, CancellationToken cancel)
    {
        Dictionary<string, Undoing> undoings =
            models.ToDictionary(static m => m.Name, m => new Undoing(schema, m, keys, names), StringComparer.Ordinal);
        foreach (List<LogEvent> page in Pages(reader, from, names, models, cancel))
        {
            foreach (LogEvent happened in page)
            {
                if (names.At(schema, happened.Model, happened.Position).Model is not { } model) continue;
                if (Folding.Unreadable(happened, undoings[model.Name].Add) is { } wrong) return wrong;
            }
        }

        foreach (Model model in models)
        {
            IReadOnlyDictionary<string, UndoneRecord> undone = undoings[model.Name].Records;
            since[model.Name] = undone.Keys.ToHashSet(StringComparer.Ordinal);
            Complete(reader, model, undone, cancel);
            foreach (var (recordId, record) in undone)
            {
                if (!record.IsWhole && differences.Count < DifferencesMax)
                    differences.Add($"{model.Name} {recordId}: the log changes it, the table does not have it.");
                if (record.Existed) folding.Seed(model, recordId, record.Values, record.Version, isKnown: !record.IsForgotten);
            }
        }

        return null;
    }

    void Complete(Connection reader, Model model, IReadOnlyDictionary<string, UndoneRecord> undone, CancellationToken cancel)
    {
        if (undone.Values.All(static record => record.IsWhole)) return;
        using Statement select = Rows(reader, model);
        Value[] stored = new Value[model.Fields.Length];
        while (select.Step())
        {
            cancel.ThrowIfCancellationRequested();
            foreach (Field field in model.Fields) stored[field.Ordinal] = select.ColumnValue(field.Ordinal, field);
            if (undone.GetValueOrDefault(EventWriter.RecordId(model, stored)) is not { IsWhole: false } record) continue;
            foreach (Field field in model.Fields) record.Learn(field.Ordinal, stored[field.Ordinal]);
            record.IsWhole = true;
        }
    }

    Statement Rows(Connection reader, Model model) => reader.PrepareStream(ddl.SelectRows(
        model.Table, TableShape.RowColumnOf(model), [.. model.Fields.Select(static field => field.Column), TableShape.VersionColumn]));

    /// <param name="reader">In the snapshot of the log.</param>
    /// <param name="model">Whose table.</param>
    /// <param name="folding">What the log gives.</param>
    /// <param name="only">Records that are compared; null for all.</param>
    /// <param name="differences">What is found is added.</param>
    /// <param name="cancel">Stops between rows.</param>
    void Compare(
        Connection reader, Model model, Folding folding, IReadOnlySet<string>? only,
        List<string> differences, CancellationToken cancel)
    {
        // A stream that was left ended the transaction; and there is enough to tell.
        if (differences.Count >= DifferencesMax) return;
        using Statement select = Rows(reader, model);
        int width = model.Fields.Length;
        bool isAtEnd = false;
        List<(Value[] Stored, long Version)> rows = Next(), next = [];
        for (; rows.Count > 0 && differences.Count < DifferencesMax; rows = next)
        {
            cancel.ThrowIfCancellationRequested();
            // The next are read while these are compared.
            AtOnce(() => CompareAll(model, folding, only, rows, differences), () => next = Next());
        }

        foreach (string recordId in folding.Unseen(model))
        {
            if (differences.Count >= DifferencesMax) return;
            differences.Add($"{model.Name} {recordId}: the log has it, the table does not.");
        }

        List<(Value[] Stored, long Version)> Next()
        {
            List<(Value[] Stored, long Version)> read = new(PageRows);
            // A statement that is stepped behind its end begins anew.
            while (read.Count < PageRows && !isAtEnd && !(isAtEnd = !select.Step()))
            {
                Value[] stored = new Value[width];
                foreach (Field field in model.Fields) stored[field.Ordinal] = select.ColumnValue(field.Ordinal, field);
                read.Add((stored, select.ColumnInt64(width)));
            }

            return read;
        }
    }

    static void CompareAll(
        Model model, Folding folding, IReadOnlySet<string>? only, List<(Value[] Stored, long Version)> rows, List<string> differences)
    {
        foreach (var (stored, version) in rows)
        {
            if (differences.Count >= DifferencesMax) return;
            string recordId = EventWriter.RecordId(model, stored);
            if (only is not null && !only.Contains(recordId)) continue;
            ReplayedRow? folded = folding.Find(model, recordId);
            if (folded is not null) folded.IsSeen = true;
            if (Difference(model, recordId, stored, version, folded) is { } difference) differences.Add(difference);
        }
    }

    static string? Difference(Model model, string recordId, Value[] stored, long version, ReplayedRow? folded)
    {
        if (folded is null) return $"{model.Name} {recordId}: the table has it, the log does not.";
        if (!folded.IsKnown) return $"{model.Name} {recordId}: payloads of its events were removed, but it was never purged.";
        foreach (Field field in model.Fields)
        {
            if (stored[field.Ordinal] != folded.Values[field.Ordinal])
                return $"{model.Name} {recordId}: {field.Name} is not what the log gives.";
        }

        return version == folded.Version ? null
            : string.Create(CultureInfo.InvariantCulture,
            $"{model.Name} {recordId}: the table is at version {version}, the log at {folded.Version}.");
    }
}
