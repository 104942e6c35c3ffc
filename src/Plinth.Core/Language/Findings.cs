using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Collects what is wrong, from all passes. One place is reported once per code (a mixin is bound in every model that uses it), and
/// never more than the limit: beyond it nobody reads, and 1 MB of noise must not become 1 GB of text.
/// </summary>
sealed class Findings(int max)
{
    readonly List<Diagnostic> _list = [];
    readonly HashSet<(SourceText, string, Span)> _seen = [];
    int _errors;

    public bool HasErrors => _errors > 0;

    /// <summary>How many errors there are: equal before and after a step means that the step found none.</summary>
    public int Errors => _errors;

    /// <summary>More would not be shown: work that only makes findings can stop.</summary>
    public bool IsFull => _list.Count > max;

    /// <summary>The nearest known name. Searching costs as much as there are names, so it ends when nobody would read the answer.</summary>
    public string? DidYouMean(string wrong, IEnumerable<string> known) => IsFull ? null : Names.DidYouMean(wrong, known);

    public void Error(SourceText source, string code, Span span, string message, string? hint = null) =>
        Add(new Diagnostic(code, Severity.Error, source, span, message, hint));

    public void Warning(SourceText source, string code, Span span, string message, string? hint = null) =>
        Add(new Diagnostic(code, Severity.Warning, source, span, message, hint));

    public void Add(Diagnostic finding)
    {
        // What the product itself brings is as it is meant to be.
        if (finding.Severity == Severity.Warning && PlatformModels.IsOurs(finding.Source)) return;
        if (finding.Severity == Severity.Error) _errors++;
        if (_list.Count > max || !_seen.Add((finding.Source, finding.Code, finding.Span))) return;
        if (_list.Count == max)
        {
            finding = new Diagnostic(Codes.TooManyFindings, Severity.Error, finding.Source, finding.Span,
                $"more than {max} findings; the rest is not shown (limits.schemaFindings)");
            _errors++;
        }
        _list.Add(finding);
    }

    /// <summary>
    /// Without errors in what the product brings, which nobody can correct there: they follow from one in the schema, or else what they say
    /// is told of the schema.
    /// </summary>
    IEnumerable<Diagnostic> OfTheirs(IReadOnlyList<SourceText> sources)
    {
        ImmutableArray<Diagnostic> theirs = [.. _list.Where(d => !PlatformModels.IsOurs(d.Source))];
        if (theirs.Length == _list.Count || theirs.Any(d => d.Severity == Severity.Error)) return theirs;
        Diagnostic first = _list.First(d => PlatformModels.IsOurs(d.Source));
        return theirs.Add(new Diagnostic(first.Code, Severity.Error, sources[0], default,
            $"the models of users do not fit this schema: {first.Message}", "they need a block auth with id Uuid"));
    }

    /// <summary>In the order of the files given, then of their text.</summary>
    public ImmutableArray<Diagnostic> InOrder(IReadOnlyList<SourceText> sources)
    {
        Dictionary<SourceText, int> rank = [];
        for (int i = 0; i < sources.Count; i++) rank[sources[i]] = i;
        return
        [
            .. OfTheirs(sources).OrderBy(d => rank.GetValueOrDefault(d.Source, int.MaxValue)).ThenBy(d => d.Span.Start)
                .ThenBy(d => d.Severity),
        ];
    }
}
