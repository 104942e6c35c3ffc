using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>The parts of a key as a URL has them, read as values. A part that cannot be a value of its field names no record.</summary>
static class KeyValues
{
    /// <summary>Null when all parts were read; <c>not_found</c> otherwise: an id of the wrong form is the id of nothing.</summary>
    public static Fault? Bind(Model model, ImmutableArray<string> parts, Span<Value> values)
    {
        if (parts.Length != model.Key.Length) return NotFound(model);
        for (int i = 0; i < parts.Length; i++)
        {
            // The binder admits only keys over fields that are there.
            if (model.Field(model.Key[i])!.Type is not ScalarFieldType { Scalar: var scalar })
            {
                // A key of an enum: any text is a value, one outside the set is of no record.
                values[i] = Value.From(parts[i]);
                continue;
            }
            if (!scalar.TryParse(parts[i], out values[i])) return NotFound(model);
        }
        return null;
    }

    /// <summary>The product itself has to say whose record it means; everybody else's identity says it.</summary>
    public static Fault NeedsTenant(Model model) => Faults.MissingClaim.Says(
        $"records of {model.Name} belong to tenants, and none was named", "--tenant names one");

    /// <summary>The same for a key that never was and for a record that the caller may not read.</summary>
    public static Fault NotFound(Model model) => Faults.NotFound.Says($"there is no {model.Name} with this key");
}
