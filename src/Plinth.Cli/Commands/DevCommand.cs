using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Hosting;
using Plinth.Hosting;
using Plinth.Http;
using Plinth.Identity;
using Plinth.Language;
using Plinth.Log;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>
/// <c>plinth dev</c>: checks, migrates, seeds a new database, serves, and follows the schema's files. A mistake is shown where it is and
/// the schema before it keeps serving.
/// </summary>
static class DevCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<string?> identity = new(
            "--as") { Description = "Claims for every request: '{\"id\":…,\"role\":\"admin\"}', or a role's word", HelpName = "claims" };
        Option<bool> noSeed = new("--no-seed") { Description = "Leave a new database empty" };
        Command command = new("dev", "Serve the project while you write it")
        {
            folder, identity, noSeed, CommonOptions.Host, CommonOptions.Port, CommonOptions.Data, CommonOptions.Set,
        };
        command.SetAction((parsed, cancel) => RunAsync(shell, parsed, parsed.GetValue(folder), parsed.GetValue(identity),
            !parsed.GetValue(noSeed), cancel));
        return command;
    }

    static async Task<int> RunAsync(Shell shell, ParseResult parsed, string? folder, string? identity, bool seed, CancellationToken cancel)
    {
        long started = shell.Time.GetTimestamp();
        if (OpenedProject.Open(shell, parsed, folder) is not { } opened) return ExitCode.WrongUse;
        using Shutdown shutdown = new(cancel);
        using SchemaWatch watch = new(opened.Project);
        if (await FirstSchemaAsync(shell, opened, watch, shutdown.Asked) is not { } schema) return ExitCode.Done;
        Value? claims = null;
        if (identity is not null)
        {
            var (read, problem) = DevelopmentIdentity.Read(schema, identity);
            if (problem is not null)
            {
                await shell.Error.WriteLineAsync($"plinth: --as: {problem}");
                return ExitCode.WrongUse;
            }
            claims = read;
        }
        return await EngineSession.RunAsync(shell, opened, schema, async (_, engine) =>
        {
            if (engine.Position == 0 && seed) await SeedAsync(shell, opened, engine, shutdown.Asked);
            ServerOptions options = Composition.Server(shell, opened, ServerMode.Dev, claims);
            IdentityOptions identities = IdentityComposition.Options(shell, opened);
            if ((IdentityComposition.Refusal(opened.Settings, isServed: false) ?? options.Refusal()
                ?? Identities.Refusal(identities, schema)) is { } refusal)
            {
                await shell.Error.WriteLineAsync($"plinth: {refusal}");
                return ExitCode.Found;
            }
            await using PlinthServer server = await PlinthServer.StartAsync(
                options, identities, IdentityComposition.Mailer(shell, opened, isServed: false), engine, shutdown.Asked);
            await GreetAsync(shell, opened, engine, server, identity);
            await ServeCommand.SayReadyAsync(shell, server, started);
            await FollowAsync(shell, opened, engine, watch, shutdown.Asked);
            return ExitCode.Done;
        }, cancel);
    }

    /// <summary>The schema as it is, or as it becomes once its mistakes are mended; null when the person gave up.</summary>
    static async Task<AppSchema?> FirstSchemaAsync(Shell shell, OpenedProject opened, SchemaWatch watch, CancellationToken asked)
    {
        try
        {
            while (true)
            {
                if (SchemaLoading.Load(shell, opened) is { } schema) return schema;
                await shell.Error.WriteLineAsync("waiting for the schema to be mended …");
                await watch.ChangedAsync(asked);
            }
        }
        catch (OperationCanceledException) when (asked.IsCancellationRequested)
        {
            return null;
        }
    }

    static async Task SeedAsync(Shell shell, OpenedProject opened, Engine engine, CancellationToken asked)
    {
        var seeded = await DbCommand.SeedAsync(engine, opened.Project, asked);
        if (seeded.Failed(out Fault? fault, out long count)) SchemaLoading.Show(shell, fault);
        else if (count > 0) await shell.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  seeds    {count} records"));
    }

    static async Task GreetAsync(Shell shell, OpenedProject opened, Engine engine, PlinthServer server, string? identity)
    {
        string url = server.Url.ToString().TrimEnd('/');
        AppSchema schema = engine.Current.Schema;
        string data = Composition.Place(opened, shell.Folder);
        string models = CheckCommand.Count(schema.Models.Length, "model");
        await shell.Out.WriteLineAsync($"plinth {VersionCommand.Version}  {schema.Name}: {models}, data in {data}");
        await shell.Out.WriteLineAsync($"  docs     {url}/docs");
        foreach (Model model in schema.Models.Where(m => !m.Rules.IsEmpty).Take(12)) await shell.Out.WriteLineAsync(
            $"  api      {url}/api/{model.Route}");
        if (Directory.Exists(opened.Project.PublicFolder))
        {
            foreach (string page in Directory.EnumerateFiles(opened.Project.PublicFolder, "*.html").Order(StringComparer.Ordinal).Take(3))
                await shell.Out.WriteLineAsync($"  page     {url}/{Path.GetFileName(page)}");
        }
        if (schema.HasUsers) await shell.Out.WriteLineAsync($"  users    {url}/auth/login  (plinth user create --role admin)");
        await shell.Out.WriteLineAsync(
            identity is null ? "  caller   anonymous (--as '<claims>' to be someone)" : $"  caller   {identity}");
        if (schema.Models.FirstOrDefault(m => !m.Rules.IsEmpty) is { } first)
            await shell.Out.WriteLineAsync($"  try      curl '{url}/api/{first.Route}?limit=3'");
    }

    static async Task FollowAsync(Shell shell, OpenedProject opened, Engine engine, SchemaWatch watch, CancellationToken asked)
    {
        try
        {
            while (true)
            {
                await watch.ChangedAsync(asked);
                long started = shell.Time.GetTimestamp();
                SchemaReading reading = SchemaLoading.Read(
                    opened.Project.Sources(shell.Folder), opened.Settings.Limits(), Composition.Dialect(opened.Settings));
                SchemaLoading.Show(shell, reading.Diagnostics);
                if (reading.Schema is not { } schema)
                {
                    await shell.Error.WriteLineAsync("the schema before this change keeps serving");
                    continue;
                }
                await ApplyAsync(shell, engine, schema, started, asked);
            }
        }
        catch (OperationCanceledException) when (asked.IsCancellationRequested)
        {
            // Asked to end: the caller stops the server.
        }
    }

    static async Task ApplyAsync(Shell shell, Engine engine, AppSchema schema, long started, CancellationToken asked)
    {
        var applied = await engine.ApplyAsync(schema, asked);
        if (applied.Failed(out Fault? fault, out MigrationReport? report))
        {
            SchemaLoading.Show(shell, fault);
            await shell.Error.WriteLineAsync("the schema before this change keeps serving");
            return;
        }
        foreach (string step in report.Steps) await shell.Out.WriteLineAsync($"  {step}");
        int ms = (int)shell.Time.GetElapsedTime(started).TotalMilliseconds;
        await shell.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"schema {report.Version} serves after {ms} ms"));
    }
}
