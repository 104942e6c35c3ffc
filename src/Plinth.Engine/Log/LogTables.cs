using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>The platform's own tables under the log, made once per database.</summary>
static class LogTables
{
    public const string Events = "plinth_events";
    public const string Commits = "plinth_commits";
    public const string Schemas = "plinth_schemas";
    public const string Head = "plinth_log_head";
    public const string Followers = "plinth_followers";
    public const string Projections = "plinth_projections";

    /// <summary>The log's position in the snapshot of the statement around it, as an expression.</summary>
    public const string Position = $"(select position from {Head} where id = 1)";

    /// <summary>Makes what is absent. Runs before the committer's thread starts, on the writing connection.</summary>
    /// <param name="database">Whose tables.</param>
    /// <param name="partitions">Null where the table of the events is not divided.</param>
    public static void Create(Database database, LogPartitions? partitions)
    {
        string events = EventsOf(database.Dialect, partitions is null ? "" : LogPartitions.Clause);
        // Before the table becomes a part of one that has all columns.
        AddColumns(database);
        LogIndexes.Bring(database);
        partitions?.Divide(events);
        Create(database, events);
        partitions?.Keep(head: 0);
    }

    /// <summary>The table of the events and its indexes.</summary>
    /// <param name="dialect">How it is spelt.</param>
    /// <param name="clause">How it is divided.</param>
    static string EventsOf(Dialect dialect, string clause)
    {
        string integer = dialect.ColumnType(ValueKind.Int), text = dialect.ColumnType(ValueKind.String),
            bytes = dialect.ColumnType(ValueKind.Bytes);
        return $"""
            create table if not exists {Events} (
              position {integer} not null primary key, ordinal {integer} not null, tx_id {bytes} not null, event_id {bytes} not null,
              model {text} not null, record_id {text} not null, version {integer} not null, kind {text} not null,
              data {bytes}, digest {bytes} not null, actor {text}, tenant_id {text}, at {integer} not null, cause {text},
              schema_version {integer} not null, salt {bytes}, subject {text}){clause};
            {string.Join(";\n", LogIndexes.All.Select(static index => index.Create))};
            """;
    }

    static void Create(Database database, string events)
    {
        Connection connection = database.Writer;
        Dialect dialect = database.Dialect;
        string integer = dialect.ColumnType(ValueKind.Int), text = dialect.ColumnType(ValueKind.String),
            bytes = dialect.ColumnType(ValueKind.Bytes);
        connection.Define(() =>
        {
            IReadOnlyDictionary<string, IReadOnlyList<string>> tables = connection.Tables();
            // Its first form had places only, and nothing that kept any.
            if (tables.TryGetValue(Followers, out IReadOnlyList<string>? columns) && !columns.Contains("term"))
                connection.Execute($"drop table {Followers}");
            // Of one that is there the indexes were brought before, beside those who write.
            if (!tables.ContainsKey(Events)) connection.Execute(events);
            connection.Execute($"""
                create table if not exists {Commits} (
                  first_position {integer} not null primary key, count {integer} not null, tx_id {bytes} not null, at {integer} not null,
                  hash {bytes} not null);
                create unique index if not exists {Commits}_tx on {Commits} (tx_id);
                create table if not exists {Schemas} (version {integer} not null primary key, ir {bytes} not null, at {integer} not null);
                create table if not exists {Head} (
                  id {integer} not null primary key check (id = 1),
                  position {integer} not null, at {integer} not null, hash {bytes} not null);
                create table if not exists {LogCut.Table} (
                  id {integer} not null primary key check (id = 1), position {integer} not null);
                create table if not exists {LogStart.Table} (
                  id {integer} not null primary key check (id = 1), position {integer} not null, signed {text} not null);
                create table if not exists {Followers} (
                  name {text} not null primary key, position {integer} not null, term {integer} not null, lease_until {integer} not null,
                  failed_at {integer} not null, error {text});
                create table if not exists {Projections} (
                  name {text} not null primary key, shape {text} not null, position {integer} not null, built_at {integer} not null);
                {ReadLog.Create(dialect)}
                """);
            ReadLog.Begin(connection);
            using (Statement first = connection.Prepare(
                $"insert into {Head} (id, position, at, hash) select 1, 0, 0, ?1 where not exists (select 1 from {Head})"))
            {
                first.BindBytes(1, new byte[32]);
                first.Run();
            }
        });
    }

    /// <summary>What events have got since their table was made.</summary>
    static void AddColumns(Database database)
    {
        Connection connection = database.Writer;
        string text = database.Dialect.ColumnType(ValueKind.String), bytes = database.Dialect.ColumnType(ValueKind.Bytes);
        // Another node may be about to do the same.
        connection.Define(() =>
        {
            if (LacksColumns(connection))
                connection.Execute($"alter table {Events} add column salt {bytes}; alter table {Events} add column subject {text}");
        });
    }

    static bool LacksColumns(Connection connection) =>
        connection.Tables().TryGetValue(Events, out IReadOnlyList<string>? columns) && !columns.Contains("salt");
}
