using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>Values: literals, slots, fields, variables; everything else by its function.</summary>
sealed partial class ExpressionLowering
{
    void Value(CheckedNode node)
    {
        switch (node)
        {
            case LiteralNode literal: Literal(literal); break;
            case SlotNode { Type.Kind: CelKind.Uint }: throw No("unsigned numbers are compared in memory only");
            case SlotNode { Type.Kind: CelKind.Dyn }: throw No("a claim without a type is compared in memory only");
            case SlotNode slot: Inner(slot.Type, () => Stored(slot)); break;
            case FieldNode field: Field(field, asStored: false); break;
            case MemberNode or IndexNode: JsonValue(node); break;
            case VariableNode variable: Variable(variable); break;
            case BindNode { Type.Kind: not CelKind.Bool } bind: Value(Unbound(bind)); break;
            case ConditionalNode { Type.Kind: not CelKind.Bool } c: Choice(c, Value); break;
            case CallNode { Type.Kind: not CelKind.Bool }
                or CallNode { Function: > CelFunction.GreaterOrEqual }: Call((CallNode)node); break;
            case ListNode or MapNode or TransformNode or OptionalItemNode: throw No("a list is made in memory only");
            case InputNode: throw No("an expression without a schema runs in memory only");
            case AuthNode or ClaimNode or NowNode or RequestNode: throw No("the caller's part of the expression was not folded");
            case RowNode or BeforeNode or HopNode: throw No("a record is no value");
            case { Type.Kind: CelKind.Bool }: Exact(node); break;
            default: throw new InvalidOperationException($"no SQL for {node.GetType().Name}");
        }
    }

    void Literal(LiteralNode literal)
    {
        switch (literal.Value.Kind)
        {
            case ValueKind.Null: Raw(_dialect.InnerNull(KindOf(literal.Type))); break;
            case ValueKind.Boolean: Raw(literal.Value.Boolean ? "true" : "false"); break;
            case ValueKind.Uint when literal.Value.Uint <= long.MaxValue: _sql.Constant(Schema.Value.From((long)literal.Value.Uint)); break;
            case ValueKind.Uint: throw No("unsigned numbers beyond 63 bits are compared in memory only");
            case ValueKind.List or ValueKind.Map or ValueKind.Other: throw No("a list is made in memory only");
            default: Inner(literal.Value); break;
        }
    }

