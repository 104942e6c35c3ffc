using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Hosting;
using Plinth.Cli.Projects;
using Plinth.Cli.Transfer;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Store.Sqlite;
using Plinth.Text;
using Command = System.CommandLine.Command;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth db reset|seed|backup|restore</c></summary>
static class DbCommand
{
    public static Command Build(Shell shell) => new("db", "The database of a project")
    {
        BuildReset(shell), BuildSeed(shell), BuildBackup(shell), BuildRestore(shell),
    };

    /// <summary>Loads <c>seeds/</c> and says what came in. The first fault ends it; what was loaded before it stays.</summary>
    public static async Task<Result<long>> SeedAsync(Engine engine, Project project, CancellationToken cancel)
    {
        long before = engine.Position;
        foreach (Seeds.SeedFile file in Seeds.Find(engine.Current.Schema, project.SeedFolder))
        {
            var result = await Importing.RunAsync(
                engine, file.Tenant.IsNull ? Caller.System : Caller.SystemOf(file.Tenant), file.Model, file.Path, file.Format, null,
                    cancel);
            if (result.Failed(out Fault? fault, out WriteReply? reply))
                return fault with { Message = $"seeds/{Path.GetFileName(file.Path)}: {fault.Message}" };
            reply.Dispose();
        }
        return engine.Position - before;
    }

    static Command BuildReset(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Command command = new("reset", "Delete all data, make the tables anew and load the seeds") { folder, CommonOptions.Data };
        command.SetAction(async (parsed, cancel) =>
        {
            if (OpenedProject.Open(shell, parsed, parsed.GetValue(folder)) is not { } opened) return ExitCode.WrongUse;
            if (SchemaLoading.Load(shell, opened) is not { } schema) return ExitCode.Found;
            if (!parsed.GetValue(CommonOptions.Yes))
            {
                await shell.Error.WriteLineAsync($"plinth: this deletes every record in {opened.DataFolder}; say --yes to do it");
                return ExitCode.WrongUse;
            }
            if (await OfServerAsync(shell, opened, "reset", "dropdb and createdb") is { } other) return other;
            return await EngineSession.GuardAsync(shell, () => ResetAsync(shell, opened, schema, cancel));
        });
        return command;
    }

    static Command BuildSeed(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Command command = new("seed", "Load the files of seeds/") { folder, CommonOptions.Data };
        command.SetAction((parsed, cancel) => EngineSession.RunAsync(shell, parsed, parsed.GetValue(folder),
            (opened, engine) => SeedAndSayAsync(shell, engine, opened.Project, cancel), cancel));
        return command;
    }

    static Command BuildBackup(Shell shell)
    {
        Argument<string> to = new("file") { Description = "The file to write; it must not exist" };
        Argument<string?> folder = CommonOptions.Folder();
        Command command = new("backup", "Copy the database to one file, also while it serves") { to, folder, CommonOptions.Data };
        command.SetAction(async (parsed, cancel) =>
        {
            if (OpenedProject.Open(shell, parsed, parsed.GetValue(folder)) is not { } opened) return ExitCode.WrongUse;
            if (await OfServerAsync(shell, opened, "backed up", "pg_dump") is { } other) return other;
            string path = Path.GetFullPath(Path.Combine(shell.Folder, parsed.GetValue(to) ?? ""));
            if (File.Exists(path))
            {
                await shell.Error.WriteLineAsync($"plinth: '{parsed.GetValue(to)}' exists, and nothing is overwritten");
                return ExitCode.Failed;
            }
            StoreOptions options = Composition.Engine(opened, shell.Time, migrate: false).Store with { ReadOnly = true };
            if (!File.Exists(options.File))
            {
                await shell.Error.WriteLineAsync($"plinth: there is no database in {opened.DataFolder}");
                return ExitCode.Failed;
            }
            try
            {
                using Database database = SqliteDatabase.Open(options, shell.Time);
                await Progress.RunAsync(shell, parsed.GetValue(CommonOptions.NoColor), "backing up", 1000, progress =>
                {
                    database.Backup(path, done => progress((long)(done * 1000)), cancel);
                    return Task.FromResult(true);
                });
            }
            catch (StoreException failure)
            {
                await shell.Error.WriteLineAsync($"plinth: {failure.Message}");
                return ExitCode.Failed;
            }
            await shell.Out.WriteLineAsync(
                string.Create(CultureInfo.InvariantCulture, $"backed up to {path} ({new FileInfo(path).Length} bytes)"));
            return ExitCode.Done;
        });
        return command;
    }

