using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>One record of the cache: where it is kept, by the values of its key.</summary>
readonly struct RecordKey : IEquatable<RecordKey>
{
    readonly string _model;
    readonly Value _first;
    readonly Value[]? _rest;
    readonly int _hash;

    /// <summary>
    /// A record by the key that requests name, within a tenant: the only way to a key, so that none leaves the tenant out.
    /// </summary>
    /// <param name="tenant">Whose record it is; not looked at where the model has no tenants.</param>
    public static RecordKey Of(Model model, in Value tenant, ReadOnlySpan<Value> key) =>
        model.Tenant is null || model.StoredKey.Length == key.Length ? new(model.Name, key)
        : tenant.IsNull ? throw new InvalidOperationException($"a record of {model.Name} without its tenant")
        : new(model.Name, [tenant, .. key]);

    /// <summary>A record by its stored key: tenant first.</summary>
    public static RecordKey OfStored(string model, ReadOnlySpan<Value> key) => new(model, key);

    RecordKey(string model, ReadOnlySpan<Value> key)
    {
        (_model, _first, _rest) = (model, key[0], key.Length > 1 ? key[1..].ToArray() : null);
        // Of the name as much as tells models apart: hashing all of it would cost more than the rest of a look-up.
        int hash = HashCode.Combine(model.Length, model[0], model[^1]);
        foreach (ref readonly Value part in key) hash = HashCode.Combine(hash, part);
        _hash = hash;
    }

    /// <summary>The parts of the key.</summary>
    public Value[] Values() => _rest is null ? [_first] : [_first, .. _rest];

    public bool Equals(RecordKey other) =>
        _hash == other._hash && string.Equals(_model, other._model, StringComparison.Ordinal) && _first.Equals(other._first)
        && _rest.AsSpan().SequenceEqual(other._rest);

    public override bool Equals(object? obj) => obj is RecordKey other && Equals(other);

    public override int GetHashCode() => _hash;
}
