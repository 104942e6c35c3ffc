using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>
/// The rules of the fields of one schema, and the schema as each kind of caller sees it: a field that no record could open to them is not
/// there. Who shows the same pattern of claims shares a view. Made once per schema; safe for any number of threads.
/// </summary>
sealed class FieldRules
{
    readonly List<Ruled> _ruled = [];
    readonly Dictionary<(string Model, int Ordinal, FieldAccess Access), OperationRules> _rules = [];
    readonly RuleTemplate _template;
    readonly Limits _limits;
    readonly BoundedCache<SchemaView> _byPattern;
    readonly BoundedCache<SchemaView> _views;
    int _viewsMade;

    public FieldRules(AppSchema schema, Limits limits)
    {
        (_limits, _byPattern, _views) = (limits, new(limits.ClaimPatterns), new(limits.Views));
        Everything = new SchemaView(0, schema);
        foreach (Model model in schema.Models)
        {
            foreach (Field field in model.Fields.Where(static f => !f.Rules.IsEmpty))
            {
                foreach (FieldAccess access in Enum.GetValues<FieldAccess>())
                {
                    if (!field.IsRuled(access)) continue;
                    OperationRules rules = OperationRules.Of(schema, model, field, access, limits);
                    _rules.Add((model.Name, field.Ordinal, access), rules);
                    _ruled.Add(new Ruled(model, field, access, rules));
                }
            }
        }
        _template = RuleTemplate.Of([.. _ruled.SelectMany(static r => r.Rules.Parts).Select(CheckedExpression.Of)]);
    }

    sealed record Ruled(Model Model, Field Field, FieldAccess Access, OperationRules Rules);

    /// <summary>What the product itself sees, and everyone where no field has rules.</summary>
    public SchemaView Everything { get; }

    public bool IsEmpty => _ruled.Count == 0;

    public (int Patterns, int Views) Kept => (_byPattern.Count, _views.Count);

    /// <summary>This caller's rules for one access to a field, as far as they can be known without a row.</summary>
    public CallerRules For(Model model, Field field, FieldAccess access, Caller caller, long now) =>
        !caller.IsSystem && _rules.TryGetValue((model.Name, field.Ordinal, access), out OperationRules? rules)
            ? rules.For(caller, now)
            : new CallerRules(FoldedRules.Always, []);

    /// <summary>Whether the rules of an access to a field look at the clock.</summary>
    public bool ReadsNow(Model model, Field field, FieldAccess access) =>
        _rules.TryGetValue((model.Name, field.Ordinal, access), out OperationRules? rules) && rules.ReadsNow;

    /// <summary>The schema as this caller sees it.</summary>
    public SchemaView SeenBy(Caller caller, long now)
    {
        if (IsEmpty || caller.IsSystem) return Everything;
        EvaluationContext context = Policies.Context(caller, now, _limits);
        int parts = _template.Parts.Length;
        Span<char> pattern = parts <= 256 ? stackalloc char[parts] : new char[parts];
        for (int i = 0; i < parts; i++) pattern[i] = RuleTemplate.Pattern(_template.Parts[i], _template.Evaluate(i, context));
        return _byPattern.Find(pattern) ?? _byPattern.Keep(pattern.ToString(), View(caller, now));
    }

    /// <summary>Most patterns of claims come to few different sets of fields; what is made per view is made once for each set.</summary>
    SchemaView View(Caller caller, long now)
    {
        string closed = string.Create(_ruled.Count, (this, caller, now), static (to, from) =>
        {
            var (rules, caller, now) = from;
            for (int i = 0; i < to.Length; i++) to[i] = rules._ruled[i].Rules.For(caller, now).IsNever ? '-' : '+';
        });
        if (!closed.Contains('-', StringComparison.Ordinal)) return Everything;
        if (_views.Find(closed) is { } known) return known;
        HashSet<(string, int, FieldAccess)> never = [];
        for (int i = 0; i < closed.Length; i++)
        {
            if (closed[i] == '-') never.Add((_ruled[i].Model.Name, _ruled[i].Field.Ordinal, _ruled[i].Access));
        }
        SchemaView made = new(Interlocked.Increment(ref _viewsMade), SchemaView.Without(Everything.Schema, never.Contains));
        return _views.Keep(closed, made);
    }
}
