using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Plinth.Store.Postgres;
using Plinth.Text;

namespace Plinth.Cli.Settings;

/// <summary>Every setting of the product. What is not here is refused, wherever it is written.</summary>
static class SettingKeys
{
    static readonly TextForm s_text = new();
    static readonly SwitchForm s_switch = new();

    public static readonly SettingKey Host = new("server.host", new ListFormOfOne(RefuseHost), "127.0.0.1",
        "Address to listen on. `0.0.0.0` and `::` (dual stack) listen on every interface.");
    public static readonly SettingKey Port = new(
        "server.port", new IntegerForm(0, 65535), "4747", "Port to listen on; 0 takes a free one.");
    public static readonly SettingKey ExplainRoles = new("explain.roles", new ListForm(_ => null), "",
        "Values of the claim `role` whose identities may ask with `Prefer: explain` why the rules refuse, and see `Server-Timing`. Empty "
            + "is nobody, but in `plinth dev`, where it is everyone.");
    public static readonly SettingKey DataFolder = new("data.folder", s_text, ".plinth",
        "Folder of the embedded database, its backups and the log's keys, relative to the project folder.");
    public static readonly SettingKey DatabaseUrl = new("database.url", new ListFormOfOne(RefuseDatabase), "",
        "PostgreSQL server to keep everything in, as `postgres://user:password@host:port/database`; empty is the embedded database. "
            + "Options behind `?`: host (a socket's folder), schema, sslmode, sslrootcert, sslcert, sslkey, application_name, "
            + "connect_timeout.",
        IsSecret: true);
    public static readonly SettingKey DatabaseDirectUrl = new("database.directUrl", new ListFormOfOne(RefuseDatabase), "",
        "The same server past a pooler, where `database.url` names one: the sessions that write, listen and migrate go there.",
        IsSecret: true);
    public static readonly SettingKey DatabaseReadUrls = new("database.readUrls", new ListForm(RefuseDatabase), "",
        "Servers that follow the one of `database.url` (hot standbys), as URLs of the same form, for requests that allow it with "
            + "`Plinth-Max-Staleness`.",
        IsSecret: true);
    public static readonly SettingKey DatabaseTls = new(
        "database.tls", new ChoiceForm(["disable", "prefer", "require", "verify-ca", "verify-full"]), "prefer",
        "Encryption on the way to the server, where `database.url` has no sslmode. `verify-full` also makes sure who the server is.");
    public static readonly SettingKey DatabaseConnections = new("database.connections", new IntegerForm(1, 1000), "16",
        "Most connections of one node that read; one more writes.");
    public static readonly SettingKey DatabasePrepared = new("database.prepared", new IntegerForm(0, 10_000), "256",
        "Statements that a connection to a server keeps prepared. 0 behind a pooler in transaction mode, such as PgBouncer.");
    public static readonly SettingKey DatabaseGuard = new("database.guard", s_switch, "on",
        "The tables on a server refuse changes of other programs, which would never reach the log. `off` lets them in; "
            + "`plinth doctor --deep` names what they changed. The node that starts last decides for all.");
    public static readonly SettingKey DatabaseLogPart = new("database.logPart", new IntegerForm(10_000, 1_000_000_000), "10000000",
        "Events of one part of the log, whose table is divided by position on a server.");
    public static readonly SettingKey DatabaseName = new("database.applicationName", s_text, "plinth",
        "What the server lists the connections of this node as.");
    public static readonly SettingKey Synchronous = new("database.synchronous", new ChoiceForm(["full", "normal"]), "full",
        "Durability of a commit. `full`: every acknowledged write survives a power cut. `normal`: the last writes may not, "
            + "but the file stays sound.");
    public static readonly SettingKey Library = new("database.library", s_text, "",
        "Path of the database library to load instead of the system's or the bundled one.");
    public static readonly SettingKey CacheRecords = new(
        "cache.records", s_switch, "on", "Serve records from memory where the log keeps it current: by id, in lists and as relations.");
    public static readonly SettingKey CacheBytes = new(
        "cache.bytes", new BytesForm(0, 64L << 30, IsAuto: true), BytesForm.Auto,
        "Most memory that cached records may take. `auto` is an eighth of what the process may use, from 32 MB to 1 GB.");
    public static readonly SettingKey LogFormat = new("log.format", new ChoiceForm(["auto", "pretty", "json"]), "auto",
        "`pretty` for people, `json` for machines; `auto` is pretty on a terminal.");
    public static readonly SettingKey LogLevel = new(
        "log.level", new ChoiceForm(["debug", "info", "warn", "error"]), "info", "Least level that is written.");
    public static readonly SettingKey RetentionDays = new("log.retentionDays", new IntegerForm(0, 36_500), "0",
        "Days after which the values of events go from the log (what happened, when and by whom stays), and notes of readings; 0 keeps "
            + "all.");
    public static readonly SettingKey EventDays = new("log.eventDays", new IntegerForm(0, 36_500), "0",
        "Days after which events go from the log whole, with what happened, when and by whom; it then begins at a signed checkpoint. On a "
            + "server parts go that are that old (`database.logPart`). 0 keeps all.");
    public static readonly SettingKey OtlpEndpoint = new("telemetry.otlpEndpoint", s_text, "",
        "OTLP endpoint for traces and metrics, such as http://127.0.0.1:4317; empty is off. OTEL_EXPORTER_OTLP_ENDPOINT is read too.");
    public static readonly SettingKey OpsPort = new("ops.port", new IntegerForm(0, 65535), "0",
        "Port of its own for /metrics, /livez and /readyz; 0 is none.");
    public static readonly SettingKey OpsToken = new(
        "ops.token", s_text, "", "Bearer token that /metrics asks for in `serve`.", IsSecret: true);
    public static readonly SettingKey CorsOrigins = new("cors.origins", new ListForm(RefuseOrigin), "",
        "Origins that browsers may call from, such as https://app.example.org. Empty: none in `serve`, loopback in `dev`.");
    public static readonly SettingKey TrustedProxies = new("proxies.trusted", new ListForm(RefuseNetwork), "",
        "Addresses or networks (CIDR) whose Forwarded and X-Forwarded-* headers are believed.");
    public static readonly SettingKey AuditRoles = new("audit.roles", new ListForm(_ => null), "admin,auditor",
        "Values of the claim `role` whose bearers may ask the `/audit` routes.");
    public static readonly SettingKey ErasureRoles = new("erasure.roles", new ListForm(_ => null), "admin",
        "Values of the claim `role` whose bearers may erase a person: `POST /api/{models}/{id}/erase`.");
    public static readonly SettingKey SinksFile = new("sinks.file", s_text, "",
        "File that gets a line of JSON for each event of the log, relative to the project folder; empty is none.");
    public static readonly SettingKey SinksUrl = new("sinks.url", new ListFormOfOne(RefuseSinkUrl), "",
        "Address that events are posted to as lines of JSON, such as https://siem.example.org/plinth; empty is none.");
    public static readonly SettingKey SinksToken = new(
        "sinks.token", s_text, "", "Bearer token that is sent to `sinks.url`.", IsSecret: true);
    public static readonly SettingKey SinksSyslog = new("sinks.syslog", new ListFormOfOne(RefuseSyslog), "",
        "Receiver of syslog messages (RFC 5424), as udp://host:514 or tcp://host:601; empty is none.");
    public static readonly SettingKey SinksFailures = new("sinks.failures", new IntegerForm(1, 100_000), "20",
        "Failures over the same event, with pauses that grow to a minute, after which a sink is parked.");
    public static readonly SettingKey RatePerAddress = new("rate.perAddress", new IntegerForm(0, 1_000_000), "0",
        "Requests per second for one client address; 0 is no bound.");
    public static readonly SettingKey RatePerIdentity = new("rate.perIdentity", new IntegerForm(0, 1_000_000), "0",
        "Requests per second for one identity; 0 is no bound.");
    public static readonly SettingKey RateBurst = new("rate.burstSeconds", new IntegerForm(1, 3600), "10",
        "Seconds of the rate that may be spent at once.");
    public static readonly SettingKey IdempotencyHours = new("idempotency.hours", new IntegerForm(1, 720), "24",
        "Hours for which the answer to an Idempotency-Key is kept.");
    public static readonly SettingKey DrainSeconds = new("server.drainSeconds", new IntegerForm(0, 600), "10",
        "Seconds that requests in flight may take to end after SIGTERM.");

