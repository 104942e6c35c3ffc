using System.Collections.Immutable;

namespace Plinth.Schema;

/// <summary>What a text of HTML may be made of besides paragraphs and line breaks, which always may be.</summary>
[Flags]
enum HtmlFormats
{
    None = 0,
    Bold = 1 << 0,
    Italic = 1 << 1,
    Underline = 1 << 2,
    Strike = 1 << 3,
    Code = 1 << 4,
    Link = 1 << 5,
    Heading = 1 << 6,
    Blockquote = 1 << 7,
    Codeblock = 1 << 8,
    Bulletlist = 1 << 9,
    Orderedlist = 1 << 10,
    Horizontalrule = 1 << 11,
}

/// <summary>Formats by their words, and sets of them by their names, from the smallest to the largest.</summary>
static class HtmlPresets
{
    const HtmlFormats Minimal = HtmlFormats.Bold | HtmlFormats.Italic;

    public const HtmlFormats Basic = Minimal | HtmlFormats.Link | HtmlFormats.Bulletlist;

    const HtmlFormats Standard = Basic | HtmlFormats.Underline | HtmlFormats.Strike | HtmlFormats.Heading | HtmlFormats.Orderedlist
        | HtmlFormats.Blockquote;

    const HtmlFormats Full = Standard | HtmlFormats.Code | HtmlFormats.Codeblock | HtmlFormats.Horizontalrule;

    static readonly ImmutableArray<(string Name, HtmlFormats Formats)> s_presets =
        [("minimal", Minimal), ("basic", Basic), ("standard", Standard), ("full", Full)];

    static readonly ImmutableArray<(string Name, HtmlFormats Format)> s_formats =
        [.. Enum.GetValues<HtmlFormats>().Where(f => f != HtmlFormats.None).Select(f => (f.ToString().ToLowerInvariant(), f))];

    public static ImmutableArray<string> Names { get; } = [.. s_presets.Select(p => p.Name)];

    /// <summary>The words of single formats.</summary>
    public static ImmutableArray<string> Words { get; } = [.. s_formats.Select(f => f.Name)];

    /// <summary>The formats of a preset that is one.</summary>
    public static HtmlFormats Of(string name) => s_presets.First(p => string.Equals(p.Name, name, StringComparison.Ordinal)).Formats;

    /// <summary>The formats that words name, which are such words.</summary>
    public static HtmlFormats Formats(IEnumerable<string> words)
    {
        HtmlFormats formats = HtmlFormats.None;
        foreach (string word in words) formats |= s_formats.First(f => string.Equals(f.Name, word, StringComparison.Ordinal)).Format;
        return formats;
    }

    public static ImmutableArray<string> WordsOf(HtmlFormats formats) =>
        [.. s_formats.Where(f => (formats & f.Format) != 0).Select(f => f.Name)];

    /// <summary>A set as it is said with the fewest words: a preset, what it lacks, and what it has too much.</summary>
    public static (string Preset, ImmutableArray<string> Allow, ImmutableArray<string> Deny) Say(HtmlFormats formats)
    {
        var (name, preset) = s_presets.MinBy(p => int.PopCount((int)(p.Formats ^ formats)));
        return (name, WordsOf(formats & ~preset), WordsOf(preset & ~formats));
    }
}
