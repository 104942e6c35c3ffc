using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// What a cleaned text is for a browser is asked of AngleSharp, which reads HTML as the standard says: only elements that the formats
/// allow, no attribute but addresses that run nothing.
/// </summary>
public class HtmlCleanerTests
{
    static readonly HtmlFormats s_full = HtmlPresets.Of("full");
    static readonly HtmlParser s_parser = new();

    [Theory]
    [InlineData("<p>Hello <b>there</b>, <a href=\"https://example.com/?a=1&amp;b=2\">see</a></p>", null)]
    [InlineData("a &lt; b &amp; c", null)]
    [InlineData("Tom & Jerry < 3 > 2", "Tom &amp; Jerry &lt; 3 &gt; 2")]
    [InlineData("<ul><li>one<li>two</ul>", "<ul><li>one</li><li>two</li></ul>")]
    [InlineData("<p>one<p>two", "<p>one</p><p>two</p>")]
    [InlineData("<b>bold <i>both</b> italic</i>", "<b>bold <i>both</i></b><i> italic</i>")]
    [InlineData("<b><p>one</p><p>two</p></b>", "<p><b>one</b></p><p><b>two</b></p>")]
    [InlineData("<b></b><i> </i>x", " x")]
    [InlineData("<div>one</div><div>two</div>", "one two ")]
    [InlineData("<table><tr><td>1</td><td>2</td></tr></table>", "1 2 ")]
    [InlineData("<font color=red>red</font>", "red")]
    [InlineData("<img src=x onerror=alert(1)>after", "after")]
    [InlineData("<li>no list", "no list")]
    [InlineData("</p></b></li>x", "x")]
    [InlineData("<a href=1>one<a href=2>two</a>", "<a href=\"1\">one</a><a href=\"2\">two</a>")]
    [InlineData("<a>none</a>", "none")]
    [InlineData("<a href=''>none</a>, <a href=' \t'>none</a>", "none, none")]
    [InlineData("<a href\t=\t'/x'>t</a><a href\n=\n'/x'>n</a>", "<a href=\"/x\">t</a><a href=\"/x\">n</a>")]
    [InlineData("<a href\f=\f'/x'>f</a><a href\r=\r'/x'>r</a>", "<a href=\"/x\">f</a><a href=\"/x\">r</a>")]
    [InlineData("<a href = \t '/x'>all</a>", "<a href=\"/x\">all</a>")]
    [InlineData("<a-name-longer-than-any-element>kept</a-name-longer-than-any-element>", "kept")]
    [InlineData("<pre><code>x &lt; y</code></pre>", null)]
    [InlineData("<h2>head<p>text", "<h2>head</h2><p>text</p>")]
    [InlineData("one<br>two<br/>three<hr>four", "one<br>two<br>three<hr>four")]
    [InlineData("<!-- note -->x<!doctype html><?php echo ?>y", "xy")]
    [InlineData("<script>if (a < b) alert('</b>')</script>x", "x")]
    [InlineData("<style>p { color: red }</STYLE >x", "x")]
    [InlineData("x<script>never closed <b>y</b>", "x")]
    [InlineData("x<b never closed", "x")]
    [InlineData("a\0b\u0007c&#0;d", "abcd")]
    [InlineData("caf\u00e9 \U0001F600 &hellip; &nbsp;&#x41;", "caf\u00e9 \U0001F600 \u2026 &nbsp;A")]
    public void What_stands_there_and_what_is_kept(string given, string? kept) =>
        Assert.Equal(kept ?? given, HtmlCleaner.Clean(given, s_full));

    [Theory]
    [InlineData("minimal", "b i")]
    [InlineData("basic", "a b i li ul")]
    [InlineData("standard", "a b blockquote del h1 h6 i li ol u ul")]
    [InlineData("full", "a b blockquote code del h1 h6 hr i li ol pre u ul")]
    public void A_preset_allows_its_formats_and_strips_the_others(string preset, string elements)
    {
        const string All = "<h1>1</h1><h6>6</h6><p><b>b</b><i>i</i><u>u</u><del>d</del><code>c</code><a href='/x'>a</a><br></p>"
            + "<blockquote>q</blockquote><pre>p</pre><ul><li>l</li></ul><ol><li>l</li></ol><hr>";
        string cleaned = HtmlCleaner.Clean(All, HtmlPresets.Of(preset));
        Assert.Equal(("br p " + elements).Split(' ').Order(), Names(cleaned));
        Assert.Equal("16biudcaqpll", string.Concat(Body(cleaned).TextContent.Where(c => !char.IsWhiteSpace(c))));
    }

