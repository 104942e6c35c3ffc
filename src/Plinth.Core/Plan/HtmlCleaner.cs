using System.Buffers;
using System.Net;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// HTML of anybody → HTML of nothing but the formats allowed, in one pass. Safe by what it writes, not by what it recognises: tags come
/// from a table of names, the one attribute is an address whose scheme is known, and all else is escaped as text; so reading markup
/// in another way than a browser could lose a format and never let one in. Elements are balanced and nest as HTML says, blocks in
/// blocks and letters in marks; cleaning twice is cleaning once. Marks are written when letters come, so those that format nothing
/// vanish. Every step is bounded: time grows with the text and with nothing else.
/// </summary>
sealed class HtmlCleaner
{
    /// <summary>They are no letters, and no database keeps a NUL.</summary>
    const string Controls = "\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\v\f\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016"
        + "\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f\u007f";

    static readonly SearchValues<char> s_special = SearchValues.Create("<>&\u00a0" + Controls);
    static readonly SearchValues<char> s_blank = SearchValues.Create(" \t\n\r" + Controls);

    static readonly SearchValues<char> s_nameEnds = SearchValues.Create("\t\n\f\r />");
    static readonly SearchValues<char> s_attributeEnds = SearchValues.Create("\t\n\f\r />=");
    static readonly SearchValues<char> s_valueEnds = SearchValues.Create("\t\n\f\r >");
    static readonly string[] s_schemes = ["http", "https", "mailto", "tel"];

    readonly string _text;
    readonly HtmlFormats _formats;
    readonly StringBuilder _out;
    readonly List<HtmlElement> _blocks = [];

    // A mark is active from its tag to its end; it is written while letters stand in it. Each kind once: twice bold is bold.
    readonly List<HtmlElement> _active = [], _written = [];
    readonly Dictionary<HtmlElement, int> _depth = [];
    string _address = "";
    int _at;

    HtmlCleaner(string text, HtmlFormats formats) => (_text, _formats, _out) = (text, formats, new StringBuilder(text.Length));

    public static string Clean(string text, HtmlFormats formats) =>
        text.AsSpan().IndexOfAny(s_special) < 0 ? text : new HtmlCleaner(text, formats).Run();

    string Run()
    {
        while (_at < _text.Length)
        {
            int tag = _text.IndexOf('<', _at);
            if (tag < 0) tag = _text.Length;
            if (tag > _at) Letters(_text[_at..tag]);
            _at = tag;
            if (_at < _text.Length) Markup();
        }
        while (_blocks.Count > 0) CloseBlock();
        CloseMarks(0);
        return _out.ToString();
    }

    /// <summary>A tag, a comment, or a sign that is none of them.</summary>
    void Markup()
    {
        char next = Peek(1);
        if (char.IsAsciiLetter(next)) Tag(1);
        else if (next == '/' && char.IsAsciiLetter(Peek(2))) Tag(2);
        else if (_text.AsSpan(_at).StartsWith("<!--")) Comment();
        else if (next is '!' or '?' or '/') SkipBehind(_text.IndexOf('>', _at));
        else
        {
            Letters("<");
            _at++;
        }
    }

    char Peek(int by) => _at + by < _text.Length ? _text[_at + by] : '\0';

    /// <summary>What never ends swallows the rest, as it does in a browser.</summary>
    void SkipBehind(int end) => _at = end < 0 ? _text.Length : end + 1;

    void Comment()
    {
        int at = _at + 4;
        if (_text.AsSpan(at).StartsWith(">") || _text.AsSpan(at).StartsWith("->"))
        {
            SkipBehind(_text.IndexOf('>', at));
            return;
        }
        while ((at = _text.IndexOf("--", at, StringComparison.Ordinal)) >= 0)
        {
            ReadOnlySpan<char> rest = _text.AsSpan(at + 2);
            if (rest.StartsWith(">") || rest.StartsWith("!>"))
            {
                SkipBehind(_text.IndexOf('>', at));
                return;
            }
            at++;
        }
        _at = _text.Length;
    }

    void Tag(int nameAt)
    {
        int start = _at + nameAt, length = _text.AsSpan(start).IndexOfAny(s_nameEnds);
        if (length < 0)
        {
            _at = _text.Length;
            return;
        }
        HtmlElement? element = HtmlElements.Find(_text.AsSpan(start, length));
        _at = start + length;
        bool isEnd = nameAt == 2;
        if (!TryAttributes(out string? address) || element is null) return;
        if (isEnd) End(element);
        else Start(element, address);
    }