    public static readonly SettingKey DrainDelaySeconds = new("server.drainDelaySeconds", new IntegerForm(0, 600), "0",
        "Seconds for which `/readyz` fails after SIGTERM before the port closes, so that a load balancer looks away first.");

    public static readonly SettingKey Connections = new("server.connections", new IntegerForm(1, 1_000_000), "20000",
        "Connections at a time; more are closed at once.");
    public static readonly SettingKey RequestLineBytes = new("server.requestLineBytes", new BytesForm(64, 1 << 20), "64KB",
        "Bytes of a request line.");
    public static readonly SettingKey Headers = new("server.headers", new IntegerForm(1, 10_000), "64", "Headers of a request.");
    public static readonly SettingKey HeaderBytes = new("server.headerBytes", new BytesForm(256, 1 << 20), "32KB",
        "Bytes of all headers of a request.");
    public static readonly SettingKey HeaderSeconds = new("server.headerSeconds", new IntegerForm(1, 600), "15",
        "Seconds that the request line and the headers may take to come.");
    public static readonly SettingKey IdleSeconds = new("server.idleSeconds", new IntegerForm(1, 86_400), "120",
        "Seconds that a connection may be idle between two requests.");
    public static readonly SettingKey RealtimeConnections = new("realtime.connections", new IntegerForm(1, 1_000_000), "10000",
        "Sockets and event streams of `/realtime` at a time; more are answered 503.");
    public static readonly SettingKey RealtimePerAddress = new("realtime.connectionsPerAddress", new IntegerForm(0, 1_000_000), "0",
        "The same from one address (of IPv6, from one /64); 0 is no bound. Behind a proxy it needs `proxies.trusted`.");
    public static readonly SettingKey RealtimeSubscriptions = new("realtime.subscriptions", new IntegerForm(1, 10_000), "100",
        "Subscriptions of one connection.");
    public static readonly SettingKey RealtimeFrameBytes = new("realtime.frameBytes", new BytesForm(256, 16 << 20), "64KB",
        "Bytes of one frame that a client sends.");
    public static readonly SettingKey RealtimeQueueBytes = new("realtime.queueBytes", new BytesForm(1024, 1 << 30), "1MB",
        "Bytes that may wait for a client that reads slowly, before it is dropped.");
    public static readonly SettingKey RealtimeFrames = new("realtime.framesPerSecond", new IntegerForm(1, 100_000), "50",
        "Frames that a client may send per second, ten times as many at once; more are refused.");
    public static readonly SettingKey RealtimePublishes = new("realtime.publishesPerSecond", new IntegerForm(1, 100_000), "20",
        "Messages that a client may publish to channels per second; ten times as many at once.");
    public static readonly SettingKey RealtimeHeartbeat = new("realtime.heartbeatSeconds", new IntegerForm(1, 3600), "20",
        "Seconds between two heartbeats; a socket that answers none for as long again is closed.");
    public static readonly SettingKey RateEntries = new("rate.entries", new IntegerForm(1, 100_000_000), "100000",
        "Addresses and identities that are counted apart; those beyond share one budget.");
    public static readonly SettingKey DevHosts = new("dev.allowedHosts", new ListForm(_ => null), "",
        "Host names, beside localhost and addresses, that `dev` answers to.");
    public static readonly SettingKey CorsCredentials = new("cors.credentials", s_switch, "off",
        "Pages of the allowed origins may send cookies.");

