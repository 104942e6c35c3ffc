namespace Plinth.Policy;

/// <summary>One record as the interpreter keeps it.</summary>
sealed class NaiveRow(RandomModel model, long tenant, long id)
{
    public RandomModel Model => model;

    public long Tenant => tenant;

    public long Id => id;

    public bool IsTrashed { get; set; }

    public Dictionary<string, object?> Values { get; } = [];

    public object? this[string field] => field == "id" ? id : Values.GetValueOrDefault(field);
}

/// <summary>Who asks, as a set of claims; null claims are not carried. Null as a whole: nobody.</summary>
sealed record NaiveCaller(Dictionary<string, object?>? Claims)
{
    public object? this[string claim] => Claims?.GetValueOrDefault(claim);
}

/// <summary>
/// What the contract says, in the plainest way: every rule is asked of every row, by loops, three-valued. Written for the test alone; it
/// shares nothing with the product, whose folding, pushing down and caching it is there to check.
/// </summary>
sealed class NaivePolicy(RandomPolicy policy, List<NaiveRow> rows, NaiveCaller caller)
{
    public bool HasTenant => !policy.IsTenanted || caller["tenantId"] is long;

    /// <summary>Live rows of the caller's tenant.</summary>
    public IEnumerable<NaiveRow> Live(RandomModel model) => rows.Where(r =>
        ReferenceEquals(r.Model, model) && !r.IsTrashed && (!policy.IsTenanted || Equals(r.Tenant, caller["tenantId"])));

    /// <summary>One allow rule is true as a whole, and no deny is true or unknown, on either state.</summary>
    public bool Allows(string operation, NaiveRow before, NaiveRow after)
    {
        var rules = before.Model.Rules.Where(r => r.Operations.Contains(operation)).ToList();
        if (rules.Exists(r => !r.IsAllow && (Rule(r.When, before) != false || Rule(r.When, after) != false))) return false;
        return rules.Exists(r => r.IsAllow && Rule(r.When, before) == true && (r.After is null || Rule(r.After, after) == true));
    }

    /// <summary>What a write may begin with: whether it may, and the rules that let it.</summary>
    public (bool May, List<RandomRule> Rules) Start(string operation, NaiveRow before)
    {
        var rules = before.Model.Rules.Where(r => r.Operations.Contains(operation)).ToList();
        List<RandomRule> allowing = rules.FindAll(r => r.IsAllow && Rule(r.When, before) == true);
        return (allowing.Count > 0 && !rules.Exists(r => !r.IsAllow && Rule(r.When, before) != false), allowing);
    }

    /// <summary>Whether it may end so, by one of the rules that let it begin.</summary>
    public bool End(string operation, NaiveRow after, List<RandomRule> allowing) =>
        allowing.Exists(r => r.After is null || Rule(r.After, after) == true)
        && !after.Model.Rules.Exists(r => !r.IsAllow && r.Operations.Contains(operation) && Rule(r.When, after) != false);

    /// <summary>A denial keeps the field from being written in this row.</summary>
    public bool IsDenied(NaiveRow row, string field) => row.Model.RulesOf(field, "write").Any(r => !r.IsAllow
        && Rule(r.When, row) != false);

    public bool Sees(string operation, NaiveRow row) => Allows(operation, row, row);

    /// <summary>Whatever the row: no rule could let the caller.</summary>
    public bool IsClosed(RandomModel model, string operation)
    {
        if (!HasTenant) return true;
        var rules = model.Rules.Where(r => r.Operations.Contains(operation)).ToList();
        return IsClosed(rules.Where(r => r.IsAllow).Select(r => (r.When, r.After)), rules.Where(r => !r.IsAllow).Select(r => r.When));
    }

