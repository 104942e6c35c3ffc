using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Plinth.Expressions;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// Plans reads: names are resolved, the caller's rules are joined, values are read, in this order. The one entry takes the caller;
/// there is no other way to a <see cref="ReadPlan"/>. Belongs to one schema; safe for any number of threads.
/// </summary>
/// <remarks>
/// Shapes are kept by the request's text without its values, plans per shape by the folded rules. A request whose shape and pattern of
/// claims were seen before costs a look-up and the reading of its values.
/// </remarks>
/// <param name="policies">The rules, and the schema that they are of.</param>
/// <param name="limits">Bounds of requests.</param>
/// <param name="secret">Signs cursors; the same for all nodes of an installation and across restarts.</param>
/// <param name="search">Makes of search terms the value that the database is asked with; null when the text holds no term.</param>
sealed class ReadPlanner(Policies policies, Limits limits, ReadOnlyMemory<byte> secret, Func<string, Value?> search)
{
    readonly Lens _whole = new(policies.Fields.Everything, limits);
    readonly ConditionalWeakTable<SchemaView, Lens> _lenses = [];

    public ReadOnlyMemory<byte> Secret => secret;

    /// <summary>The plan of a request, or why there is none.</summary>
    /// <param name="caller">Whose rules apply.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="now">Microseconds since the epoch: what rules read as <c>now</c>.</param>
    public Result<PlannedRead> Plan(Caller caller, ReadRequest request, long now)
    {
        Lens lens = LensOf(policies.SeenBy(caller, now));
        AppSchema schema = lens.View.Schema;
        if (schema.FindModel(request.Model) is not { } model)
        {
            return Faults.UnknownModel.Says(
                $"there is no model '{request.Model}'", Names.DidYouMean(request.Model, schema.Models.Select(static m => m.Name)));
        }
        EvaluationContext context = Policies.Context(caller, now, limits);
        if (Forms(lens, model, request, context).Failed(out Fault? fault, out var forms)) return fault;
        if (Shape(lens, model, request, forms).Failed(out fault, out KnownShape? known)) return fault;

        ReadShape shape = known.Shape;
        CallerRules[] rules = new CallerRules[shape.Needs.Length];
        for (int i = 0; i < rules.Length; i++) rules[i] = RulesOf(shape.Needs[i], caller, now);
        if (Refusal(shape, rules, caller) is { } refusal) return refusal;

        if (caller.IsSystem && caller.Tenant.IsNull && model.Tenant is not null && shape.Includes > 0)
            return KeyValues.NeedsTenant(model);

        byte[] binding = Binding(caller, request, shape);
        if (Boundary(request, shape, binding).Failed(out fault, out var boundary)) return fault;
        PastMoment? past = null;
        if (request.AsOf is not null)
        {
            if (model.Projection is not null) return PastMoment.Refused("a projection is counted from the records of now, and has no past");
            if (PastMoment.Parse(request.AsOf).Failed(out fault, out past)) return fault;
            past = past with { Search = request.Search, Tenant = caller.Tenant };
        }
        ReadPlan plan = known.PlanFor(rules, boundary);
        Value[] values = new Value[plan.Slots.Count];
        if (Bind(plan, request, forms, rules, boundary, values).Failed(out fault, out int limit)) return fault;
        return new PlannedRead(plan, values, limit, binding) { Past = past };
    }

    CallerRules RulesOf(RuleNeed need, Caller caller, long now) => need.Field is { } field
        ? policies.Fields.For(need.Model, field, FieldAccess.Read, caller, now)
        : policies.Of(need.Model).For(need.Operation, caller, now);

    Lens LensOf(SchemaView view) => view.IsWhole ? _whole : _lenses.GetValue(view, seen => new Lens(seen, limits));

    /// <summary>
    /// Whatever the rows: the model itself, or its trash, is closed to this caller. Included and hopped models are merely empty to them.
    /// </summary>
    static Fault? Refusal(ReadShape shape, CallerRules[] rules, Caller caller)
    {
        LevelShape root = shape.Root;
        string verb = shape.Kind == ReadKind.Get ? "get" : "list";
        if (rules[root.Need].Refusal(caller, $"to {verb} {root.Model.Name}") is { } refused) return refused;
        if (root.TrashNeeds is not { } trash || rules[trash.Restore].Outcome != RuleOutcome.Never) return null;
        return rules[trash.Purge].Refusal(caller, $"to see the trash of {root.Model.Name}");
    }