    static string? RefuseSinkUrl(string text) => text.Length == 0
        || (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is ("http" or "https") && url.UserInfo.Length == 0)
            ? null : "an address such as https://siem.example.org/plinth";

    static string? RefuseSyslog(string text) => text.Length == 0
        || (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url is { Scheme: "udp" or "tcp", Port: > 0, Host.Length: > 0 })
            ? null : "udp://host:port or tcp://host:port";

    static readonly ImmutableArray<LimitKey> s_limits = LimitKeys.All;

    public static ImmutableArray<SettingKey> All { get; } =
    [
        ExplainRoles,
        Host, Port, Connections, RequestLineBytes, Headers, HeaderBytes, HeaderSeconds, IdleSeconds, DrainSeconds, DrainDelaySeconds,
        DataFolder, DatabaseUrl, DatabaseDirectUrl, DatabaseReadUrls, DatabaseTls, DatabaseConnections, DatabasePrepared, DatabaseGuard,
        DatabaseLogPart, DatabaseName, Synchronous, Library,
        CacheRecords, CacheBytes, LogFormat, LogLevel, RetentionDays, EventDays, OtlpEndpoint, OpsPort, OpsToken,
        CorsOrigins, CorsCredentials, TrustedProxies, RatePerAddress, RatePerIdentity, RateBurst, RateEntries,
        RealtimeConnections, RealtimePerAddress, RealtimeSubscriptions, RealtimeFrameBytes, RealtimeQueueBytes, RealtimeFrames,
        RealtimePublishes, RealtimeHeartbeat, IdempotencyHours, AuditRoles, ErasureRoles, SinksFile, SinksUrl, SinksToken, SinksSyslog,
        SinksFailures, DevHosts,
        .. IdentityKeys.All, .. OAuthKeys.All, .. s_limits.Select(l => l.Key),
    ];

