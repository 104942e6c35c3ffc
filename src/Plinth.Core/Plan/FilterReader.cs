using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>Reads one CEL text of a request into a checked condition, or a fault that shows where and why it cannot.</summary>
static class FilterReader
{
    public static Result<CheckedExpression> Read(AppSchema schema, Model model, string text, Limits limits)
    {
        SourceText source = new("filter", text);
        var (read, diagnostics) = CheckedExpression.Read(
            source, new Span(0, text.Length), ExpressionScope.Filter(schema, model), CelType.Bool, limits);
        return read is null ? Refused(diagnostics) : read;
    }

    static Fault Refused(ImmutableArray<Diagnostic> diagnostics)
    {
        Diagnostic first = diagnostics.First(static d => d.Severity == Severity.Error);
        FaultCode code = first.Code switch
        {
            "unknown_field" or "unknown_name" => Faults.UnknownField,
            "limit_exceeded" => Faults.LimitExceeded,
            _ => Faults.MalformedFilter,
        };
        return new Fault(code, $"filter, character {first.Span.Start + 1}: {first.Message}")
        {
            Hint = first.Hint,
            Details = [.. diagnostics.Where(static d => d.Severity == Severity.Error)
                .Select(static d => new FaultDetail("filter", d.Code, $"character {d.Span.Start + 1}: {d.Message}"))],
        };
    }
}
