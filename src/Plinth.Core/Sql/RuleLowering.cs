using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Sql;

/// <summary>
/// The conditions of a schema that the database must decide, judged when the schema is loaded: a rule that no statement could hold
/// would otherwise first fail under a request. What memory decides alone (checks, computed fields) is not asked here.
/// </summary>
static class RuleLowering
{
    public static ImmutableArray<Diagnostic> Check(AppSchema schema, Dialect dialect)
    {
        ImmutableArray<Diagnostic>.Builder found = ImmutableArray.CreateBuilder<Diagnostic>();
        foreach (Model model in schema.Models)
        {
            foreach (AccessRule rule in model.Rules)
            {
                bool ofRows = rule.Operations.Any(o => o != Operation.Create);
                Add(rule.When, ExpressionScope.Rule(schema, model), always: ofRows, forDefinition: false);
                Add(rule.After, ExpressionScope.After(schema, model), always: false, forDefinition: false);
            }
            foreach (Field field in model.Fields)
            {
                foreach (FieldRule rule in field.Rules)
                {
                    bool reads = rule.Accesses.Contains(FieldAccess.Read);
                    Add(rule.When, ExpressionScope.Rule(schema, model), always: reads, forDefinition: false);
                }
            }
            foreach (UniqueKey unique in model.Uniques)
                Add(unique.Where, ExpressionScope.OwnFields(schema, model), always: true, forDefinition: true);
            foreach (ModelIndex index in model.Indexes)
                Add(index.Where, ExpressionScope.OwnFields(schema, model), always: true, forDefinition: true);

            // A condition on one record that needs no other is decided in memory, unless rows are chosen by it.
            void Add(Condition? condition, ExpressionScope scope, bool always, bool forDefinition)
            {
                if (condition is null) return;
                CheckedExpression expression = CheckedExpression.Of(condition, scope);
                if (!always && !expression.ReadsRelations) return;
                if (ExpressionLowering.Refusal(expression, schema, model, dialect, forDefinition) is not { } reason) return;
                found.Add(new Diagnostic("no_sql_form", Severity.Error, condition.Source, condition.Span,
                    $"the database cannot decide this condition: {reason}"));
            }
        }
        foreach (Channel channel in schema.Channels)
        {
            // What needs no record is decided in memory.
            foreach (AccessRule rule in channel.Rules) AddOf(schema.ShapeOf(channel), rule.When);
        }
        return found.ToImmutable();

        void AddOf(Model shape, Condition? condition)
        {
            if (condition is null) return;
            CheckedExpression expression = CheckedExpression.Of(condition, ExpressionScope.Rule(schema, shape));
            if (!expression.ReadsRelations || ExpressionLowering.Refusal(expression, schema, shape, dialect) is not { } reason) return;
            found.Add(new Diagnostic("no_sql_form", Severity.Error, condition.Source, condition.Span,
                $"the database cannot decide this condition: {reason}"));
        }
    }
}
