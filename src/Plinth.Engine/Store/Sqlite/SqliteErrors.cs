using SQLitePCL;

namespace Plinth.Store.Sqlite;

/// <summary>The one place where this database's result codes and messages are understood.</summary>
static class SqliteErrors
{
    const int ConstraintCheck = 275;
    const int ConstraintForeignKey = 787;
    const int ConstraintNotNull = 1299;
    const int ConstraintPrimaryKey = 1555;
    const int ConstraintUnique = 2067;
    const int ConstraintRow = 2579;

    /// <summary>The failure of the latest call on a connection.</summary>
    public static StoreException Of(sqlite3 connection, int code) =>
        Of(raw.sqlite3_extended_errcode(connection), raw.sqlite3_errmsg(connection).utf8_to_string(), code);

    /// <param name="extended">The extended result code.</param>
    /// <param name="message">The database's own message: it names columns and constraints, never values.</param>
    /// <param name="code">What the call returned, for when the connection has no code of its own.</param>
    internal static StoreException Of(int extended, string message, int code)
    {
        if ((extended & 0xff) != (code & 0xff)) extended = code;
        StoreFailure failure = (extended & 0xff) switch
        {
            raw.SQLITE_CONSTRAINT => StoreFailure.Constraint,
            raw.SQLITE_FULL => StoreFailure.Full,
            raw.SQLITE_READONLY or raw.SQLITE_PERM => StoreFailure.ReadOnly,
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_PROTOCOL => StoreFailure.Busy,
            raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => StoreFailure.Corrupt,
            raw.SQLITE_INTERRUPT => StoreFailure.TimedOut,
            raw.SQLITE_TOOBIG => StoreFailure.TooLarge,
            raw.SQLITE_IOERR => StoreFailure.InputOutput,
            raw.SQLITE_CANTOPEN or raw.SQLITE_AUTH => StoreFailure.Unavailable,
            _ => StoreFailure.Bug,
        };
        StoreConstraint? constraint = failure == StoreFailure.Constraint ? Constraint(extended, message) : null;

        // A constraint that we do not declare (a trigger, a virtual table, a wrong type in a strict table) is a bug of ours.
        if (failure == StoreFailure.Constraint && constraint is null) failure = StoreFailure.Bug;
        return new StoreException(failure, $"{message} (database error {extended})", constraint);
    }

    /// <summary>"UNIQUE constraint failed: posts.slug", "… failed: index 'posts_lower'", "CHECK constraint failed: positive".</summary>
    static StoreConstraint? Constraint(int extended, string message)
    {
        ConstraintKind? kind = extended switch
        {
            ConstraintUnique => ConstraintKind.Unique,
            ConstraintPrimaryKey or ConstraintRow => ConstraintKind.PrimaryKey,
            ConstraintNotNull => ConstraintKind.NotNull,
            ConstraintCheck => ConstraintKind.Check,
            ConstraintForeignKey => ConstraintKind.ForeignKey,
            _ => null,
        };
        if (kind is null) return null;
        int colon = message.IndexOf(": ", StringComparison.Ordinal);
        string what = colon < 0 ? "" : message[(colon + 2)..];
        if (kind is ConstraintKind.Check) return new StoreConstraint(kind.Value, null, [], what);
        if (what.StartsWith("index '", StringComparison.Ordinal)) return new StoreConstraint(kind.Value, null, [], what[7..^1]);
        if (what.Length == 0) return new StoreConstraint(kind.Value, null, [], null);

        string table = what[..what.IndexOf('.', StringComparison.Ordinal)];
        string[] columns = [.. what.Split(", ").Select(column => column[(table.Length + 1)..])];
        return new StoreConstraint(kind.Value, table, columns, null);
    }
}
