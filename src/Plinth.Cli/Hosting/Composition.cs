using System.Net;
using Plinth.Cli.Commands;
using Plinth.Cli.Settings;
using Plinth.Http;
using Plinth.Runtime;
using Plinth.Store;
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
            OpenDatabase = SqliteDatabase.Open,
            Limits = limits,
            Migrate = migrate,
            Time = time,
        };
    }

    public static ServerOptions Server(Shell shell, ResolvedSettings settings, ServerMode mode, Schema.Value? identity)
    {
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
            CorsOrigins = settings.List(SettingKeys.CorsOrigins),
            TrustedProxies = [.. settings.List(SettingKeys.TrustedProxies).Select(Network)],
            RatePerAddress = Rate(settings, SettingKeys.RatePerAddress),
            RatePerIdentity = Rate(settings, SettingKeys.RatePerIdentity),
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
