using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Plinth.Evolution;
using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Sql;
using Plinth.Text;

namespace Plinth.Projections;

/// <summary>An aggregate, by ordinals of the projection's fields.</summary>
/// <param name="Sum">Where what an average is of is added up.</param>
/// <param name="Count">Where values that are not null are counted; of a count, the field itself.</param>
/// <param name="Input">Which of a record's inputs it takes; -1 of a count of records.</param>
sealed record KeptAggregate(ProjectedFunction Function, Field Field, int Sum, int Count, int Input)
{
    public bool IsExtreme => Function is ProjectedFunction.Min or ProjectedFunction.Max;

    /// <summary>Whether a value takes the place of another.</summary>
    public bool IsBetter(in Value value, in Value than) =>
        !value.IsNull && (than.IsNull || Comparison.Order(value, than) * (Function == ProjectedFunction.Min ? 1 : -1) < 0);
}

/// <summary>What one record adds to the row of its key.</summary>
readonly record struct Contribution(GroupKey Key, Value[] Inputs);

/// <summary>
/// A projection made ready to run: what a record of the model counts for, and where. Everyone who makes rows of the projection asks
/// here, so that what is kept from the log and what is counted anew cannot differ. Immutable and thread-safe.
/// </summary>
sealed class ProjectionProgram
{
    readonly CompiledExpression? _where;
    readonly Read[] _keys, _inputs;
    readonly int _mark;
    readonly int _cost;

    public ProjectionProgram(AppSchema schema, Model model, Dialect dialect, Limits limits)
    {
        Projection projection = model.Projection ?? throw new InvalidOperationException($"{model.Name} is no projection");
        (Model, Source, _cost) = (model, schema.Model(projection.From), limits.ExpressionCost);
        ExpressionScope scope = ExpressionScope.OwnFields(schema, Source);
        HashSet<string> read = [.. Source.StoredKey.Select(static f => f.Name)];
        if (projection.Where is { } where)
        {
            CheckedExpression condition = CheckedExpression.Of(where, scope);
            read.UnionWith(condition.OwnFields);
            _where = CompiledExpression.Compile(condition);
        }
        _keys = [.. model.StoredKey.Select(field => KeyOf(schema, projection, field, scope, read))];
        List<Read> inputs = [];
        Aggregates = [.. projection.Aggregates.Select(a => AggregateOf(schema, a, scope, read, inputs))];
        _inputs = [.. inputs];
        _mark = Source.IsSoftDelete ? Named(Source, Model.DeletedAt).Ordinal : -1;
        if (_mark >= 0) read.Add(Model.DeletedAt);
        Needed = [.. Source.Fields.Where(f => read.Contains(f.Name))];
        Records = Named(model, Projection.Records).Ordinal;
        Statements = new ProjectionStatements(dialect, model, Source, Needed);
        Shape = ShapeOf(schema);
    }

    /// <summary>How one value is read of a record: a field as it is, or an expression in the form in which a field holds it.</summary>
    sealed record Read(Field Into, int Ordinal, CompiledExpression? Expression);

    public Model Model { get; }

    /// <summary>The model whose records are counted.</summary>
    public Model Source { get; }

    /// <summary>Fields of the model that are looked at, the stored key among them.</summary>
    public ImmutableArray<Field> Needed { get; }

    public ImmutableArray<KeptAggregate> Aggregates { get; }

    /// <summary>Ordinal of the hidden count of records.</summary>
    public int Records { get; }

    public ProjectionStatements Statements { get; }

    /// <summary>Names everything that its rows hang on: rows that were made for another are of no use.</summary>
    public string Shape { get; }

    /// <summary>Whether the fields that a record has tell whether it is counted, and where.</summary>
    public bool IsPlain => _where is null && Array.TrueForAll(_keys, static k => k.Expression is null);

    /// <summary>
    /// What a record counts for; null where it counts for nothing: in the trash, left out by the condition, without a key.
    /// </summary>
    /// <param name="row">By ordinal; only <see cref="Needed"/> must be there. Null is no record.</param>
    public Contribution? Of(Value[]? row)
    {
        if (row is null || (_mark >= 0 && !row[_mark].IsNull)) return null;
        if (_where is not null && !_where.IsTrue(new EvaluationContext { Row = row, Cost = _cost })) return null;
        Value[] key = new Value[_keys.Length];
        for (int i = 0; i < key.Length; i++)
        {
            key[i] = ValueOf(_keys[i], row);
            if (key[i].IsNull) return null;
        }
        Value[] inputs = _inputs.Length == 0 ? [] : new Value[_inputs.Length];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = ValueOf(_inputs[i], row);
        return new Contribution(new GroupKey(key), inputs);
    }

