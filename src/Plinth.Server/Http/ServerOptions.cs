using System.Collections.Immutable;
using System.Net;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Http;

enum ServerMode
{
    /// <summary>On the developer's machine: loopback origins, request timings, a home page, perhaps a development identity.</summary>
    Dev,

    /// <summary>Production: nothing is open that was not set.</summary>
    Serve,
}

enum LogFormat
{
    Pretty,
    Json,
}

enum LogLevelMin
{
    Debug,
    Info,
    Warning,
    Error,
}

/// <summary>
/// Everything that the server is told from outside. Made by the composition root from settings that are checked there, and checked
/// once more by <see cref="Refusal()"/> for what would be unsafe together.
/// </summary>
sealed record ServerOptions
{
    public required ServerMode Mode { get; init; }

    /// <summary>An address, or a name that resolves to loopback; <c>0.0.0.0</c> and <c>::</c> listen on all.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0 takes a free port, which the running server names.</summary>
    public int Port { get; init; } = 4747;

    /// <summary>A second port for <c>/metrics</c>, <c>/livez</c>, <c>/readyz</c> and <c>/version</c> alone.</summary>
    public int? OpsPort { get; init; }

    /// <summary>What <c>Authorization: Bearer …</c> must carry for <c>/metrics</c> in <see cref="ServerMode.Serve"/>.</summary>
    public string? OpsToken { get; init; }

    /// <summary>What <c>/version</c> says.</summary>
    public required string Version { get; init; }

    /// <summary>Dev only: the claims (a Map) under which every request runs; null leaves callers anonymous.</summary>
    public Value? DevelopmentIdentity { get; init; }

    /// <summary>The role that stands for everyone.</summary>
    public const string Everyone = "*";

    /// <summary>
    /// Values of the claim <c>role</c> whose identities are told, when they ask, why the rules refuse; <c>*</c> is everyone, none nobody.
    /// </summary>
    public ImmutableArray<string> ExplainRoles { get; init; } = [];

    /// <summary>Host names, beside loopback and addresses, that a development server answers to.</summary>
    public ImmutableArray<string> AllowedHosts { get; init; } = [];

    /// <summary>Origins (<c>https://app.example</c>) whose pages may call; <c>*</c> alone stands for all, without credentials.</summary>
    public ImmutableArray<string> CorsOrigins { get; init; } = [];

    /// <summary>Pages of the allowed origins may send cookies.</summary>
    public bool CorsCredentials { get; init; }

    /// <summary>The networks whose <c>Forwarded</c> and <c>X-Forwarded-For</c> are believed.</summary>
    public ImmutableArray<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>Null: not limited.</summary>
    public RateLimit? RatePerAddress { get; init; }

    /// <summary>Null: not limited.</summary>
    public RateLimit? RatePerIdentity { get; init; }

    /// <summary>Addresses and identities that are counted apart; those beyond share one budget.</summary>
    public int RateEntries { get; init; } = 100_000;

    /// <summary>The folder whose files are answered to everyone, each at its path; null: none.</summary>
    public string? PublicFolder { get; init; }

    public Limits Limits { get; init; } = Limits.Default;

    public int ConnectionsMax { get; init; } = 20_000;

    public RealtimeOptions Realtime { get; init; } = new();

    /// <summary>Bytes of all request headers together.</summary>
    public int HeaderBytes { get; init; } = 32 << 10;

    public int HeadersMax { get; init; } = 64;

    /// <summary>Bytes of a request line; a target with the longest filter, percent-encoded, fits.</summary>
    public int RequestLineBytes { get; init; } = 64 << 10;

    /// <summary>Seconds that the request line and the headers may take to come.</summary>
    public int HeaderSeconds { get; init; } = 15;

    /// <summary>Seconds that a connection may be idle between two requests.</summary>
    public int IdleSeconds { get; init; } = 120;

    /// <summary>How long <c>/readyz</c> fails before the port closes, so that a load balancer looks away first.</summary>
    public TimeSpan DrainDelay { get; init; } = TimeSpan.Zero;

    /// <summary>How long requests in flight may take to end once the port is closed.</summary>
    public TimeSpan DrainBound { get; init; } = TimeSpan.FromSeconds(10);

    public LogFormat LogFormat { get; init; } = LogFormat.Json;

    public LogLevelMin LogLevel { get; init; } = LogLevelMin.Info;

    /// <summary>Colours in pretty logs.</summary>
    public bool LogColour { get; init; }

    /// <summary>Where logs go; null: nowhere.</summary>
    public Stream? LogStream { get; init; }

    /// <summary>Null: no telemetry leaves the process.</summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary><c>grpc</c> or <c>http/protobuf</c>.</summary>
    public string OtlpProtocol { get; init; } = "grpc";

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The same, and what these options name that the schema does not have.</summary>
    public string? Refusal(AppSchema schema)
    {
        if (Refusal() is { } refusal) return refusal;
        if (ExplainRoles.IsEmpty || ExplainRoles.Contains(Everyone)) return null;
        if (schema.Auth?.Claim("role") is not { } role) return "explain.roles needs a claim `role` in the schema's block auth";
        if (role.Type is not EnumFieldType { Enum: var words }) return null;
        foreach (string word in ExplainRoles)
        {
            if (!words.Values.Contains(word)) return $"explain.roles: '{word}' is no value of {words.Name}";
        }
        return null;
    }

    /// <summary>What is unsafe or contradictory in these options, with the remedy; null when they may be served.</summary>
    public string? Refusal()
    {
        if (Mode == ServerMode.Serve && DevelopmentIdentity is not null)
            return "a development identity is for 'plinth dev' only: remove --as";
        if (CorsOrigins.Contains("*") && CorsCredentials)
            return "cors.origins '*' cannot be combined with cors.credentials: name the origins";
        foreach (string origin in CorsOrigins)
        {
            if (origin == "*") continue;
            if (!Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) || uri.GetLeftPart(UriPartial.Authority) != origin)
                return $"cors.origins: '{origin}' is not an origin such as https://app.example";
        }
        if (Mode == ServerMode.Serve && ExplainRoles.Contains(Everyone))
            return "explain.roles '*' tells everyone why the rules hide what they hide: name the roles";
        if (OpsPort is not null && OpsPort == Port && Port != 0) return "ops.port must differ from port";
        if (OpsToken is { Length: < 16 }) return "ops.token must have at least 16 characters";
        return null;
    }
}

/// <summary>A token bucket: <paramref name="Burst"/> requests at once, refilled at <paramref name="PerSecond"/>.</summary>
sealed record RateLimit(double PerSecond, int Burst);
