using System.Collections.Immutable;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>A field whose rules for writing or for reading depend on the record, for the caller of one command.</summary>
readonly record struct RuledField(Field Field, CallerRules Rules);

/// <summary>
/// What the rules of fields say of one command, as far as it depends on the record. What is the same for every record is in the shape
/// that the command's body was read against.
/// </summary>
/// <param name="Writes">Fields that the caller may write in some records.</param>
/// <param name="Reads">Fields that the caller may read in some records.</param>
sealed record FieldWrites(ImmutableArray<RuledField> Writes, ImmutableArray<RuledField> Reads)
{
    public static readonly FieldWrites None = new([], []);

    public bool IsEmpty => Writes.IsEmpty && Reads.IsEmpty;

    public static FieldWrites Of(Policies policies, Model model, Caller caller, long now)
    {
        if (policies.Fields.IsEmpty || !model.Fields.Any(static f => !f.Rules.IsEmpty)) return None;
        ImmutableArray<RuledField> Open(FieldAccess access) =>
        [
            .. model.Fields.Where(f => f.IsRuled(access)).Select(f => new RuledField(f, policies.Fields.For(model, f, access, caller, now)))
                .Where(static ruled => ruled.Rules.Outcome == RuleOutcome.Depends),
        ];
        return new FieldWrites(Open(FieldAccess.Write), Open(FieldAccess.Read));
    }

    /// <summary>The refusal of a write, which names the field.</summary>
    /// <param name="field">With the sentence of its rule, when it has one of its own.</param>
    /// <param name="isAnonymous">Whatever the record: signing in may be what it takes.</param>
    public static Fault Refused(Field field, bool isAnonymous)
    {
        FaultCode code = isAnonymous ? Faults.Unauthorized : Faults.Forbidden;
        FieldRule[] rules = [.. field.Rules.Where(static r => r.Accesses.Contains(FieldAccess.Write))];
        string message = (rules is [{ Message: { } only }] ? only : null) ?? $"no rule allows this caller to write {field.Name}";
        return code.Says(message, new FaultDetail(field.Name, code.Code, message));
    }
}
