using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>The rules of fields that depend on the record, held against one record in the writer's turn.</summary>
readonly struct FieldCheck(WriteScope scope, RecordTable table, FieldWrites fields)
{
    public bool IsEmpty => fields.IsEmpty;

    /// <summary>Whether no rule about what is written needs another record.</summary>
    public bool IsOwn
    {
        get
        {
            foreach (RuledField ruled in fields.Writes)
            {
                if (!RuleCheck.IsOwn(ruled.Rules.Folded)) return false;
            }
            return true;
        }
    }

    /// <summary>The first field that was given and may not be written in this record; null when there is none.</summary>
    public Fault? Refused(Given[] given, StoredRow stored)
    {
        foreach (RuledField ruled in fields.Writes)
        {
            if (given[ruled.Field.Ordinal] is Given.Nothing || ruled.Field.IsVersion) continue;
            if (!Check(ruled).Sees(stored)) return FieldWrites.Refused(ruled.Field, isAnonymous: false);
        }
        return null;
    }

    /// <summary>The same of the record as it has become, against denials alone: what let the write begin is not asked again.</summary>
    public Fault? Denied(Given[] given, StoredRow stored)
    {
        foreach (RuledField ruled in fields.Writes)
        {
            if (given[ruled.Field.Ordinal] is Given.Nothing || ruled.Field.IsVersion) continue;
            if (Check(ruled).IsDenied(stored)) return FieldWrites.Refused(ruled.Field, isAnonymous: false);
        }
        return null;
    }

    /// <summary>
    /// A body that replaces the record, completed: where it is silent about a field that the caller may not write here, or does not see
    /// here, the field keeps its value.
    /// </summary>
    public Input Completed(Input input, StoredRow stored)
    {
        if (IsEmpty) return input;
        Input whole = new([.. input.Values], [.. input.Given]);
        FieldCheck self = this;
        foreach (RuledField ruled in fields.Writes.Concat(fields.Reads))
        {
            int ordinal = ruled.Field.Ordinal;
            if (whole.Given[ordinal] != Given.Nothing || self.Check(ruled).Sees(stored)) continue;
            // The decision leaves alone what is refused already; nothing was.
            whole.Given[ordinal] = Given.Refused;
        }
        return whole;
    }

    /// <summary>By ordinal, the fields that the record does not show to the caller; null when it shows them all.</summary>
    public bool[]? Hidden(StoredRow stored)
    {
        bool[]? hidden = null;
        foreach (RuledField ruled in fields.Reads)
        {
            if (!Check(ruled).Sees(stored)) (hidden ??= new bool[table.Model.Fields.Length])[ruled.Field.Ordinal] = true;
        }
        return hidden;
    }

    /// <summary>Whether the record shows all of these fields to the caller.</summary>
    public bool Shows(IEnumerable<Field> named, StoredRow stored) =>
        Hidden(stored) is not { } hidden || !named.Any(field => hidden[field.Ordinal]);

    RuleCheck Check(RuledField ruled) => new(scope, table, ruled.Rules);
}