    /// <summary>A value whose number is known is written as that number.</summary>
    void Inner(in Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Decimal: _sql.Constant(Schema.Value.From(value.DecimalUnits)); break;
            case ValueKind.DateTime or ValueKind.Date or ValueKind.Time or ValueKind.Duration:
                _sql.Constant(Schema.Value.From(value.Ticks));
                break;
            default: _sql.Constant(value); break;
        }
    }

    void Inner(CelType type, Action stored) => _dialect.WriteInner(_sql, KindOf(type), (type as DecimalCelType)?.Scale ?? 0, stored);

    static ValueKind KindOf(CelType type) => type.Kind switch
    {
        CelKind.Bool => ValueKind.Boolean,
        CelKind.Int => ValueKind.Int,
        CelKind.Double => ValueKind.Double,
        CelKind.Decimal => ValueKind.Decimal,
        CelKind.String => ValueKind.String,
        CelKind.Bytes => ValueKind.Bytes,
        CelKind.Timestamp => ValueKind.DateTime,
        CelKind.Duration => ValueKind.Duration,
        CelKind.Date => ValueKind.Date,
        CelKind.Time => ValueKind.Time,
        CelKind.Uuid => ValueKind.Uuid,
        _ => ValueKind.Null,
    };

    /// <summary>It is a column or a parameter, and can be written as what is stored.</summary>
    static bool IsStored(CheckedNode node) => node is FieldNode or LiteralNode or SlotNode { Type.Kind: not (CelKind.Uint or CelKind.Dyn) };

    void Stored(CheckedNode node)
    {
        switch (node)
        {
            case SlotNode slot: _sql.Slot(_slotBase + slot.Slot, KindOf(slot.Type)); break;
            case LiteralNode { Value.Kind: > ValueKind.Boolean and not (ValueKind.Uint or >= ValueKind.List) } literal:
                _sql.Constant(literal.Value);
                break;
            case LiteralNode { Value.Kind: ValueKind.Null }: Raw("null"); break;
            case FieldNode field: Field(field, asStored: true); break;
            default: Value(node); break;
        }
    }

    void Field(FieldNode node, bool asStored)
    {
        switch (node.Record)
        {
            case RowNode or BeforeNode or VariableNode: Column(RowOf(node.Record), node.Record, node.Field, asStored); break;
            case HopNode hop:
                Raw("(select ");
                // The columns of the far end are named once its alias is known: the from part is written behind a name taken before.
                HopChain chain = Chain(hop);
                Column(new TableRow(chain.LastAlias), node.Record, node.Field, asStored);
                From(chain);
                Raw(")");
                break;
            default: throw new InvalidOperationException($"no record in {node.Record.GetType().Name}");
        }
    }

    void Column(RowSource row, CheckedNode record, Field field, bool asStored) =>
        Column(row, (record.Type as RecordType)?.Model, field, asStored);

    /// <summary>The field as the writer of the expression may know it: null in a record that does not show it to them.</summary>
    void Column(RowSource row, Model? model, Field field, bool asStored)
    {
        if (row is not TableRow table || model is null || _fieldPredicate?.Invoke(model, field) is not { } shown)
        {
            Column(row, field, asStored);
            return;
        }
        Raw("case when ");
        Condition(shown, table.Alias);
        Raw(" then ");
        Column(row, field, asStored);
        Raw(" end");
    }

    void Column(RowSource row, Field field, bool asStored)
    {
        if (row is TableRow table)
        {
            void Write() => _sql.Column(table.Alias, field.Column);
            if (asStored) Write();
            else _dialect.WriteInner(_sql, field.StoredKind, field.Scale, Write);
        }
        else if (row is ValuesRow { Values: { } values })
        {
            Value value = values[field.Ordinal];
            if (value.IsNull) Raw("null");
            else if (asStored) _sql.Constant(value);
            else Inner(value);
        }
    }

    RowSource RowOf(CheckedNode record) => record switch
    {
        RowNode => new TableRow(_alias),
        BeforeNode => new ValuesRow(_before ?? throw No("'before' is known after an update only")),
        VariableNode variable when _variables[variable.Id] is RowBinding bound => bound.Row,
        _ => throw new InvalidOperationException($"no row in {record.GetType().Name}"),
    };

    /// <summary>Where the fields of a record come from.</summary>
    abstract record RowSource;

    sealed record TableRow(string Alias) : RowSource;

    sealed record ValuesRow(Value[] Values) : RowSource;

    /// <summary>What a variable of a loop stands for.</summary>
    abstract record Binding;

    sealed record RowBinding(RowSource Row) : Binding;

    /// <param name="Alias">Of the table of items that the dialect makes of a JSON array.</param>
    sealed record ItemBinding(string Alias, FieldType? Element) : Binding;

    /// <summary>
    /// The body with the value in the place of its variable. A value that is used more than once must be one that may be written more than
    /// once, or bindings in bindings would double with each level.
    /// </summary>
    static CheckedNode Unbound(BindNode bind)
    {
        UseCounter uses = new(bind.Variable.Id);
        uses.Visit(bind.Body);
        if (uses.Count > 1 && !IsPath(bind.Value)) throw No("what is computed, bound and used more than once runs in memory only");
        return new Substitution(bind.Variable.Id, bind.Value).Rewrite(bind.Body);
    }

    static bool IsPath(CheckedNode node) => node is FieldNode { Record: HopNode } or HopNode || IsPlain(node);

    sealed class UseCounter(int variable) : NodeVisitor
    {
        public int Count { get; private set; }

        public override void Visit(CheckedNode node)
        {
            if (node is VariableNode v && v.Id == variable) Count++;
            base.Visit(node);
        }
    }

    /// <summary>Whether writing the node twice costs nothing: no nesting, so no doubling per level.</summary>
    static bool IsPlain(CheckedNode node) =>
        node is LiteralNode or SlotNode or VariableNode or FieldNode { Record: RowNode or BeforeNode or VariableNode };

    /// <summary>
    /// Writes <paramref name="body"/> over operands that it may name more than once: plain ones in place, others computed once, as columns
    /// of a row of their own. (A subquery without a table is never merged into the outer one, so it really is once.)
    /// </summary>
    void Let(ReadOnlySpan<CheckedNode> operands, Action<Action[]> body)
    {
        string? alias = null;
        Action[] named = new Action[operands.Length];
        List<(CheckedNode Node, string Name)> computed = [];
        for (int i = 0; i < operands.Length; i++)
        {
            CheckedNode operand = operands[i];
            if (_sql.ForDefinitions || IsPlain(operand))
            {
                named[i] = () => Value(operand);
                continue;
            }
            alias ??= _sql.NextAlias();
            string name = "v" + computed.Count.ToString(System.Globalization.CultureInfo.InvariantCulture);
            computed.Add((operand, name));
            named[i] = () => _sql.Column(alias, name);
        }
        if (alias is null)
        {
            body(named);
            return;
        }
        Raw("(select ");
        body(named);
        Raw(" from (select ");
        // Computed apart from what is made of it.
        bool around = _isWide;
        _isWide = false;
        for (int i = 0; i < computed.Count; i++)
        {
            if (i > 0) Raw(", ");
            Value(computed[i].Node);
            Raw(" as ");
            _sql.Name(computed[i].Name);
        }
        _isWide = around;
        Raw(") ").Raw(alias).Raw(")");
    }
}