    public static TheoryData<string> Attacks =>
    [
        "<script>alert(1)</script>", "<ScRiPt src=//evil></sCrIpT>", "<script/x>alert(1)</script>", "<<script>alert(1)//<</script>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>", "<img src=x onerror=alert(1)>", "<img src='x' onerror ='alert(1)'/>",
        "<img/src=x/onerror=alert(1)>", "<svg onload=alert(1)>", "<svg><script>alert(1)</script></svg>",
        "<svg><animate onbegin=alert(1) attributeName=x>", "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "<math><mi//xlink:href=\"data:x,<script>alert(4)</script>\">", "<a href=javascript:alert(1)>x</a>",
        "<a href=\"JaVaScRiPt:alert(1)\">x</a>", "<a href=\"java\tscript:alert(1)\">x</a>", "<a href=\"java&#10;script:alert(1)\">x</a>",
        "<a href=\"&#x6A;avascript:alert(1)\">x</a>", "<a href=\"&#0000106avascript:alert(1)\">x</a>",
        "<a href=\"javascript&colon;alert(1)\">x</a>", "<a href=\" \u0001javascript:alert(1)\">x</a>",
        "<a href=\"\u00a0javascript:alert(1)\">x</a>", "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
        "<a href=\"vbscript:msgbox(1)\">x</a>", "<a href=\"view-source:javascript:1\">x</a>", "<a href='x' href='javascript:1'>x</a>",
        "<a href=javascript:1 href=x>y</a>", "<a HREF=\"feed:javascript:alert(1)\">x</a>", "<a href=\"java\0script:alert(1)\">x</a>",
        "<a href=\"x\" onclick=\"alert(1)\">x</a>", "<a href='\"onmouseover=alert(1) x=\"'>x</a>", "<a href=x\"onmouseover=alert(1)>y</a>",
        "<a href=\"x` onmouseover=alert(1)\">x</a>", "<b onmouseover=alert(1)>x</b>", "<b style=\"background:url(javascript:1)\">x</b>",
        "<p/onclick=alert(1)>x</p>", "<p =onclick=alert(1)>x", "<p \"=\" onclick=alert(1)>x", "<p title=\">\" onclick=alert(1)>x",
        "<iframe src=javascript:alert(1)>", "<iframe srcdoc='<script>alert(1)</script>'></iframe>", "<object data=javascript:alert(1)>",
        "<embed src=javascript:alert(1)>", "<form action=javascript:alert(1)><input type=submit>", "<button formaction=javascript:1>x",
        "<isindex action=javascript:alert(1)>", "<meta http-equiv=refresh content='0;url=javascript:1'>", "<base href=javascript:1//>",
        "<link rel=stylesheet href=javascript:1>", "<style>@import 'javascript:1'</style>", "<style><img src=x onerror=alert(1)></style>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "<textarea></textarea><script>alert(1)</script></textarea>",
        "<title><a title=\"</title><script>alert(1)</script>\">", "<xmp><p title=\"</xmp><svg/onload=alert(1)>\">",
        "<noembed><img title=\"</noembed><img src onerror=alert(1)>\"></noembed>", "<plaintext><script>alert(1)</script>",
        "<!--><script>alert(1)</script>-->", "<!--<img src=\"--><img src=x onerror=alert(1)//\">", "<!-- --!><script>alert(1)</script>",
        "<![CDATA[<script>alert(1)</script>]]>", "<!<script>alert(1)</script>>", "<?xml <script>alert(1)</script>?>",
        "</<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&amp;lt;script&amp;gt;alert(1)", "&#60;script&#62;alert(1)",
        "%3Cscript%3Ealert(1)", "\u003cscript\u003ealert(1)", "<\u0000script>alert(1)</script>", "<script\u0000>alert(1)</script>",
        "\uff1cscript\uff1ealert(1)", "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<details open ontoggle=alert(1)>", "<video><source onerror=alert(1)>", "<a href='ht\ntps://x'>ok</a>",
        "<template><script>alert(1)</script></template>", "<select><template shadowrootmode=open><style onload=alert(1)>",
        "<a href=\"java\u017fcript:alert(1)\">x</a>", "<a href=\"//evil\" target=_blank>x</a>", "<a id=x name=y class=z href=#a>x</a>",
    ];

    [Theory]
    [MemberData(nameof(Attacks))]
    public void An_attack_leaves_nothing_that_runs(string attack)
    {
        foreach (string around in (string[])["{0}", "<p>{0}</p>", "<ul><li>{0}", "<pre><code>{0}</code></pre>", "<b>{0}<a href=/x>y"])
        {
            string text = string.Format(System.Globalization.CultureInfo.InvariantCulture, around.Replace("{0}", "\u241f"), "")
                .Replace("\u241f", attack, StringComparison.Ordinal);
            AssertClean(HtmlCleaner.Clean(text, s_full), s_full, text);
        }
    }

