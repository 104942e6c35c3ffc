using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>A field as an attribute names it: a field of the model, or a to-one relation that stands for its key fields.</summary>
readonly record struct FieldName(string Name, bool Descending, Span Span);

/// <summary>An attribute whose arguments are known to be there, of their kinds, and no others.</summary>
sealed class BoundAttribute(AttributeSpec spec, AttributeSyntax syntax, Dictionary<string, (object Value, Span Span)> values)
{
    /// <summary>The first of that name; asked a dozen times of every field, so without a delegate.</summary>
    public static BoundAttribute? Find(List<BoundAttribute> attributes, string name)
    {
        foreach (BoundAttribute attribute in attributes)
        {
            if (string.Equals(attribute.Name, name, StringComparison.Ordinal)) return attribute;
        }
        return null;
    }

    public AttributeSpec Spec { get; } = spec;

    public AttributeSyntax Syntax { get; } = syntax;

    public SourceText Source => Syntax.Source;

    public Span Span => Syntax.Span;

    public string Name => Spec.Name;

    public bool Has(string argument) => values.ContainsKey(argument);

    public string? Text(string argument) => Get(argument) as string;

    public decimal? Number(string argument) => Get(argument) as decimal?;

    public ScalarType? Type(string argument) => Get(argument) as ScalarType;

    public Condition? Expression(string argument) => Get(argument) as Condition;

    public ImmutableArray<FieldName> Fields(string argument) => Get(argument) is ImmutableArray<FieldName> fields ? fields : [];

    public ImmutableArray<Operation> Operations(string argument) => Get(argument) is ImmutableArray<Operation> operations ? operations : [];

    public ImmutableArray<FieldAccess> Accesses(string argument) => Get(argument) is ImmutableArray<FieldAccess> accesses ? accesses : [];

    /// <summary>An argument that only its attribute can read (defaults, literals).</summary>
    public ArgumentSyntax? Raw(string argument) => Get(argument) as ArgumentSyntax;

    /// <summary>One of the argument's words.</summary>
    public string? Word(string argument) => Get(argument) as string;

    public ImmutableArray<string> Words(string argument) => Get(argument) is ImmutableArray<string> words ? words : [];

    /// <summary>Where an argument stands; the attribute when it is not given.</summary>
    public Span SpanOf(string argument) => values.TryGetValue(argument, out var found) ? found.Span : Span;

    object? Get(string argument) => values.TryGetValue(argument, out var found) ? found.Value : null;
}
