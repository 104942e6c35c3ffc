using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// Makes indexes of a log that other nodes write to, without holding them up: part by part, each beside those who write, and then joined to
/// that of the whole, which takes a moment. What an earlier start has begun is gone on with.
/// </summary>
/// <remarks>
/// Who reads the log for long (an export, a replay) would hold each step up, and all others would wait behind it, or the start would. So no
/// step waits long: what cannot be done now is the next start's, and until then the indexes of before answer.
/// </remarks>
static class LogIndexBuild
{
    /// <summary>Of steps that all others wait behind, and of those beside which they go on; milliseconds.</summary>
    const int ShortWaitMs = 500, BuildWaitMs = 5000;

    const string FindKind =
        $"select relkind::text from pg_class where relname = '{LogTables.Events}' and relnamespace = current_schema()::regnamespace";

    const string FindValid = "select c.relname::text from pg_index x join pg_class c on c.oid = x.indexrelid "
        + $"where x.indrelid = to_regclass('{LogTables.Events}') and x.indisvalid";

    /// <summary>Makes those that are not there, and drops those whose place they take.</summary>
    public static void Make(Connection writer, IReadOnlyList<LogIndex> indexes)
    {
        HashSet<string> valid = Valid(writer);
        try
        {
            foreach (LogIndex index in indexes.Where(index => !valid.Contains(index.FullName))) Make(writer, index);
            string[] drops = [.. indexes.Where(index => valid.Contains(index.FullNameBefore)).Select(static index => index.Drop)];
            if (drops.Length > 0) DoBriefly(writer, string.Join("; ", drops));
        }
        catch (StoreException held) when (held.Failure is StoreFailure.Busy)
        {
            // The next start's. Until then those that are left cost who writes some bytes, and answer nothing wrongly.
        }
    }

    static void Make(Connection writer, LogIndex index)
    {
        if (writer.ScalarText(FindKind) is not "p")
        {
            Build(writer, index, index.FullName, LogTables.Events);
            return;
        }

        // First that of the whole: parts that are made from now on have theirs with it.
        DoBriefly(writer, index.CreateAs(index.FullName, "only " + LogTables.Events));
        foreach (var (part, _) in LogPartitions.All(writer))
        {
            string name = $"{part}_{index.Name}";
            if (IsJoined(writer, index.FullName, part)) continue;
            try
            {
                Build(writer, index, name, part);
                DoBriefly(writer, $"alter index {index.FullName} attach partition {name}");
            }
            catch (StoreException)
            {
                // Unless retention has dropped it meanwhile.
                if (LogPartitions.All(writer).Exists(held => held.Name == part)) throw;
            }
        }
    }

    /// <summary>Builds beside those who write. It is tried again where another node was at the same.</summary>
    static void Build(Connection writer, LogIndex index, string name, string on)
    {
        writer.Execute($"set lock_timeout = {BuildWaitMs}");
        try
        {
            while (!IsValid(writer, name))
            {
                if (IsBeingBuilt(writer, on))
                {
                    // Not longer in one statement: who builds waits for the end of those that began before.
                    writer.ScalarText("select pg_sleep(0.2)::text");
                    continue;
                }

                try
                {
                    // What is there and not valid was left by a build that did not end.
                    writer.Execute($"drop index concurrently if exists {name}");
                    writer.Execute(index.CreateAs(name, on, "concurrently "));
                }
                catch (StoreException both) when (both.Failure is StoreFailure.Conflict)
                {
                    // Each waited for the other, and one was let go.
                }
            }
        }
        finally
        {
            writer.Execute("reset lock_timeout");
        }
    }

    static HashSet<string> Valid(Connection writer)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        using Statement select = writer.Prepare(FindValid);
        while (select.Step()) names.Add(select.ColumnText(0));
        return names;
    }

    static bool IsValid(Connection writer, string name) => Is(
        writer, "select count(*) from pg_index where indexrelid = to_regclass(?1) and indisvalid", name);

    static bool IsJoined(Connection writer, string whole, string part) => Is(
        writer,
        "select count(*) from pg_inherits i join pg_index x on x.indexrelid = i.inhrelid "
            + "where i.inhparent = to_regclass(?1) and x.indrelid = to_regclass(?2)",
        whole,
        part);

    static bool IsBeingBuilt(Connection writer, string on) => Is(
        writer, "select count(*) from pg_stat_progress_create_index where relid = to_regclass(?1)", on);

    static bool Is(Connection writer, string sql, params ReadOnlySpan<string> names)
    {
        using Statement select = writer.Prepare(sql);
        for (int i = 0; i < names.Length; i++) select.BindText(i + 1, names[i]);
        return select.Step() && select.ColumnInt64(0) > 0;
    }

    static void DoBriefly(Connection writer, string sql) =>
        writer.Define(() => writer.Execute($"set local lock_timeout = {ShortWaitMs}; {sql}"));
}
