using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Schema;

/// <summary>One model: a table, a route, a set of rules.</summary>
sealed record Model
{
    public required string Name { get; init; }

    public required string Table { get; init; }

    /// <summary>Path segment below <c>/api/</c>.</summary>
    public required string Route { get; init; }

    /// <summary>Stored fields in declaration order, then implied ones. <c>Fields[i].Ordinal == i</c>.</summary>
    public required ImmutableArray<Field> Fields { get; init; }

    public ImmutableArray<Relation> Relations { get; init; } = [];

    /// <summary>Names of the key fields, in key order; never empty.</summary>
    public required ImmutableArray<string> Key { get; init; }

    public ImmutableArray<UniqueKey> Uniques { get; init; } = [];

    public ImmutableArray<ModelIndex> Indexes { get; init; } = [];

    /// <summary>Fields of the full-text index; empty when there is none.</summary>
    public ImmutableArray<string> FullText { get; init; } = [];

    public ImmutableArray<ModelCheck> Checks { get; init; } = [];

    public ImmutableArray<AccessRule> Rules { get; init; } = [];

    /// <summary>
    /// The field that says which tenant a record belongs to; null where records belong to none. It leads the key and every index in the
    /// database, and takes its value from the identity, never from a request.
    /// </summary>
    public string? Tenant { get; init; }

    /// <summary>
    /// The field that holds the key of the record that this one is about: its personal values are erased with that record. Null where a
    /// record is about itself.
    /// </summary>
    public string? Subject { get; init; }

    /// <summary>Deleting sets the implied field <c>deletedAt</c>; unique keys then cover live rows only.</summary>
    public bool IsSoftDelete { get; init; }

    /// <summary>Where the engine makes the records from another model's; null of a model that is written to.</summary>
    public Projection? Projection { get; init; }

    /// <summary>Who reads its records is kept.</summary>
    public bool AuditsReads { get; init; }

    /// <summary>Lists count their records without being asked.</summary>
    public bool IsPaged { get; init; }

    public string? RenamedFrom { get; init; }

    public string? Doc { get; init; }

    public required SourceText Source { get; init; }

    public Span Span { get; init; }

    public Field? VersionField => Fields.FirstOrDefault(f => f.IsVersion);

    public Field? Field(string name)
    {
        foreach (Field field in Fields)
        {
            if (string.Equals(field.Name, name, StringComparison.Ordinal)) return field;
        }

        return null;
    }

    public Relation? Relation(string name) => Relations.FirstOrDefault(r => string.Equals(r.Name, name, StringComparison.Ordinal));

    public ImmutableArray<Field> KeyFields => Found.Key;

    public Field? SubjectField => Subject is null ? null
        : Field(Subject) ?? throw new InvalidOperationException($"{Name}: the binder admitted a subject '{Subject}' that is not there");

    /// <summary>The relation to the record that this model's records are about; null where they are about themselves.</summary>
    public Relation? SubjectRelation =>
        Subject is null ? null
            : Relations.First(r => r.IsOwning && r.Fields is [var key] && string.Equals(key, Subject, StringComparison.Ordinal));

    /// <summary>It holds values about a person.</summary>
    public bool IsPersonal => Fields.Any(static f => f.IsPii);

    public Field? TenantField => Tenant is null ? null
        : Field(Tenant) ?? throw new InvalidOperationException($"{Name}: the binder admitted a tenant field '{Tenant}' that is not there");

    /// <summary>What a record is known by in the database and in the log: its key, within its tenant.</summary>
    public ImmutableArray<Field> StoredKey => Found.StoredKey;

    /// <summary>The fields that a lookup of records by these goes by: theirs, within the tenant.</summary>
    public ImmutableArray<Field> Within(ImmutableArray<Field> fields) =>
        TenantField is { } tenant && !fields.Any(f => f.Ordinal == tenant.Ordinal) ? [tenant, .. fields] : fields;

    ImmutableArray<Field> FindKey() => [.. Key.Select(name => Field(name)
        ?? throw new InvalidOperationException($"{Name}: the binder admitted a key field '{name}' that is not there"))];

    /// <summary>The fields of the keys. Every command asks for them several times; a copy with another key finds its own.</summary>
    KeysFound Found
    {
        get
        {
            KeysFound? found = _found.Of(this);
            if (found is not null) return found;
            ImmutableArray<Field> key = FindKey();
            bool isWithin = TenantField is { } tenant && !Key.Contains(tenant.Name, StringComparer.Ordinal);
            found = new KeysFound(this, key, isWithin ? [TenantField!, .. key] : key); // Not null: on the line before.
            _found = new KeysMemo(found);
            return found;
        }
    }

    KeysMemo _found;

    /// <summary>What was found of a model. No part of what it is: two that are equal stay so, whoever was asked.</summary>
    readonly struct KeysMemo(KeysFound? known) : IEquatable<KeysMemo>
    {
        public KeysFound? Of(Model model) => ReferenceEquals(known?.Model, model) ? known : null;

        public bool Equals(KeysMemo other) => true;

        public override bool Equals(object? obj) => obj is KeysMemo;

        public override int GetHashCode() => 0;
    }

    sealed class KeysFound(Model model, ImmutableArray<Field> key, ImmutableArray<Field> storedKey)
    {
        public Model Model => model;

        public ImmutableArray<Field> Key => key;

        public ImmutableArray<Field> StoredKey => storedKey;
    }

    /// <summary>The name of the implied field of <c>@@softDelete</c>.</summary>
    public const string DeletedAt = "deletedAt";

    /// <summary>The name of the implied field of <c>tenancy = row</c>, and of the claim that it takes its value from.</summary>
    public const string TenantId = "tenantId";
}

/// <param name="Name">Name of the index in the database.</param>
/// <param name="Code">The fault code that a conflict answers with instead of <c>conflict</c>.</param>
/// <param name="Where">Only rows for which it is true are held unique.</param>
sealed record UniqueKey(string Name, ImmutableArray<string> Fields, string? Code = null, Condition? Where = null);

sealed record ModelIndex(string Name, ImmutableArray<IndexedField> Fields, Condition? Where = null);

sealed record IndexedField(string Field, bool Descending);

/// <param name="Name">Name of the constraint, also the place named in the error.</param>
sealed record ModelCheck(string Name, Condition Condition);

enum Operation
{
    List,
    Get,
    Create,
    Update,
    Delete,
    Restore,
    Purge,
}

enum RuleEffect
{
    Allow,
    Deny,
}

/// <summary>
/// One <c>@@allow</c> or <c>@@deny</c>. An allow holds as a whole: <see cref="When"/> on the state before and <see cref="After"/> on
/// the state after (on create, When is read on the proposed row). A deny applies when true or unknown on either state.
/// </summary>
sealed record AccessRule(RuleEffect Effect, ImmutableArray<Operation> Operations, Condition? When, Condition? After)
{
    /// <summary>What a refused caller is told instead of our sentence.</summary>
    public string? Message { get; init; }

    public Span Span { get; init; }
}
