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

    const string OfRecord = $"select position from {LogTables.Events} where model = ?1 and record_id = ?2 and salt is not null";

    const string UnsaltOne = $"update {LogTables.Events} set salt = null where position = ?1";

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

        HashSet<string> personal = model.Fields.Where(static field => field.IsPii).Select(static field => field.Name)
            .ToHashSet(StringComparer.Ordinal);
        List<LogEvent> page;
        for (long after = 0; (page = former.History(connection, recordId, after, PageEvents)).Count > 0; after = page[^1].Position)
        {
            foreach (LogEvent happened in page)
            {
                NamesThen then = former.Names.At(schema, happened.Model, happened.Position);
                if (happened.Data is null || !HoldsOpenly(happened.Data, personal, then.NameNow)) continue;
                RunOne(connection, Empty, happened.Position);
                erased++;
            }
        }

        return erased;
    }

    /// <summary>Erases what the log has of a record whose model is gone: nobody can say any more which fields were personal.</summary>
    /// <param name="connection">In the writer's turn.</param>
    /// <param name="schema">Of today.</param>
    /// <param name="names">What names have become.</param>
    /// <param name="about">The record.</param>
    /// <returns>Events that had something personal.</returns>
    public static long RunGone(Connection connection, AppSchema schema, NameHistory names, ErasedRecord about)
    {
        List<long> positions = [];
        using (Statement select = connection.Prepare(OfRecord))
        {
            select.BindText(1, about.Name);
            select.BindText(2, about.RecordId);
            while (select.Step()) positions.Add(select.ColumnInt64(0));
        }

        // The name may have been another model's before, or be one's by now.
        positions.RemoveAll(position => names.At(schema, about.Name, position).Model is not null);
        foreach (long position in positions) RunOne(connection, UnsaltOne, position);
        return positions.Count;
    }

    static void RunOne(Connection connection, string sql, long position)
    {
        using Statement statement = connection.Prepare(sql);
        statement.BindInt64(1, position);
        statement.Run();
    }

    /// <summary>The records of which events say something about a record of another model.</summary>
    /// <param name="connection">In the writer's turn.</param>
    /// <param name="schema">Of today.</param>
    /// <param name="former">What the other model was called.</param>
    /// <param name="key">Of the other record, without its tenant.</param>
    /// <param name="tenant">Of the other record; null where it belongs to none.</param>
    /// <param name="recordsMax">No more than these are looked for.</param>
    public static List<ErasedRecord> About(
        Connection connection, AppSchema schema, FormerNames former, string key, string? tenant, int recordsMax)
    {
        List<ErasedRecord> about = [];
        foreach (FormerNames.Span span in former.Spans)
        {
            using Statement select = connection.Prepare(
                OfSubject + (tenant is null ? Grouped + "?2" : " and tenant_id = ?3" + Grouped + "?2"));
            select.BindText(1, EventWriter.SubjectName(span.Name, key));
            select.BindInt64(2, recordsMax);
            if (tenant is not null) select.BindText(3, tenant);
            while (select.Step())
            {
                string name = select.ColumnText(0);
                about.Add(new ErasedRecord(former.Names.At(schema, name, select.ColumnInt64(2)).Model, name, select.ColumnText(1)));
            }
        }

        return about;
    }

    /// <summary>A personal field stands where taking the event's salt away does not reach it.</summary>
    static bool HoldsOpenly(byte[] data, HashSet<string> personal, Func<string, string?>? nameNow)
    {
        using JsonDocument document = JsonDocument.Parse(data);
        foreach (JsonProperty part in document.RootElement.EnumerateObject())
        {
            IEnumerable<string> names = part.NameEquals("sealed"u8)
                ? part.Value.EnumerateArray().Where(static box => !box.TryGetProperty("pii"u8, out _))
                    .SelectMany(static box => box.GetProperty("fields"u8).EnumerateArray()).Select(static field => field.ToString())
                : part.Value.EnumerateObject().Select(static field => field.Name);
            if (names.Any(IsPersonal)) return true;
        }

        return false;

        // One that is gone is nobody's.
        bool IsPersonal(string name) => personal.Contains(nameNow is null ? name : nameNow(name) ?? "");
    }
}

/// <summary>A record that events are about.</summary>
/// <param name="Model">By its name now; null of a model that is gone.</param>
/// <param name="Name">Of the model then.</param>
/// <param name="RecordId">As the log names it.</param>
sealed record ErasedRecord(Model? Model, string Name, string RecordId);
