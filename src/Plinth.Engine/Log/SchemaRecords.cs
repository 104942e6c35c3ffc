using Plinth.Store;

namespace Plinth.Log;

/// <summary>A schema that the database was made for, as canonical JSON: equal schemas are equal bytes.</summary>
sealed record SchemaRecord(int Version, byte[] Ir, long At);

/// <summary>The schemas that the database has served, in order; the last is the one its tables have the form of.</summary>
static class SchemaRecords
{
    const string SelectLast = $"select version, ir, at from {LogTables.Schemas} order by version desc limit 1";

    const string Insert = $"insert into {LogTables.Schemas} (version, ir, at) values (?1, ?2, ?3)";

    public static SchemaRecord? Last(Connection connection)
    {
        using Statement select = connection.Prepare(SelectLast);
        return Read(select);
    }

    public static void Add(Connection connection, SchemaRecord record)
    {
        using Statement insert = connection.Prepare(Insert);
        insert.BindInt64(1, record.Version);
        insert.BindBytes(2, record.Ir);
        insert.BindInt64(3, record.At);
        insert.Run();
    }

    static SchemaRecord? Read(Statement select) =>
        select.Step() ? new SchemaRecord((int)select.ColumnInt64(0), select.ColumnBytes(1).ToArray(), select.ColumnInt64(2)) : null;
}