    [Fact]
    public void Random_markup_is_clean_and_stays_as_it_is_when_it_is_cleaned_again()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 20_000, soak: 2_000_000), kept = 0, grown = 0;
        Random random = new(seed);
        for (int i = 0; i < count; i++)
        {
            string text = Random(random);
            HtmlFormats formats = (HtmlFormats)random.Next((int)s_full + 1);
            string once = HtmlCleaner.Clean(text, formats);
            string place = $"seed {seed}, text {i}: {text}\n→ {once}";
            AssertClean(once, formats, place);
            string twice = HtmlCleaner.Clean(once, formats);
            Assert.True(once == twice, $"{place}\n→ {twice}");
            if (once.Contains('<', StringComparison.Ordinal)) kept++;
            if (once.Contains("href", StringComparison.Ordinal)) grown++;
        }
        Assert.True(kept > count / 3 && grown > count / 50, $"{kept} with markup, {grown} with links of {count}");
        Counts.Report("rich text: random markup, read by another parser", count, seed, $"{kept} kept markup, {grown} a link");
    }

    [Fact]
    public void Time_grows_with_the_text_whatever_nests_in_it()
    {
        string[] parts = ["<div>", "<b>", "<b><p>", "<p><a href='http://x'>", "<ul><li>", "<blockquote>", "</b>", "<", "<!--", "<script>",
            "<script></script", "<a href=", "<b x='", "&", "&#", "<i></i>", "</li></ul>", "<ul>", "<!-- --", "<li>"];
        foreach (string part in parts)
        {
            string text = string.Concat(Enumerable.Repeat(part, 400_000 / part.Length));
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            HtmlCleaner.Clean(text, s_full);
            // A second is fifty times what any of these takes; where time grew with the square, all of them would take minutes.
            TimeSpan took = System.Diagnostics.Stopwatch.GetElapsedTime(start);
            Assert.True(took < TimeSpan.FromSeconds(5), $"{part}: {took}");
        }
    }

    [Fact]
    public void Blocks_nest_to_a_bound_and_text_beyond_it_is_kept()
    {
        string deep = HtmlCleaner.Clean(string.Concat(Enumerable.Repeat("<blockquote>", 1000)) + "x", s_full);
        Assert.Equal(Limits.HtmlDepth, deep.Split("<blockquote>").Length - 1);
        Assert.Equal("x", Body(deep).TextContent.Trim());
    }

    [Fact]
    public void Every_set_of_formats_is_said_in_words_that_mean_it()
    {
        for (HtmlFormats formats = 0; formats <= s_full; formats++)
        {
            var (preset, allow, deny) = HtmlPresets.Say(formats);
            Assert.Equal(formats, (HtmlPresets.Of(preset) | HtmlPresets.Formats(allow)) & ~HtmlPresets.Formats(deny));
        }
    }

    static readonly string[] s_pieces =
    [
        "a", "b c", " ", "\n", "<", ">", "&", "&amp;", "&lt;", "&#60;", "&nbsp;", "\"", "'", "=", "/", "<!--", "-->", "<!", "<?", "]]>",
        "<p>", "</p>", "<b>", "</b>", "<strong>", "</strong>", "<i>", "</i>", "<em class=x>", "</em>", "<u>", "</u>", "<s>", "</s>",
        "<code>", "</code>", "<pre>", "</pre>", "<a href='https://x.y/?a=1&b'>", "<a href=javascript:1>", "<a href='/p'>", "</a>",
        "<ul>", "</ul>", "<ol start=3>", "</ol>", "<li>", "</li>", "<blockquote>", "</blockquote>", "<h1>", "</h1>", "<h2>", "</h2>",
        "<hr>", "<br>", "<br/>", "</br>", "<div>", "</div>", "<td>", "<table>", "<script>", "</script>", "<style>", "</style>",
        "<textarea>", "</textarea>", "<svg>", "<math>", "<title>", "</title>", "<img src=x onerror=alert(1)>", "<a href=\"mailto:a@b.c\">",
        "<B ONCLICK=x>", "<x-y>", "\0", "\u2028", "\u00e9", "<select>", "<option>", "<template>", "<form>", "<button>", "<input>",
    ];

    static string Random(Random random)
    {
        System.Text.StringBuilder text = new();
        for (int i = random.Next(1, 14); i > 0; i--) text.Append(s_pieces[random.Next(s_pieces.Length)]);
        return text.ToString();
    }

    static void AssertClean(string cleaned, HtmlFormats formats, string place)
    {
        foreach (IElement element in Body(cleaned).QuerySelectorAll("*"))
        {
            HtmlElement? known = HtmlElements.Find(element.LocalName);
            bool isKept = known is not null && known.Role is not (HtmlRole.Raw or HtmlRole.Boundary);
            Assert.True(isKept && (Needs(known!, element) & ~formats) == 0, $"<{element.LocalName}> in {place}");
            Assert.Equal("http://www.w3.org/1999/xhtml", element.NamespaceUri);
            foreach (IAttr attribute in element.Attributes)
            {
                Assert.True(element.LocalName == "a" && attribute.Name == "href", $"{attribute.Name} in {place}");
                // Absolute against a page of ours: what a browser would follow.
                Uri address = new(new Uri("https://our.page/"), attribute.Value);
                Assert.True(address.Scheme is "http" or "https" or "mailto" or "tel", $"{address} in {place}");
            }
        }
    }

    /// <summary>Code in a block of code belongs to it.</summary>
    static HtmlFormats Needs(HtmlElement known, IElement element) =>
        known == HtmlElements.Code && element.Closest("pre") is not null ? HtmlFormats.None : known.Format;

    static IEnumerable<string> Names(string html) => Body(html).QuerySelectorAll("*").Select(e => e.LocalName).Distinct().Order();

    static IElement Body(string html) => s_parser.ParseDocument("<!doctype html><body>" + html).Body!;
}
