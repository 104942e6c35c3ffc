using System.Globalization;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>One value of the file and how it is called: <c>collections.posts.fields.title.type</c>.</summary>
/// <param name="Key">The place of the key that leads to it, for findings about the value as a whole.</param>
readonly record struct YamlEntry(YamlScalar Key, YamlNode Value, string Path)
{
    public string Name => Key.Text;
}

/// <summary>A YAML file that is being read: its text, what is found wrong in it, and the plain values every section is made of.</summary>
sealed class YamlFile(SourceText source, Findings findings, Limits limits)
{
    public SourceText Source { get; } = source;

    public Findings Findings { get; } = findings;

    public Limits Limits { get; } = limits;

    public void Error(string code, Span span, string path, string message, string? hint = null) =>
        Findings.Error(Source, code, span, path.Length == 0 ? message : $"{path}: {message}", hint);

    public void Warning(string code, Span span, string path, string message, string? hint = null) =>
        Findings.Warning(Source, code, span, $"{path}: {message}", hint);

    /// <summary>The entries of a mapping, null (with a finding) when it is none; an empty value is an empty mapping.</summary>
    public IEnumerable<YamlEntry> Entries(YamlEntry of, string holds)
    {
        if (of.Value is YamlMapping mapping) return Entries(mapping, of.Path);
        if (of.Value is not YamlScalar { IsNull: true }) Error(Codes.BadArgument, Place(of), of.Path, $"a mapping of {holds} is expected");
        return [];
    }

    public static IEnumerable<YamlEntry> Entries(YamlMapping mapping, string path)
    {
        foreach (var (key, value) in mapping.Entries) yield return new YamlEntry(key, value, path.Length == 0 ? key.Text
            : $"{path}.{key.Text}");
    }

    /// <summary>The items of a list; a single value is a list of one.</summary>
    public static IEnumerable<YamlEntry> Items(YamlEntry of)
    {
        if (of.Value is not YamlSequence list) return of.Value is YamlScalar { IsNull: true } ? [] : [of];
        return list.Items.Select((item, index) => new YamlEntry(of.Key, item,
            string.Create(CultureInfo.InvariantCulture, $"{of.Path}[{index}]")));
    }

    /// <summary>Where a finding about a value points: the value when it is a scalar, else its key.</summary>
    public static Span Place(YamlEntry entry) => entry.Value is YamlScalar { Text.Length: > 0 } scalar ? scalar.Span : entry.Key.Span;

    public void Unknown(YamlEntry entry, IEnumerable<string> known, string what = "key")
    {
        string[] words = [.. known];
        Error(what == "type" ? Codes.UnknownType : Codes.UnknownSetting, entry.Key.Span, entry.Path,
            $"unknown {what} '{Shown(entry.Name)}'",
            Findings.DidYouMean(entry.Name, words) ?? $"known here: {string.Join(", ", words)}");
    }

    public void NotAvailable(YamlEntry entry, string? hint = null) =>
        Error(Codes.NotAvailable, entry.Key.Span, entry.Path, $"'{entry.Name}' is not available in this version", hint);

    /// <summary>A text; a number or a switch is taken as it is written.</summary>
    public string? Text(YamlEntry entry)
    {
        if (entry.Value is YamlScalar { IsNull: false } scalar) return scalar.Text;
        Error(Codes.BadArgument, Place(entry), entry.Path, "a text is expected");
        return null;
    }

    public bool? Switch(YamlEntry entry)
    {
        if (entry.Value is YamlScalar { Switch: { } value }) return value;
        Error(Codes.BadArgument, Place(entry), entry.Path, "true or false is expected");
        return null;
    }

    public decimal? Number(YamlEntry entry)
    {
        if (entry.Value is YamlScalar { Number: { } value }) return value;
        Error(Codes.BadArgument, Place(entry), entry.Path, "a number is expected");
        return null;
    }

    public string? Word(YamlEntry entry, params string[] words)
    {
        if (Text(entry) is not { } word) return null;
        if (words.Contains(word, StringComparer.Ordinal)) return word;
        Error(Codes.UnknownValue, Place(entry), entry.Path, $"'{Shown(word)}' is none of {string.Join(", ", words)}",
            Findings.DidYouMean(word, words));
        return null;
    }

    /// <summary>A name as every notation has them; null when it is none, which is reported with the character that is wrong.</summary>
    public string? Name(string text, Span place, string path, bool mayHyphen = false)
    {
        if (text.Length == 0)
        {
            Error(Codes.BadName, place, path, "a name is expected");
            return null;
        }
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsAsciiLetter(c) || (c == '_') || (i > 0 && (char.IsAsciiDigit(c) || (mayHyphen && c == '-')))) continue;
            bool isHyphen = c == '-' && i > 0;
            Error(Codes.BadName, place, path, isHyphen ? "a hyphen cannot stand in this name: expressions would read a minus"
                : char.IsAsciiDigit(c) ? $"a name does not begin with a digit: '{Shown(text)}'"
                : $"{CodePoint.Describe(text, i)} cannot stand in a name",
                isHyphen ? $"write {Shown(text.Replace('-', '_'))}" : "names are ASCII letters, digits and _");
            return null;
        }
        return text;
    }

    public static string Shown(string text) => text.Length <= 60 ? text : string.Concat(text.AsSpan(0, 60), "…");
}
