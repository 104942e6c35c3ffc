using System.Security.Cryptography;
using System.Text;
using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>A term <c>field == value</c> without which no record can belong to a query: what changes are looked up by.</summary>
readonly record struct LiveTerm(int Ordinal, Value Value);

/// <summary>
/// One query of one set of rights, made ready to be kept up to date: what it depends on, and, where the record alone decides, how a
/// changed record is held against it. A plan and its values say all of that, so whoever has the same of both shares the work.
/// </summary>
sealed class LivePlan
{
    readonly CompiledExpression? _filter;
    readonly CallerRules _rules;
    readonly EvaluationContext _context;
    readonly int _mark;

    LivePlan(
        Snapshot snapshot, PlannedRead read, ReadProgram program, Caller caller, ReadRequest request, bool readsNow, long now,
        Limits limits)
    {
        (Snapshot, Read, Program, Caller, Request, ReadsNow) = (snapshot, read, program, caller, request, readsNow);
        ReadPlan plan = read.Plan;
        _context = Policies.Context(caller, now, limits);
        _rules = new CallerRules(plan.Rules[Root.Need], []);
        _mark = Model.IsSoftDelete ? Model.Field(Schema.Model.DeletedAt)?.Ordinal ?? -1 : -1;
        Item = new LiveItems(plan, caller, limits);
        Needs = LiveNeeds.Of(snapshot.Schema, plan);
        CheckedExpression? filter = Root.Filter is { } shape ? SlotValues.Of(shape, read.Values, plan.Slots.Filters[0]) : null;
        IsOwn = filter?.CanEvaluateInMemory != false && (_rules.Outcome != RuleOutcome.Depends || _rules.Folded.IsOwn)
            && !Root.Search && !readsNow && !Needs.Related.ContainsKey(Model.Name)
            && Root.Filter?.OwnFields.Any(name => IsMasked(plan, name)) != true && Model.Projection is null;
        bool isSortedByOwn = Root.Sort.All(term => term.Path.IsOwn && plan.Mask(Model, term.Path.Field) is null);
        IsIncremental = IsOwn && isSortedByOwn && Root.Includes.IsEmpty && request.Limit is null && Item.IsOwn;
        if (IsOwn && filter is not null) _filter = CompiledExpression.Compile(filter);
        Tenant = Model.TenantField?.Type is ScalarFieldType { Scalar: var scalar } && !caller.Tenant.IsNull
            ? scalar.Format(caller.Tenant) : null;
        CheckedExpression rules = SlotValues.Of(plan.Rules[Root.Need].Predicate, read.Values, plan.Slots.Rules[Root.Need]);
        Term = TermOf(rules.Root) is { } ruled && (filter is null || TermOf(filter.Root) is null) ? ruled
            : filter is null ? null : TermOf(filter.Root);
    }

    public Snapshot Snapshot { get; }

    public PlannedRead Read { get; }

    public ReadProgram Program { get; }

    public Caller Caller { get; }

    public ReadRequest Request { get; }

    public LevelShape Root => Read.Plan.Shape.Root;

    public Model Model => Root.Model;

    public LiveItems Item { get; }

    /// <summary>The models and fields that the outcome hangs on.</summary>
    public LiveNeeds Needs { get; }

    /// <summary>Some rule looks at the clock, so the outcome changes without a change.</summary>
    public bool ReadsNow { get; }

    /// <summary>Whether a record belongs to it, but for the window, can be told from the record.</summary>
    public bool IsOwn { get; }

    /// <summary>A change of a record is all that is needed to bring it up to date.</summary>
    public bool IsIncremental { get; }

    /// <summary>The whole set was asked for, not a window of it.</summary>
    public bool IsWhole => Request.Limit is null;

    /// <summary>What every record of it has, whatever else is asked of it.</summary>
    public LiveTerm? Term { get; }

    /// <summary>The tenant whose records it is about, as events name it; null where records belong to none.</summary>
    public string? Tenant { get; }

    /// <summary>Names the query, the rights and the schema, the same on every node: who resumes must come with the same.</summary>
    public string Mark => field ??= MarkOf();

    public static Result<LivePlan> Of(Snapshot snapshot, Caller caller, ReadRequest request, long now, Limits limits)
    {
        try
        {
            return OfRules(snapshot, caller, request, now, limits);
        }
        catch (ExpressionCostException e)
        {
            return e.ToFault();
        }
    }

