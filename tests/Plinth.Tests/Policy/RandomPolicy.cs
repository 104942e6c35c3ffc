using System.Globalization;

namespace Plinth.Policy;

/// <summary>
/// A condition as the test knows it: it writes itself as CEL, and <see cref="NaivePolicy"/> decides it. No code of the product.
/// </summary>
abstract record Term
{
    public abstract string Cel { get; }
}

sealed record Constant(object? Value) : Term
{
    public override string Cel => Value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        _ => string.Create(CultureInfo.InvariantCulture, $"{Value}"),
    };
}

sealed record Claimed(string Name) : Term
{
    public override string Cel => "auth." + Name;
}

/// <summary>A field at the end of to-one relations, from the row or from a variable.</summary>
sealed record Place(string Variable, RandomRelation[] Hops, string Field) : Term
{
    public override string Cel => string.Join('.', Parts());

    IEnumerable<string> Parts()
    {
        if (Variable.Length > 0) yield return Variable;
        foreach (RandomRelation hop in Hops) yield return hop.Name;
        if (Field.Length > 0) yield return Field;
    }
}

sealed record Compare(string Operator, Term Left, Term Right) : Term
{
    public override string Cel => $"{Left.Cel} {Operator} {Right.Cel}";
}

/// <summary><c>place == null</c>; of a place without a field, whether a record is there.</summary>
sealed record NullTest(Place Of, bool IsNegated) : Term
{
    public override string Cel => $"{Of.Cel} {(IsNegated ? "!=" : "==")} null";
}

sealed record Both(bool IsAnd, Term Left, Term Right) : Term
{
    public override string Cel => $"({Left.Cel} {(IsAnd ? "&&" : "||")} {Right.Cel})";
}

sealed record Negation(Term Operand) : Term
{
    public override string Cel => $"!({Operand.Cel})";
}

sealed record OneOf(Term Item, object[] Items) : Term
{
    public override string Cel => $"{Item.Cel} in [{string.Join(", ", Items.Select(i => new Constant(i).Cel))}]";
}

/// <summary>Over the records of a relation to many.</summary>
sealed record Each(bool IsAll, Place From, RandomRelation Many, string Variable, Term Body) : Term
{
    public override string Cel
    {
        get
        {
            string from = From.Cel.Length == 0 ? Many.Name : $"{From.Cel}.{Many.Name}";
            return $"{from}.{(IsAll ? "all" : "exists")}({Variable}, {Body.Cel})";
        }
    }
}

/// <param name="IsOwning">This side holds the key, in the field <paramref name="Key"/>; else the records at the other end hold it.</param>
sealed record RandomRelation(string Name, RandomModel Target, bool IsOwning, string Key);

/// <param name="After">Null: holds.</param>
sealed record RandomRule(bool IsAllow, string[] Operations, Term When, Term? After)
{
    public string Text => $"@@{(IsAllow ? "allow" : "deny")}(\"{string.Join(", ", Operations)}\", {When.Cel}"
        + (After is null ? ")" : $", after: {After.Cel})");
}

sealed record RandomFieldRule(bool IsAllow, string Access, Term When)
{
    public string Text => $" @{(IsAllow ? "allow" : "deny")}(\"{Access}\", {When.Cel})";
}

sealed class RandomModel(string name)
{
    public static readonly string[] Fields = ["n", "m", "s", "b"];

    public string Name => name;

    public string Route => name.ToLowerInvariant() + "s";

    public bool IsSoftDelete { get; set; }

    public List<RandomRelation> Relations { get; } = [];

    public List<RandomRule> Rules { get; } = [];

    public Dictionary<string, List<RandomFieldRule>> FieldRules { get; } = [];

    /// <summary>The names that answers may have, in their order.</summary>
    public IEnumerable<string> Answered => ["id", .. Fields, .. Relations.Where(r => r.IsOwning).Select(r => r.Key)];

