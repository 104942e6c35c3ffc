using System.Collections.Immutable;
using Plinth.Evolution;
using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>Relations and loops: hops as joins of a subquery of their own, lists as tables of their items.</summary>
sealed partial class ExpressionLowering
{
    /// <summary>Items of a written-out list that a loop is unrolled over.</summary>
    const int UnrolledMax = 2000;

    /// <summary>Which of the three forms of a condition is written.</summary>
    enum Form
    {
        Truth,
        Falsity,
        Exact,
    }

    void Write(CheckedNode node, Form form)
    {
        if (form == Form.Truth) Truth(node);
        else if (form == Form.Falsity) Falsity(node);
        else Exact(node);
    }

    /// <summary>The hops of one path, first to last, with the alias that each enters, and the row they start from.</summary>
    readonly record struct HopChain(RowSource Start, ImmutableArray<(Relation Relation, string Alias)> Hops)
    {
        public string LastAlias => Hops[^1].Alias;
    }

    HopChain Chain(HopNode last)
    {
        Stack<Relation> relations = new();
        CheckedNode from = last;
        for (; from is HopNode hop; from = hop.From) relations.Push(hop.Relation);
        return new HopChain(RowOf(from), [.. relations.Select(r => (r, _sql.NextAlias()))]);
    }

    void From(HopNode hop, out string alias)
    {
        HopChain chain = Chain(hop);
        alias = chain.LastAlias;
        From(chain);
    }

    /// <summary><c> from a t1 join b t2 on … where …</c>: keys, liveness, and the caller's rule where the request wrote the hop.</summary>
    void From(HopChain chain)
    {
        if (_sql.ForDefinitions) throw No("a definition cannot look at other records");
        RowSource row = chain.Start;
        for (int i = 0; i < chain.Hops.Length; i++)
        {
            var (relation, alias) = chain.Hops[i];
            Raw(i == 0 ? " from " : " join ");
            _sql.Name(_schema.TargetOf(relation).Table);
            Raw(" ").Raw(alias);
            if (i == 0) continue;
            Raw(" on ");
            Keys(relation, alias, row = new TableRow(chain.Hops[i - 1].Alias));
        }
        Raw(" where ");
        Keys(chain.Hops[0].Relation, chain.Hops[0].Alias, chain.Start);
        foreach (var (relation, alias) in chain.Hops) Entered(relation, alias);
    }

    void Keys(Relation relation, string alias, RowSource from)
    {
        Model holder = _schema.Model(relation.Model), target = _schema.TargetOf(relation);
        string between = "";
        foreach (var (own, other) in _schema.Joins(relation))
        {
            Raw(between);
            _sql.Column(alias, other.Column);
            Raw(" = ");
            Column(from, holder, own, asStored: true);
            between = " and ";
        }
        // To follow a reference is to read it: one that its holder does not show leads nowhere.
        foreach (string name in relation.References)
        {
            if (_fieldPredicate?.Invoke(target, FieldOf(target, name)) is not { } shown) continue;
            Raw(" and ");
            Condition(shown, alias);
        }
    }

    static Field FieldOf(Model model, string name) =>
        model.Field(name) ?? throw new InvalidOperationException($"{model.Name}: the binder admitted a field '{name}' that is not there");

    void Entered(Relation relation, string alias)
    {
        Model target = _schema.TargetOf(relation);
        if (target.IsSoftDelete)
        {
            Raw(" and ");
            _sql.Column(alias, FieldOf(target, Model.DeletedAt).Column);
            Raw(" is null");
        }
        if (_hopPredicate?.Invoke(relation) is not { } condition) return;
        Raw(" and ");
        Condition(condition, alias);
    }

