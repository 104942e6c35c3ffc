using System.CommandLine;
using Plinth.Cli.Hosting;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>A project's engine, opened for one command (import, export, backup …) without a server.</summary>
static class EngineSession
{
    /// <summary>Opens the engine, runs the work and closes it. What goes wrong on the way is said, and answered with an exit
    /// code.</summary>
    public static async Task<int> RunAsync(
        Shell shell, ParseResult parsed, string? folder, Func<OpenedProject, Engine, Task<int>> work, CancellationToken cancel)
    {
        if (OpenedProject.Open(shell, parsed, folder) is not { } opened) return ExitCode.WrongUse;
        if (SchemaLoading.Load(shell, opened) is not { } schema) return ExitCode.Found;
        return await RunAsync(shell, opened, schema, work, cancel);
    }

    public static Task<int> RunAsync(
        Shell shell, OpenedProject opened, AppSchema schema, Func<OpenedProject, Engine, Task<int>> work, CancellationToken cancel) =>
        RunAsync(shell, opened, schema, Composition.Engine(opened, shell.Time, migrate: true), work, cancel);

    /// <summary>For commands that only look: nothing is written or migrated, and a server may go on serving beside them.</summary>
    public static async Task<int> LookAsync(
        Shell shell, ParseResult parsed, string? folder, Func<OpenedProject, Engine, Task<int>> work, CancellationToken cancel)
    {
        if (OpenedProject.Open(shell, parsed, folder) is not { } opened) return ExitCode.WrongUse;
        if (SchemaLoading.Load(shell, opened) is not { } schema) return ExitCode.Found;
        return await LookAsync(shell, opened, schema, work, cancel);
    }

    public static Task<int> LookAsync(
        Shell shell, OpenedProject opened, AppSchema schema, Func<OpenedProject, Engine, Task<int>> work, CancellationToken cancel)
    {
        EngineOptions options = Composition.Engine(opened, shell.Time, migrate: false);
        // A database server does not mind a second client; a file is opened for reading alone.
        bool isServer = Composition.Server(opened.Settings) is not null;
        options = options with
        {
            Store = options.Store with { ReadOnly = !isServer }, Limits = options.Limits with { CacheBytes = 0 }, KeepsProjections = false,
        };
        if (isServer || File.Exists(options.Store.File)) return RunAsync(shell, opened, schema, options, work, cancel);
        shell.Error.WriteLine($"plinth: there is no database in {opened.DataFolder}");
        return Task.FromResult(ExitCode.Failed);
    }

    public static Task<int> RunAsync(
        Shell shell,
        OpenedProject opened,
        AppSchema schema,
        EngineOptions options,
        Func<OpenedProject, Engine, Task<int>> work,
        CancellationToken cancel) =>
        GuardAsync(shell, async () =>
        {
            var result = await Engine.OpenAsync(options, schema, cancel);
            if (result.Failed(out Fault? fault, out Engine? engine))
            {
                SchemaLoading.Show(shell, fault);
                return ExitCode.Failed;
            }
            await using (engine) return await work(opened, engine);
        });

    /// <summary>What storage, files and the network can do to a command becomes a sentence and an exit code.</summary>
    public static async Task<int> GuardAsync(Shell shell, Func<Task<int>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception failure) when (failure is StoreException or InvalidDataException or IOException)
        {
            await shell.Error.WriteLineAsync($"plinth: {failure.Message}");
            return ExitCode.Failed;
        }
    }
}
