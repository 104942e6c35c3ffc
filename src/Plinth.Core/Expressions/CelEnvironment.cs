using System.Collections.Immutable;

namespace Plinth.Expressions;

/// <summary>
/// What an expression without a schema may name: CEL as it is specified, where errors are errors and null is a value. The conformance
/// suite runs in it.
/// </summary>
sealed record CelEnvironment
{
    /// <summary>Names are looked up in it first, then in the namespaces around it: <c>a.b</c>, <c>a</c>, none.</summary>
    public string Container { get; init; } = "";

    /// <summary>Their values are the inputs of an evaluation, in this order.</summary>
    public ImmutableArray<(string Name, CelType Type)> Variables { get; init; } = [];

    /// <summary>Declared beside those of <see cref="FunctionTable"/>; they are checked and cannot run.</summary>
    public ImmutableArray<Overload> Functions { get; init; } = [];

    /// <summary>Nothing but syntax is refused before it runs; types and names are found then.</summary>
    public bool IsUnchecked { get; init; }

    /// <summary>The names that a name may mean, the innermost first; one with a leading dot means itself.</summary>
    public IEnumerable<string> Candidates(string name, bool isRooted)
    {
        if (!isRooted)
        {
            for (string space = Container; space.Length > 0; space = space[..Math.Max(0, space.LastIndexOf('.'))])
                yield return $"{space}.{name}";
        }
        yield return name;
    }
}
