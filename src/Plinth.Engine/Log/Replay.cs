using System.Globalization;
using Plinth.Evolution;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>What a replay found.</summary>
/// <param name="Events">Events folded.</param>
/// <param name="Records">Records that they left.</param>
/// <param name="Position">Position of the last event.</param>
/// <param name="Differences">Each as a sentence, without values; at most <see cref="Replay.DifferencesMax"/> per model and side.</param>
sealed record ReplayReport(long Events, long Records, long Position, IReadOnlyList<string> Differences);

/// <summary>
/// Folds the whole log in memory, loads the outcome into shadow tables and compares them with the tables that requests read. They must be
/// equal: this is what "nothing changes behind the log" means.
/// </summary>
sealed class Replay(AppSchema schema, LogKeys keys, Ddl ddl)
{
    public const int DifferencesMax = 20;

    const int PageEvents = 5_000;

    /// <param name="reader">A connection of its own: the shadow tables live on it, and one snapshot is read to the end.</param>
    /// <param name="progress">Told the position folded so far, and the last one.</param>
    /// <param name="cancel">Stops between pages.</param>
    public ReplayReport Run(Connection reader, Action<long, long>? progress, CancellationToken cancel)
    {
        reader.BeginRead();
        try
        {
            long head = EventLog.ReadHead(reader).Position, events = 0, position = 0, records = 0;
            Reducer reducer = new(schema, keys, new NameHistory(EventLog.Migrations(reader)));
            try
            {
                while (EventLog.Read(reader, position, PageEvents) is { Count: > 0 } page)
                {
                    cancel.ThrowIfCancellationRequested();
                    foreach (LogEvent happened in page) reducer.Apply(happened);
                    events += page.Count;
                    position = page[^1].Position;
                    progress?.Invoke(position, head);
                }
            }
            catch (InvalidDataException e)
            {
                return new ReplayReport(events, 0, position, [e.Message]);
            }

            List<string> differences = [];
            foreach (Model model in schema.Models)
            {
                records += reducer.Rows(model).Count;
                Compare(reader, model, reducer.Rows(model), differences, cancel);
            }

            return new ReplayReport(events, records, position, differences);
        }
        finally
        {
            reader.Rollback();
        }
    }

    void Compare(
        Connection reader, Model model, IReadOnlyDictionary<string, ReplayedRow> rows, List<string> differences, CancellationToken cancel)
    {
        string shadow = "shadow_" + model.Table;
        reader.Execute(ddl.CreateShadow(TableShape.Of(schema, model), shadow));
        List<string> columns = [.. model.Fields.Select(static field => field.Column), TableShape.VersionColumn];
        using (Statement insert = reader.Prepare(ddl.InsertRow(shadow, columns)))
        {
            foreach ((string recordId, ReplayedRow row) in rows)
            {
                cancel.ThrowIfCancellationRequested();
                if (!row.IsKnown) differences.Add($"{model.Name} {recordId}: payloads of its events were removed, but it was never purged.");
                for (int i = 0; i < row.Values.Length; i++) insert.Bind(i + 1, row.Values[i]);
                insert.BindInt64(columns.Count, row.Version);
                insert.Run();
            }
        }

        List(reader, model, ddl.SelectExcept(columns, model.Table, shadow, DifferencesMax), "the table has it, the log gives another or none", differences);
        List(reader, model, ddl.SelectExcept(columns, shadow, model.Table, DifferencesMax), "the log gives it, the table has another or none", differences);
        reader.Execute(ddl.DropTable(shadow));
    }

    static void List(Connection reader, Model model, string sql, string what, List<string> differences)
    {
        using Statement select = reader.Prepare(sql);
        while (select.Step())
        {
            Value[] row = new Value[model.Fields.Length];
            foreach (Field field in model.Fields) row[field.Ordinal] = select.ColumnValue(field.Ordinal, field);
            long version = select.ColumnInt64(model.Fields.Length);
            differences.Add(string.Create(CultureInfo.InvariantCulture, $"{model.Name} {EventWriter.RecordId(model, row)} at version {version}: {what}."));
        }
    }
}
