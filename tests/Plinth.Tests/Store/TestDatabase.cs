using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Plinth.Sql;
using Plinth.Sql.Dialects.Postgres;
using Plinth.Sql.Dialects.Sqlite;
using Plinth.Store.Postgres;
using Plinth.Store.Sqlite;

namespace Plinth.Store;

/// <summary>
/// The database that tests run on. The same tests run on each: <c>PLINTH_TEST_DATABASE=postgres</c> says which, and classes whose trait is
/// <c>Database=each</c> are run for both by <c>./dev test</c>.
/// </summary>
static partial class TestDatabase
{
    public const string Trait = "Database";
    public const string Each = "each";

    /// <summary>Tests of a class that runs on each, which are about the embedded database all the same.</summary>
    public const string Embedded = "embedded";

    public static bool IsPostgres { get; } =
        string.Equals(Environment.GetEnvironmentVariable("PLINTH_TEST_DATABASE"), "postgres", StringComparison.Ordinal);

    public static Dialect Dialect => IsPostgres ? PostgresDialect.It : SqliteDialect.It;

    /// <summary>A statement of a test, with bytes and joined texts as each database writes them.</summary>
    public static string Sql(string sql) =>
        !IsPostgres ? sql
        : Joined().Replace(Blob().Replace(sql, "convert_to($1, 'UTF8')"), "string_agg($1::text, ',' order by id)");

    [GeneratedRegex(@"group_concat\((\w+)\)")]
    private static partial Regex Joined();

    [GeneratedRegex(@"cast\(('[^']*') as blob\)")]
    private static partial Regex Blob();

    public static Database Open(StoreOptions options, TimeProvider clock) =>
        IsPostgres ? PostgresDatabase.Open(options, Server(options.Folder)) : SqliteDatabase.Open(options, clock);

    /// <summary>A folder has a schema of its own, so that whoever opens it again finds what was there.</summary>
    static PostgresServer Server(string folder)
    {
        string schema = "t_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..24];
        using (Npgsql.NpgsqlDataSource source = PostgresServer.Of(PostgresCluster.Shared.Url(), "tests").Writers(new() { Folder = folder }))
        {
            using Npgsql.NpgsqlCommand create = source.CreateCommand($"create schema if not exists {schema}");
            create.ExecuteNonQuery();
        }

        return PostgresServer.Of(PostgresCluster.Shared.Url(options: "&schema=" + schema), "tests");
    }
}
