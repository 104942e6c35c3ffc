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

    /// <summary>With a log whose parts, where it has any, are small.</summary>
    public static Database OpenInParts(StoreOptions options, TimeProvider clock, long partEvents) => IsPostgres
        ? PostgresDatabase.Open(options, Server(options.Folder) with { LogPartEvents = partEvents })
        : SqliteDatabase.Open(options, clock);

    /// <summary>
    /// Removes what a folder's schema holds. A run that makes hundreds of them would otherwise slow down whoever reads the catalogue, until
    /// something does not come in its time.
    /// </summary>
    public static void Drop(string folder)
    {
        if (!IsPostgres) return;
        Execute(folder, $"drop schema if exists {SchemaOf(folder)} cascade");
    }

    /// <summary>A folder has a schema of its own, so that whoever opens it again finds what was there.</summary>
    static PostgresServer Server(string folder)
    {
        Execute(folder, $"create schema if not exists {SchemaOf(folder)}");
        // A machine with more to do than it can is slow to answer, and is waited for.
        return PostgresServer.Of(PostgresCluster.Shared.Url(options: "&connect_timeout=120&schema=" + SchemaOf(folder)), "tests");
    }

    static string SchemaOf(string folder) => "t_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..24];

    static void Execute(string folder, string sql)
    {
        using Npgsql.NpgsqlDataSource source =
            PostgresServer.Of(PostgresCluster.Shared.Url(options: "&connect_timeout=120"), "tests").Writers(new() { Folder = folder });
        using Npgsql.NpgsqlCommand command = source.CreateCommand(sql);
        command.ExecuteNonQuery();
    }
}
