using System.Globalization;
using System.Text;

namespace Plinth.Cli.Settings;

/// <summary>The configuration reference, made from the settings themselves: <c>docs/reference/configuration.md</c>.</summary>
static class SettingsReference
{
    public static string Markdown()
    {
        StringBuilder page = new("""
            # Configuration

            <!-- Made from the settings themselves; `./dev accept` rewrites it. -->

            A setting is named `section.key`. Later sources win:

            1. the default,
            2. `plinth.yaml` in the project folder,
            3. `plinth.<environment>.yaml`, where `PLINTH_ENV` names the environment: `local` (default), `staging` or `production`,
            4. the environment, with `.env` filling in what it does not set: `PLINTH_SECTION__KEY`; `PLINTH_SECTION__KEY_FILE` reads the
               value from a file,
            5. flags: `--port`, `--host`, `--data`, and `--set section.key=value` for any.

            `${NAME}` in a value is replaced by the environment's. An unknown setting, a reference to what is not set and a value of the wrong
            form are errors; all of them are reported at once, each with its place. `plinth config print` shows every value and where it
            comes from.


            """);
        foreach (var section in SettingKeys.All.GroupBy(k => k.Name.Split('.')[0]))
        {
            page.Append(CultureInfo.InvariantCulture, $"## {section.Key}\n\n| setting | default | meaning |\n| --- | --- | --- |\n");
            foreach (SettingKey key in section)
            {
                string shown = key.Default.Length == 0 ? "–" : $"`{key.Default}`";
                page.Append(CultureInfo.InvariantCulture, $"| `{key.Name}`<br>`{key.Variable}` | {shown} | {key.Doc}{Form(key)} |\n");
            }
            page.Append('\n');
        }
        return page.ToString().TrimEnd('\n') + "\n";
    }

    static string Form(SettingKey key) => (key.Form switch
    {
        IntegerForm integer => string.Create(CultureInfo.InvariantCulture, $" From {integer.Min} to {integer.Max}."),
        BytesForm bytes => string.Create(CultureInfo.InvariantCulture,
            $" From {bytes.Min} to {bytes.Max} bytes; `KB`, `MB` and `GB` are units."),
        ChoiceForm choice => " One of " + string.Join(", ", choice.Words.Select(w => $"`{w}`")) + ".",
        SwitchForm => " `on` or `off`.",
        _ => "",
    }) + (key.IsSecret ? " Secret: never shown." : "");
}
