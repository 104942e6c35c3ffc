using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>
/// Checked expressions to SQL. A condition is written in one of three forms: its truth (true exactly where the expression is; where
/// only truth counts this keeps <c>exists</c> bare and indexes usable), its falsity (the same of false; what a negation needs), and
/// its exact three-valued form. No form copies a part more often than a constant number of times, so that the text stays linear in
/// the expression. Nothing that is written can raise: what has no result is null. The parts of this class: values (Values), numbers
/// (Numbers), text and time (Functions), JSON (Json), relations and loops (Ranges).
/// </summary>
sealed partial class ExpressionLowering
{
    /// <summary>Characters of one expression's SQL; unrolled loops could pass any bound else.</summary>
    const int LengthMax = 200_000;

    readonly SqlWriter _sql;
    readonly Dialect _dialect;
    readonly AppSchema _schema;
    readonly Value[]? _before;
    readonly int _start;

    // Of a row of the past: its alias, and that of the same record as it is now.
    readonly string? _pastAlias;
    readonly string? _present;

    // The innermost integer computation is over numbers without a bound: its operands are widened.
    bool _isWide;

    // What a hop that the request wrote must satisfy; none inside of such a condition, nor in rules.
    Func<Relation, HopCondition?>? _hopPredicate;
    Func<Model, Field, HopCondition?>? _fieldPredicate;
    string _alias;
    int _slotBase;
    Dictionary<int, Binding> _variables = [];

    ExpressionLowering(SqlWriter sql, LoweringScope scope)
    {
        (_sql, _dialect, _schema, _before, _start) = (sql, sql.Dialect, scope.Schema, scope.Before, sql.Length);
        (_hopPredicate, _fieldPredicate, _alias, _slotBase) = (scope.HopPredicate, scope.FieldPredicate, scope.Alias, scope.SlotBase);
        (_pastAlias, _present) = (scope.Alias, scope.Present);
    }

    /// <summary>For <c>where</c>: true where the expression is true, anything else where it is false or unknown.</summary>
    /// <exception cref="LoweringException">The expression has no form in SQL; <see cref="Refusal"/> would have said so.</exception>
    public static void WriteTruth(SqlWriter sql, CheckedNode node, LoweringScope scope)
    {
        ExpressionLowering lowering = new(sql, scope);
        lowering.Truth(node);
        lowering.Finish();
    }

    /// <summary>The value of any expression, with null for unknown.</summary>
    /// <exception cref="LoweringException">The expression has no form in SQL.</exception>
    public static void WriteThreeValued(SqlWriter sql, CheckedNode node, LoweringScope scope)
    {
        ExpressionLowering lowering = new(sql, scope);
        lowering.Value(node);
        lowering.Finish();
    }

    /// <summary>The same of a field, own or at the end of a path, as its column holds it.</summary>
    public static void WriteStored(SqlWriter sql, CheckedNode node, LoweringScope scope)
    {
        ExpressionLowering lowering = new(sql, scope);
        lowering.Stored(node);
        lowering.Finish();
    }

    /// <summary>Why the expression cannot be executed by the database, or null. Parts that the caller brings are taken as given.</summary>
    /// <param name="forDefinition">It is to stand in a definition (an index, a check), where no subquery may.</param>
    public static string? Refusal(CheckedExpression expression, AppSchema schema, Model row, Dialect dialect, bool forDefinition = false)
    {
        LoweringScope scope = new() { Schema = schema, Row = row, Alias = "t", Before = new Value[row.Fields.Length] };
        CheckedNode root = new CallerParts().Rewrite(expression.Root);
        try
        {
            SqlWriter sql = new(dialect, forDefinition);
            if (root.Type.Kind == CelKind.Bool) WriteTruth(sql, root, scope);
            WriteThreeValued(sql, root, scope);
            return null;
        }
        catch (LoweringException refusal)
        {
            return refusal.Message;
        }
    }

    /// <summary>Puts a slot (or a list of one slot) where the caller's value will stand once it is folded.</summary>
    sealed class CallerParts : NodeRewriter
    {
        public override CheckedNode Rewrite(CheckedNode node)
        {
            ExpressionReads reads = ExpressionReads.Of(node);
            if (!reads.IsConstantForCaller || !(reads.Caller || reads.Now)) return Children(node);
            CheckedNode slot = new SlotNode((node.Type as ListType)?.Element ?? node.Type, 0, IsSmall: false);
            return node.Type is ListType ? new ListNode(node.Type, [slot]) : slot;
        }
    }

    static LoweringException No(string reason) => new(reason);

