using System.Net;
using Plinth.Cli.Commands;
using Plinth.Cli.Settings;
using Plinth.Http;
using Plinth.Log;
using Plinth.Runtime;
using Plinth.Sinks;
using Plinth.Sql;
using Plinth.Sql.Dialects.Postgres;
using Plinth.Sql.Dialects.Sqlite;
using Plinth.Store;
using Plinth.Store.Postgres;
using Plinth.Store.Sqlite;

namespace Plinth.Cli.Hosting;

/// <summary>Where settings become the options of engine and server, by hand.</summary>
static class Composition
{
    public static EngineOptions Engine(OpenedProject opened, TimeProvider time, bool migrate)
    {
        ResolvedSettings settings = opened.Settings;
        var limits = settings.Limits();
        return new()
        {
            Store = new StoreOptions
            {
                Folder = opened.DataFolder,
                LibraryPath = settings.Text(SettingKeys.Library) is { Length: > 0 } path ? path : null,
                Durability = settings.Text(SettingKeys.Synchronous) == "normal" ? Durability.Normal : Durability.Full,
                StatementsKeptMax = limits.Statements,
                ReadTimeMax = TimeSpan.FromMilliseconds(limits.StatementMs),
            },
            OpenDatabase = Server(settings) is { } server
                ? (options, _) => PostgresDatabase.Open(options, server)
                : SqliteDatabase.Open,
            Limits = limits,
            Migrate = migrate,
            AuditRoles = settings.List(SettingKeys.AuditRoles),
            ErasureRoles = settings.List(SettingKeys.ErasureRoles),
            Time = time,
        };
    }

    /// <summary>Takes old values and events away, if the settings say so.</summary>
    public static Retention? Retention(OpenedProject opened, Engine engine, ServiceLog log)
    {
        RetentionSpans keep = new(Days(SettingKeys.RetentionDays), Days(SettingKeys.EventDays));
        return keep is { Values: null, Events: null } ? null
            : new Retention(engine.Store, keep, TimeSpan.FromHours(1), message => log.Event(LogLevelMin.Warning, message));

        TimeSpan? Days(SettingKey key) => opened.Settings.Integer(key) is > 0 and var days ? TimeSpan.FromDays(days) : null;
    }

    /// <summary>Where copies of the log go.</summary>
    public static SinkOptions Sinks(OpenedProject opened)
    {
        ResolvedSettings settings = opened.Settings;
        string file = settings.Text(SettingKeys.SinksFile), url = settings.Text(SettingKeys.SinksUrl),
            token = settings.Text(SettingKeys.SinksToken), syslog = settings.Text(SettingKeys.SinksSyslog);
        return new SinkOptions
        {
            File = file.Length == 0 ? null : Path.GetFullPath(file, opened.Project.Folder),
            Url = url.Length == 0 ? null : new Uri(url),
            Token = token.Length == 0 ? null : token,
            Syslog = syslog.Length == 0 ? null : new Uri(syslog),
            FailuresMax = settings.Integer(SettingKeys.SinksFailures),
        };
    }

    /// <summary>The server that the settings name; null for the embedded database.</summary>
    public static PostgresServer? Server(ResolvedSettings settings)
    {
        if (settings.Text(SettingKeys.DatabaseUrl) is not { Length: > 0 } url) return null;
        string name = settings.Text(SettingKeys.DatabaseName), tls = settings.Text(SettingKeys.DatabaseTls);
        PostgresServer Bounded(string to) => PostgresServer.Of(to, name, tls) with
        {
            ReadersMax = settings.Integer(SettingKeys.DatabaseConnections),
            PreparedMax = settings.Integer(SettingKeys.DatabasePrepared),
            LogPartEvents = settings.Integer(SettingKeys.DatabaseLogPart),
            IsGuarded = settings.Switch(SettingKeys.DatabaseGuard),
        };
        return Bounded(url) with
        {
            Direct = settings.Text(SettingKeys.DatabaseDirectUrl) is { Length: > 0 } direct ? PostgresServer.Of(direct, name, tls) : null,
            Copies = [.. settings.List(SettingKeys.DatabaseReadUrls).Select(Bounded)],
        };
    }

    public static Dialect Dialect(ResolvedSettings settings) => Server(settings) is null ? SqliteDialect.It : PostgresDialect.It;

    /// <summary>Nothing was kept yet: what a first start may make without being told to.</summary>
    /// <exception cref="StoreException">The server cannot be reached.</exception>
    public static bool IsNew(OpenedProject opened)
    {
        if (Server(opened.Settings) is not { } server) return !File.Exists(Path.Combine(opened.DataFolder, "data.db"));
        using PostgresDatabase database = PostgresDatabase.Open(new StoreOptions { Folder = opened.DataFolder, ReadOnly = true }, server);
        using Connection reader = database.OpenReader();
        return !reader.Tables().ContainsKey("plinth_schemas");
    }

