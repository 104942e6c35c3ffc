using System.Globalization;
using System.Security.Cryptography;
using Plinth.Evolution;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>What a replay found.</summary>
/// <param name="Events">Events folded.</param>
/// <param name="Records">Records that they left.</param>
/// <param name="Position">Position of the last event.</param>
/// <param name="Differences">Each as a sentence, without values; at most <see cref="Replay.DifferencesMax"/>.</param>
sealed record ReplayReport(long Events, long Records, long Position, IReadOnlyList<string> Differences);

/// <summary>
/// Folds the whole log in memory and holds the outcome against the tables that requests read, row by row and value by value. They must be
/// equal: this is what "nothing changes behind the log" means.
/// </summary>
/// <remarks>
/// The folded rows are compared where they are. Loading them into shadow tables first, and letting the database compare, took three times
/// as long and could not name the field.
/// </remarks>
sealed class Replay(AppSchema schema, LogKeys keys, Ddl ddl)
{
    public const int DifferencesMax = 100;

    const int PageEvents = 5_000;

    /// <param name="reader">A connection of its own: one snapshot is read to the end, which may take longer than a request may.</param>
    /// <param name="progress">Told the position folded so far, and the last one.</param>
    /// <param name="cancel">Stops between pages.</param>
    public ReplayReport Run(Connection reader, Action<long, long>? progress, CancellationToken cancel)
    {
        reader.BeginRead();
        try
        {
            long head = EventLog.ReadHead(reader).Position, position = 0, records = 0;
            Reducer reducer = new(schema, keys, new NameHistory(EventLog.Migrations(reader)));
            try
            {
                for (List<LogEvent> page = EventLog.Read(reader, 0, PageEvents); page.Count > 0;
                    page = EventLog.Read(reader, position, PageEvents))
                {
                    cancel.ThrowIfCancellationRequested();
                    foreach (LogEvent happened in page) reducer.Apply(happened);
                    position = page[^1].Position;
                    progress?.Invoke(position, head);
                }
            }
            catch (InvalidDataException e)
            {
                return new ReplayReport(position, 0, position, [e.Message]);
            }
            catch (CryptographicException)
            {
                string after = string.Create(CultureInfo.InvariantCulture, $"after position {position}");
                return new ReplayReport(position, 0, position,
                    [$"{after}: a sealed value does not open with the key of its name; is the key file the one of this database?"]);
            }

            List<string> differences = [];
            // A projection has no events: it is held against the records by its own command.
            foreach (Model model in schema.Models.Where(static m => m.Projection is null))
            {
                records += reducer.Rows(model).Count;
                Compare(reader, model, reducer.Rows(model), differences, cancel);
            }

            return new ReplayReport(position, records, position, differences);
        }
        finally
        {
            reader.Rollback();
        }
    }

    void Compare(
        Connection reader, Model model, IReadOnlyDictionary<string, ReplayedRow> rows, List<string> differences, CancellationToken cancel)
    {
        HashSet<string> seen = new(rows.Count, StringComparer.Ordinal);
        string rowColumn = TableShape.RowColumnOf(model);
        using Statement select = reader.PrepareScan(
            ddl.SelectRows(model.Table, rowColumn, [.. model.Fields.Select(static field => field.Column), TableShape.VersionColumn]));
        Value[] stored = new Value[model.Fields.Length];
        while (differences.Count < DifferencesMax && select.Step())
        {
            cancel.ThrowIfCancellationRequested();
            foreach (Field field in model.Fields) stored[field.Ordinal] = select.ColumnValue(field.Ordinal, field);
            string recordId = EventWriter.RecordId(model, stored);
            seen.Add(recordId);
            long version = select.ColumnInt64(model.Fields.Length);
            if (Difference(model, recordId, stored, version, rows.GetValueOrDefault(recordId)) is { } difference)
                differences.Add(difference);
        }

        foreach (string recordId in rows.Keys)
        {
            if (differences.Count >= DifferencesMax) return;
            if (!seen.Contains(recordId)) differences.Add($"{model.Name} {recordId}: the log has it, the table does not.");
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
