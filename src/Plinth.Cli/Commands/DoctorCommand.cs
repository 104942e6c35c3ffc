using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Hosting;
using Plinth.Cli.Projects;
using Plinth.Cli.Settings;
using Plinth.Cli.Transfer;
using Plinth.Log;
using Plinth.Store;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth doctor</c>: looks at everything that a running project stands on, and says what to do about what is not
/// well.</summary>
static class DoctorCommand
{
    /// <summary>Below this the disk counts as nearly full.</summary>
    const long FreeBytesMin = 256L << 20;

    sealed record Finding(string What, bool IsWell, string Says);

    public static Command Build(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<bool> deep = new("--deep") { Description = "Also replay the log and compare it with the tables" };
        Command command = new("doctor", "Look at settings, schema, disk, database and log") { folder, deep, CommonOptions.Data };
        command.SetAction((parsed, cancel) => RunAsync(shell, parsed, parsed.GetValue(folder), parsed.GetValue(deep), cancel));
        return command;
    }

    static async Task<int> RunAsync(Shell shell, ParseResult parsed, string? folder, bool deep, CancellationToken cancel)
    {
        if (OpenedProject.Open(shell, parsed, folder) is not { } opened) return ExitCode.WrongUse;
        List<Finding> findings = [new("settings", true, $"in order; environment {opened.Settings.Environment}")];
        var schema = SchemaLoading.Load(shell, opened);
        string models = schema is null ? "has mistakes: plinth check" : CheckCommand.Count(schema.Models.Length, "model");
        findings.Add(new("schema", schema is not null, models));
        findings.Add(Disk(opened));
        findings.Add(Ignored(opened.Project, opened.Settings));
        if (schema is not null && (Composition.Server(opened.Settings) is not null || !Composition.IsNew(opened)))
        {
            findings.Add(Keys(opened));
            int looked = await EngineSession.LookAsync(
                shell, opened, schema, (_, engine) => Task.FromResult(Database(findings, engine, deep, cancel)), cancel);
            if (looked != ExitCode.Done) findings.Add(new("database", false, "cannot be opened; the reason was said"));
        }
        else
        {
            findings.Add(new("database", true, "none yet"));
        }
        foreach (Finding finding in findings)
        {
            await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json)
                ? $$"""{"check":"{{finding.What}}","ok":{{(finding.IsWell ? "true" : "false")}},"says":{{JsonLine.Text(finding.Says)}}}"""
                : $"{(finding.IsWell ? "ok  " : "BAD ")} {finding.What,-10} {finding.Says}");
        }
        return findings.All(f => f.IsWell) ? ExitCode.Done : ExitCode.Found;
    }

    static Finding Disk(OpenedProject opened)
    {
        string existing = Directory.Exists(opened.DataFolder) ? opened.DataFolder : opened.Project.Folder;
        long free = new DriveInfo(existing).AvailableFreeSpace;
        return new("disk", free >= FreeBytesMin, string.Create(CultureInfo.InvariantCulture, $"{free >> 20} MB free")
            + (free >= FreeBytesMin ? "" : ": make room before writes fail"));
    }

    /// <summary>Data and secrets do not belong into version control.</summary>
    static Finding Ignored(Project project, ResolvedSettings settings)
    {
        for (string? folder = project.Folder; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            string file = Path.Combine(folder, ".gitignore");
            if (File.Exists(file) && File.ReadLines(file).Any(
                l => l.Trim().TrimEnd('/') == settings.Text(SettingKeys.DataFolder).TrimEnd('/')))
                return new("ignored", true, "the data folder is git-ignored");
            if (Directory.Exists(Path.Combine(folder, ".git"))) return new(
                "ignored", false, $"add {settings.Text(SettingKeys.DataFolder)}/ to .gitignore");
        }
        return new("ignored", true, "not under version control");
    }

    /// <summary>Whoever reads the key file reads the secrets of the log.</summary>
    static Finding Keys(OpenedProject opened)
    {
        string path = LogKeys.FileOf(opened.DataFolder);
        if (!File.Exists(path)) return new("keys", false, $"{path} is missing: secret values of the log cannot be opened without it");
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        bool isOpen = !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & others) != 0;
        if (isOpen) return new("keys", false, $"others than its owner may read {path}: chmod 600");
        try
        {
            using LogKeys keys = LogKeys.Open(opened.DataFolder, mayCreate: false);
            return new("keys", true, $"{keys.CurrentId} seals");
        }
        catch (StoreException damaged)
        {
            return new("keys", false, damaged.Message);
        }
    }

    static Finding Parked(FollowerRow follower) => new("follower", false, string.Create(CultureInfo.InvariantCulture,
        $"{follower.Name} stands at {follower.Position}: the event at {follower.FailedAt} failed too often ({follower.Error}); ")
        + "it is tried again when a node starts");

    /// <summary>Null where no other program writes to the tables.</summary>
    static Finding? Guard(Runtime.Engine engine, Connection reader)
    {
        if (engine.Store.Database.IsGuarded is not { } isGuarded) return null;
        if (!isGuarded) return new("guard", true, "off: what other programs write does not reach the log; --deep names it");
        int open = reader.GuardSteps(TableGuards.TablesOf(engine.Current.Schema)).Count;
        return new("guard", open == 0, open == 0 ? "the tables refuse the writes of other programs"
            : string.Create(CultureInfo.InvariantCulture, $"{open} tables take writes of other programs: start a node, which guards them"));
    }

    static int Database(List<Finding> findings, Runtime.Engine engine, bool deep, CancellationToken cancel)
    {
        findings.Add(new("library", true, engine.Store.Database.Version));
        IReadOnlyList<string> damage = engine.Store.Database.CheckIntegrity();
        findings.Add(new("database", damage.Count == 0, damage.Count == 0 ? "sound" : damage[0] + ": restore a backup"));
        using Connection reader = engine.Store.Database.OpenReader();
        LogVerification log = EventLog.Verify(reader, SignedCheckpoint.PublicKey(engine.Store.Keys), [], cancel);
        findings.Add(new("log", log.Wrong is null, log.Wrong ?? string.Create(
            CultureInfo.InvariantCulture, $"{log.Events} events{log.From}, the chain holds")));
        foreach (FollowerRow parked in FollowerTable.All(reader).Where(static f => f.Error is not null)) findings.Add(Parked(parked));
        if (Guard(engine, reader) is { } guard) findings.Add(guard);
        if (!deep) return ExitCode.Done;
        // Where retention took the values away, what can be folded begins after them.
        ReplayReport replay = engine.Replay(ReplayScope.Whole with { From = LogCut.Position(reader) }, null, cancel);
        findings.Add(new("replay", replay.Differences.Count == 0, replay.Differences is [var first, ..] ? first : "equal to the tables"));
        return ExitCode.Done;
    }
}
