using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Language;

/// <summary>
/// What rules read as <c>auth</c> is what users are: a rule that lets ordinary users make or change users must say what becomes of the
/// fields that are claims, or whoever may change their own name may make themselves an administrator. An error, with both remedies.
/// </summary>
sealed class UserClaimGuard
{
    const string Id = "id", Role = "role", Email = "email";

    readonly AppSchema _schema;
    readonly Model _user;
    readonly Findings _findings;
    readonly ImmutableArray<Field> _claims;
    readonly Value _ordinary;

    public UserClaimGuard(AppSchema schema, Findings findings)
    {
        (_schema, _user, _findings) = (schema, schema.Model(PlatformModels.User), findings);
        // An address is a claim in all but name: accounts of other providers are linked by it.
        string[] names = [.. (schema.Auth?.Claims ?? []).Select(static c => c.Name).Append(Role).Append(Model.TenantId).Append(Email)];
        _claims = [.. _user.Fields.Where(f => f.Name != Id && names.Contains(f.Name, StringComparer.Ordinal))];
        List<KeyValuePair<string, Value>> sample =
            [new(Id, Value.From(Guid.Empty)), new(Email, Value.From("someone@example.com"))];
        if (_user.Field(Role)?.Default is LiteralDefault { Value: var role }) sample.Add(new(Role, role));
        _ordinary = Value.FromMap(new ValueMap([.. sample]));
    }

    public void Check()
    {
        foreach (AccessRule rule in _user.Rules.Where(static r => r.Effect == RuleEffect.Allow))
        {
            bool creates = rule.Operations.Contains(Operation.Create), updates = rule.Operations.Contains(Operation.Update);
            if ((!creates && !updates) || !IsForOrdinaryUsers(rule)) continue;
            HashSet<string> decided = RowFields.Of(rule.After, ExpressionScope.After(_schema, _user));
            HashSet<string> proposed = [.. decided, .. RowFields.Of(rule.When, ExpressionScope.Rule(_schema, _user))];
            Field[] open = [.. _claims.Where(f => !f.IsRuled(FieldAccess.Write)
                && ((updates && f.IsUpdatable && !decided.Contains(f.Name)) || (creates && f.IsCreatable && !proposed.Contains(f.Name))))];
            if (open.Length == 0) continue;
            string what = string.Join(", ", open.Select(static f => f.Name)), kept = string.Join(" && ", open.Select(Kept));
            _findings.Error((rule.When ?? rule.After)?.Source ?? _user.Source, Codes.OpenClaims, rule.Span,
                $"this rule lets users say for themselves what rules know them by: {what}",
                updates ? $"add to it: after: {kept}; or say in extend User who may write each field: @allow(\"write\", …)"
                    : $"say what the new user must be, as in {open[0].Name} == …, or who may write each field: @allow(\"write\", …)");
        }
    }

    // Null equals nothing, not even null.
    static string Kept(Field field) => field.IsNullable
        ? $"({field.Name} == before.{field.Name} || {field.Name} == null && before.{field.Name} == null)"
        : $"{field.Name} == before.{field.Name}";

    /// <summary>Fields of the state that a condition is read on, but not of <c>before</c>.</summary>
    sealed class RowFields : NodeVisitor
    {
        readonly HashSet<string> _names = new(StringComparer.Ordinal);

        public static HashSet<string> Of(Condition? condition, ExpressionScope scope)
        {
            RowFields fields = new();
            if (condition is not null) fields.Visit(CheckedExpression.Of(condition, scope).Root);
            return fields._names;
        }

        public override void Visit(CheckedNode node)
        {
            if (node is FieldNode { Record: RowNode } own) _names.Add(own.Field.Name);
            base.Visit(node);
        }
    }

    /// <summary>
    /// Whether the rule can hold for nobody, or for someone who just registered: nothing of it asks for more than the role of all.
    /// </summary>
    bool IsForOrdinaryUsers(AccessRule rule)
    {
        if (rule.When is not { } when) return true;
        CheckedNode root = CheckedExpression.Of(when, ExpressionScope.Rule(_schema, _user)).Root;
        return new[] { _ordinary, Value.Null }.Any(claims =>
            Simplifier.Simplify(new Ordinary(claims).Rewrite(root), UnknownMeans.False) is not LiteralNode { Value.IsTrue: false });
    }

    /// <summary>
    /// Terms about the caller alone become what they are for these claims; one of the schema's own is a claim that he has not got.
    /// </summary>
    sealed class Ordinary(Value claims) : NodeRewriter
    {
        public override CheckedNode Rewrite(CheckedNode node)
        {
            if (node is AndNode or OrNode or NotNode or ConditionalNode || node.Type.Kind != CelKind.Bool) return Children(node);
            ExpressionReads reads = ExpressionReads.Of(node);
            if (!reads.IsConstantForCaller || !reads.Caller) return Children(node);
            ClaimFinder finder = new();
            finder.Visit(node);
            if (finder.Names.Contains(Model.TenantId) && !claims.IsNull) return LiteralNode.True;
            if (finder.Names.Any(static n => n is not (Id or Role or Email))) return LiteralNode.False;
            Value value = CompiledExpression.Compile(CheckedExpression.Of(node)).Evaluate(new EvaluationContext { Auth = claims });
            return value.IsTrue ? LiteralNode.True : LiteralNode.False;
        }
    }

    sealed class ClaimFinder : NodeVisitor
    {
        public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

        public override void Visit(CheckedNode node)
        {
            if (node is ClaimNode claim) Names.Add(claim.Claim.Name);
            base.Visit(node);
        }
    }
}
