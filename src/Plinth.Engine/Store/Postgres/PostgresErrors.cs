using System.Net.Sockets;
using System.Text.RegularExpressions;
using Npgsql;

namespace Plinth.Store.Postgres;

/// <summary>The one place where the server's errors, and those of the way to it, become failures of the store.</summary>
static partial class PostgresErrors
{
    public static bool IsFromServer(Exception e) => e is NpgsqlException or TimeoutException or IOException or SocketException;

    /// <param name="e">Of the driver.</param>
    /// <param name="owner">Whose statement failed, where that is known.</param>
    public static StoreException Of(Exception e, object? owner = null)
    {
        if (e is not PostgresException server)
        {
            // A time that ran out on the way is the network's, the server's own is 57014.
            return new StoreException(StoreFailure.Unavailable, $"The database server cannot be reached: {e.Message}", inner: e);
        }

        // No server says so, only a pooler, which cannot keep what each of its clients would set.
        if (server.SqlState == PostgresErrorCodes.ProtocolViolation
            && server.MessageText.Contains("startup parameter", StringComparison.Ordinal))
        {
            return new StoreException(
                StoreFailure.Unavailable,
                $"A pooler stands before the database server and takes no settings of sessions ({server.MessageText}): "
                + "set database.prepared = 0, and database.directUrl to the server itself where that can be reached.");
        }

        // A check has a name; without one, it is a row for which a divided table has no part.
        StoreFailure failure = server is { SqlState: PostgresErrorCodes.CheckViolation, ConstraintName: null }
            ? StoreFailure.NoPlace
            : FailureOf(server.SqlState);

        // Without the server's own exception: its detail quotes the row's values.
        return new StoreException(
            failure, $"{server.MessageText} (database error {server.SqlState})",
            failure == StoreFailure.Constraint ? Constraint(server) : null) { Owner = owner };
    }

    static StoreFailure FailureOf(string state) => state switch
    {
        PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ForeignKeyViolation or PostgresErrorCodes.NotNullViolation
            or PostgresErrorCodes.CheckViolation or PostgresErrorCodes.RestrictViolation => StoreFailure.Constraint,
        PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected => StoreFailure.Conflict,
        PostgresErrorCodes.QueryCanceled => StoreFailure.TimedOut,
        PostgresErrorCodes.DiskFull => StoreFailure.Full,
        PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.OutOfMemory or PostgresErrorCodes.LockNotAvailable
            => StoreFailure.Busy,
        PostgresErrorCodes.ReadOnlySqlTransaction => StoreFailure.ReadOnly,
        PostgresErrorCodes.IoError => StoreFailure.InputOutput,
        PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted => StoreFailure.Corrupt,
        PostgresErrorCodes.ProgramLimitExceeded or PostgresErrorCodes.StatementTooComplex => StoreFailure.TooLarge,
        PostgresErrorCodes.InvalidCatalogName => StoreFailure.Unavailable,

        // Connection, authorization, an operator who shuts the server down or restarts it.
        _ when state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("28", StringComparison.Ordinal)
            || state.StartsWith("57P", StringComparison.Ordinal) => StoreFailure.Unavailable,
        _ => StoreFailure.Bug,
    };

    static StoreConstraint Constraint(PostgresException server)
    {
        ConstraintKind kind = server.SqlState switch
        {
            PostgresErrorCodes.UniqueViolation when server.ConstraintName?.EndsWith("_pkey", StringComparison.Ordinal) == true
                => ConstraintKind.PrimaryKey,
            PostgresErrorCodes.UniqueViolation => ConstraintKind.Unique,
            PostgresErrorCodes.NotNullViolation => ConstraintKind.NotNull,
            PostgresErrorCodes.CheckViolation => ConstraintKind.Check,
            _ => ConstraintKind.ForeignKey,
        };
        return new StoreConstraint(
            kind, server.TableName, server.ColumnName is { } column ? [column] : Columns(server.Detail), server.ConstraintName);
    }

    /// <summary>"Key (room, "number")=(…) already exists.": the columns, whatever the language.</summary>
    static string[] Columns(string? detail)
    {
        if (detail is null || Keys().Match(detail) is not { Success: true } keys) return [];
        return [.. keys.Groups[1].Value.Split(", ").Select(static name => name.Trim('"'))];
    }

    [GeneratedRegex(@"\(([^()=]*)\)=\(")]
    private static partial Regex Keys();
}
