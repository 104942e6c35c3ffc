using System.Collections.Frozen;
using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>What writes under one schema share: its planner, and the table of each model. Swapped whole with the snapshot.</summary>
sealed class WriteSchema
{
    readonly FrozenDictionary<string, RecordTable> _tables;
    long _lastDeletion;

    public WriteSchema(AppSchema schema, int version, Policies policies, ReadPlanner reads, Dialect dialect, Limits limits)
    {
        (Schema, Version, Policies, Dialect, Limits) = (schema, version, policies, dialect, limits);
        Shapes = new RecordShapes(schema, Compile(schema));
        Planner = new WritePlanner(Shapes, policies, reads, limits);
        _tables = schema.Models.ToFrozenDictionary(m => m.Name, m => new RecordTable(schema, m, dialect), StringComparer.Ordinal);
    }

    public AppSchema Schema { get; }

    /// <summary>The schema's number in the log.</summary>
    public int Version { get; }

    public Policies Policies { get; }

    public Dialect Dialect { get; }

    public Limits Limits { get; }

    public RecordShapes Shapes { get; }

    public WritePlanner Planner { get; }

    /// <summary>Another schema serves, or is about to: what was planned under this one no longer fits the tables.</summary>
    public bool IsOutdated { get; private set; }

    /// <summary>Called in the writer's turn that replaces the schema.</summary>
    public void Outdate() => IsOutdated = true;

    public RecordTable Table(string model) => _tables[model];

    /// <summary>A time of deletion later than every other. Called in the writer's turn alone.</summary>
    public long NextDeletion(long now) => _lastDeletion = Math.Max(now, _lastDeletion + 1);

    /// <summary>The statement that finds the records of a filtered write.</summary>
    public SqlText TargetSql(PlannedRead read) => new ReadProgram(Schema, read.Plan, Dialect).Statement;

    static OwnCompiler Compile(AppSchema schema) => (condition, model, type, computed) =>
    {
        // One of the two is given.
        ExpressionScope scope = model is not null ? ExpressionScope.OwnFields(schema, model) : ExpressionScope.OwnFields(schema, type!);
        CelType expected = computed is null ? CelType.Bool : CelType.Of(schema, computed);
        CompiledExpression compiled = CompiledExpression.Compile(CheckedExpression.Of(condition, scope, expected));
        return row => compiled.Evaluate(new EvaluationContext { Row = row });
    };
}
