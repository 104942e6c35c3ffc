using Plinth.Plan;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>What a request presumes about the record: If-Match, and the version that its body gives.</summary>
static class Preconditions
{
    /// <param name="plan">The request.</param>
    /// <param name="stored">The record.</param>
    /// <param name="isRequired">The model counts versions, so that nobody may change a record without having seen it.</param>
    public static Fault? Check(WritePlan plan, StoredRow stored, bool isRequired)
    {
        Command command = plan.Command;
        if (command.IfVersion is { } version && version != stored.Version) return Stale("If-Match names another version");
        if (plan.BodyVersion is { } given && plan.Model.VersionField is { } field)
        {
            if (stored.Values[field.Ordinal].Int == given) return null;
            return Stale($"{field.Name} is another than the record's");
        }
        if (!isRequired || command.IfVersion is not null || command.AnyVersion) return null;
        return Faults.PreconditionRequired.Says(
            $"a {plan.Model.Name} is changed only by who has seen it",
            $"send If-Match with the ETag, or {plan.Model.VersionField!.Name} in the body"); // Required only of models that have one.
    }

    /// <summary>For a record that is not there: whoever presumes a version of it is wrong.</summary>
    public static Fault? CheckAbsent(WritePlan plan) =>
        plan.Command.IfVersion is not null || plan.Command.AnyVersion || plan.BodyVersion is not null
        ? Faults.PreconditionFailed.Says("there is no record of any version")
        : null;

    static Fault Stale(string what) => Faults.PreconditionFailed.Says($"the record has changed: {what}");
}
