using System.CommandLine;
using Plinth.Cli.Settings;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth config print</c>: every setting in force, and where it comes from; secrets masked.</summary>
static class ConfigCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<bool> changed = new("--changed") { Description = "Only what differs from the defaults" };
        Command print = new("print", "The settings in force and their origin")
        {
            folder, changed, CommonOptions.Data, CommonOptions.Port, CommonOptions.Host, CommonOptions.Set,
        };
        print.SetAction(parsed =>
        {
            if (OpenedProject.SettingsOnly(shell, parsed, parsed.GetValue(folder)) is not { } settings) return ExitCode.Found;
            var keys = SettingKeys.All.Where(k => !parsed.GetValue(changed) || settings.Of(k).Origin != "default").ToList();
            if (parsed.GetValue(CommonOptions.Json)) PrintJson(shell, settings, keys);
            else PrintText(shell, settings, keys);
            return ExitCode.Done;
        });
        return new("config", "Settings") { print };
    }

    /// <summary>A masked secret does not even show its length.</summary>
    static string Shown(SettingKey key, SettingValue value) => key.IsSecret && value.Text.Length > 0 ? "********" : value.Text;

    static void PrintText(Shell shell, ResolvedSettings settings, List<SettingKey> keys)
    {
        int width = keys.Count == 0 ? 0 : keys.Max(k => k.Name.Length);
        int values = keys.Count == 0 ? 0 : Math.Min(40, keys.Max(k => Shown(k, settings.Of(k)).Length));
        foreach (SettingKey key in keys)
        {
            SettingValue value = settings.Of(key);
            shell.Out.WriteLine($"{key.Name.PadRight(width)}  {Shown(key, value).PadRight(values)}  {value.Origin}");
        }
    }

    static void PrintJson(Shell shell, ResolvedSettings settings, List<SettingKey> keys)
    {
        using ByteOutput output = new();
        output.Write("{"u8);
        foreach (SettingKey key in keys)
        {
            if (output.Length > 1) output.Write(","u8);
            SettingValue value = settings.Of(key);
            JsonText.WriteName(output, key.Name);
            output.Write("{\"value\":"u8);
            JsonText.WriteString(output, Shown(key, value));
            output.Write(",\"origin\":"u8);
            JsonText.WriteString(output, value.Origin);
            output.Write("}"u8);
        }
        output.Write("}"u8);
        shell.Out.WriteLine(System.Text.Encoding.UTF8.GetString(output.Written));
    }
}