    /// <summary>All CEL texts of the request, checked, in the order in which the resolver takes them.</summary>
    Result<ImmutableArray<FilterForm>> Forms(Lens lens, Model model, ReadRequest request, in EvaluationContext context)
    {
        if (request.Filter is null && request.Include.IsEmpty) return ImmutableArray<FilterForm>.Empty;
        ImmutableArray<FilterForm>.Builder forms = ImmutableArray.CreateBuilder<FilterForm>();
        if (request.Filter is not null)
        {
            if (lens.Forms.Of(model, request.Filter, context, request.IsLive).Failed(out Fault? fault, out FilterForm? form)) return fault;
            forms.Add(form);
        }
        return AddForms(lens, model, request, request.Include, forms, depth: 1, context) is { } wrong ? wrong : forms.ToImmutable();
    }

    Fault? AddForms(
        Lens lens, Model model, ReadRequest request, ImmutableArray<IncludeRequest> includes, ImmutableArray<FilterForm>.Builder forms,
        int depth, in EvaluationContext context)
    {
        if (depth > limits.IncludeDepth) return null;
        foreach (IncludeRequest include in includes)
        {
            if (include.Filter is null && include.Include.IsEmpty) continue;
            if (FieldNames.Relation(model, include.Relation).Failed(out Fault? fault, out Relation? relation)) return fault;
            Model target = lens.View.Schema.TargetOf(relation);
            if (include.Filter is not null)
            {
                if (lens.Forms.Of(target, include.Filter, context, request.IsLive).Failed(out fault, out FilterForm? form)) return fault;
                forms.Add(form);
            }
            if (AddForms(lens, target, request, include.Include, forms, depth + 1, context) is { } wrong) return wrong;
        }
        return null;
    }

    Result<KnownShape> Shape(Lens lens, Model model, ReadRequest request, ImmutableArray<FilterForm> forms)
    {
        ShapeText key = new(stackalloc char[512]);
        try
        {
            ReadShapeKey.Write(request, forms, ref key);
            if (lens.Shapes.Find(key.Text) is { } known) return known;
            if (ReadResolver.Resolve(lens.View.Schema, limits, model, request, forms).Failed(out Fault? fault, out ReadShape? shape))
            {
                return fault;
            }
            return lens.Shapes.Keep(key.Text.ToString(), new KnownShape(shape, limits.ShapePlans));
        }
        finally
        {
            key.Dispose();
        }
    }

    static byte[] Binding(Caller caller, ReadRequest request, ReadShape shape)
    {
        if (shape.Kind != ReadKind.List) return [];
        using ByteOutput binding = new(256);
        ReadBinding.Write(caller.Tenant, request, shape.Root, binding);
        return binding.ToArray();
    }

    Result<ImmutableArray<Value>> Boundary(ReadRequest request, ReadShape shape, byte[] binding) =>
        (request.After ?? request.Before) is { } cursor
            ? Cursor.Read(secret.Span, binding, cursor, shape.Root.Sort.Length)
            : ImmutableArray<Value>.Empty;

    /// <summary>Puts the request's values into their slots and answers the page's limit.</summary>
    Result<int> Bind(
        ReadPlan plan, ReadRequest request, ImmutableArray<FilterForm> forms, CallerRules[] rules, ImmutableArray<Value> boundary,
        Value[] values)
    {
        ReadSlots slots = plan.Slots;
        ReadShape shape = plan.Shape;
        for (int i = 0; i < rules.Length; i++) rules[i].Values.CopyTo(values.AsSpan(slots.Rules[i]));
        if (shape.Kind == ReadKind.Get && KeyValues.Bind(shape.Root.Model, request.Key, values.AsSpan(slots.Key)) is { } noKey)
        {
            return noKey;
        }

        int next = slots.Filters[0];
        for (int i = 0; i < shape.Root.ShortTerms.Length; i++)
        {
            ShortTerm term = shape.Root.ShortTerms[i];
            if (BindTerm(request.ShortFilters[i], term, values.AsSpan(next, term.Values)) is { } unread) return unread;
            next += term.Values;
        }
        int form = 0;
        if (request.Filter is not null) forms[form++].Literals.CopyTo(values.AsSpan(next));
        if (BindIncludes(slots, shape.Root, request.Include, forms, ref form, values) is { } wrong) return wrong;
        boundary.CopyTo(values.AsSpan(slots.Boundary));
        if (slots.Search >= 0)
        {
            if (search(request.Search!) is not { } asked) // Not null: the shape has a search.
            {
                return Faults.MalformedParameter.Says("search holds no word to look for");
            }
            values[slots.Search] = asked;
        }
        if (slots.Offset >= 0)
        {
            long offset = (long)request.Offset!; // Not null: the shape starts at an offset.
            if (offset < 0) return Faults.MalformedParameter.Says("offset is 0 or more");
            if (offset > limits.Offset)
            {
                return Faults.LimitExceeded.Says($"offset is at most {limits.Offset} (limits.offset); page with after= beyond it");
            }
            values[slots.Offset] = Value.From(offset);
        }
        return BindLimit(plan, request, values);
    }

