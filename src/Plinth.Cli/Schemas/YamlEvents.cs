using Plinth.Language.Yaml;
using Plinth.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Plinth.Cli.Schemas;

/// <summary>A YAML text as the events that the language reads: the one place where schemas meet the YAML library.</summary>
static class YamlEvents
{
    /// <summary>Lazily, so that who reads them can stop; what is no YAML ends them with the reason and its place.</summary>
    public static IEnumerable<YamlEvent> Of(SourceText source)
    {
        // A byte order mark is no part of the document, but of the places in it.
        int start = source.Text.StartsWith('\uFEFF') ? 1 : 0;
        Parser parser = new(new StringReader(source.Text[start..]));
        Plinth.Text.Span last = new(start, 0);
        while (true)
        {
            YamlEvent? next;
            try
            {
                if (!parser.MoveNext()) yield break;
                next = parser.Current is { } current ? Read(current, start) : null;
            }
            catch (YamlException broken)
            {
                // Of a tab the library names where its mapping began; the tab is where it stopped.
                bool isTab = broken.Message.Contains("tab", StringComparison.Ordinal);
                next = new YamlEvent(YamlEventKind.Broken, Between(isTab ? broken.End : broken.Start, broken.End, start), Reason(broken));
            }
            // The library's own invariants break on some texts: that is no YAML either, and its place is where it was last sound.
            catch (Exception broken) when (broken is InvalidOperationException or ArgumentException or FormatException or OverflowException
                or IndexOutOfRangeException or NullReferenceException)
            {
                next = new YamlEvent(YamlEventKind.Broken, last, "what stands behind this cannot be read");
            }
            if (next is { } known)
            {
                last = known.Span;
                yield return known;
            }
            if (next is { Kind: YamlEventKind.Broken }) yield break;
        }
    }

    static YamlEvent? Read(ParsingEvent found, int start)
    {
        Plinth.Text.Span span = Between(found.Start, found.End, start);
        return found switch
        {
            DocumentStart => new YamlEvent(YamlEventKind.DocumentStart, span),
            DocumentEnd => new YamlEvent(YamlEventKind.DocumentEnd, span),
            Scalar scalar => new YamlEvent(YamlEventKind.Scalar, span, scalar.Value, scalar.Style == ScalarStyle.Plain, Anchor(scalar),
                Tag(scalar)),
            MappingStart mapping => new YamlEvent(YamlEventKind.MappingStart, span, Anchor: Anchor(mapping), Tag: Tag(mapping)),
            SequenceStart list => new YamlEvent(YamlEventKind.SequenceStart, span, Anchor: Anchor(list), Tag: Tag(list)),
            MappingEnd => new YamlEvent(YamlEventKind.MappingEnd, span),
            SequenceEnd => new YamlEvent(YamlEventKind.SequenceEnd, span),
            AnchorAlias alias => new YamlEvent(YamlEventKind.Alias, span, alias.Value.Value),
            _ => null,
        };
    }

    static string? Anchor(NodeEvent node) => node.Anchor.IsEmpty ? null : node.Anchor.Value;

    static string? Tag(NodeEvent node) => node.Tag.IsEmpty || node.Tag.IsNonSpecific ? null : node.Tag.Value;

    static Plinth.Text.Span Between(in Mark from, in Mark to, int start) =>
        Plinth.Text.Span.Between((int)from.Index + start, (int)to.Index + start);

    static string Reason(YamlException broken) =>
        broken.Message.Length == 0 ? "it cannot be read" : char.ToLowerInvariant(broken.Message[0]) + broken.Message[1..].TrimEnd('.');
}