    static Result<LivePlan> OfRules(Snapshot snapshot, Caller caller, ReadRequest request, long now, Limits limits)
    {
        if (snapshot.Reads.Plan(caller, request, now).Failed(out Fault? fault, out PlannedRead? read)) return fault;
        if (snapshot.AuditsReads && ReadNotes.IsAudited(read.Plan.Shape.Root))
        {
            return Faults.NotLive.Says("who reads these records is kept (@@audit(read)), reading by reading",
                "ask for the list when it is looked at");
        }
        if (snapshot.Program(read.Plan).Failed(out fault, out ReadProgram? program)) return fault;
        bool readsNow = !caller.IsSystem
            && read.Plan.Shape.Needs.Any(need => snapshot.Policies.ReadsNow(need.Model, need.Operation, need.Field));
        return new LivePlan(snapshot, read, program, caller, request, readsNow, now, limits);
    }

    /// <summary>The row is one that lists show: it is there, and not in the trash.</summary>
    public Value[]? Live(Value[]? row) => row is not null && (_mark < 0 || row[_mark].IsNull) ? row : null;

    /// <summary>Whether a live record belongs to it, but for the window.</summary>
    /// <exception cref="ExpressionCostException">The filter took too many steps.</exception>
    public bool Has(Value[]? row)
    {
        if (row is null) return false;
        EvaluationContext context = _context with { Row = row };
        return _rules.Sees(context) && (_filter is null || _filter.IsTrue(context));
    }

    /// <summary>A change of these fields of a record that belongs to it before and after can be seen.</summary>
    public bool Shows(Value[] before, Value[] after)
    {
        foreach (Field field in Model.Fields)
        {
            if (before[field.Ordinal] != after[field.Ordinal] && Needs.Own.Contains(field.Name)) return true;
        }
        return false;
    }

    /// <summary>In the order of the list; never 0 for two records, because the key is the last of the terms.</summary>
    int Compare(Value[] a, Value[] b)
    {
        for (int i = 0; i < Root.Sort.Length; i++)
        {
            int order = Comparison.Order(a[i], b[i]);
            if (order != 0) return Root.Sort[i].Descending ? -order : order;
        }
        return 0;
    }

    public IComparer<LiveItem> Order => field ??= Comparer<LiveItem>.Create((a, b) => Compare(a.Place, b.Place));

    static bool IsMasked(ReadPlan plan, string name) => plan.Shape.Root.Model.Field(name) is { } field
        && plan.Mask(plan.Shape.Root.Model, field) is not null;

    /// <summary>The first conjunct that is an equality of an own field and a value of its kind.</summary>
    static LiveTerm? TermOf(CheckedNode node)
    {
        if (node is AndNode and)
        {
            foreach (CheckedNode item in and.Items)
            {
                if (TermOf(item) is { } term) return term;
            }
            return null;
        }
        if (node is not CallNode { Function: CelFunction.Equal, Arguments: [var left, var right] }) return null;
        return (left, right) switch
        {
            (FieldNode { Record: RowNode } f, LiteralNode l) => Term(f.Field, l.Value),
            (LiteralNode l, FieldNode { Record: RowNode } f) => Term(f.Field, l.Value),
            _ => null,
        };

        // Numbers of several kinds may be equal, so only kinds that are equal to nothing else are looked up by.
        static LiveTerm? Term(Field field, in Value value) =>
            !field.IsJsonStored && value.Kind == field.StoredKind
                && value.Kind is ValueKind.String or ValueKind.Int or ValueKind.Uuid or ValueKind.Boolean or ValueKind.Date
                ? new LiveTerm(field.Ordinal, value) : null;
    }

    string MarkOf()
    {
        StringBuilder text = new();
        text.Append(Snapshot.Version).Append('\n').AppendJoin('\n', Read.Plan.Rules.Select(static r => ShapeKey.Of(r.Predicate)));
        foreach (Value value in Read.Values) text.Append('\n').Append(value.Kind).Append(':').Append(value.ToString());
        text.Append('\n').AppendJoin(',', Root.Fields.Select(static f => f.Name)).Append('\n').Append(Request.Filter);
        byte[] bound = [.. Read.Binding, .. Encoding.UTF8.GetBytes(text.ToString())];
        return Convert.ToHexStringLower(HMACSHA256.HashData(Snapshot.Reads.Secret.Span, bound).AsSpan(0, 6));
    }
}
