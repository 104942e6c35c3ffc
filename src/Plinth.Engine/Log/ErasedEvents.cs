using System.Text.Json;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// Takes what is personal out of committed events. Their payloads stay as they were written, and with them digests and chain: what opens
/// the sealed values goes. Where personal values stand in a payload openly, or under the master key alone (the field was not <c>@pii</c>
/// yet, or the event is older than what opens them), the payload goes.
/// </summary>
static class ErasedEvents
{
    /// <summary>Events of one look at a record's past.</summary>
    const int PageEvents = 1000;

    // What an erasure itself has written holds marks alone.
    const string Unsalt = $"update {LogTables.Events} set salt = null where model = ?1 and record_id = ?2 and position > ?3 "
        + $"and position <= ?4 and salt is not null and kind <> '{EventKinds.Erased}'";

    const string Empty = $"update {LogTables.Events} set data = null, salt = null where position = ?1";

    const string OfSubject = $"select model, record_id, min(position) from {LogTables.Events} where subject = ?1";

    const string Grouped = " group by model, record_id order by min(position) limit ";

    /// <summary>Erases what the log has of one record.</summary>
    /// <param name="connection">In the writer's turn.</param>
    /// <param name="model">Whose record it is.</param>
    /// <param name="former">What the model was called.</param>
    /// <param name="schema">Of today.</param>
    /// <param name="recordId">The record as the log names it.</param>
    /// <returns>Events that had something personal.</returns>
    public static long Run(Connection connection, AppSchema schema, Model model, FormerNames former, string recordId)
    {
        long erased = 0;
        foreach (FormerNames.Span span in former.Spans)
        {
            using Statement unsalt = connection.Prepare(Unsalt);
            unsalt.BindText(1, span.Name);
            unsalt.BindText(2, recordId);
            unsalt.BindInt64(3, span.After);
            unsalt.BindInt64(4, span.UpTo);
            unsalt.Run();
            erased += connection.RowsConcerned;
        }

        long after = 0;
        while (former.History(connection, recordId, after, PageEvents) is { Count: > 0 } page)
        {
            foreach (LogEvent happened in page)
            {
                NamesThen then = former.Names.At(schema, happened.Model, happened.Position);
                if (happened.Data is null || !HoldsOpenly(happened.Data, model, then.NameNow)) continue;
                using Statement empty = connection.Prepare(Empty);
                empty.BindInt64(1, happened.Position);
                empty.Run();
                erased++;
            }

            after = page[^1].Position;
        }

        return erased;
    }

    /// <summary>The records, by their models' names now, of which events say something about a record of another model.</summary>
    /// <param name="connection">In the writer's turn.</param>
    /// <param name="schema">Of today.</param>
    /// <param name="former">What the other model was called.</param>
    /// <param name="key">Of the other record, without its tenant.</param>
    /// <param name="tenant">Of the other record; null where it belongs to none.</param>
    /// <param name="recordsMax">No more than these are looked for.</param>
    public static List<(Model Model, string RecordId)> About(
        Connection connection, AppSchema schema, FormerNames former, string key, string? tenant, int recordsMax)
    {
        List<(Model, string)> about = [];
        foreach (FormerNames.Span span in former.Spans)
        {
            using Statement select = connection.Prepare(
                OfSubject + (tenant is null ? Grouped + "?2" : " and tenant_id = ?3" + Grouped + "?2"));
            select.BindText(1, EventWriter.SubjectName(span.Name, key));
            select.BindInt64(2, recordsMax);
            if (tenant is not null) select.BindText(3, tenant);
            while (select.Step())
            {
                if (former.Names.At(schema, select.ColumnText(0), select.ColumnInt64(2)).Model is { } model)
                    about.Add((model, select.ColumnText(1)));
            }
        }

        return about;
    }

    /// <summary>A personal field stands where taking the event's salt away does not reach it.</summary>
    static bool HoldsOpenly(byte[] data, Model model, Func<string, string?>? nameNow)
    {
        using JsonDocument document = JsonDocument.Parse(data);
        foreach (JsonProperty part in document.RootElement.EnumerateObject())
        {
            switch (part.Name)
            {
                case "set" or "was":
                    foreach (JsonProperty field in part.Value.EnumerateObject())
                    {
                        if (IsPersonal(field.Name)) return true;
                    }

                    break;
                case "sealed":
                    foreach (JsonElement box in part.Value.EnumerateArray())
                    {
                        if (box.TryGetProperty("pii", out JsonElement mark) && mark.GetBoolean()) continue;
                        foreach (JsonElement field in box.GetProperty("fields").EnumerateArray())
                        {
                            if (IsPersonal(field.GetString() ?? "")) return true;
                        }
                    }

                    break;
            }
        }

        return false;

        bool IsPersonal(string name) => (nameNow is null ? name : nameNow(name)) is { } now && model.Field(now) is { IsPii: true };
    }
}