    static readonly FrozenDictionary<string, SettingKey> s_byName = All.ToFrozenDictionary(k => k.Name, StringComparer.Ordinal);
    static readonly FrozenDictionary<string, SettingKey> s_byVariable = All.ToFrozenDictionary(k => k.Variable, StringComparer.Ordinal);

    public static SettingKey? Find(string name) => s_byName.GetValueOrDefault(name);

    public static SettingKey? FindVariable(string variable) => s_byVariable.GetValueOrDefault(variable);

    static string? RefuseHost(string text) => text == "localhost" || IPAddress.TryParse(text, out _) ? null : "an IP address or localhost";

    static string? RefuseDatabase(string text)
    {
        try
        {
            PostgresServer.Of(text, "plinth");
            return null;
        }
        catch (FormatException refusal)
        {
            return refusal.Message;
        }
    }

    static string? RefuseOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && (uri.Scheme is "http" or "https") && uri.AbsolutePath == "/"
            && !text.EndsWith('/')
            ? null
            : "an origin: scheme, host and port, without a path (\"*\" is never taken)";

    static string? RefuseNetwork(string text) => IPNetwork.TryParse(text, out _) || IPAddress.TryParse(text, out _) ? null
        : "an IP address or a network such as 10.0.0.0/8";

    /// <summary>One text, checked as a list's item would be.</summary>
    sealed record ListFormOfOne(Func<string, string?> RefuseText) : SettingForm
    {
        public override string? Refuse(string text) => RefuseText(text);
    }
}

/// <summary>A bound of <see cref="Limits"/> as a setting.</summary>
sealed record LimitKey(SettingKey Key, Func<Limits, long, Limits> With);

