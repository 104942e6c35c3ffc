using Plinth.Text;

namespace Plinth.Language.Yaml;

enum YamlEventKind : byte
{
    DocumentStart,
    DocumentEnd,
    Scalar,
    MappingStart,
    MappingEnd,
    SequenceStart,
    SequenceEnd,
    Alias,

    /// <summary>The text is no YAML from here on; the value says why.</summary>
    Broken,
}

/// <summary>
/// One step of a YAML text. The grammar of YAML is a library's, which this floor does not know: whoever holds the library hands the
/// events in, lazily, so that a bound stops the reading and not only the counting.
/// </summary>
/// <param name="Value">Text of a scalar, name of an alias, reason of what is broken; else empty.</param>
/// <param name="IsPlain">A scalar without quotes, which may mean a number, a switch or null.</param>
/// <param name="Anchor">The name that aliases refer to it by.</param>
/// <param name="Tag">A tag that is written out; none is taken.</param>
readonly record struct YamlEvent(YamlEventKind Kind, Span Span, string Value = "", bool IsPlain = false, string? Anchor = null,
    string? Tag = null);
