using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Plinth.Schema;

namespace Plinth.Plan;

/// <summary>
/// An expression over a record's own fields, compiled: <c>@computed</c>, <c>@check</c>, <c>@@check</c>. Unknown is Null.
/// </summary>
/// <param name="row">The record's values, by position.</param>
delegate Value OwnExpression(Value[] row);

/// <summary>Compiles a condition over the fields of a model, or of an embedded type.</summary>
/// <param name="condition">A check, or what a field is computed by.</param>
/// <param name="model">Whose fields it reads, or null.</param>
/// <param name="type">Whose fields it reads, or null.</param>
/// <param name="computed">The field that takes its value; null for a check.</param>
delegate OwnExpression OwnCompiler(Condition condition, Model? model, EmbeddedType? type, Field? computed);

/// <param name="Place">The field; empty for a check of the whole record.</param>
/// <param name="Message">What a refused caller is told.</param>
/// <param name="Holds">False refuses, unknown passes, as in SQL.</param>
sealed record RowCheck(string Place, string Message, OwnExpression Holds)
{
    public static RowCheck Of(string place, Condition condition, OwnExpression holds, ImmutableArray<Field> fields)
    {
        // A condition over a field that never leaves is not told either.
        RowCheck check = new(place, $"does not satisfy {condition.Text}", holds);
        return check.Without(fields.Where(static f => !f.Leaves));
    }

    /// <summary>The check, told without its condition where that names one of the fields.</summary>
    public RowCheck Without(IEnumerable<Field> hidden) => hidden.Any(f => Message.Contains(f.Name, StringComparison.Ordinal))
        ? this with { Message = "does not satisfy its check" }
        : this;
}

/// <summary>One field, with all that reading and deciding a value of it needs.</summary>
sealed class FieldShape
{
    public FieldShape(Field field, int index, bool isKey, OwnExpression? computed, ImmutableArray<RowCheck> rowChecks)
    {
        IsFixed = isKey || field.IsImmutable;
        (Field, Index, Computed, RowChecks) = (field, index, computed, rowChecks);
        Utf8Name = Encoding.UTF8.GetBytes(field.Name);
        ImmutableArray<ValueCheck> checks = [.. field.Validators.Select(ValueCheck.Of).OfType<ValueCheck>()];
        ListLength = field.IsList ? checks.OfType<LengthCheck>().FirstOrDefault() : null;
        Checks = field.IsList ? [.. checks.Where(c => c is not LengthCheck)] : checks;
    }

    public FieldShape SeenAs(Field view, ImmutableArray<RowCheck> checks) => new(view, Index, IsFixed, Computed, checks);

    public Field Field { get; }

    public string Name => Field.Name;

    /// <summary>Of the key, or immutable: given at create, never changed.</summary>
    public bool IsFixed { get; }

    /// <summary>Position in the record; of a model the field's ordinal.</summary>
    public int Index { get; }

    public byte[] Utf8Name { get; }

    /// <summary>Of the value, or of each item of a list.</summary>
    public ImmutableArray<ValueCheck> Checks { get; }

    public LengthCheck? ListLength { get; }

    public OwnExpression? Computed { get; }

    public ImmutableArray<RowCheck> RowChecks { get; }
}

/// <summary>The fields of a model or an embedded type, made ready for reading input and deciding records. Immutable.</summary>
sealed class RecordShape
{
    /// <summary>The same for who sees the model as this: what they may not do with a field is said by the field.</summary>
    public RecordShape SeenAs(Model view)
    {
        Field[] hidden = [.. view.Fields.Where(static f => !f.Leaves)];
        ImmutableArray<RowCheck> Told(ImmutableArray<RowCheck> checks) => [.. checks.Select(check => check.Without(hidden))];
        ImmutableArray<FieldShape> fields = [.. Fields.Select(f => f.SeenAs(view.Fields[f.Index], Told(f.RowChecks)))];
        return new RecordShape(Name, fields, Told(Checks)) { Model = view };
    }