    /// <summary>A rule of the record behind an alias: nothing that the request wrote is in it, and no rule applies inside.</summary>
    void Condition(HopCondition condition, string alias)
    {
        var kept = (_hopPredicate, _fieldPredicate, _alias, _slotBase, _variables);
        (_hopPredicate, _fieldPredicate, _alias, _slotBase, _variables) = (null, null, alias, condition.SlotBase, []);
        if (_present is { } present && string.Equals(alias, _pastAlias, StringComparison.Ordinal))
        {
            Raw("(");
            Truth(condition.Node);
            Raw(" and (");
            _sql.Column(present, TableShape.VersionColumn);
            Raw(" is null or ");
            _alias = present;
            Truth(condition.Node);
            Raw("))");
        }
        else
        {
            Truth(condition.Node);
        }
        (_hopPredicate, _fieldPredicate, _alias, _slotBase, _variables) = kept;
    }

    /// <summary>Membership in a list that is not written out is a loop over it.</summary>
    static QuantifierNode AsQuantifier(InNode node)
    {
        if (node.List.Type is not ListType list) throw No($"'in' over {node.List.Type.Name} is decided in memory only");
        // No variable of the expression has this number; nested ones cannot meet, since an item never names the variable around it.
        VariableNode element = new(list.Element, -1);
        return new QuantifierNode(QuantifierKind.Exists, node.List, element,
            new CallNode(CelType.Bool, CelFunction.Equal, [element, node.Item]));
    }

    void Quantifier(QuantifierNode node, Form form)
    {
        if (node.Second is not null) throw No("a loop of two variables runs in memory only");
        if (node.Range is ListNode list)
        {
            Unrolled(node, list, form);
            return;
        }
        if (node.Range is TransformNode) throw No("a loop over filter() or map() runs in memory only: put both conditions into one loop");
        if (form == Form.Exact)
        {
            ExactQuantifier(node);
            return;
        }
        bool wantsTrue = form == Form.Truth;
        if (node.Kind == QuantifierKind.ExistsOne)
        {
            Raw(wantsTrue ? "(" : "(not ");
            ExactQuantifier(node);
            Raw(")");
            return;
        }
        // Some element decides (exists is true, all is false), or every element must be known not to.
        bool someDecides = node.Kind == QuantifierKind.Exists == wantsTrue;
        bool mayBeMissing = !someDecides && MayBeMissing(node.Range);
        Raw("(");
        if (mayBeMissing)
        {
            Value(node.Range);
            Raw(" is not null and ");
        }
        Raw(someDecides ? "exists (select 1" : "not exists (select 1");
        Over(node, () =>
        {
            Write(node.Body, form);
            if (!someDecides) Raw(" is not true");
        });
        Raw("))");
    }

    /// <summary>
    /// A stored list is never null; one inside of a value, or of a record, that is absent is absent with it, and so is one that its record
    /// does not show.
    /// </summary>
    bool MayBeMissing(CheckedNode range) => range is MemberNode or IndexNode or FieldNode { Record: HopNode or BeforeNode }
        || (range is FieldNode { Record.Type: RecordType { Model: var model } } field
            && _fieldPredicate?.Invoke(model, field.Field) is not null);

    void ExactQuantifier(QuantifierNode node)
    {
        if (node.Kind != QuantifierKind.ExistsOne && !HasLoop(node.Body))
        {
            CasesOf(node);
            return;
        }
        // One copy of the body, whatever it holds: its values are counted.
        string alias = _sql.NextAlias();
        if (MayBeMissing(node.Range))
        {
            Raw("case when ");
            Value(node.Range);
            Raw(" is not null then ");
        }
        Raw("(select case when ").Raw(node.Kind switch
        {
            QuantifierKind.Exists =>
                $"count(case when {alias}.p then 1 end) > 0 then true when count(*) > count({alias}.p) then null else false",
            QuantifierKind.All =>
                $"count(case when not {alias}.p then 1 end) > 0 then false when count(*) > count({alias}.p) then null else true",
            _ => $"count(*) > count({alias}.p) then null else count(case when {alias}.p then 1 end) = 1",
        }).Raw(" end from (select ");
        Over(node, condition: null, () => Exact(node.Body));
        Raw(") ").Raw(alias).Raw(")");
        if (MayBeMissing(node.Range)) Raw(" end");
    }