    public IEnumerable<RandomFieldRule> RulesOf(string field, string access) =>
        FieldRules.GetValueOrDefault(field, []).Where(r => r.Access == access);
}

/// <summary>A schema with rules of rows and of fields, of three models that refer to each other and to themselves.</summary>
sealed class RandomPolicy
{
    static readonly string[] s_operators = ["==", "!=", "<", "<=", ">", ">="];

    readonly Random _random;
    int _variables;

    public RandomPolicy(Random random)
    {
        _random = random;
        IsTenanted = random.Next(3) == 0;
        foreach (RandomModel model in Models) model.IsSoftDelete = random.Next(3) == 0;
        Relate(Models[1], "parent", Models[0], "kids");
        Relate(Models[2], "owner", Models[random.Next(2)], "things");
        RandomModel self = Models[random.Next(3)];
        Relate(self, "boss", self, "staff");
        foreach (RandomModel model in Models) AddRules(model);
    }

    public RandomModel[] Models { get; } = [new("Alpha"), new("Beta"), new("Gamma")];

    public bool IsTenanted { get; }

    public string Schema
    {
        get
        {
            string text = IsTenanted ? "app x { tenancy = row }\n" : "";
            text += "auth { id Int  role String?  quota Int?  tenantId Int? }\n";
            return text + string.Join('\n', Models.Select(Text));
        }
    }

    /// <summary>A condition on a record, as a request may write it.</summary>
    public Term Filter(RandomModel model) => Condition(model, "", depth: 3);

    string Text(RandomModel model)
    {
        string Rules(string field) => string.Concat(model.FieldRules.GetValueOrDefault(field, []).Select(r => r.Text));
        List<string> members =
        [
            "id Int @id", "n Int?" + Rules("n"), "m Int @default(0)" + Rules("m"), "s String?" + Rules("s"),
            "b Boolean @default(false)" + Rules("b"),
        ];
        foreach (RandomRelation relation in model.Relations)
        {
            string pair = $"@relation(name: \"{PairOf(model, relation)}\"";
            members.Add(relation.IsOwning
                ? $"{relation.Name} {relation.Target.Name}? {pair}, onDelete: cascade){Rules(relation.Key)}"
                : $"{relation.Name} {relation.Target.Name}[] {pair})");
        }
        if (model.IsSoftDelete) members.Add("@@softDelete");
        members.AddRange(model.Rules.Select(r => r.Text));
        return $"model {model.Name} {{\n  {string.Join("\n  ", members)}\n}}";
    }

    static string PairOf(RandomModel model, RandomRelation relation) =>
        relation.IsOwning ? $"{model.Name}.{relation.Key}" : $"{relation.Target.Name}.{relation.Key}";

    static void Relate(RandomModel holder, string name, RandomModel target, string back)
    {
        holder.Relations.Add(new RandomRelation(name, target, IsOwning: true, name + "Id"));
        target.Relations.Add(new RandomRelation(back, holder, IsOwning: false, name + "Id"));
    }

    void AddRules(RandomModel model)
    {
        foreach (string[] operations in (string[][])[["list"], ["get"], ["create", "update"], ["delete"]])
        {
            // Most operations of most models are open in some way; some are closed.
            int rules = _random.Next(8) == 0 ? 0 : _random.Next(1, 3);
            for (int i = 0; i < rules; i++)
            {
                Term? after = operations.Contains("update") && _random.Next(3) == 0 ? Condition(model, "", depth: 1) : null;
                model.Rules.Add(new RandomRule(true, operations, _random.Next(4) == 0 ? Free() : Condition(model, "", depth: 2), after));
            }
            if (_random.Next(4) == 0) model.Rules.Add(new RandomRule(false, operations, Condition(model, "", depth: 1), null));
        }
        string[] fields = [.. RandomModel.Fields, .. model.Relations.Where(r => r.IsOwning).Select(r => r.Key)];
        foreach (string field in fields)
        {
            if (_random.Next(3) != 0) continue;
            List<RandomFieldRule> rules = [];
            for (int i = _random.Next(1, 3); i > 0; i--)
            {
                string access = _random.Next(3) == 0 ? "write" : "read";
                rules.Add(new RandomFieldRule(_random.Next(4) != 0, access, _random.Next(2) == 0 ? Free()
                    : Condition(model, "", depth: 1)));
            }
            model.FieldRules.Add(field, rules);
        }
    }

