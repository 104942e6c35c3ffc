using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>
/// Whether a condition can come out true at all, and whether it can come out anything else: from what its terms say of the same thing
/// (a field, a claim, a member of one). It errs towards "it can": what it calls impossible is.
/// </summary>
static class RuleTruth
{
    public static bool IsNever(CheckedNode node) => node switch
    {
        LiteralNode literal => !literal.Value.IsTrue,
        AndNode and => and.Items.Any(IsNever) || Contradicts(and.Items),
        OrNode or => or.Items.All(IsNever),
        QuantifierNode { Kind: QuantifierKind.Exists, Body: var body } => IsNever(body),
        _ => false,
    };

    public static bool IsAlways(CheckedNode node) => node switch
    {
        LiteralNode literal => literal.Value.IsTrue,
        AndNode and => and.Items.All(IsAlways),
        OrNode or => or.Items.Any(IsAlways) || NullOrNot(or.Items),
        _ => false,
    };

    /// <summary><c>x == null || x != null</c>: the null test is never unknown.</summary>
    static bool NullOrNot(ImmutableArray<CheckedNode> items)
    {
        HashSet<string> tested = [.. items.OfType<IsNullNode>().Select(static t => PathOf(t.Operand)).OfType<string>()];
        return items.Any(i => i is NotNode { Operand: IsNullNode test } && PathOf(test.Operand) is { } path && tested.Contains(path));
    }

    static bool Contradicts(ImmutableArray<CheckedNode> items)
    {
        Dictionary<string, Known> known = new(StringComparer.Ordinal);
        foreach (CheckedNode item in Flat(items))
        {
            if (About(item) is not var (path, said)) continue;
            known[path] = known.TryGetValue(path, out Known? before) ? before.And(said) : said;
            if (known[path].IsImpossible) return true;
        }
        return false;
    }

    static IEnumerable<CheckedNode> Flat(ImmutableArray<CheckedNode> items) =>
        items.SelectMany(static item => item is AndNode and ? Flat(and.Items) : [item]);

    /// <summary>What a term that is true says of one thing; null when it is about none, or about several.</summary>
    static (string Path, Known Said)? About(CheckedNode term)
    {
        (CheckedNode? of, Known? said) = term switch
        {
            CallNode { Arguments: [var left, LiteralNode right] } call => (left, Comparing(call.Function, left, right.Value)),
            CallNode { Arguments: [LiteralNode left, var right] } call => (right, Comparing(Mirrored(call.Function), right, left.Value)),
            InNode { List: ListNode list } within when list.Items.All(static i => i is LiteralNode) =>
                (within.Item, new Known { Values = [.. list.Items.Cast<LiteralNode>().Select(static l => l.Value)] }),
            IsNullNode test => (test.Operand, new Known { MayBe = false }),
            NotNode { Operand: IsNullNode test } => (test.Operand, new Known { MayBeNull = false }),
            NotNode { Operand: { Type.Kind: CelKind.Bool } operand } => (operand, new Known { Values = [Value.False] }),
            { Type.Kind: CelKind.Bool } => (term, new Known { Values = [Value.True] }),
            _ => ((CheckedNode?)null, (Known?)null),
        };
        return of is not null && said is not null && PathOf(of) is { } path ? (path, said) : null;
    }

    static CelFunction Mirrored(CelFunction function) => function switch
    {
        CelFunction.Less => CelFunction.Greater,
        CelFunction.LessOrEqual => CelFunction.GreaterOrEqual,
        CelFunction.Greater => CelFunction.Less,
        CelFunction.GreaterOrEqual => CelFunction.LessOrEqual,
        _ => function,
    };

    static Known? Comparing(CelFunction function, CheckedNode what, Value with)
    {
        if (with.IsNull) return null;
        // What is not known to be whole (JSON) may lie between two neighbours.
        long? number = what.Type.Kind == CelKind.Int && with.Kind == ValueKind.Int ? with.Int : null;
        return function switch
        {
            CelFunction.Equal => new Known { Values = [with] },
            CelFunction.NotEqual => new Known { MayBeNull = false, Not = [with] },
            CelFunction.Less when number > long.MinValue => new Known { MayBeNull = false, High = number.Value - 1 },
            CelFunction.LessOrEqual when number is { } high => new Known { MayBeNull = false, High = high },
            CelFunction.Greater when number < long.MaxValue => new Known { MayBeNull = false, Low = number.Value + 1 },
            CelFunction.GreaterOrEqual when number is { } low => new Known { MayBeNull = false, Low = low },
            _ => null,
        };
    }

    /// <summary>A field, a claim, or a member of one, by the way that leads to it; null for what is computed.</summary>
    static string? PathOf(CheckedNode node) => node switch
    {
        RowNode => "row",
        BeforeNode => "before",
        ClaimNode claim => "auth." + claim.Claim.Name,
        VariableNode variable => "variable " + variable.Id.ToString(System.Globalization.CultureInfo.InvariantCulture),
        HopNode hop => Under(hop.From, hop.Relation.Name),
        FieldNode field => Under(field.Record, field.Field.Name),
        MemberNode member => Under(member.Target, member.Name),
        _ => null,
    };

    static string? Under(CheckedNode of, string name) => PathOf(of) is { } path ? $"{path}.{name}" : null;

    /// <summary>What one thing can still be.</summary>
    sealed record Known
    {
        /// <summary>Null: any value.</summary>
        public ImmutableHashSet<Value>? Values { get; init; }

        public ImmutableHashSet<Value> Not { get; init; } = [];

        public bool MayBeNull { get; init; } = true;

        /// <summary>False: it is null.</summary>
        public bool MayBe { get; init; } = true;

        /// <summary>Of whole numbers; of others both ends are open.</summary>
        public long Low { get; init; } = long.MinValue;

        public long High { get; init; } = long.MaxValue;

        // A comparison with a value is not true of null.
        bool IsNullPossible => MayBeNull && Values is null;

        public bool IsImpossible => !IsNullPossible && (!MayBe || Low > High || (Low == High && Not.Contains(Value.From(Low)))
            || (Values is { } values && !values.Any(IsPossible)));

        bool IsPossible(Value value) => !Not.Contains(value)
            && (value.Kind != ValueKind.Int || (value.Int >= Low && value.Int <= High));

        public Known And(Known other) => new()
        {
            Values = Values is null ? other.Values : other.Values is null ? Values : Values.Intersect(other.Values),
            Not = Not.Union(other.Not),
            MayBeNull = MayBeNull && other.MayBeNull,
            MayBe = MayBe && other.MayBe,
            Low = Math.Max(Low, other.Low),
            High = Math.Min(High, other.High),
        };
    }
}
