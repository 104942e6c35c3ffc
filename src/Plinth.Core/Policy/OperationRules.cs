using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>
/// The rules of one operation, or of one access to a field: split into the caller's parts and the rest, and the folds made so far.
/// </summary>
sealed class OperationRules
{
    readonly RuleTemplate _template;
    readonly ImmutableArray<Allow> _allows;
    readonly ImmutableArray<Deny> _denies;
    readonly ImmutableArray<CompiledExpression> _whole;
    readonly int _guard;
    readonly Limits _limits;
    readonly BoundedCache<FoldedRules> _folds;

    OperationRules(
        RuleTemplate template, ImmutableArray<CompiledExpression> whole, ImmutableArray<Allow> allows, ImmutableArray<Deny> denies,
        int guard, Limits limits)
    {
        (_template, _whole, _allows, _denies, _guard, _limits) = (template, whole, allows, denies, guard, limits);
        _folds = new(limits.Folds);
    }

    // Conditions are named by their number in the template; -1 is one that was not written.
    readonly record struct Allow(int When, int After, string? Message);

    readonly record struct Deny(int When, string? Message);

    public static OperationRules Of(AppSchema schema, Model model, Operation operation, Limits limits) =>
        Of(schema, model, model.Rules.Where(r => r.Operations.Contains(operation)), isOfRecords: true, limits);

    /// <summary>Whatever the rules say: the records of the caller's tenant.</summary>
    public static OperationRules OfTenant(AppSchema schema, Model model, Limits limits) =>
        Of(schema, model, [new AccessRule(RuleEffect.Allow, [], null, null)], isOfRecords: true, limits);

    /// <summary>A field without an allow for the access is open to whoever may the record.</summary>
    public static OperationRules Of(AppSchema schema, Model model, Field field, FieldAccess access, Limits limits)
    {
        IEnumerable<AccessRule> rules = field.Rules.Where(r => r.Accesses.Contains(access))
            .Select(r => new AccessRule(r.Effect, [], r.When, After: null) { Message = r.Message, Span = r.Span });
        bool isOpen = !field.Rules.Any(r => r.Effect == RuleEffect.Allow && r.Accesses.Contains(access));
        // Who asks for a field has found its record, so the tenant is decided.
        if (isOpen) rules = rules.Prepend(new AccessRule(RuleEffect.Allow, [], null, null));
        return Of(schema, model, rules, isOfRecords: false, limits);
    }

    /// <summary>The parts of the rules that are the caller's alone.</summary>
    public ImmutableArray<CheckedNode> Parts => _template.Parts;

    public int FoldsKept => _folds.Count;

    /// <summary>Some part looks at the clock.</summary>
    public bool ReadsNow => _template.Parts.Any(static part => ExpressionReads.Of(part).Now);

    static OperationRules Of(AppSchema schema, Model model, IEnumerable<AccessRule> rules, bool isOfRecords, Limits limits)
    {
        ImmutableArray<CheckedExpression>.Builder conditions = ImmutableArray.CreateBuilder<CheckedExpression>();
        int Add(Condition? condition, ExpressionScope scope)
        {
            if (condition is null) return -1;
            conditions.Add(CheckedExpression.Of(condition, scope));
            return conditions.Count - 1;
        }

        ImmutableArray<Allow>.Builder allows = ImmutableArray.CreateBuilder<Allow>();
        ImmutableArray<Deny>.Builder denies = ImmutableArray.CreateBuilder<Deny>();
        foreach (AccessRule rule in rules)
        {
            int when = Add(rule.When, ExpressionScope.Rule(schema, model));
            if (rule.Effect == RuleEffect.Deny) denies.Add(new Deny(when, rule.Message));
            else allows.Add(new Allow(when, Add(rule.After, ExpressionScope.After(schema, model)), rule.Message));
        }
        int guard = -1;
        if (isOfRecords && TenantGuard(schema, model) is { } tenant)
        {
            guard = conditions.Count;
            conditions.Add(tenant);
        }
        ImmutableArray<CheckedExpression> all = conditions.ToImmutable();
        return new OperationRules(
            RuleTemplate.Of(all), [.. all.Select(CompiledExpression.Compile)], allows.ToImmutable(), denies.ToImmutable(), guard, limits);
    }

    /// <summary>
    /// <c>tenantId == auth.tenantId</c>: without the claim it is unknown, so an identity without a tenant has no records.
    /// </summary>
    static CheckedExpression? TenantGuard(AppSchema schema, Model model)
    {
        if (model.TenantField is not { } field) return null;
        Field claim = schema.Auth?.Claim(Model.TenantId) ?? throw new InvalidOperationException("tenants without a claim that names one");
        return CheckedExpression.Of(new CallNode(CelType.Bool, CelFunction.Equal,
        [
            new FieldNode(CelType.Of(schema, field), new RowNode(new RecordType(model)), field),
            new ClaimNode(CelType.Of(schema, claim), claim),
        ]));
    }