    /// <summary>Where the data is, for people: a folder, or a server without user and password.</summary>
    public static string Place(OpenedProject opened, string from) =>
        Server(opened.Settings)?.Shown ?? Path.GetRelativePath(from, opened.DataFolder);

    public static ServerOptions Server(Shell shell, OpenedProject opened, ServerMode mode, Schema.Value? identity)
    {
        ResolvedSettings settings = opened.Settings;
        int opsPort = settings.Integer(SettingKeys.OpsPort);
        string otlp = settings.Text(SettingKeys.OtlpEndpoint) is { Length: > 0 } set ? set
            : shell.Environment.GetValueOrDefault("OTEL_EXPORTER_OTLP_ENDPOINT", "");
        bool pretty = settings.Text(SettingKeys.LogFormat) is "pretty"
            || (settings.Text(SettingKeys.LogFormat) == "auto" && shell.IsTerminal);
        return new()
        {
            Mode = mode,
            Host = settings.Text(SettingKeys.Host),
            Port = settings.Integer(SettingKeys.Port),
            OpsPort = opsPort == 0 ? null : opsPort,
            OpsToken = settings.Text(SettingKeys.OpsToken) is { Length: > 0 } token ? token : null,
            Version = VersionCommand.Version,
            DevelopmentIdentity = identity,
            // On the developer's own machine the rules hide nothing from who wrote them.
            ExplainRoles = settings.List(SettingKeys.ExplainRoles) is { IsEmpty: false } roles ? roles
                : mode == ServerMode.Dev ? [ServerOptions.Everyone] : [],
            CorsOrigins = settings.List(SettingKeys.CorsOrigins),
            TrustedProxies = [.. settings.List(SettingKeys.TrustedProxies).Select(Network)],
            RatePerAddress = Rate(settings, SettingKeys.RatePerAddress),
            RatePerIdentity = Rate(settings, SettingKeys.RatePerIdentity),
            RateEntries = settings.Integer(SettingKeys.RateEntries),
            AllowedHosts = settings.List(SettingKeys.DevHosts),
            CorsCredentials = settings.Switch(SettingKeys.CorsCredentials),
            ConnectionsMax = settings.Integer(SettingKeys.Connections),
            Realtime = new RealtimeOptions
            {
                ConnectionsMax = settings.Integer(SettingKeys.RealtimeConnections),
                ConnectionsPerAddressMax = settings.Integer(SettingKeys.RealtimePerAddress),
                SubscriptionsMax = settings.Integer(SettingKeys.RealtimeSubscriptions),
                FrameBytes = (int)settings.Bytes(SettingKeys.RealtimeFrameBytes),
                QueueBytes = (int)settings.Bytes(SettingKeys.RealtimeQueueBytes),
                FramesPerSecondMax = settings.Integer(SettingKeys.RealtimeFrames),
                PublishesPerSecondMax = settings.Integer(SettingKeys.RealtimePublishes),
                HeartbeatSeconds = settings.Integer(SettingKeys.RealtimeHeartbeat),
            },
            RequestLineBytes = (int)settings.Bytes(SettingKeys.RequestLineBytes),
            HeadersMax = settings.Integer(SettingKeys.Headers),
            HeaderBytes = (int)settings.Bytes(SettingKeys.HeaderBytes),
            HeaderSeconds = settings.Integer(SettingKeys.HeaderSeconds),
            IdleSeconds = settings.Integer(SettingKeys.IdleSeconds),
            PublicFolder = opened.Project.PublicFolder,
            Limits = settings.Limits(),
            DrainDelay = TimeSpan.FromSeconds(settings.Integer(SettingKeys.DrainDelaySeconds)),
            DrainBound = TimeSpan.FromSeconds(settings.Integer(SettingKeys.DrainSeconds)),
            LogFormat = pretty ? LogFormat.Pretty : LogFormat.Json,
            LogLevel = settings.Text(SettingKeys.LogLevel) switch
            {
                "debug" => LogLevelMin.Debug,
                "info" => LogLevelMin.Info,
                "warn" => LogLevelMin.Warning,
                _ => LogLevelMin.Error,
            },
            LogColour = shell.HasColor(noColorFlag: false),
            LogStream = shell.LogStream,
            OtlpEndpoint = otlp.Length == 0 ? null : new Uri(otlp),
            OtlpProtocol = shell.Environment.GetValueOrDefault("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            Time = shell.Time,
        };
    }

    static RateLimit? Rate(ResolvedSettings settings, SettingKey key)
    {
        int perSecond = settings.Integer(key);
        return perSecond == 0 ? null : new(perSecond, perSecond * settings.Integer(SettingKeys.RateBurst));
    }

    static IPNetwork Network(string text)
    {
        if (IPNetwork.TryParse(text, out IPNetwork network)) return network;
        IPAddress address = IPAddress.Parse(text);
        return new(address, address.GetAddressBytes().Length * 8);
    }
}