    /// <summary>Of the caller alone, or of nobody.</summary>
    Term Free() => _random.Next(6) switch
    {
        0 => new Constant(true),
        1 => new Compare("==", new Claimed("role"), new Constant("a")),
        2 => new Compare("!=", new Claimed("role"), new Constant("b")),
        3 => new Compare(">", new Claimed("quota"), new Constant(1L)),
        4 => new OneOf(new Claimed("role"), ["a", "b"]),
        _ => new Compare("<=", new Claimed("id"), new Constant((long)_random.Next(1, 5))),
    };

    Term Condition(RandomModel model, string variable, int depth)
    {
        int kind = _random.Next(depth > 0 ? 14 : 8);
        switch (kind)
        {
            case 0 or 1 or 2: return Number(model, variable);
            case 3: return new Compare(_random.Next(2) == 0 ? "==" : "!=", At(model, variable, "s"), Texts());
            case 4: return new Compare("==", At(model, variable, "b"), new Constant(_random.Next(2) == 0));
            case 5: return new NullTest(At(model, variable, _random.Next(2) == 0 ? "n" : "s"), _random.Next(2) == 0);
            case 6: return new OneOf(At(model, variable, "m"), [(long)_random.Next(4), (long)_random.Next(4)]);
            case 7: return _random.Next(2) == 0 ? Free() : Hopped(model, variable) ?? Free();
            case 8 or 9 or 10:
                return new Both(_random.Next(2) == 0, Condition(model, variable, depth - 1), Condition(model, variable, depth - 1));
            case 11: return new Negation(Condition(model, variable, depth - 1));
            default: return Quantified(model, variable, depth) ?? Condition(model, variable, depth - 1);
        }
    }

    Compare Number(RandomModel model, string variable)
    {
        Term right = _random.Next(4) switch
        {
            0 => new Claimed("id"),
            1 => new Claimed("quota"),
            2 => At(model, variable, _random.Next(2) == 0 ? "n" : "m"),
            _ => new Constant((long)_random.Next(4)),
        };
        return new Compare(s_operators[_random.Next(6)], At(model, variable, _random.Next(5) switch { 0 => "id", 1 or 2 => "n", _ => "m" }),
            right);
    }

    Term Texts() => _random.Next(3) == 0 ? new Claimed("role") : new Constant(_random.Next(2) == 0 ? "a" : "b");

    /// <summary>A field of the record, or of one that it refers to.</summary>
    Place At(RandomModel model, string variable, string field)
    {
        List<RandomRelation> hops = [];
        while (hops.Count < 2 && _random.Next(3) == 0 && model.Relations.Find(r => r.IsOwning) is { } hop)
        {
            hops.Add(hop);
            model = hop.Target;
        }
        return new Place(variable, [.. hops], field);
    }

    NullTest? Hopped(RandomModel model, string variable) => model.Relations.Find(r => r.IsOwning) is { } hop
        ? new NullTest(new Place(variable, [hop], ""), _random.Next(2) == 0)
        : null;

    Each? Quantified(RandomModel model, string variable, int depth)
    {
        RandomRelation[] many = [.. model.Relations.Where(r => !r.IsOwning)];
        if (many.Length == 0) return null;
        RandomRelation over = many[_random.Next(many.Length)];
        string element = string.Create(CultureInfo.InvariantCulture, $"x{_variables++}");
        return new Each(_random.Next(3) == 0, new Place(variable, [], ""), over, element, Condition(over.Target, element, depth - 1));
    }
}