static class LimitKeys
{
    public static ImmutableArray<LimitKey> All { get; } =
    [
        Of("bodyBytes", Limits.Default.BodyBytes, 64L << 20, "Bytes of a request body, but for bulk creates.", (l, v) =>
            l with { BodyBytes = (int)v }),
        Of("bulkBytes", Limits.Default.BulkBytes, 16L << 30, "Bytes of a bulk create.", (l, v) => l with { BulkBytes = v }),
        Of("recordBytes", Limits.Default.RecordBytes, 64L << 20, "Bytes of one record in a bulk create.", (l, v) =>
            l with { RecordBytes = (int)v }),
        Of("jsonDepth", Limits.Default.JsonDepth, 256, "Nesting of a JSON or CBOR document.", (l, v) => l with { JsonDepth = (int)v }),
        Of("parameters", Limits.Default.Parameters, 1000, "Query parameters of one request.", (l, v) => l with { Parameters = (int)v }),
        Of("filterBytes", Limits.Default.FilterBytes, 1 << 20, "UTF-8 bytes of a filter.", (l, v) => l with { FilterBytes = (int)v }),
        Of("expressionNodes", Limits.Default.ExpressionNodes, 100_000, "Nodes of an expression.", (l, v) =>
            l with { ExpressionNodes = (int)v }),
        Of("expressionDepth", Limits.Default.ExpressionDepth, 200, "Nesting of an expression.", (l, v) =>
            l with { ExpressionDepth = (int)v }),
        Of("expressionCost", Limits.Default.ExpressionCost, 100_000_000, "Steps that one evaluation may take.", (l, v) =>
            l with { ExpressionCost = (int)v }),
        Of("expressionEstimate", Limits.Default.ExpressionEstimate, 1_000_000_000_000,
            "Steps that an expression may be estimated to take before it runs; loops in loops multiply.", (l, v) =>
            l with { ExpressionEstimate = v }),
        Of("includeDepth", Limits.Default.IncludeDepth, 20, "Levels of include.", (l, v) => l with { IncludeDepth = (int)v }),
        Of("includes", Limits.Default.Includes, 200, "Relations included by one request.", (l, v) => l with { Includes = (int)v }),
        Of("includePage", Limits.Default.IncludePage, 10_000, "Children of one parent, when the request names no limit.", (l, v) =>
            l with { IncludePage = (int)v }),
        Of("includedRows", Limits.Default.IncludedRows, 1_000_000, "Records that one included relation may lead to.", (l, v) =>
            l with { IncludedRows = (int)v }),
        Of("hops", Limits.Default.Hops, 20, "Relation hops on one path of a filter.", (l, v) => l with { Hops = (int)v }),
        Of("sortKeys", Limits.Default.SortKeys, 32, "Sort keys of one request.", (l, v) => l with { SortKeys = (int)v }),
        Of("offset", Limits.Default.Offset, 100_000_000, "Rows that offset may skip.", (l, v) => l with { Offset = (int)v }),
        Of("asOfChanges", Limits.Default.AsOfChanges, 100_000_000, "Changes that a read with asOf undoes.", (l, v) =>
            l with { AsOfChanges = (int)v }),
        Of("writeRows", Limits.Default.WriteRows, 10_000_000, "Rows that a filtered write or a cascade may change.", (l, v) =>
            l with { WriteRows = (int)v }),
        Of("bulkRows", Limits.Default.BulkRows, 1_000_000_000, "Rows of one bulk create.", (l, v) => l with { BulkRows = (int)v }),
        Of("groups", Limits.Default.Groups, 1_000_000, "Groups that one aggregate may answer.", (l, v) => l with { Groups = (int)v }),
        Of("batchOperations", Limits.Default.BatchOperations, 10_000, "Operations of one batch.", (l, v) =>
            l with { BatchOperations = (int)v }),
        Of("writeQueue", Limits.Default.WriteQueue, 1_000_000, "Commands that may wait for the committer.", (l, v) =>
            l with { WriteQueue = (int)v }),
        Of("tenantQueue", Limits.Default.TenantQueue, 1_000_000, "Commands of one tenant that may wait for the committer.", (l, v) =>
            l with { TenantQueue = (int)v }),
        Of("groupCommands", Limits.Default.GroupCommands, 4096, "Commands of one commit.", (l, v) => l with { GroupCommands = (int)v }),
        Of("requestMs", Limits.Default.RequestMs, 3_600_000, "Milliseconds that a request may take.", (l, v) =>
            l with { RequestMs = (int)v }),
        Of("statementMs", Limits.Default.StatementMs, 3_600_000, "Milliseconds that one statement may take.", (l, v) =>
            l with { StatementMs = (int)v }),
        Of("slowMs", Limits.Default.SlowMs, 3_600_000,
            "Milliseconds from which on the reads of a plan are slow: on a server they then share a quarter of the connections.",
            (l, v) => l with { SlowMs = (int)v }),
        Of("liveRows", Limits.Default.LiveRows, 1_000_000, "Records of a live query that names no limit.", (l, v) =>
            l with { LiveRows = (int)v }),
        Of("liveQueries", Limits.Default.LiveQueries, 1_000_000, "Live queries of a node that differ in what they ask or in rights.",
            (l, v) => l with { LiveQueries = (int)v }),
        Of("liveMissed", Limits.Default.LiveMissed, 1_000_000,
            "Events that a client of a live query may have missed and still be told what changed; beyond, it is given all items anew.",
            (l, v) => l with { LiveMissed = (int)v }),
        Of("channelMessageBytes", Limits.Default.ChannelMessageBytes, 4096, "Bytes of one message of a channel.", (l, v) =>
            l with { ChannelMessageBytes = (int)v }),
        Of("channelPresenceBytes", Limits.Default.ChannelPresenceBytes, 1024, "Bytes of what one member of a channel shows of itself.",
            (l, v) => l with { ChannelPresenceBytes = (int)v }),
        Of("channelMembers", Limits.Default.ChannelMembers, 1_000_000, "Members of one channel on one node.", (l, v) =>
            l with { ChannelMembers = (int)v }),
        Of("channels", Limits.Default.Channels, 10_000_000, "Channels, by their parameters, that have members on one node.", (l, v) =>
            l with { Channels = (int)v }),
        Of("publicBytes", Limits.Default.PublicBytes, 4L << 30, "Bytes of all files of the folder `public` together.", (l, v) =>
            l with { PublicBytes = v }),
        Of("statements", Limits.Default.Statements, 100_000, "Prepared statements kept per connection.", (l, v) =>
            l with { Statements = (int)v }),
        Of("plans", Limits.Default.Plans, 1_000_000, "Shapes of requests whose plans are kept per schema version.", (l, v) =>
            l with { Plans = (int)v }),
        Of("shapePlans", Limits.Default.ShapePlans, 10_000, "Plans kept per shape of request, one for each pattern of claims.",
            (l, v) => l with { ShapePlans = (int)v }),
        Of("folds", Limits.Default.Folds, 1_000_000, "Foldings kept of the rules of one operation, one for each pattern of claims.",
            (l, v) => l with { Folds = (int)v }),
        Of("claimPatterns", Limits.Default.ClaimPatterns, 1_000_000, "Patterns of claims whose view of the schema is known.", (l, v) =>
            l with { ClaimPatterns = (int)v }),
        Of("views", Limits.Default.Views, 10_000, "Views of the schema, as field rules make them, that are kept with their plans.",
            (l, v) => l with { Views = (int)v }),
        Of("writeTexts", Limits.Default.WriteTexts, 100_000, "Texts of updates, by the columns they set, kept per model.", (l, v) =>
            l with { WriteTexts = (int)v }),
        Of("descriptions", Limits.Default.Descriptions, 10_000, "OpenAPI documents and the like kept, one per set of permissions.",
            (l, v) => l with { Descriptions = (int)v }),
        Of("tokens", Limits.Default.Tokens, 10_000_000, "Verified tokens that are remembered, of each kind.", (l, v) =>
            l with { Tokens = (int)v }),
        Of("answerBytes", Limits.Default.AnswerBytes, 16 << 20,
            "Bytes of an answer kept under an Idempotency-Key; a larger one is replayed without its body.", (l, v) =>
            l with { AnswerBytes = (int)v }),
        Of("schemaBytes", Limits.Default.SchemaBytes, 1 << 30, "Bytes of one schema file.", (l, v) => l with { SchemaBytes = (int)v }),
        Of("schemaDepth", Limits.Default.SchemaDepth, 1000, "Nesting in a schema.", (l, v) => l with { SchemaDepth = (int)v }),
        Of("schemaBlocks", Limits.Default.SchemaBlocks, 1_000_000, "Blocks of a schema.", (l, v) => l with { SchemaBlocks = (int)v }),
        Of("schemaFields", Limits.Default.SchemaFields, 10_000, "Fields of one model.", (l, v) => l with { SchemaFields = (int)v }),
        Of("yamlNodes", Limits.Default.YamlNodes, 100_000_000, "Values of a YAML schema, aliases resolved.", (l, v) =>
            l with { YamlNodes = (int)v }),
        Of("yamlAliases", Limits.Default.YamlAliases, 1_000_000, "Aliases of a YAML schema.", (l, v) => l with { YamlAliases = (int)v }),
        Of("schemaFindings", Limits.Default.SchemaFindings, 1_000_000, "Findings that one check reports.", (l, v) =>
            l with { SchemaFindings = (int)v }),
    ];

    static LimitKey Of(string name, long byDefault, long max, string doc, Func<Limits, long, Limits> with)
    {
        bool bytes = name.EndsWith("Bytes", StringComparison.Ordinal);
        SettingForm form = bytes ? new BytesForm(1, max) : new IntegerForm(1, max);
        return new(new SettingKey("limits." + name, form, byDefault.ToString(CultureInfo.InvariantCulture), doc), with);
    }
}