    /// <summary>
    /// The fields of the model that have the same value in all records of a row, and which part of the key that is; and the field that an
    /// aggregate takes, where it takes one as it is.
    /// </summary>
    public (ImmutableArray<(Field Field, int Part)> By, Field? Input) PlainOf(KeptAggregate aggregate)
    {
        var by = ImmutableArray.CreateBuilder<(Field, int)>();
        for (int i = 0; i < _keys.Length; i++)
        {
            if (_keys[i].Expression is null) by.Add((Source.Fields[_keys[i].Ordinal], i));
        }
        Read input = _inputs[aggregate.Input];
        return (by.ToImmutable(), input.Expression is null ? Source.Fields[input.Ordinal] : null);
    }

    Value ValueOf(Read read, Value[] row) => read.Expression is null ? row[read.Ordinal]
        : Deciding.Stored(read.Into, read.Expression.Evaluate(new EvaluationContext { Row = row, Cost = _cost }));

    Read KeyOf(AppSchema schema, Projection projection, Field field, ExpressionScope scope, HashSet<string> read)
    {
        // Not a key that was written: the tenant, which is that of the record.
        if (projection.Keys.FirstOrDefault(k => string.Equals(k.Field, field.Name, StringComparison.Ordinal)) is not { } key)
            return new Read(field, Named(Source, field.Name).Ordinal, null);
        return ReadOf(field, key.Value, CelType.Of(schema, field), scope, read);
    }

    KeptAggregate AggregateOf(
        AppSchema schema, ProjectedAggregate aggregate, ExpressionScope scope, HashSet<string> read, List<Read> inputs)
    {
        Field field = Named(Model, aggregate.Field);
        int count = aggregate.Function == ProjectedFunction.Count ? field.Ordinal
            : Model.Field(Projection.CountOf(field.Name))?.Ordinal ?? -1;
        int sum = Model.Field(Projection.SumOf(field.Name))?.Ordinal ?? field.Ordinal;
        if (aggregate.Value is not { } value) return new KeptAggregate(aggregate.Function, field, sum, count, -1);
        Field into = InputOf(aggregate.Function, Model.Fields[sum]);
        inputs.Add(aggregate.Function == ProjectedFunction.Count
            ? new Read(field, Plain(value, read).Ordinal, null) : ReadOf(into, value, CelType.Of(schema, into), scope, read));
        return new KeptAggregate(aggregate.Function, field, sum, count, inputs.Count - 1);
    }

    Field Plain(Condition value, HashSet<string> read)
    {
        Field field = Named(Source, value.Text);
        read.Add(field.Name);
        return field;
    }

    Read ReadOf(Field into, Condition value, CelType expected, ExpressionScope scope, HashSet<string> read)
    {
        if (Source.Field(value.Text) is { } plain)
        {
            read.Add(plain.Name);
            return new Read(into, plain.Ordinal, null);
        }
        CheckedExpression expression = CheckedExpression.Of(value, scope, expected);
        read.UnionWith(expression.OwnFields);
        return new Read(into, -1, CompiledExpression.Compile(expression));
    }

    /// <summary>The form in which one record's value is taken: what is added up may be larger than what it comes to.</summary>
    static Field InputOf(ProjectedFunction function, Field into) =>
        function is not (ProjectedFunction.Sum or ProjectedFunction.Average) ? into
        : into with
        {
            Type = new ScalarFieldType(into.StoredKind == ValueKind.Decimal
                ? new DecimalType(DecimalType.PrecisionMax, into.Scale) : BigIntType.It),
        };

    string ShapeOf(AppSchema schema)
    {
        Projection projection = Model.Projection ?? throw new InvalidOperationException($"{Model.Name} is no projection");
        List<string> parts = [projection.From, Source.Table, projection.Where?.Text ?? "", projection.IsInline ? "inline" : ""];
        parts.AddRange(projection.Keys.Select(static key => $"{key.Field}={key.Value.Text}"));
        parts.AddRange(projection.Aggregates.Select(static a => $"{a.Field}={a.Function} {a.Value?.Text}"));
        parts.AddRange(Model.Fields.Select(static field => $"{field.Column} {field.Type.Name} {field.IsNullable}"));
        parts.AddRange(Needed.Select(static field => $"{field.Name} {field.Type.Name}"));
        parts.AddRange(TableShape.Of(schema, Model).Indexes.Select(static index => index.Name).Prepend(Model.Table));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))));
    }

    static Field Named(Model model, string name) => model.Field(name)
        ?? throw new InvalidOperationException($"{model.Name}: the binder admitted a field '{name}' that is not there");
}
