using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary><c>{ a: b, c: d }</c>, while it is made.</summary>
sealed class YamlFlow
{
    readonly List<(string Key, string Value)> _entries = [];

    public bool IsEmpty => _entries.Count == 0;

    public int Count => _entries.Count;

    public IEnumerable<string> Keys => _entries.Select(e => e.Key);

    public void Add(string key, string value) => _entries.Add((key, value));

    public void AddAll(YamlFlow other) => _entries.AddRange(other._entries);

    public override string ToString() => $"{{ {string.Join(", ", _entries.Select(e => $"{e.Key}: {e.Value}"))} }}";
}

/// <summary>Scalars as every reader of YAML takes them: plain where nothing can be mistaken, else quoted.</summary>
static partial class YamlText
{
    static readonly ImmutableArray<string> s_words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "none"];

    public static string Scalar(string text)
    {
        if (Plain().IsMatch(text) && !s_words.Contains(text.ToLowerInvariant())) return text;
        bool isPrintable = text.All(c => c is >= ' ' and <= '~');
        return isPrintable && text.AsSpan().IndexOfAny('"', '\\') >= 0 ? $"'{text.Replace("'", "''",
            StringComparison.Ordinal)}'" : Quoted(text);
    }

    public static string List(IEnumerable<string> words) => $"[{string.Join(", ", words.Select(Scalar))}]";

    /// <summary>
    /// An expression; the word <c>doc</c>, which is the record here, becomes <c>doc.doc</c> where a field of that name is meant.
    /// </summary>
    public static string Expression(Condition condition)
    {
        SourceText source = new("", condition.Text);
        (Token[] tokens, _) = Lexer.Read(source, new Findings(1));
        StringBuilder text = new(condition.Text);
        for (int i = tokens.Length - 2; i >= 0; i--)
        {
            bool isDoc = tokens[i].Kind == TokenKind.Name && source.Slice(tokens[i].Span) == "doc"
                && (i == 0 || tokens[i - 1].Kind != TokenKind.Dot) && tokens[i + 1].Kind != TokenKind.OpenParen;
            if (isDoc) text.Insert(tokens[i].Start, "doc.");
        }
        return Scalar(text.ToString());
    }

    /// <summary>JSON is YAML, but for the characters that no file should show as they are.</summary>
    public static string Json(string json) => Visible(json);

    static string Quoted(string text)
    {
        using ByteOutput json = new(text.Length + 2);
        JsonText.WriteString(json, text);
        return Visible(Encoding.UTF8.GetString(json.Written));
    }

    static string Visible(string json)
    {
        StringBuilder text = new(json.Length);
        foreach (char c in json)
        {
            UnicodeCategory category = char.GetUnicodeCategory(c);
            bool isHidden = category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator;
            if (isHidden) text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else text.Append(c);
        }
        return text.ToString();
    }

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]*( [A-Za-z0-9_]+)*\z")]
    private static partial Regex Plain();
}