    void Finish()
    {
        if (_dialect.IsTooDeep(_sql.TextFrom(_start))) throw No("the expression nests too deeply for the database");
    }

    ExpressionLowering Raw(string text)
    {
        if (_sql.Length - _start > LengthMax) throw No("the expression is too large to be written as SQL");
        _sql.Raw(text);
        return this;
    }

    void Truth(CheckedNode node)
    {
        switch (node)
        {
            case AndNode and: Joined(and.Items, " and ", "true", Truth); break;
            case OrNode or: Joined(or.Items, " or ", "false", Truth); break;
            case NotNode not: Falsity(not.Operand); break;
            case BindNode bind: Truth(Unbound(bind)); break;
            case ConditionalNode { Type.Kind: CelKind.Bool } c: Choice(c, Truth); break;
            case QuantifierNode quantifier: Quantifier(quantifier, Form.Truth); break;
            case InNode { List: not ListNode } within: Quantifier(AsQuantifier(within), Form.Truth); break;
            // Compared, not bare: an index on the column serves the comparison.
            case FieldNode { Type.Kind: CelKind.Bool } field: Compared(field, "true"); break;
            default: Exact(node); break;
        }
    }

    void Falsity(CheckedNode node)
    {
        switch (node)
        {
            case AndNode and: Joined(and.Items, " or ", "false", Falsity); break;
            case OrNode or: Joined(or.Items, " and ", "true", Falsity); break;
            case NotNode not: Truth(not.Operand); break;
            case BindNode bind: Falsity(Unbound(bind)); break;
            case ConditionalNode { Type.Kind: CelKind.Bool } c: Choice(c, Falsity); break;
            case QuantifierNode quantifier: Quantifier(quantifier, Form.Falsity); break;
            case InNode { List: not ListNode } within: Quantifier(AsQuantifier(within), Form.Falsity); break;
            case FieldNode { Type.Kind: CelKind.Bool } field: Compared(field, "false"); break;
            case CallNode { Function: CelFunction.Equal } call: Exact(call with { Function = CelFunction.NotEqual }); break;
            case CallNode { Function: CelFunction.NotEqual } call: Exact(call with { Function = CelFunction.Equal }); break;
            case IsNullNode test: NullTest(test.Operand, isNegated: true); break;
            default:
                Raw("(not ");
                Exact(node);
                Raw(")");
                break;
        }
    }

    /// <summary>Three-valued.</summary>
    void Exact(CheckedNode node)
    {
        switch (node)
        {
            case AndNode and: Joined(and.Items, " and ", "true", Exact); break;
            case OrNode or: Joined(or.Items, " or ", "false", Exact); break;
            case NotNode not:
                Raw("(not ");
                Exact(not.Operand);
                Raw(")");
                break;
            case BindNode { Type.Kind: CelKind.Bool } bind: Exact(Unbound(bind)); break;
            case ConditionalNode { Type.Kind: CelKind.Bool } c: Choice(c, Exact); break;
            case IsNullNode test: NullTest(test.Operand, isNegated: false); break;
            case HasNode has: HasKey(has); break;
            case InNode { List: ListNode list } within: InItems(within.Item, list); break;
            case InNode within: Quantifier(AsQuantifier(within), Form.Exact); break;
            case QuantifierNode quantifier: Quantifier(quantifier, Form.Exact); break;
            case CallNode { Function: >= CelFunction.Equal and <= CelFunction.GreaterOrEqual } call: Comparison(call); break;
            default: Value(node); break;
        }
    }

    void Joined(ImmutableArray<CheckedNode> items, string separator, string ofNone, Action<CheckedNode> write)
    {
        if (items.IsEmpty)
        {
            Raw(ofNone);
            return;
        }
        Raw("(");
        // A chain is a tree as deep as it is long, and databases bound the depth: long ones are written in parts.
        if (items.Length > ChainMax)
        {
            for (int i = 0; i < items.Length; i += ChainMax)
            {
                if (i > 0) Raw(separator);
                Joined(items.Slice(i, Math.Min(ChainMax, items.Length - i)), separator, ofNone, write);
            }
        }
        else
        {
            for (int i = 0; i < items.Length; i++)
            {
                if (i > 0) Raw(separator);
                write(items[i]);
            }
        }
        Raw(")");
    }

    const int ChainMax = 100;

    /// <summary>The form that writes the condition once: a choice in a choice's condition would double with each level else.</summary>
    void Choice(ConditionalNode node, Action<CheckedNode> write)
    {
        Raw("case ");
        Exact(node.Condition);
        Raw(" when true then ");
        write(node.Then);
        Raw(" when false then ");
        write(node.Else);
        Raw(" end");
    }