    /// <summary>To behind the tag; of its attributes an address is kept. False where the tag never ends.</summary>
    bool TryAttributes(out string? address)
    {
        address = null;
        while (true)
        {
            while (Peek(0) is '\t' or '\n' or '\f' or '\r' or ' ' or '/') _at++;
            if (_at >= _text.Length) return false;
            if (_text[_at] == '>')
            {
                _at++;
                return true;
            }
            // A name may begin with "=", which then belongs to it.
            int length = _text.AsSpan(_at + 1).IndexOfAny(s_attributeEnds);
            if (length < 0) break;
            ReadOnlySpan<char> name = _text.AsSpan(_at, length + 1);
            bool isAddress = address is null && name.Equals("href", StringComparison.OrdinalIgnoreCase);
            _at += length + 1;
            while (Peek(0) is '\t' or '\n' or '\f' or '\r' or ' ') _at++;
            if (Peek(0) != '=') continue;
            do _at++; while (Peek(0) is '\t' or '\n' or '\f' or '\r' or ' ');
            char quote = Peek(0);
            bool isQuoted = quote is '"' or '\'';
            if (isQuoted) _at++;
            int size = isQuoted ? _text.AsSpan(_at).IndexOf(quote) : _text.AsSpan(_at).IndexOfAny(s_valueEnds);
            if (size < 0) break;
            if (isAddress) address = _text.Substring(_at, size);
            _at += isQuoted ? size + 1 : size;
        }
        _at = _text.Length;
        return false;
    }

    void Start(HtmlElement element, string? address)
    {
        bool isAllowed = (_formats & element.Format) == element.Format;
        switch (element.Role)
        {
            case HtmlRole.Mark: StartMark(element, isAllowed, address); break;
            case HtmlRole.Break:
                ShowMarks(opens: true);
                _out.Append("<br>");
                break;
            case HtmlRole.Leaf or HtmlRole.Container when isAllowed && _blocks.Count < Limits.HtmlDepth:
                CloseLeaf();
                OpenBlock(element);
                break;
            case HtmlRole.Rule when isAllowed:
                CloseLeaf();
                CloseMarks(0);
                _out.Append("<hr>");
                break;
            case HtmlRole.Item when _blocks.Count < Limits.HtmlDepth:
                CloseLeaf();
                if (_blocks is [.., { Role: HtmlRole.Item }]) CloseBlock();
                if (_blocks is [.., { IsList: true }]) OpenBlock(element);
                else Part();
                break;
            case HtmlRole.Raw: SkipRaw(element.Name); break;
            default: Part(); break;
        }
    }

    void StartMark(HtmlElement element, bool isAllowed, string? address)
    {
        if (element == HtmlElements.Code && _blocks is [.., { Format: HtmlFormats.Codeblock }]) isAllowed = true;
        if (!isAllowed) return;
        if (element == HtmlElements.Link)
        {
            // A link does not stand in another: the next one ends it.
            EndMark(element, all: true);
            if (address is null || SafeAddress(address) is not { } safe) return;
            if (_written.IndexOf(element) is >= 0 and var written) CloseMarks(written);
            _address = safe;
        }
        int depth = _depth.GetValueOrDefault(element);
        if (depth == 0) _active.Add(element);
        _depth[element] = depth + 1;
    }

    void EndMark(HtmlElement element, bool all)
    {
        int depth = _depth.GetValueOrDefault(element);
        if (depth == 0) return;
        _depth[element] = all ? 0 : depth - 1;
        if (all || depth == 1) _active.Remove(element);
    }

    void End(HtmlElement element)
    {
        switch (element.Role)
        {
            case HtmlRole.Mark:
                EndMark(element, all: element == HtmlElements.Link);
                break;
            case HtmlRole.Leaf:
                if (_blocks is [.., var top] && (top == element || (top.IsHeading && element.IsHeading))) CloseBlock();
                else Part();
                break;
            case HtmlRole.Container: CloseTo(_blocks.LastIndexOf(element)); break;
            case HtmlRole.Item:
                CloseTo(_blocks.FindLastIndex(b => b.Role == HtmlRole.Item || b.IsList) is >= 0 and var at
                    && _blocks[at].Role == HtmlRole.Item ? at : -1);
                break;
            case HtmlRole.Boundary: Part(); break;
        }
    }

