using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>The null of an unbound environment: a value like others, where a <see cref="Value"/> of kind Null is an error.</summary>
sealed class CelNull
{
    public static readonly Value It = Value.FromOther(new CelNull());

    CelNull()
    {
    }

    public override string ToString() => "null";
}
