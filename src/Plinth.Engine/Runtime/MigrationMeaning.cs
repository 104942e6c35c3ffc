using System.Collections.Concurrent;
using System.Security.Cryptography;
using Plinth.Expressions;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;

namespace Plinth.Runtime;

/// <summary>What the steps of a migration take from the meaning of a schema: its conditions spelt, its computed fields computed.</summary>
static class MigrationMeaning
{
    /// <param name="schema">The one that is migrated to.</param>
    public static MigrationTools Of(AppSchema schema)
    {
        ConcurrentDictionary<Condition, CompiledExpression> computed = [];
        return new MigrationTools(
            (sql, model, condition) => WriteCondition(sql, schema, model, condition),
            (model, field, row) => computed.GetOrAdd(field.Computed!, c => Compile(schema, model, field, c)) // Asked for computed fields only.
                .Evaluate(new EvaluationContext { Row = row }),
            new IdSource(RandomNumberGenerator.Fill),
            new SchemaCodec(SchemaJson.Write, static ir => SchemaJson.Read(ir)));
    }

    // A check refuses a row when it is false, and passes when it is unknown; an index holds the rows for which its condition is true.
    static void WriteCondition(SqlWriter sql, AppSchema schema, Model model, Condition condition) => ExpressionLowering.WriteThreeValued(
        sql, CheckedExpression.Of(condition, ExpressionScope.OwnFields(schema, model)).Root, new LoweringScope { Schema = schema, Row = model });

    static CompiledExpression Compile(AppSchema schema, Model model, Field field, Condition condition) => CompiledExpression.Compile(
        CheckedExpression.Of(condition, ExpressionScope.OwnFields(schema, model), CelType.Of(schema, field)));
}