    static Command BuildRestore(Shell shell)
    {
        Argument<string> from = new("file") { Description = "A file made by backup" };
        Argument<string?> folder = CommonOptions.Folder();
        Command command = new("restore", "Put a backup in the place of the database") { from, folder, CommonOptions.Data };
        command.SetAction(async (parsed, cancel) =>
        {
            if (OpenedProject.Open(shell, parsed, parsed.GetValue(folder)) is not { } opened) return ExitCode.WrongUse;
            if (await OfServerAsync(shell, opened, "restored", "pg_restore") is { } other) return other;
            string path = Path.GetFullPath(Path.Combine(shell.Folder, parsed.GetValue(from) ?? ""));
            if (!File.Exists(path))
            {
                await shell.Error.WriteLineAsync($"plinth: no file '{parsed.GetValue(from)}'");
                return ExitCode.WrongUse;
            }
            StoreOptions options = Composition.Engine(opened, shell.Time, migrate: false).Store;
            if (File.Exists(options.File) && !parsed.GetValue(CommonOptions.Yes))
            {
                await shell.Error.WriteLineAsync($"plinth: this replaces the database in {opened.DataFolder}; say --yes to do it");
                return ExitCode.WrongUse;
            }
            return await EngineSession.GuardAsync(shell, () => RestoreAsync(shell, options, path));
        });
        return command;
    }

    /// <summary>What belongs to a server is its own tools' business; an exit code when it does.</summary>
    static async Task<int?> OfServerAsync(Shell shell, OpenedProject opened, string done, string tools)
    {
        if (Composition.Server(opened.Settings) is not { } server) return null;
        await shell.Error.WriteLineAsync($"plinth: {server.Shown} is {done} by the server's own tools: {tools}");
        return ExitCode.WrongUse;
    }

    /// <summary>The new database is made, seeded and closed beside the old one, which stays until that one is whole.</summary>
    static async Task<int> ResetAsync(Shell shell, OpenedProject opened, AppSchema schema, CancellationToken cancel)
    {
        EngineOptions options = Composition.Engine(opened, shell.Time, migrate: true);
        using SqliteReplacement replacement = SqliteReplacement.Begin(options.Store);
        LogKeys.Share(from: opened.DataFolder, to: replacement.Workplace);
        EngineOptions beside = options with { Store = options.Store with { Folder = replacement.Workplace } };
        int seeded = await EngineSession.RunAsync(shell, opened, schema, beside,
            (project, engine) => SeedAndSayAsync(shell, engine, project.Project, cancel), cancel);
        if (seeded == ExitCode.Done) replacement.Commit();
        else await shell.Error.WriteLineAsync($"plinth: nothing was deleted; {opened.DataFolder} is as it was");
        return seeded;
    }

    /// <summary>The backup is copied and looked at beside the database, which stays until the copy is known to be sound.</summary>
    static async Task<int> RestoreAsync(Shell shell, StoreOptions options, string path)
    {
        using SqliteReplacement replacement = SqliteReplacement.Begin(options);
        StoreOptions beside = options with { Folder = replacement.Workplace };
        File.Copy(path, beside.File);
        if (Restoring.Refusal(beside) is { } damage)
        {
            await shell.Error.WriteLineAsync($"plinth: {path} is not a sound backup: {damage}");
            return ExitCode.Failed;
        }
        replacement.Commit();
        await shell.Out.WriteLineAsync($"restored {options.Folder} from {path}");
        return ExitCode.Done;
    }

    static async Task<int> SeedAndSayAsync(Shell shell, Engine engine, Project project, CancellationToken cancel)
    {
        var seeded = await SeedAsync(engine, project, cancel);
        if (seeded.Failed(out Fault? fault, out long count))
        {
            SchemaLoading.Show(shell, fault);
            return ExitCode.Failed;
        }
        await shell.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"seeded {count} records"));
        return ExitCode.Done;
    }
}