    public RecordShape(string name, ImmutableArray<FieldShape> fields, ImmutableArray<RowCheck> checks)
    {
        (Name, Fields, Checks) = (name, fields, checks);
        Computed = [.. fields.Where(f => f.Computed is not null)];
        Counted = [.. fields.Where(f => f.Field.Default is AutoincrementDefault)];
    }

    public string Name { get; }

    /// <summary>Null for embedded types.</summary>
    public Model? Model { get; init; }

    public ImmutableArray<FieldShape> Fields { get; }

    /// <summary>Fields that are computed; none reads another, which the binder sees to.</summary>
    public ImmutableArray<FieldShape> Computed { get; }

    /// <summary>Fields of <c>autoincrement()</c>: the writer numbers them.</summary>
    public ImmutableArray<FieldShape> Counted { get; }

    public ImmutableArray<RowCheck> Checks { get; }

    /// <summary>
    /// The field whose name the reader stands on. Bodies mostly follow the order of the schema, so the search starts where the last one
    /// ended.
    /// </summary>
    public FieldShape? Find(ref Utf8JsonReader json, ref int next)
    {
        for (int tried = 0; tried < Fields.Length; tried++)
        {
            FieldShape field = Fields[next];
            next = next + 1 == Fields.Length ? 0 : next + 1;
            if (JsonNames.Is(ref json, field.Utf8Name)) return field;
        }
        return null;
    }
}

/// <summary>The shapes of one schema.</summary>
sealed class RecordShapes
{
    readonly FrozenDictionary<string, RecordShape> _models;
    readonly FrozenDictionary<string, RecordShape> _types;
    readonly FrozenDictionary<string, RecordShape> _channels;

    public RecordShapes(AppSchema schema, OwnCompiler compile)
    {
        Schema = schema;
        _models = schema.Models.ToFrozenDictionary(m => m.Name, m => Of(m, compile), StringComparer.Ordinal);
        _types = schema.Types.ToFrozenDictionary(t => t.Name, t => Of(t, compile), StringComparer.Ordinal);
        _channels = schema.Channels.ToFrozenDictionary(
            c => c.Name, c => new RecordShape(c.Name, Of(schema.ShapeOf(c).Fields, [], NoCondition), []), StringComparer.Ordinal);
    }

    public AppSchema Schema { get; }

    public RecordShape Model(string name) => _models[name];

    public RecordShape Type(string name) => _types[name];

    /// <summary>The parameters of a channel.</summary>
    public RecordShape Channel(string name) => _channels[name];

    static RecordShape Of(Model model, OwnCompiler compile)
    {
        ImmutableArray<FieldShape> fields = Of(model.Fields, model.Key, (c, field) => compile(c, model, null, field));
        ImmutableArray<RowCheck> checks =
            [.. model.Checks.Select(c => RowCheck.Of("", c.Condition, compile(c.Condition, model, null, null), model.Fields))];
        return new(model.Name, fields, checks) { Model = model };
    }

    static OwnExpression NoCondition(Condition condition, Field? computed) =>
        throw new InvalidOperationException($"a parameter of a channel has a condition: {condition.Text}");

    static RecordShape Of(EmbeddedType type, OwnCompiler compile) =>
        new(type.Name, Of(type.Fields, [], (c, field) => compile(c, null, type, field)), []);

    static ImmutableArray<FieldShape> Of(
        ImmutableArray<Field> fields, ImmutableArray<string> key, Func<Condition, Field?, OwnExpression> compile) =>
        [.. fields.Select((field, index) => new FieldShape(
            field,
            index,
            key.Contains(field.Name, StringComparer.Ordinal),
            field.Computed is { } computed ? compile(computed, field) : null,
            [.. field.Validators.OfType<CheckValidator>().Select(c => c.Condition)
                .Select(condition => RowCheck.Of(field.Name, condition, compile(condition, null), fields))]))];
}
