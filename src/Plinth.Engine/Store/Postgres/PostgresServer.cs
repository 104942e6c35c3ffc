using System.Globalization;
using Npgsql;
using Plinth.Sql.Dialects.Postgres;

namespace Plinth.Store.Postgres;

/// <summary>How a server is reached: a URL as everyone writes it, and the bounds of what is opened there.</summary>
sealed record PostgresServer
{
    readonly NpgsqlConnectionStringBuilder _to;

    PostgresServer(NpgsqlConnectionStringBuilder to) => _to = to;

    /// <summary>Most connections for reads.</summary>
    public int ReadersMax { get; init; } = 16;

    /// <summary>Statements that each connection keeps prepared; 0 behind a pooler that gives each transaction another session.</summary>
    public int PreparedMax { get; init; } = 256;

    /// <summary>Events of one part of the log's table.</summary>
    public long LogPartEvents { get; init; } = 10_000_000;

    /// <summary>The engine's tables refuse changes of other programs.</summary>
    public bool IsGuarded { get; init; } = true;

    /// <summary>
    /// Past a pooler: where the committer's session, the one that listens, and those of migrations go. Null where there is no pooler.
    /// </summary>
    public PostgresServer? Direct { get; init; }

    /// <summary>Servers that follow it, each with the bounds that it was given.</summary>
    public IReadOnlyList<PostgresServer> Copies { get; init; } = [];

    /// <summary>
    /// A pooler stands before it that gives each transaction another session: nothing may be kept in a session, neither statements nor
    /// settings, and the time of a statement is held by this side.
    /// </summary>
    public bool IsPooled => PreparedMax == 0;

    /// <summary>The committer's session is one of a pooler's.</summary>
    public bool IsWriterPooled => (Direct ?? this).IsPooled;

    /// <summary>The server, for messages: without user, password and options.</summary>
    public string Shown => string.Create(CultureInfo.InvariantCulture, $"postgres://{_to.Host}:{_to.Port}/{_to.Database}");

    /// <summary>Reads <c>postgres://user:password@host:port/database?sslmode=…&amp;application_name=…</c>.</summary>
    /// <exception cref="FormatException">It is no such URL; the message names the part, never a value that may be secret.</exception>
    /// <param name="url">As above.</param>
    /// <param name="applicationName">Where the URL has none.</param>
    /// <param name="tls">The same: disable, prefer, require, verify-ca or verify-full.</param>
    public static PostgresServer Of(string url, string applicationName, string tls = "prefer")
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("postgres" or "postgresql"))
        {
            throw new FormatException("database.url is no URL of the form postgres://user:password@host:port/database");
        }

        NpgsqlConnectionStringBuilder to = new()
        {
            Host = uri.Host.Length == 0 ? "localhost" : uri.Host,
            Port = uri.Port < 0 ? 5432 : uri.Port,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')),
            ApplicationName = applicationName,
            SslMode = Ssl(tls),
            IncludeErrorDetail = true, // Names the columns of a constraint; what it quotes besides is not passed on.
            IncludeFailedBatchedCommand = true, // Says which of the statements that went together has failed.
            PersistSecurityInfo = false,
            Enlist = false,
            KeepAlive = 30,
        };
        if (to.Database.Length == 0)
            throw new FormatException("database.url names no database: postgres://user:password@host:port/database");
        string[] user = uri.UserInfo.Split(':', 2);
        if (user[0].Length > 0) to.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1) to.Password = Uri.UnescapeDataString(user[1]);
        foreach (string pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)) Take(to, pair);
        return new PostgresServer(to);
    }

    public NpgsqlDataSource Readers(StoreOptions options) => Source(ReadersMax, options.ReadTimeMax, options.ReadOnly, "");

    /// <summary>
    /// The committer's connection, those that listen and tell, and one more for looking after it when it is lost. Its statements are
    /// planned once: planning the one that appends to the log for each length of its arrays cost more than running it. Its sessions say
    /// who they are to the tables that refuse others, for good: a word in each transaction would be a statement more in each.
    /// </summary>
    public NpgsqlDataSource Writers(StoreOptions options) => (Direct ?? this).Source(
        connectionsMax: 6,
        TimeSpan.Zero,
        options.ReadOnly,
        $" -c plan_cache_mode=force_generic_plan -c {PostgresFunctions.Writer}={PostgresFunctions.WriterIsEngine}");

    NpgsqlDataSource Source(int connectionsMax, TimeSpan statementTime, bool isReadOnly, string more)
    {
        NpgsqlConnectionStringBuilder to = new(_to.ConnectionString)
        {
            MaxPoolSize = connectionsMax,
            MinPoolSize = 0,
            MaxAutoPrepare = PreparedMax,
            AutoPrepareMinUsages = 2,
            CommandTimeout = 0,

            // What a session is left with is put right where it is left (PostgresConnection.Release): the driver's own way of resetting it
            // is seven statements in front of the next one.
            NoResetOnClose = true,
            Timezone = "UTC",
        };

        // A pooler refuses a session's own settings.
        if (!IsPooled)
        {
            to.Options = string.Create(CultureInfo.InvariantCulture,
                $"{_to.Options} -c statement_timeout={(long)statementTime.TotalMilliseconds}"
                + $"{(isReadOnly ? " -c default_transaction_read_only=on" : "")}{more}").Trim();
        }

        // The password does not survive a connection string that was asked for.
        to.Password = _to.Password;
        return new NpgsqlDataSourceBuilder(to.ConnectionString).Build();
    }

    static void Take(NpgsqlConnectionStringBuilder to, string pair)
    {
        string[] parts = pair.Split('=', 2);
        string name = parts[0], value = parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "";
        switch (name)
        {
            case "host": to.Host = value; break;
            case "sslmode": to.SslMode = Ssl(value); break;
            case "sslrootcert": to.RootCertificate = value; break;
            case "sslcert": to.SslCertificate = value; break;
            case "sslkey": to.SslKey = value; break;
            case "application_name": to.ApplicationName = value; break;
            case "connect_timeout": to.Timeout = Seconds(value); break;
            case "search_path" or "schema": to.SearchPath = value; break;
            default:
                throw new FormatException($"database.url has an option '{name}' that is not known: host, sslmode, sslrootcert, sslcert, "
                    + "sslkey, application_name, connect_timeout and schema are");
        }
    }

    static SslMode Ssl(string value) => value switch
    {
        "disable" => SslMode.Disable,
        "allow" => SslMode.Allow,
        "prefer" => SslMode.Prefer,
        "require" => SslMode.Require,
        "verify-ca" => SslMode.VerifyCA,
        "verify-full" => SslMode.VerifyFull,
        _ => throw new FormatException("database.url: sslmode is disable, allow, prefer, require, verify-ca or verify-full"),
    };

    static int Seconds(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds is > 0 and <= 600
            ? seconds
            : throw new FormatException("database.url: connect_timeout is a number of seconds from 1 to 600");
}
