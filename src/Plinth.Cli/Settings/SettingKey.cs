using System.Collections.Immutable;
using System.Globalization;

namespace Plinth.Cli.Settings;

/// <summary>What the text of a setting must look like.</summary>
abstract record SettingForm
{
    private protected SettingForm()
    {
    }

    /// <summary>Null when the text is acceptable; else what is expected instead.</summary>
    public abstract string? Refuse(string text);
}

sealed record TextForm : SettingForm
{
    public override string? Refuse(string text) => null;
}

sealed record IntegerForm(long Min, long Max) : SettingForm
{
    public override string? Refuse(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= Min && number <= Max
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"an integer from {Min} to {Max}");
}

/// <summary>A number of bytes, also with a unit: <c>64MB</c> (powers of 1024).</summary>
/// <param name="IsAuto"><c>auto</c> is allowed too: the program chooses.</param>
sealed record BytesForm(long Min, long Max, bool IsAuto = false) : SettingForm
{
    public const string Auto = "auto";

    public override string? Refuse(string text) =>
        (IsAuto && text == Auto) || (TryRead(text, out long bytes) && bytes >= Min && bytes <= Max)
        ? null
        : string.Create(CultureInfo.InvariantCulture, $"bytes from {Min} to {Max}, such as 65536, 64KB, 16MB or 1GB");

    public static bool TryRead(string text, out long bytes)
    {
        int shift = text switch
        {
            _ when text.EndsWith("KB", StringComparison.OrdinalIgnoreCase) => 10,
            _ when text.EndsWith("MB", StringComparison.OrdinalIgnoreCase) => 20,
            _ when text.EndsWith("GB", StringComparison.OrdinalIgnoreCase) => 30,
            _ => 0,
        };
        string digits = shift == 0 ? text : text[..^2].TrimEnd();
        bool read = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out bytes) && bytes <= long.MaxValue >> shift;
        bytes <<= shift;
        return read;
    }
}

sealed record SwitchForm : SettingForm
{
    public override string? Refuse(string text) => text is "on" or "off" or "true" or "false" ? null : "on or off";
}

sealed record ChoiceForm(ImmutableArray<string> Words) : SettingForm
{
    public override string? Refuse(string text) => Words.Contains(text) ? null : "one of " + string.Join(", ", Words);
}

/// <summary>Texts joined by commas, or a YAML sequence.</summary>
sealed record ListForm(Func<string, string?> RefuseItem) : SettingForm
{
    public override string? Refuse(string text) => Split(text).Select(RefuseItem).FirstOrDefault(refusal => refusal is not null);

    public static ImmutableArray<string> Split(string text) =>
        [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
}

/// <summary>One setting: its name (<c>section.key</c>), form, default and meaning. The configuration reference is made from
/// these.</summary>
/// <param name="Default">As text, in the form; empty means unset.</param>
/// <param name="IsSecret">Never shown: not in output, logs or errors.</param>
sealed record SettingKey(string Name, SettingForm Form, string Default, string Doc, bool IsSecret = false)
{
    /// <summary><c>limits.bodyBytes</c> → <c>PLINTH_LIMITS__BODY_BYTES</c></summary>
    public string Variable
    {
        get
        {
            string[] parts = Name.Split('.');
            return "PLINTH_" + string.Join("__", parts.Select(p => Text.Names.SnakeCase(p).ToUpperInvariant()));
        }
    }
}