    void Compared(FieldNode field, string truth)
    {
        Raw("(");
        Value(field);
        Raw(" = ").Raw(truth).Raw(")");
    }

    void NullTest(CheckedNode operand, bool isNegated)
    {
        if (operand is HopNode { Relation.IsOwning: true, From: RowNode or VariableNode } only && IsDecidedByKey(only.Relation))
        {
            KeyTest(only, isNegated);
            return;
        }
        if (operand is HopNode hop)
        {
            Raw(isNegated ? "(exists (select 1" : "(not exists (select 1");
            From(hop, out _);
            Raw("))");
            return;
        }
        Raw("(");
        // What JSON holds may be its own null, which extracts as SQL's.
        if (operand.Type.Kind == CelKind.Bool) Exact(operand);
        else if (IsStored(operand)) Stored(operand);
        else Value(operand);
        Raw(isNegated ? " is not null)" : " is null)");
    }

    /// <summary>A foreign key that is set leads to a record, which nothing hides.</summary>
    bool IsDecidedByKey(Relation relation) =>
        !_schema.TargetOf(relation).IsSoftDelete && _hopPredicate?.Invoke(relation) is null;

    void KeyTest(HopNode hop, bool isNegated)
    {
        Model holder = _schema.Model(hop.Relation.Model);
        Raw("(");
        for (int i = 0; i < hop.Relation.Fields.Length; i++)
        {
            if (i > 0) Raw(isNegated ? " and " : " or ");
            Column(RowOf(hop.From), holder, FieldOf(holder, hop.Relation.Fields[i]), asStored: true);
            Raw(isNegated ? " is not null" : " is null");
        }
        Raw(")");
    }

    void Comparison(CallNode call)
    {
        (CheckedNode left, CheckedNode right) = (call.Arguments[0], call.Arguments[1]);
        string symbol = call.Function switch
        {
            CelFunction.Equal => " = ",
            CelFunction.NotEqual => " <> ",
            CelFunction.Less => " < ",
            CelFunction.LessOrEqual => " <= ",
            CelFunction.Greater => " > ",
            _ => " >= ",
        };
        if (left.Type.Kind == CelKind.Dyn || right.Type.Kind == CelKind.Dyn)
        {
            OpenComparison(call.Function, symbol, left, right);
            return;
        }
        if (left.Type.Kind is CelKind.List or CelKind.Map
            or CelKind.Struct) throw No($"a whole {left.Type.Name} is compared in memory only");
        bool asText = left.Type.Kind == CelKind.Uuid && (IsJson(left) || IsJson(right));
        // Both as they are stored: an index on the column serves that comparison.
        bool asStored = IsStored(left) && IsStored(right);
        Raw("(");
        Operand(left, asText, asStored);
        Raw(symbol);
        Operand(right, asText, asStored);
        Raw(")");
    }

    /// <param name="node">What is compared.</param>
    /// <param name="asText">A uuid in JSON is text and in a column bytes: where the two meet, both are written as hexadecimal
    /// digits.</param>
    /// <param name="asStored">In the form of columns and parameters.</param>
    void Operand(CheckedNode node, bool asText, bool asStored = false)
    {
        if (asText) UuidText(node);
        else if (asStored && node.Type.Kind != CelKind.Bool) Stored(node);
        else if (node.Type.Kind == CelKind.Bool) Exact(node);
        else Value(node);
    }

    void InItems(CheckedNode item, ListNode list)
    {
        if (list.Items.IsEmpty)
        {
            Raw("false");
            return;
        }
        if (item.Type.Kind == CelKind.Dyn || list.Items.Any(i => i.Type.Kind == CelKind.Dyn))
        {
            Joined([.. list.Items.Select(i => new CallNode(CelType.Bool, CelFunction.Equal, [item, i]))], " or ", "false", Exact);
            return;
        }
        if (item.Type.Kind is CelKind.List or CelKind.Map
            or CelKind.Struct) throw No($"a whole {item.Type.Name} is compared in memory only");
        bool asText = item.Type.Kind == CelKind.Uuid && (IsJson(item) || list.Items.Any(IsJson));
        bool asStored = IsStored(item) && list.Items.All(IsStored);
        Raw("(");
        Operand(item, asText, asStored);
        Raw(" in (");
        for (int i = 0; i < list.Items.Length; i++)
        {
            if (i > 0) Raw(", ");
            Operand(list.Items[i], asText, asStored);
        }
        Raw("))");
    }
}
