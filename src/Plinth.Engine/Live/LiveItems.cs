using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>One record of a live query as it is answered.</summary>
/// <param name="Key">The key's parts as one text.</param>
/// <param name="KeyValues">The key's parts.</param>
/// <param name="Place">The values of the sort terms.</param>
/// <param name="Json">The item.</param>
sealed record LiveItem(string Key, Value[] KeyValues, Value[] Place, byte[] Json)
{
    public bool IsAt(LiveItem other) => Place.AsSpan().SequenceEqual(other.Place);

    public bool Shows(LiveItem other) => Json.AsSpan().SequenceEqual(other.Json);
}

/// <summary>Makes the items of one query: from a record in memory byte for byte what a read would answer.</summary>
sealed class LiveItems
{
    readonly ImmutableArray<Field> _fields;
    readonly ImmutableArray<Field> _key;
    readonly ImmutableArray<SortTerm> _sort;
    readonly (Field Field, CallerRules Rules)[] _masks;
    readonly EvaluationContextOf _context;

    delegate Expressions.EvaluationContext EvaluationContextOf(Value[] row);

    public LiveItems(ReadPlan plan, Caller caller, Limits limits)
    {
        LevelShape root = plan.Shape.Root;
        (_fields, _key, _sort) = (root.Fields, root.Model.KeyFields, root.Sort);
        _masks = [.. _fields.Select(f => (f, plan.Mask(root.Model, f))).Where(static m => m.Item2 is not null)
            .Select(static m => (m.f, new CallerRules(m.Item2!.Value.Rules, [])))]; // Not null: the filter before it.
        _context = row => Policies.Context(caller, 0, limits, row);
        IsOwn = _masks.All(static m => m.Rules.Outcome != RuleOutcome.Depends || m.Rules.Folded.IsOwn);
    }

    /// <summary>What an item shows can be told from its record.</summary>
    public bool IsOwn { get; }

    public LiveItem Of(Value[] row)
    {
        using ByteOutput json = new(512);
        bool isFirst = true;
        json.Write((byte)'{');
        foreach (Field field in _fields)
        {
            if (IsHidden(field, row)) continue;
            if (!isFirst) json.Write((byte)',');
            isFirst = false;
            JsonText.WriteName(json, field.Name);
            WireJson.Write(json, field, row[field.Ordinal]);
        }
        json.Write((byte)'}');
        Value[] key = [.. _key.Select(f => row[f.Ordinal])];
        return new LiveItem(KeyOf(key), key, [.. _sort.Select(t => row[t.Path.Field.Ordinal])], json.ToArray());
    }

    public LiveItem Of(in ReadItem read) => new(KeyOf(read.Key), read.Key, read.Place, read.Json);

    /// <summary>The key of a record, as items have it.</summary>
    public string KeyOf(Value[] key)
    {
        if (key.Length == 1) return Text(0, key);
        return string.Join(',', Enumerable.Range(0, key.Length).Select(
            i => Text(i, key).Replace("%", "%25", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal)));
    }

    public string KeyOfRow(Value[] row) => KeyOf([.. _key.Select(f => row[f.Ordinal])]);

    /// <summary><c>{"id":…}</c></summary>
    public void WriteKeyObject(ByteOutput output, LiveItem item)
    {
        output.Write((byte)'{');
        for (int i = 0; i < _key.Length; i++)
        {
            if (i > 0) output.Write((byte)',');
            JsonText.WriteName(output, _key[i].Name);
            WireJson.Write(output, _key[i], item.KeyValues[i]);
        }
        output.Write((byte)'}');
    }

    /// <summary>The id, or the object of a key of several parts.</summary>
    public void WriteKey(ByteOutput output, LiveItem? item)
    {
        if (item is null) JsonText.WriteNull(output);
        else if (_key.Length == 1) WireJson.Write(output, _key[0], item.KeyValues[0]);
        else WriteKeyObject(output, item);
    }

    string Text(int part, Value[] key) =>
        _key[part].Type is ScalarFieldType { Scalar: var scalar } ? scalar.Format(key[part]) : key[part].String;

    bool IsHidden(Field field, Value[] row)
    {
        foreach (var (masked, rules) in _masks)
        {
            if (masked.Ordinal == field.Ordinal) return !rules.Sees(_context(row));
        }
        return false;
    }
}