    Result<int> BindLimit(ReadPlan plan, ReadRequest request, Value[] values)
    {
        if (plan.Slots.Limit < 0) return 0;
        if (plan.Shape.Kind == ReadKind.Aggregate)
        {
            values[plan.Slots.Limit] = Value.From((long)limits.Groups + 1);
            return limits.Groups;
        }
        if (request is { IsLive: true, Limit: null })
        {
            values[plan.Slots.Limit] = Value.From((long)limits.LiveRows + 1);
            return limits.LiveRows;
        }
        AppDefaults defaults = policies.Schema.Defaults;
        int limit = request.Limit ?? defaults.PageSize;
        if (LimitFault("limit", limit, defaults.MaxPageSize) is { } outside) return outside;
        // One more than the page: whether it comes says whether there is a next page.
        values[plan.Slots.Limit] = Value.From((long)limit + 1);
        return limit;
    }

    Fault? BindIncludes(
        ReadSlots slots, LevelShape level, ImmutableArray<IncludeRequest> requested, ImmutableArray<FilterForm> forms, ref int form,
        Value[] values)
    {
        for (int i = 0; i < level.Includes.Length; i++)
        {
            IncludeShape include = level.Includes[i];
            IncludeRequest asked = requested[i];
            if (asked.Filter is not null) forms[form++].Literals.CopyTo(values.AsSpan(slots.Filters[include.Number + 1]));
            int max = policies.Schema.Defaults.MaxPageSize;
            int limit = asked.Limit ?? Math.Min(limits.IncludePage, max);
            if (LimitFault($"{asked.Relation}(limit:)", limit, max) is { } outside) return outside;
            values[slots.IncludeLimits + include.Number] = Value.From((long)limit);
            if (BindIncludes(slots, include.Level, asked.Include, forms, ref form, values) is { } wrong) return wrong;
        }
        return null;
    }

    static Fault? BindTerm(ShortFilter filter, ShortTerm term, Span<Value> values)
    {
        if (values.IsEmpty) return null;
        int at = 0;
        if (!ShortOperators.TakesList(term.Operator))
        {
            if (ShortOperators.Parse(filter, term.Path.Field, filter.Text).Failed(out Fault? fault, out values[0])) return fault;
            return null;
        }
        foreach (Range part in filter.Text.AsSpan().Split(','))
        {
            if (ShortOperators.Parse(filter, term.Path.Field, filter.Text.AsSpan(part)).Failed(out Fault? fault, out values[at++]))
            {
                return fault;
            }
        }
        values[at..].Fill(values[at - 1]);
        return null;
    }

    static Fault? LimitFault(string name, int limit, int max)
    {
        if (limit < 1) return Faults.MalformedParameter.Says($"{name} is 1 or more");
        return limit > max ? Faults.LimitExceeded.Says($"{name} is at most {max} (maxPageSize of the schema)") : null;
    }

    /// <summary>What is kept for all who see the schema alike.</summary>
    sealed class Lens(SchemaView view, Limits limits)
    {
        public SchemaView View { get; } = view;

        public FilterForms Forms { get; } = new(view.Schema, limits);

        public BoundedCache<KnownShape> Shapes { get; } = new(limits.Plans);
    }

    /// <summary>A shape, and its plans by the rules and null pattern that they were made for.</summary>
    sealed class KnownShape(ReadShape shape, int plansMax)
    {
        ImmutableArray<ReadPlan> _plans = [];

        public ReadShape Shape { get; } = shape;

        public ReadPlan PlanFor(CallerRules[] rules, ImmutableArray<Value> boundary)
        {
            // Few patterns of claims exist per shape, so a scan that compares identities beats hashing them.
            foreach (ReadPlan plan in _plans)
            {
                if (IsFor(plan, rules, boundary)) return plan;
            }
            ReadPlan made = new(Shape, [.. rules.Select(static r => r.Folded)], [.. boundary.Select(static v => v.IsNull)]);
            ImmutableInterlocked.Update(
                ref _plans, static (plans, with) => (plans.Length < with.Max ? plans : []).Add(with.Made), (Made: made, Max: plansMax));
            return made;
        }

        static bool IsFor(ReadPlan plan, CallerRules[] rules, ImmutableArray<Value> boundary)
        {
            for (int i = 0; i < rules.Length; i++)
            {
                if (!ReferenceEquals(plan.Rules[i], rules[i].Folded)) return false;
            }
            for (int i = 0; i < boundary.Length; i++)
            {
                if (plan.NullBoundary[i] != boundary[i].IsNull) return false;
            }
            return true;
        }
    }
}
