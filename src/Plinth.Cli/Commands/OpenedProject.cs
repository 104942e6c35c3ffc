using System.CommandLine;
using Plinth.Cli.Projects;
using Plinth.Cli.Settings;

namespace Plinth.Cli.Commands;

/// <summary>A project with its settings: where most commands begin. What is wrong is said on standard error, all of it.</summary>
sealed record OpenedProject(Project Project, ResolvedSettings Settings)
{
    public string DataFolder => Path.GetFullPath(Path.Combine(Project.Folder, Settings.Text(SettingKeys.DataFolder)));

    /// <summary>Null when there is no project, or its settings are not in order; then it was said.</summary>
    public static OpenedProject? Open(Shell shell, ParseResult parsed, string? folder)
    {
        string start = Path.GetFullPath(Path.Combine(shell.Folder, folder ?? "."));
        if (folder is not null && !Directory.Exists(start) && !File.Exists(start))
        {
            shell.Error.WriteLine($"plinth: no folder '{folder}'");
            return null;
        }
        // A folder that is named is meant; only the current one is a place to search upwards from.
        Project? project = folder is null || File.Exists(start) || Project.IsProject(start) ? Project.Find(start) : null;
        if (project is null)
        {
            shell.Error.WriteLine($"plinth: no {Project.SchemaFile} in {(folder ?? "this folder or above it")}");
            shell.Error.WriteLine("  hint: `plinth init my-app` makes a project");
            return null;
        }
        return Resolve(shell, parsed, project.Folder) is { } settings ? new(project, settings) : null;
    }

    /// <summary>The settings that would be in force; a project need not exist.</summary>
    public static ResolvedSettings? SettingsOnly(Shell shell, ParseResult parsed, string? folder)
    {
        string start = Path.GetFullPath(Path.Combine(shell.Folder, folder ?? "."));
        return Resolve(shell, parsed, Project.Find(start)?.Folder ?? start);
    }

    static ResolvedSettings? Resolve(Shell shell, ParseResult parsed, string folder)
    {
        List<SettingProblem> problems = [];
        var flags = CommonOptions.Flags(parsed, problems);
        var (settings, found) = ResolvedSettings.Resolve(folder, shell.Environment, flags);
        problems.AddRange(found);
        foreach (SettingProblem problem in problems) shell.Error.WriteLine($"plinth: {problem}");
        return problems.Count == 0 ? settings : null;
    }
}