    public CallerRules For(Caller caller, long now)
    {
        int parts = _template.Parts.Length;
        if (parts == 0) return new CallerRules(_folds.Find("") ?? _folds.Keep("", Fold("")), []);

        EvaluationContext context = Policies.Context(caller, now, _limits);
        Value[] evaluated = new Value[parts];
        Span<char> pattern = parts <= 128 ? stackalloc char[parts] : new char[parts];
        bool onlyValues = true;
        for (int i = 0; i < parts; i++)
        {
            evaluated[i] = _template.Evaluate(i, context);
            pattern[i] = RuleTemplate.Pattern(_template.Parts[i], evaluated[i]);
            onlyValues &= pattern[i] == 'v';
        }
        if (_folds.Find(pattern) is not { } folded)
        {
            string text = pattern.ToString();
            folded = _folds.Keep(text, Fold(text));
        }
        return new CallerRules(folded, onlyValues ? evaluated : Open(evaluated, pattern, folded.Values));
    }

    /// <summary>The values that a fold leaves open: those that are not null, lists item by item.</summary>
    static Value[] Open(Value[] evaluated, ReadOnlySpan<char> pattern, int count)
    {
        if (count == 0) return [];
        Value[] open = new Value[count];
        int at = 0;
        for (int i = 0; i < evaluated.Length; i++)
        {
            int slots = Slots(pattern[i]);
            if (slots == 0) continue;
            if (pattern[i] == 'v')
            {
                open[at++] = evaluated[i];
                continue;
            }
            ImmutableArray<Value> items = evaluated[i].List;
            for (int k = 0; k < slots; k++) open[at++] = items[Math.Min(k, items.Length - 1)];
        }
        return open;
    }

    static int Slots(char pattern) => pattern switch
    {
        't' or 'f' or 'u' => 0,
        'v' => 1,
        _ => RuleTemplate.ListSlots(pattern),
    };

    FoldedRules Fold(string pattern)
    {
        int slots = 0;
        ImmutableArray<int> firstSlots = [.. pattern.Select(p => (slots += Slots(p)) - Slots(p))];
        RuleFolding folding = new(pattern, firstSlots);
        ImmutableArray<CheckedNode> conditions =
            [.. _template.Conditions.Select(c => Simplifier.Simplify(folding.Rewrite(c), UnknownMeans.Unknown))];

        List<AllowPair> pairs = [];
        List<CheckedNode> allowed = [];
        foreach (Allow allow in _allows)
        {
            if (IsNever(conditions, allow.When) || IsNever(conditions, allow.After)) continue;
            pairs.Add(new AllowPair(Left(conditions, allow.When), Left(conditions, allow.After), allow.Message));
            allowed.Add(allow.When < 0 ? LiteralNode.True : conditions[allow.When]);
        }
        List<RuleCondition> denies = [];
        List<CheckedNode> conjuncts = [allowed.Count == 0 ? LiteralNode.False : new OrNode([.. allowed])];
        foreach (Deny deny in _denies)
        {
            CheckedNode denied = deny.When < 0 ? LiteralNode.True : conditions[deny.When];
            if (denied is LiteralNode { Value.IsFalse: true }) continue;
            if (denied is LiteralNode) return Never(slots, deny.Message);
            denies.Add(new RuleCondition(CheckedExpression.Of(denied), _whole[deny.When]));
            conjuncts.Add(new NotNode(denied));
        }
        CheckedNode predicate = Simplifier.Simplify(new AndNode([.. conjuncts]), UnknownMeans.False);
        if (predicate is LiteralNode { Value.IsTrue: false }) return Never(slots, MessageOfRefused());
        bool always = predicate is LiteralNode && pairs.Any(static p => p.When is null && p.After is null);
        FoldedRules folded = new()
        {
            Outcome = always ? RuleOutcome.Always : RuleOutcome.Depends,
            AllowPairs = [.. pairs],
            Denies = [.. denies],
            Predicate = CheckedExpression.Of(predicate),
            Values = slots,
            Message = MessageOfRefused(),
        };
        if (_guard < 0) return folded;
        CheckedNode guard = conditions[_guard];
        if (guard is LiteralNode) return Never(slots, message: null);
        CheckedNode both = predicate is LiteralNode ? guard : new AndNode([guard, predicate]);
        return folded.Within(new RuleCondition(CheckedExpression.Of(guard), _whole[_guard]), CheckedExpression.Of(both));
    }

    static FoldedRules Never(int slots, string? message) =>
        new() { Outcome = RuleOutcome.Never, Predicate = CheckedExpression.False, Values = slots, Message = message };

    /// <summary>Where several rules could have allowed, none of their sentences alone is the reason.</summary>
    string? MessageOfRefused() => _allows.Length == 1 ? _allows[0].Message : null;

    RuleCondition? Left(ImmutableArray<CheckedNode> conditions, int number)
    {
        if (number < 0 || conditions[number] is LiteralNode { Value.IsTrue: true }) return null;
        return new RuleCondition(CheckedExpression.Of(conditions[number]), _whole[number]);
    }

    /// <summary>An allow counts where it is true alone, so one that can only be false or unknown is as good as none.</summary>
    static bool IsNever(ImmutableArray<CheckedNode> conditions, int number) =>
        number >= 0 && Simplifier.Simplify(conditions[number], UnknownMeans.False) is LiteralNode { Value.IsTrue: false };
}
