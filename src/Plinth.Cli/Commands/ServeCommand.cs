using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Hosting;
using Plinth.Cli.Settings;
using Plinth.Hosting;
using Plinth.Http;
using Plinth.Identity;
using Plinth.Runtime;
using Plinth.Sinks;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth serve</c>: production. A new database is made; one of another schema is refused, with the way out.</summary>
static class ServeCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<bool> migrate = new(
            "--migrate") { Description = "Bring an existing database to the schema first, where nothing is lost by it" };
        Command command = new("serve", "Serve the project: production")
        {
            folder, migrate, CommonOptions.Host, CommonOptions.Port, CommonOptions.Data, CommonOptions.Set,
        };
        command.SetAction((parsed, cancel) => RunAsync(shell, parsed, parsed.GetValue(folder), parsed.GetValue(migrate), cancel));
        return command;
    }

    static async Task<int> RunAsync(Shell shell, ParseResult parsed, string? folder, bool migrate, CancellationToken cancel)
    {
        long started = shell.Time.GetTimestamp();
        if (OpenedProject.Open(shell, parsed, folder) is not { } opened) return ExitCode.WrongUse;
        if (SchemaLoading.Load(shell, opened) is not { } schema) return ExitCode.Found;
        ServerOptions options = Composition.Server(shell, opened, ServerMode.Serve, identity: null);
        IdentityOptions identity = IdentityComposition.Options(shell, opened);
        if ((Refusal(opened.Settings) ?? IdentityComposition.Refusal(opened.Settings, isServed: true) ?? options.Refusal()
            ?? Identities.Refusal(identity, schema)) is { } unsafeSetting)
        {
            await shell.Error.WriteLineAsync($"plinth: {unsafeSetting}");
            return ExitCode.Found;
        }
        if (schema.HasUsers && IdentityComposition.Advice(opened.Settings) is { } advice)
            await shell.Error.WriteLineAsync($"plinth: {advice}");
        return await EngineSession.GuardAsync(shell, async () =>
        {
            EngineOptions engineOptions = Composition.Engine(opened, shell.Time, migrate || Composition.IsNew(opened));
            using Shutdown shutdown = new(cancel);
            var result = await Engine.OpenAsync(engineOptions, schema, shutdown.Asked);
            if (result.Failed(out Fault? fault, out Engine? engine))
            {
                bool isOther = fault.Kind == Faults.MigrationRefused && !engineOptions.Migrate;
                SchemaLoading.Show(shell, isOther ? fault with { Hint = "plinth serve --migrate applies it, where nothing is lost by it" }
                    : fault);
                return ExitCode.Failed;
            }
            await using (engine)
            await using (new EventSinks(engine, Composition.Sinks(opened)))
            await using (PlinthServer server = await PlinthServer.StartAsync(
                options, identity, IdentityComposition.Mailer(shell, opened, isServed: true), engine, shutdown.Asked))
            await using (Composition.Retention(opened, engine, server.Log))
            {
                await SayReadyAsync(shell, server, started);
                await shutdown.WaitAsync();
                await server.StopAsync();
            }
            return ExitCode.Done;
        });
    }

    public static Task SayReadyAsync(Shell shell, PlinthServer server, long started)
    {
        string url = server.Url.ToString().TrimEnd('/');
        int ms = (int)shell.Time.GetElapsedTime(started).TotalMilliseconds;
        return shell.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"ready {url} in {ms} ms"));
    }

    /// <summary>What a development machine may do and production may not.</summary>
    static string? Refusal(ResolvedSettings settings)
    {
        if (settings.Text(SettingKeys.LogLevel) == "debug" && settings.Environment == "production")
            return "log.level debug writes what users ask for; it is refused where PLINTH_ENV is production";
        return null;
    }
}