    /// <summary>Whatever the row: the field may not be read, or not be written.</summary>
    public bool IsClosed(RandomModel model, string field, string access)
    {
        var rules = model.RulesOf(field, access).ToList();
        bool isOpen = !rules.Exists(r => r.IsAllow);
        IEnumerable<(Term, Term?)> allows = isOpen ? [(new Constant(true), null)]
            : rules.Where(r => r.IsAllow).Select(r => (r.When, (Term?)null));
        return IsClosed(allows, rules.Where(r => !r.IsAllow).Select(r => r.When));
    }

    bool IsClosed(IEnumerable<(Term When, Term? After)> allows, IEnumerable<Term> denies) =>
        !allows.Any(a => Possible(a.When).Contains(Yes) && (a.After is null || Possible(a.After).Contains(Yes)))
        || denies.Any(d => !Possible(d).Contains(No));

    /// <summary>A relation is followed by reading its key: who may not read that, does not know it.</summary>
    public bool IsClosed(RandomModel model, RandomRelation relation) =>
        IsClosed(relation.IsOwning ? model : relation.Target, relation.Key, "read");

    public bool MayDo(NaiveRow row, string field, string access)
    {
        var rules = row.Model.RulesOf(field, access).ToList();
        if (rules.Exists(r => !r.IsAllow && Rule(r.When, row) != false)) return false;
        return !rules.Exists(r => r.IsAllow) || rules.Exists(r => r.IsAllow && Rule(r.When, row) == true);
    }

    /// <summary>The value that the row shows.</summary>
    public object? Shown(NaiveRow row, string field) => field == "id" || MayDo(row, field, "read") ? row[field] : null;

    /// <summary>The record that a request reaches over a relation to one, under the rule for the operation.</summary>
    public NaiveRow? One(NaiveRow from, RandomRelation relation, string operation) =>
        Shown(from, relation.Key) is long key ? Live(relation.Target).FirstOrDefault(r => r.Id == key && Sees(operation, r)) : null;

    public IEnumerable<NaiveRow> Many(NaiveRow from, RandomRelation relation) =>
        Live(relation.Target).Where(r => Equals(Shown(r, relation.Key), from.Id) && Sees("list", r));

    /// <summary>A filter of the request: what it reads and enters is under the caller's rules.</summary>
    public bool? Filter(Term term, NaiveRow row) => Decide(term, row, [], isOfRequest: true);

    bool? Rule(Term term, NaiveRow row) => Decide(term, row, [], isOfRequest: false);

    bool? Decide(Term term, NaiveRow row, Dictionary<string, NaiveRow> variables, bool isOfRequest)
    {
        bool? Sub(Term inner) => Decide(inner, row, variables, isOfRequest);
        object? Of(Term inner) => Value(inner, row, variables, isOfRequest);
        switch (term)
        {
            case Constant { Value: bool truth }: return truth;
            case Compare compare: return Compared(compare.Operator, Of(compare.Left), Of(compare.Right));
            case NullTest { Of.Field: "" } test: return (Reached(test.Of, row, variables, isOfRequest) is null) != test.IsNegated;
            case NullTest test: return (Of(test.Of) is null) != test.IsNegated;
            case OneOf one: return Of(one.Item) is { } item ? one.Items.Contains(item) : null;
            case Negation not: return Sub(not.Operand) is { } operand ? !operand : null;
            case Both { IsAnd: true } and: return And(Sub(and.Left), Sub(and.Right));
            case Both or: return Or(Sub(or.Left), Sub(or.Right));
            case Each each: return Over(each, row, variables, isOfRequest);
            default: throw new InvalidOperationException($"no meaning of {term.Cel}");
        }
    }

    bool? Over(Each each, NaiveRow row, Dictionary<string, NaiveRow> variables, bool isOfRequest)
    {
        bool? result = each.IsAll;
        if (Reached(each.From, row, variables, isOfRequest) is not { } from) throw new InvalidOperationException("a loop over nothing");
        IEnumerable<NaiveRow> range = isOfRequest
            ? Many(from, each.Many)
            : Live(each.Many.Target).Where(r => Equals(r[each.Many.Key], from.Id));
        foreach (NaiveRow element in range)
        {
            bool? one = Decide(each.Body, row, new(variables) { [each.Variable] = element }, isOfRequest);
            result = each.IsAll ? And(result, one) : Or(result, one);
        }
        return result;
    }

