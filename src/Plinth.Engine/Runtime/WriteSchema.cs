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

    /// <param name="schema">What is written.</param>
    /// <param name="version">The schema's number in the log.</param>
    /// <param name="policies">The rules.</param>
    /// <param name="reads">Plans the filters of filtered writes.</param>
    /// <param name="selects">The statement of a planned read.</param>
    /// <param name="dialect">How the database is spelt to.</param>
    /// <param name="limits">Bounds of requests.</param>
    public WriteSchema(
        AppSchema schema,
        int version,
        Policies policies,
        ReadPlanner reads,
        Func<ReadPlan, Result<SqlText>> selects,
        Dialect dialect,
        Limits limits)
    {
        (Schema, Version, Policies, Selects, Limits) = (schema, version, policies, selects, limits);
        Shapes = new RecordShapes(schema, Compile(schema, limits));
        Planner = new WritePlanner(Shapes, policies, reads, limits);
        _tables = schema.Models.ToFrozenDictionary(m => m.Name, m => new RecordTable(schema, m, dialect, limits), StringComparer.Ordinal);
        Users = UserInvariants.Of(schema, Table);
    }

    public AppSchema Schema { get; }

    /// <summary>The schema's number in the log.</summary>
    public int Version { get; }

    public Policies Policies { get; }

    /// <summary>The statement of a planned read: filtered writes concern what a list would hold.</summary>
    public Func<ReadPlan, Result<SqlText>> Selects { get; }

    public Limits Limits { get; }

    public RecordShapes Shapes { get; }

    public WritePlanner Planner { get; }

    /// <summary>Null where the schema has no users.</summary>
    public UserInvariants? Users { get; }

    public RecordTable Table(string model) => _tables[model];

    /// <summary>A time of deletion later than every other. Called in the writer's turn alone.</summary>
    public long NextDeletion(long now) => _lastDeletion = Math.Max(now, _lastDeletion + 1);

    static OwnCompiler Compile(AppSchema schema, Limits limits) => (condition, model, type, computed) =>
    {
        // One of the two is given.
        ExpressionScope scope = model is not null ? ExpressionScope.OwnFields(schema, model) : ExpressionScope.OwnFields(schema, type!);
        CelType expected = computed is null ? CelType.Bool : CelType.Of(schema, computed);
        CompiledExpression compiled = CompiledExpression.Compile(CheckedExpression.Of(condition, scope, expected));
        return row => compiled.Evaluate(new EvaluationContext { Row = row, Cost = limits.ExpressionCost });
    };
}
