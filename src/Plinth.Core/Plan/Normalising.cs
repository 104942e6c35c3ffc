using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Plan;

/// <summary>The normalisers of a field, applied in the order written to each text that enters it (of a list: to each item).</summary>
static class Normalising
{
    public static Value Apply(Field field, in Value value)
    {
        ImmutableArray<Normaliser> normalisers = field.Normalisers;
        if (normalisers.IsEmpty || value.Kind != ValueKind.String) return value;
        string text = value.String;
        foreach (Normaliser normaliser in normalisers)
        {
            text = normaliser switch
            {
                Normaliser.Trim => text.Trim(),
                Normaliser.Lowercase => text.ToLowerInvariant(),
                Normaliser.Uppercase => text.ToUpperInvariant(),
                Normaliser.Html => HtmlCleaner.Clean(text, field.Html),
                _ => throw new InvalidOperationException($"no normaliser {normaliser}"),
            };
        }
        return ReferenceEquals(text, value.String) ? value : Value.From(text);
    }
}
