using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Every condition of the schema against the schema: a wrong name in a rule is an error at load, never a surprise at run time. A
/// condition that uses a name which was reported already is not judged.
/// </summary>
sealed class ConditionChecker(
    AppSchema schema, IReadOnlySet<string> brokenNames, IReadOnlyDictionary<SourceText, SourceText> sources, Findings findings,
        Limits limits)
{
    bool _isIncomplete;

    /// <param name="isIncomplete">Nobody can say which names a model has: an unknown one is not judged.</param>
    public void Check(Model model, Func<string, bool> isIncomplete)
    {
        if (model.Projection is { } projection)
        {
            _isIncomplete = isIncomplete(projection.From);
            new ProjectionChecker(schema, Check, findings).Check(model, projection);
        }
        _isIncomplete = isIncomplete(model.Name);
        ExpressionScope row = ExpressionScope.OwnFields(schema, model);
        foreach (Field field in model.Fields)
        {
            foreach (Validator validator in field.Validators)
            {
                if (validator is CheckValidator check) Check(check.Condition, row, CelType.Bool);
            }
            foreach (FieldRule rule in field.Rules) CheckRule(model, rule.When, ExpressionScope.Rule(schema, model));
            if (field.Computed is { } computed) CheckComputed(model, field, computed, row);
            if (!field.Upcasts.IsEmpty) new UpcastChecker(schema, Check, findings).Check(model, field);
        }
        foreach (ModelCheck check in model.Checks) Check(check.Condition, row, CelType.Bool);
        foreach (UniqueKey unique in model.Uniques) Check(unique.Where, row, CelType.Bool);
        foreach (ModelIndex index in model.Indexes) Check(index.Where, row, CelType.Bool);
        foreach (AccessRule rule in model.Rules)
        {
            CheckRule(model, rule.When, ExpressionScope.Rule(schema, model));
            CheckRule(model, rule.After, ExpressionScope.After(schema, model));
        }
    }

    /// <summary>What a rule looks at beside its record is of the same tenant; a record of none has nowhere to look.</summary>
    void CheckRule(Model model, Condition? condition, ExpressionScope scope)
    {
        if (Check(condition, scope, CelType.Bool) is not { ReadsRelations: true } expression || condition is null) return;
        if (!schema.IsTenanted || model.Tenant is not null) return;
        TenantFinder finder = new(schema);
        finder.Visit(expression.Root);
        if (finder.Found is not { } found) return;
        findings.Error(condition.Source, Codes.BadRelation, condition.Span,
            $"{model.Name} belongs to no tenant: its rule would look at the records of {found} of all tenants");
    }

    sealed class TenantFinder(AppSchema schema) : NodeVisitor
    {
        public string? Found { get; private set; }

        public override void Visit(CheckedNode node)
        {
            if (node is HopNode hop && schema.TargetOf(hop.Relation).Tenant is not null) Found = hop.Relation.Target;
            base.Visit(node);
        }
    }

    /// <summary>
    /// A computed field reads fields that are written, not others that are computed: then there is no order to get wrong, and what a
    /// field depends on stands in one place.
    /// </summary>
    void CheckComputed(Model model, Field field, Condition computed, ExpressionScope row)
    {
        if (Check(computed, row, CelType.Of(schema, field)) is not { } expression) return;
        foreach (string name in expression.OwnFields)
        {
            if (model.Field(name) is not { } read) continue;
            string? wrong = read.Computed is not null ? "is computed too; write out what it is computed from"
                : read.IsVersion || read.IsUpdatedAt ? "changes with every write"
                : read.Default is AutoincrementDefault ? "is numbered only when the record is written"
                : null;
            if (wrong is null) continue;
            findings.Error(computed.Source, Codes.Cycle, computed.Span, $"'{field.Name}' cannot be computed from '{name}', which {wrong}");
        }
    }

    CheckedExpression? Check(Condition? condition, ExpressionScope scope, CelType? expected)
    {
        if (condition is null) return null;
        var (root, unreadable) = CelParser.Parse(sources[condition.Source], condition.Span, limits);
        foreach (Diagnostic diagnostic in unreadable) findings.Add(diagnostic);
        if (root is null || (brokenNames.Count > 0 && MentionsBroken(condition.Text))) return null;
        var (expression, wrong) = CelChecker.Check(root, scope, condition.Source, expected, limits);
        foreach (Diagnostic diagnostic in wrong)
        {
            if (!_isIncomplete || diagnostic.Code is not (Codes.UnknownName or Codes.UnknownField)) findings.Add(diagnostic);
        }
        if (expression is not null && expected is not null) CheckedExpression.Keep(condition, scope, expected, expression);
        return expression;
    }

    bool MentionsBroken(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsAsciiLetter(text[i]) && text[i] != '_') continue;
            int end = i + 1;
            while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_')) end++;
            if (brokenNames.Contains(text[i..end])) return true;
            i = end;
        }
        return false;
    }
}
