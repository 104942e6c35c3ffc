using System.Collections.Immutable;
using Plinth.Policy;
using Plinth.Schema;

namespace Plinth.Plan;

/// <summary>
/// A command with its names resolved, its body read and the caller's rules joined: the only thing that the runtime executes. Plain data;
/// what depends on stored records is decided in the writer's turn, by <see cref="Deciding"/>.
/// </summary>
sealed class WritePlan
{
    public required Command Command { get; init; }

    public required RecordShape Shape { get; init; }

    public required Caller Caller { get; init; }

    public required Moment Moment { get; init; }

    /// <summary>Governs which records exist for the caller.</summary>
    public required CallerRules Read { get; init; }

    /// <summary>Of the operation itself; for upserts of create.</summary>
    public required CallerRules Rules { get; init; }

    /// <summary>For upserts: of the update of a record that is there.</summary>
    public CallerRules Update { get; init; }

    /// <summary>The rules of fields, as far as they depend on the record.</summary>
    public FieldWrites Fields { get; init; } = FieldWrites.None;

    /// <summary>What the record is found by: the key, or the fields of the unique key that an upsert names.</summary>
    public ImmutableArray<Field> KeyFields { get; init; } = [];

    public Value[] KeyValues { get; init; } = [];

    /// <summary>The tenant that the command is about; Null where the model has none.</summary>
    public Value Tenant { get; init; }

    /// <summary>The values that the record is looked up by, in the order of <see cref="Model.Within"/> of the key fields.</summary>
    public Value[] LookupValues(ImmutableArray<Field> fields, Value[] values) =>
        Model.Tenant is not null && Model.Within(fields).Length > fields.Length ? [Tenant, .. values] : values;

    /// <summary>The body; null where there is none.</summary>
    public Input? Input { get; init; }

    /// <summary>The body of a create of many, each completed as far as it can be before the writer's turn.</summary>
    public ImmutableArray<Input> Inputs { get; init; } = [];

    /// <summary>The version that the body gives as its precondition.</summary>
    public long? BodyVersion { get; init; }

    /// <summary>Filtered writes: the records concerned.</summary>
    public PlannedRead? Target { get; init; }

    public Model Model => Shape.Model ?? throw new InvalidOperationException("a plan writes a model");
}
