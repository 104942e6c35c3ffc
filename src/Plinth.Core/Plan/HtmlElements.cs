using System.Collections.Frozen;
using Plinth.Schema;

namespace Plinth.Plan;

enum HtmlRole
{
    /// <summary>Formats the letters it stands around: <c>b</c>, <c>a</c>.</summary>
    Mark,

    /// <summary>A block of letters: <c>p</c>, <c>h1</c>, <c>pre</c>. No block stands in it.</summary>
    Leaf,

    /// <summary>A block of blocks: <c>blockquote</c>, <c>ul</c>, <c>ol</c>.</summary>
    Container,

    /// <summary><c>li</c>: stands in a list or nowhere.</summary>
    Item,

    /// <summary><c>br</c></summary>
    Break,

    /// <summary><c>hr</c></summary>
    Rule,

    /// <summary>Never kept, and neither is what stands in it, which is no text: <c>script</c>, <c>style</c>.</summary>
    Raw,

    /// <summary>Never kept; words before and after it are two words: <c>div</c>, <c>td</c>.</summary>
    Boundary,
}

/// <param name="Format">What must be allowed for it to be kept; none when it always is.</param>
sealed record HtmlElement(string Name, HtmlRole Role, HtmlFormats Format)
{
    public bool IsHeading => Format == HtmlFormats.Heading;

    public bool IsList => Format is HtmlFormats.Bulletlist or HtmlFormats.Orderedlist;
}

/// <summary>The elements of HTML that mean anything to <see cref="HtmlCleaner"/>; of all others the tags are dropped and the text is
/// kept.</summary>
static class HtmlElements
{
    const int NameMax = 16;

    static readonly FrozenDictionary<string, HtmlElement> s_all = Make().ToFrozenDictionary(e => e.Name, StringComparer.Ordinal);

    static readonly FrozenDictionary<string, HtmlElement>.AlternateLookup<ReadOnlySpan<char>> s_bySpan =
        s_all.GetAlternateLookup<ReadOnlySpan<char>>();

    public static HtmlElement Link { get; } = s_all["a"];

    public static HtmlElement Code { get; } = s_all["code"];

    /// <summary>By a name in letters of either case.</summary>
    public static HtmlElement? Find(ReadOnlySpan<char> name)
    {
        if (name.Length > NameMax) return null;
        Span<char> lower = stackalloc char[NameMax];
        for (int i = 0; i < name.Length; i++) lower[i] = name[i] is >= 'A' and <= 'Z' ? (char)(name[i] | 0x20) : name[i];
        return s_bySpan.TryGetValue(lower[..name.Length], out HtmlElement? element) ? element : null;
    }

    static IEnumerable<HtmlElement> Make()
    {
        yield return new("p", HtmlRole.Leaf, HtmlFormats.None);
        yield return new("br", HtmlRole.Break, HtmlFormats.None);
        yield return new("hr", HtmlRole.Rule, HtmlFormats.Horizontalrule);
        yield return new("pre", HtmlRole.Leaf, HtmlFormats.Codeblock);
        yield return new("li", HtmlRole.Item, HtmlFormats.None);
        yield return new("ul", HtmlRole.Container, HtmlFormats.Bulletlist);
        yield return new("ol", HtmlRole.Container, HtmlFormats.Orderedlist);
        yield return new("blockquote", HtmlRole.Container, HtmlFormats.Blockquote);
        for (char level = '1'; level <= '6'; level++) yield return new($"h{level}", HtmlRole.Leaf, HtmlFormats.Heading);
        (string Name, HtmlFormats Format)[] marks =
        [
            ("b", HtmlFormats.Bold), ("strong", HtmlFormats.Bold), ("i", HtmlFormats.Italic), ("em", HtmlFormats.Italic),
            ("u", HtmlFormats.Underline), ("s", HtmlFormats.Strike), ("del", HtmlFormats.Strike), ("strike", HtmlFormats.Strike),
            ("code", HtmlFormats.Code), ("a", HtmlFormats.Link),
        ];
        foreach (var (name, format) in marks) yield return new(name, HtmlRole.Mark, format);
        string[] raw = ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript", "plaintext"];
        foreach (string name in raw) yield return new(name, HtmlRole.Raw, HtmlFormats.None);
        string[] boundaries =
        [
            "address", "article", "aside", "body", "caption", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt", "fieldset",
            "figcaption", "figure", "footer", "form", "head", "header", "hgroup", "html", "legend", "main", "menu", "nav", "option",
            "search", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
        ];
        foreach (string name in boundaries) yield return new(name, HtmlRole.Boundary, HtmlFormats.None);
    }
}