    object? Value(Term term, NaiveRow row, Dictionary<string, NaiveRow> variables, bool isOfRequest)
    {
        switch (term)
        {
            case Constant constant: return constant.Value;
            case Claimed claim: return caller[claim.Name];
            case Place { Hops: [.. var before, var last], Field: "id" } place:
                // The key at the far end is the key that leads there: nobody is visited.
                return Reached(place with { Hops = before }, row, variables, isOfRequest) is not { } holder ? null
                    : isOfRequest ? Shown(holder, last.Key) : holder[last.Key];
            case Place place:
                return Reached(place, row, variables, isOfRequest) is not { } reached ? null
                    : isOfRequest ? Shown(reached, place.Field) : reached[place.Field];
            default: throw new InvalidOperationException($"no value of {term.Cel}");
        }
    }

    NaiveRow? Reached(Place place, NaiveRow row, Dictionary<string, NaiveRow> variables, bool isOfRequest)
    {
        NaiveRow? at = place.Variable.Length == 0 ? row : variables[place.Variable];
        foreach (RandomRelation hop in place.Hops)
        {
            if (at is null) return null;
            at = isOfRequest ? One(at, hop, "list") : Live(hop.Target).FirstOrDefault(r => Equals(at[hop.Key], r.Id));
        }
        return at;
    }

    static bool? Compared(string op, object? left, object? right)
    {
        if (left is null || right is null) return null;
        if (op == "==") return Equals(left, right);
        if (op == "!=") return !Equals(left, right);
        int order = Comparer<object>.Default.Compare(left, right);
        return op switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
    }

    static bool? And(bool? a, bool? b) => a == false || b == false ? false : a is null || b is null ? null : true;

    static bool? Or(bool? a, bool? b) => a == true || b == true ? true : a is null || b is null ? null : false;

    const int Yes = 1, No = 0, Unknown = -1;

    static int Number(bool? truth) => truth is { } known ? known ? Yes : No : Unknown;

    static bool? Truth(int number) => number == Unknown ? null : number == Yes;

    /// <summary>What a condition could come to, if the row could be any.</summary>
    HashSet<int> Possible(Term term)
    {
        switch (term)
        {
            case Constant { Value: bool truth }: return [truth ? Yes : No];
            // No field is in it: without rows it comes to the same.
            case Compare or OneOf when IsFree(term): return [Number(Decide(term, rows.FirstOrDefault()!, [], isOfRequest: false))];
            case Compare compare when IsMissing(compare.Left) || IsMissing(compare.Right): return [Unknown];
            case Compare or OneOf: return [Yes, No, Unknown];
            case NullTest: return [Yes, No];
            case Negation not: return [.. Possible(not.Operand).Select(n => Number(Truth(n) is { } t ? !t : null))];
            case Both both:
                return [.. from a in Possible(both.Left) from b in Possible(both.Right)
                    select Number(both.IsAnd ? And(Truth(a), Truth(b)) : Or(Truth(a), Truth(b)))];
            case Each each:
                HashSet<int> body = Possible(each.Body), all = [each.IsAll ? Yes : No];
                for (int i = 0; i < 2; i++)
                {
                    all.UnionWith([.. from a in all from b in body
                        select Number(each.IsAll ? And(Truth(a), Truth(b)) : Or(Truth(a), Truth(b)))]);
                }
                return all;
            default: throw new InvalidOperationException($"no meaning of {term.Cel}");
        }
    }

    bool IsMissing(Term term) => term is Claimed claim && caller[claim.Name] is null;

    static bool IsFree(Term term) => term switch
    {
        Constant or Claimed => true,
        Compare compare => IsFree(compare.Left) && IsFree(compare.Right),
        OneOf one => IsFree(one.Item),
        _ => false,
    };
}