    void CloseTo(int block)
    {
        if (block < 0) Part();
        else while (_blocks.Count > block) CloseBlock();
    }

    /// <summary>Where a tag is dropped that parted words, a blank does.</summary>
    void Part()
    {
        if (_out.Length > 0 && _out[^1] is not ('>' or ' ' or '\t' or '\n' or '\r')) Letters(" ");
    }

    void OpenBlock(HtmlElement element)
    {
        CloseMarks(0);
        _out.Append('<').Append(element.Name).Append('>');
        _blocks.Add(element);
    }

    void CloseLeaf()
    {
        if (_blocks is [.., { Role: HtmlRole.Leaf }]) CloseBlock();
    }

    void CloseBlock()
    {
        CloseMarks(0);
        HtmlElement block = _blocks[^1];
        _blocks.RemoveAt(_blocks.Count - 1);
        _out.Append("</").Append(block.Name).Append('>');
        if (block.Format == HtmlFormats.Codeblock && (_formats & HtmlFormats.Code) == 0) EndMark(HtmlElements.Code, all: true);
    }

    /// <summary>Script and its like: to where it ends by its own rules, which know no tags.</summary>
    void SkipRaw(string name)
    {
        string end = "</" + name;
        while ((_at = _text.IndexOf(end, _at, StringComparison.OrdinalIgnoreCase)) >= 0)
        {
            if (Peek(end.Length) is '\t' or '\n' or '\f' or '\r' or ' ' or '/' or '>') return;
            _at += end.Length;
        }
        _at = _text.Length;
    }

    void Letters(string raw)
    {
        string letters = WebUtility.HtmlDecode(raw);
        ShowMarks(opens: letters.AsSpan().IndexOfAnyExcept(s_blank) >= 0);
        foreach (char c in letters) Letter(c);
    }

    void Letter(char c)
    {
        switch (c)
        {
            case '<': _out.Append("&lt;"); break;
            case '>': _out.Append("&gt;"); break;
            case '&': _out.Append("&amp;"); break;
            case '\u00a0': _out.Append("&nbsp;"); break;
            case < ' ' and not ('\t' or '\n' or '\r') or '\u007f': break;
            default: _out.Append(c); break;
        }
    }

    /// <summary>Writes ends of marks that are over, and those that are due unless only blanks follow.</summary>
    void ShowMarks(bool opens)
    {
        int same = 0;
        while (same < _written.Count && same < _active.Count && _written[same] == _active[same]) same++;
        CloseMarks(same);
        for (int i = same; opens && i < _active.Count; i++)
        {
            HtmlElement mark = _active[i];
            _out.Append('<').Append(mark.Name);
            if (mark == HtmlElements.Link)
            {
                _out.Append(" href=\"");
                foreach (char c in _address)
                {
                    if (c == '"') _out.Append("&quot;");
                    else Letter(c);
                }
                _out.Append('"');
            }
            _out.Append('>');
            _written.Add(mark);
        }
    }

    void CloseMarks(int keep)
    {
        while (_written.Count > keep)
        {
            _out.Append("</").Append(_written[^1].Name).Append('>');
            _written.RemoveAt(_written.Count - 1);
        }
    }

    /// <summary>
    /// An address that leads somewhere and runs nothing, or null. What stands before a colon is a scheme unless a path began before it,
    /// however it is written: an unknown one is refused, so that none has to be recognised.
    /// </summary>
    static string? SafeAddress(string raw)
    {
        string decoded = WebUtility.HtmlDecode(raw);
        StringBuilder kept = new(decoded.Length);
        foreach (char c in decoded)
        {
            // Browsers drop them before they read the scheme.
            if (c is >= ' ' and not '\u007f') kept.Append(c);
        }
        string address = kept.ToString().Trim(' ');
        if (address.Length == 0) return null;
        int colon = address.IndexOf(':', StringComparison.Ordinal), path = address.AsSpan().IndexOfAny('/', '?', '#');
        if (colon < 0 || (path >= 0 && path < colon)) return address;
        return s_schemes.Contains(address[..colon], StringComparer.OrdinalIgnoreCase) ? address : null;
    }
}
