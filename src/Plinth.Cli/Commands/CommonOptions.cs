using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Settings;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>The flags that several commands share, each made once.</summary>
static class CommonOptions
{
    public static readonly Option<bool> Json = new("--json") { Description = "Machine-readable output", Recursive = true };

    public static readonly Option<bool> Yes = new("--yes") { Description = "Answer yes to what would be asked", Recursive = true };

    public static readonly Option<bool> NoColor = new("--no-color") { Description = "No colours (NO_COLOR works too)", Recursive = true };

    public static readonly Option<string?> Data = new(
        "--data") { Description = "Data folder (default <folder>/.plinth)", HelpName = "dir" };

    public static readonly Option<int?> Port = new(
        "--port") { Description = "Port to listen on (default 4747; 0 takes a free one)", HelpName = "port" };

    public static readonly Option<string?> Host = new(
        "--host") { Description = "Address to listen on (default 127.0.0.1)", HelpName = "address" };

    public static readonly Option<string[]> Set = new("--set")
    {
        Description = "Any setting: --set limits.bodyBytes=2MB",
        HelpName = "name=value",
    };

    /// <summary>The project folder as an optional argument.</summary>
    public static Argument<string?> Folder() => new("folder")
    {
        Description = "The project folder (default: found upwards from here)",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>The flags that are settings, by setting name.</summary>
    public static Dictionary<string, SettingValue> Flags(ParseResult parsed, List<SettingProblem> problems)
    {
        Dictionary<string, SettingValue> flags = new(StringComparer.Ordinal);
        if (parsed.GetValue(Data) is { } data) flags[SettingKeys.DataFolder.Name] = new(Path.GetFullPath(data), "--data");
        if (parsed.GetValue(Port) is { } port) flags[SettingKeys.Port.Name] = new(port.ToString(CultureInfo.InvariantCulture), "--port");
        if (parsed.GetValue(Host) is { } host) flags[SettingKeys.Host.Name] = new(host, "--host");
        foreach (string pair in parsed.GetValue(Set) ?? [])
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? pair : pair[..equals];
            if (equals < 0 || SettingKeys.Find(name) is null)
                problems.Add(new("--set", $"unknown setting '{name}'", Names.DidYouMean(name, SettingKeys.All.Select(k => k.Name))));
            else
                flags[name] = new(pair[(equals + 1)..], "--set");
        }
        return flags;
    }
}