    void CasesOf(QuantifierNode node)
    {
        bool exists = node.Kind == QuantifierKind.Exists;
        Raw("case ");
        if (MayBeMissing(node.Range))
        {
            Raw("when ");
            Value(node.Range);
            Raw(" is null then null ");
        }
        Raw("when exists (select 1");
        Over(node, () => Write(node.Body, exists ? Form.Truth : Form.Falsity));
        Raw(exists ? ") then true when exists (select 1" : ") then false when exists (select 1");
        Over(node, () =>
        {
            Raw("(");
            Exact(node.Body);
            Raw(" is null)");
        });
        Raw(exists ? ") then null else false end" : ") then null else true end");
    }

    static bool HasLoop(CheckedNode node)
    {
        LoopFinder finder = new();
        finder.Visit(node);
        return finder.Found;
    }

    sealed class LoopFinder : NodeVisitor
    {
        public bool Found { get; private set; }

        public override void Visit(CheckedNode node)
        {
            Found |= node is QuantifierNode or TransformNode or InNode { List: not ListNode };
            if (!Found) base.Visit(node);
        }
    }

    void Over(QuantifierNode node, Action condition) => Over(node, condition, select: null);

    void Over(QuantifierNode node, Action? condition, Action? select) => Over(node.Range, node.Variable, condition, select);

    /// <summary>The from and where of a loop, its variable bound; <paramref name="select"/> writes the column "p" before them.</summary>
    void Over(CheckedNode range, VariableNode variable, Action? condition, Action? select)
    {
        Binding? outer = _variables.GetValueOrDefault(variable.Id);
        if (range is HopNode hop)
        {
            HopChain chain = Chain(hop);
            _variables[variable.Id] = new RowBinding(new TableRow(chain.LastAlias));
            Selected(select);
            From(chain);
            if (condition is not null) Raw(" and ");
            condition?.Invoke();
        }
        else
        {
            if (_sql.ForDefinitions) throw No("a definition cannot loop over a list");
            string alias = _sql.NextAlias();
            _variables[variable.Id] = new ItemBinding(alias, ElementOf(range));
            Selected(select);
            Raw(" from ");
            JsonItems(range, alias);
            if (condition is not null) Raw(" where ");
            condition?.Invoke();
        }
        if (outer is null) _variables.Remove(variable.Id);
        else _variables[variable.Id] = outer;
    }

    void Selected(Action? select)
    {
        if (select is null) return;
        select();
        Raw(" as p");
    }

    void Unrolled(QuantifierNode node, ListNode list, Form form)
    {
        if (node.Kind == QuantifierKind.ExistsOne) throw No("exists_one over a written-out list runs in memory only");
        if (list.Items.Length > UnrolledMax) throw No($"a loop over more than {UnrolledMax} written-out items runs in memory only");
        ImmutableArray<CheckedNode> items = [.. list.Items.Select(i => new Substitution(node.Variable.Id, i).Rewrite(node.Body))];
        Write(node.Kind == QuantifierKind.Exists ? new OrNode(items) : new AndNode(items), form);
    }

    /// <summary><c>size()</c> of records or items, all or those that a filter keeps.</summary>
    void Count(CheckedNode range)
    {
        if (range is not TransformNode transform)
        {
            Raw("(select count(*)");
            Over(range, new VariableNode(CelType.Dyn, -1), condition: null, select: null);
            Raw(")");
            return;
        }
        if (transform.Second is not null || transform.Range is TransformNode || transform.Transform is not null
            || transform.Filter is not { } filter) throw No("map() runs in memory only");
        string alias = _sql.NextAlias();
        if (MayBeMissing(transform.Range))
        {
            Raw("case when ");
            Value(transform.Range);
            Raw(" is not null then ");
        }
        Raw($"(select case when count(*) = count({alias}.p) then count(case when {alias}.p then 1 end) end from (select ");
        Over(transform.Range, transform.Variable, condition: null, () => Exact(filter));
        Raw(") ").Raw(alias).Raw(")");
        if (MayBeMissing(transform.Range)) Raw(" end");
    }
}
