using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>What one kind of caller may do with the records of one model.</summary>
/// <param name="Cells">By operation: <c>-</c> none, <c>own</c> those that bear the caller's claims, <c>some</c> others by their values,
/// <c>all</c>.</param>
sealed record MatrixRow(string Model, string Role, ImmutableArray<(Operation Operation, string Cell)> Cells);

/// <summary>Which ways a rule's condition came out while the matrix was made.</summary>
/// <param name="Place"><c>file:line:column</c></param>
/// <param name="WasDecided">False: it looks at other records, which the matrix has none of.</param>
/// <param name="Terms">Its branches: the terms of the condition and of <c>after:</c>.</param>
sealed record RuleCoverage(
    string Place, string Text, bool WasTrue, bool WasNotTrue, bool WasDecided, ImmutableArray<TermCoverage> Terms);

/// <summary>
/// Role × operation × ownership for every model, made by running the rules: for nobody, for each role, with a record that bears the
/// caller's id (and whatever else rules compare with a claim) and with one that bears another's.
/// </summary>
sealed class PolicyMatrix
{
    readonly Policies _policies;
    readonly Limits _limits;

    PolicyMatrix(AppSchema schema, Limits limits) => (_policies, _limits) = (new Policies(schema, limits), limits);

    public ImmutableArray<MatrixRow> Rows { get; private set; } = [];

    public ImmutableArray<RuleCoverage> Coverage { get; private set; } = [];

    AppSchema Schema => _policies.Schema;

    public static PolicyMatrix Of(AppSchema schema, Limits limits, long now)
    {
        PolicyMatrix matrix = new(schema, limits);
        var callers = matrix.Callers().ToList();
        matrix.Rows =
        [
            .. schema.Models.SelectMany(model => callers.Select(c => new MatrixRow(
                model.Name, c.Role, [.. Operations(model).Select(o => (o, matrix.Cell(model, o, c.Caller, now)))]))),
        ];
        matrix.Coverage = [.. schema.Models.SelectMany(m => matrix.CoverageOf(m, callers.ConvertAll(static c => c.Caller), now))];
        return matrix;
    }

    static IEnumerable<Operation> Operations(Model model) =>
        Enum.GetValues<Operation>().Where(o => model.IsSoftDelete || o is not (Operation.Restore or Operation.Purge));

    IEnumerable<(string Role, Caller Caller)> Callers()
    {
        yield return ("nobody", Caller.Anonymous());
        if (Schema.Auth is not { } auth) yield break;
        Field? role = auth.Claim("role");
        // What records are known by must be there to be compared; what a rule asks of a caller alone is not taken for granted.
        OwnerFinder owners = new();
        foreach (Model model in Schema.Models) Visit(owners, model);
        string[] words = role?.Type is EnumFieldType { Enum.Values: var values } ? [.. values] : ["signed in"];
        foreach (string word in words)
        {
            List<KeyValuePair<string, Value>> claims = [];
            foreach (Field claim in auth.Claims.Where(c => c.Name is "id" or Model.TenantId || owners.Claims.Contains(c.Name)))
                claims.Add(KeyValuePair.Create(claim.Name, Sample(claim, number: 1)));
            if (role?.Type is EnumFieldType) claims.RemoveAll(c => c.Key == role.Name);
            if (role?.Type is EnumFieldType) claims.Add(KeyValuePair.Create(role.Name, Value.From(word)));
            yield return (word, new Caller(Value.FromMap(new ValueMap([.. claims])), "someone"));
        }
    }

    string Cell(Model model, Operation operation, Caller caller, long now)
    {
        CallerRules rules = _policies.Of(model).For(operation, caller, now);
        Value[] own = Row(model, isOwn: true), other = Row(model, isOwn: false);
        FoldedRules folded = rules.Folded.Inside;
        if (rules.Outcome == RuleOutcome.Never) return "-";
        if (folded.Outcome == RuleOutcome.Always) return "all";
        if (!folded.IsOwn) return "some";
        bool seesOwn = rules.Sees(Policies.Context(caller, now, _limits, own));
        bool seesOther = rules.Sees(Policies.Context(caller, now, _limits, other));
        return seesOwn && !seesOther ? "own" : "some";
    }

    /// <summary>A record that says whose it is, and little else.</summary>
    Value[] Row(Model model, bool isOwn)
    {
        Value[] row = new Value[model.Fields.Length];
        OwnerFinder owners = new();
        Visit(owners, model);
        foreach (Field field in model.Fields)
        {
            // What is never null is something: a rule must not be unknown because the record is made up.
            if (!field.IsNullable) row[field.Ordinal] = Sample(field, 3);
            if (owners.Fields.Contains(field.Name)) row[field.Ordinal] = Sample(field, isOwn ? 1 : 2);
            if (string.Equals(field.Name, model.Tenant, StringComparison.Ordinal)) row[field.Ordinal] = Sample(field, 1);
        }
        return row;
    }

    void Visit(OwnerFinder owners, Model model)
    {
        foreach (AccessRule rule in model.Rules)
        {
            if (rule.When is { } when) owners.Visit(CheckedExpression.Of(when, ExpressionScope.Rule(Schema, model)).Root);
        }
    }

    /// <summary>Every rule on records of the caller's and of another's, and on each of them with one thing changed.</summary>
    IEnumerable<RuleCoverage> CoverageOf(Model model, List<Caller> callers, long now)
    {
        RuleLiterals literals = new(Schema, model);
        Value[] own = Row(model, isOwn: true), other = Row(model, isOwn: false);
        List<Value[]> rows = [.. RuleObserver.Varied(model, own, literals), .. RuleObserver.Varied(model, other, literals)];
        List<Caller> who = [.. callers.SelectMany(c => RuleObserver.Varied(Schema.Auth, c, literals))];
        foreach (AccessRule rule in model.Rules)
        {
            RuleObserver observer = new(Schema, model, rule);
            foreach (Caller caller in who)
            {
                foreach (Value[] row in rows) observer.Observe(caller, now, _limits, row, before: own);
            }
            yield return observer.Coverage(model, rule);
        }
    }

    static Value Sample(Field field, int number) => field.Type switch
    {
        _ when field.IsJsonStored => Value.FromJson("[]"u8.ToArray()),
        EnumFieldType { Enum.Values: [_, var second, ..] } when number == Another => Value.From(second),
        EnumFieldType { Enum.Values: [var first, ..] } => Value.From(first),
        ScalarFieldType { Scalar: var scalar } => scalar.Kind switch
        {
            ValueKind.Int => Value.From((long)number),
            ValueKind.Boolean => Value.False,
            ValueKind.Uuid => scalar.TryParse($"00000000-0000-7000-8000-00000000000{number}", out Value id) ? id : Value.Null,
            ValueKind.String => Value.From("id" + number),
            _ => Value.Null,
        },
        _ => Value.Null,
    };

    const int Another = 2;

    /// <summary>Fields that a rule compares with a claim, and the claims.</summary>
    sealed class OwnerFinder : NodeVisitor
    {
        public HashSet<string> Fields { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Claims { get; } = new(StringComparer.Ordinal);

        public override void Visit(CheckedNode node)
        {
            if (node is CallNode { Function: CelFunction.Equal or CelFunction.NotEqual, Arguments: [var left, var right] })
            {
                Note(left, right);
                Note(right, left);
            }
            base.Visit(node);
        }

        void Note(CheckedNode field, CheckedNode claim)
        {
            if (field is not FieldNode { Record: RowNode } own || claim is not ClaimNode of) return;
            Fields.Add(own.Field.Name);
            Claims.Add(of.Claim.Name);
        }
    }
}
