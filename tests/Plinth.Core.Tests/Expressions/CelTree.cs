using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>
/// A tree as cel-go prints its own, with macros of one variable expanded: what the parsing suite records. It shows that our nodes hold
/// what those hold; nothing in the product expands a macro.
/// </summary>
sealed class CelTree
{
    readonly StringBuilder _to = new();
    int _indent;

    public static string Of(CelNode node)
    {
        CelTree tree = new();
        tree.Write(node);
        return tree._to.ToString();
    }

    void Write(CelNode node)
    {
        switch (node)
        {
            case CelLiteral literal: Put($"{Shown(literal.Value)}^#*expr.Constant_{KindOf(literal.Value)}#"); break;
            case CelIdentifier name: Put($"{(name.IsRooted ? "." : "")}{name.Name}^#*expr.Expr_IdentExpr#"); break;
            case CelSelect select: Select(select, ""); break;
            case CelHas has: Select(has.Select, "~test-only~"); break;
            case CelIndex index: Call("_[_]", null, [index.Target, index.Index]); break;
            case CelUnary unary: Call(unary.Operator == CelOperator.Not ? "!_" : "-_", null, [unary.Operand]); break;
            case CelBinary { Operator: CelOperator.And or CelOperator.Or } logic: Balanced(logic); break;
            case CelBinary binary: Call(Symbol(binary.Operator), null, [binary.Left, binary.Right]); break;
            case CelConditional c: Call("_?_:_", null, [c.Condition, c.Then, c.Else]); break;
            case CelCall call: Call(call.Name, call.Target, call.Arguments); break;
            case CelListLiteral list:
                Block("[", list.Items.Length, i => Write(list.Items[i]), "]^#*expr.Expr_ListExpr#");
                break;
            case CelMapLiteral map:
                Block("{", map.Entries.Length, i =>
                {
                    Write(map.Entries[i].Key);
                    Put(":");
                    Write(map.Entries[i].Value);
                    Put("^#*expr.Expr_CreateStruct_Entry#");
                }, "}^#*expr.Expr_StructExpr#");
                break;
            case CelMessage message:
                Block(message.TypeName + "{", message.Fields.Length, i =>
                {
                    Put(message.Fields[i].Key + ":");
                    Write(message.Fields[i].Value);
                    Put("^#*expr.Expr_CreateStruct_Entry#");
                }, "}^#*expr.Expr_StructExpr#");
                break;
            case CelMacro { Variables.Length: 1, Kind: <= CelMacroKind.Filter } macro: Macro(macro); break;
            // The recorder did not know bindings, nor macros of two variables.
            case CelMacro macro:
                ImmutableArray<CelNode> variables = [.. macro.Variables.Select(v => new CelIdentifier(v.Span, v.Name, false))];
                string kind = macro.Kind.ToString();
                Call(char.ToLowerInvariant(kind[0]) + kind[1..], macro.Range,
                    [.. variables, macro.Body, .. macro.Transform is { } transform ? [transform] : Array.Empty<CelNode>()]);
                break;
            case CelBind bind:
                CelNode bound = new CelIdentifier(default, bind.Variable.Name, false);
                Call("bind", new CelIdentifier(default, "cel", false), [bound, bind.Value, bind.Body]);
                break;
            default: throw new InvalidOperationException(node.GetType().Name);
        }
    }

    void Select(CelSelect select, string mark)
    {
        Write(select.Target);
        Put($".{select.Name}{mark}^#*expr.Expr_SelectExpr#");
    }

    void Call(string name, CelNode? target, ImmutableArray<CelNode> arguments)
    {
        if (target is not null)
        {
            Write(target);
            Put(".");
        }
        Block($"{name}(", arguments.Length, i => Write(arguments[i]), ")^#*expr.Expr_CallExpr#");
    }

    /// <summary>cel-go balances chains, so that long ones are not deep.</summary>
    void Balanced(CelBinary logic)
    {
        List<CelNode> terms = [];
        void Collect(CelNode node)
        {
            if (node is CelBinary inner && inner.Operator == logic.Operator && !IsParenthesised(inner, logic))
            {
                Collect(inner.Left);
                terms.Add(inner.Right);
            }
            else
            {
                terms.Add(node);
            }
        }
        Collect(logic);
        string name = logic.Operator == CelOperator.And ? "_&&_" : "_||_";
        // By operators, of which there is one fewer than of terms.
        void Part(int low, int high)
        {
            int middle = (low + high + 1) / 2;
            Block($"{name}(", 2, i =>
            {
                if (i == 0 && middle > low) Part(low, middle - 1);
                else if (i == 1 && middle < high) Part(middle + 1, high);
                else Write(terms[middle + i]);
            }, ")^#*expr.Expr_CallExpr#");
        }
        Part(0, terms.Count - 2);
    }

    static bool IsParenthesised(CelBinary inner, CelBinary outer) =>
        !ReferenceEquals(inner, outer) && inner.Span.Start < inner.Left.Span.Start;

    void Macro(CelMacro macro)
    {
        CelNode accumulator = new CelIdentifier(default, "@result", false);
        CelNode transform = macro.Transform ?? macro.Body;
        CelNode one = new CelListLiteral(default, [macro.Kind == CelMacroKind.Filter ? Named(macro) : transform]);
        CelNode added = new CelBinary(default, CelOperator.Add, accumulator, one);
        CelNode yes = new CelLiteral(default, Value.True), count = new CelLiteral(default, Value.From(1L));
        var (init, condition, step, result) = macro.Kind switch
        {
            CelMacroKind.All => ((CelNode)yes, (CelNode)NotStrictlyFalse(accumulator),
                (CelNode)Logic(CelOperator.And, accumulator, macro.Body), (CelNode)accumulator),
            CelMacroKind.Exists => (new CelLiteral(default, Value.False),
                NotStrictlyFalse(new CelUnary(default, CelOperator.Not, accumulator)), Logic(CelOperator.Or, accumulator, macro.Body),
                accumulator),
            CelMacroKind.ExistsOne => (new CelLiteral(default, Value.From(0L)), yes, new CelConditional(default, macro.Body,
                new CelBinary(default, CelOperator.Add, accumulator, count), accumulator),
                new CelBinary(default, CelOperator.Equal, accumulator, count)),
            _ => (new CelListLiteral(default, []), yes,
                macro.Kind == CelMacroKind.Filter || macro.Transform is not null
                    ? new CelConditional(default, macro.Body, added, accumulator) : added, accumulator),
        };
        Put("__comprehension__(");
        _indent++;
        Section("Variable", () => Put(macro.Variables[0].Name));
        Section("Target", () => Write(macro.Range));
        Section("Accumulator", () => Put("@result"));
        Section("Init", () => Write(init));
        Section("LoopCondition", () => Write(condition));
        Section("LoopStep", () => Write(step));
        Section("Result", () => Write(result), isLast: true);
        _indent--;
        Put(")^#*expr.Expr_ComprehensionExpr#");
    }

    static CelIdentifier Named(CelMacro macro) => new(default, macro.Variables[0].Name, false);

    static CelBinary Logic(CelOperator op, CelNode left, CelNode right) => new(default, op, left, right);

    static CelCall NotStrictlyFalse(CelNode of) => new(default, null, "@not_strictly_false", default, [of]);

    void Section(string title, Action write, bool isLast = false)
    {
        Line();
        Put($"// {title}");
        Line();
        write();
        if (isLast) return;
        Put(",");
    }

    void Block(string open, int count, Action<int> write, string close)
    {
        Put(open);
        if (count > 0)
        {
            _indent++;
            for (int i = 0; i < count; i++)
            {
                if (i > 0) Put(",");
                Line();
                write(i);
            }
            _indent--;
            Line();
        }
        Put(close);
    }

    void Put(string text) => _to.Append(text);

    void Line() => _to.Append('\n').Append(' ', _indent * 2);

    static string KindOf(Value value) => value.Kind switch
    {
        ValueKind.Null => "NullValue",
        ValueKind.Boolean => "BoolValue",
        ValueKind.Int => "Int64Value",
        ValueKind.Uint => "Uint64Value",
        ValueKind.Double => "DoubleValue",
        ValueKind.String => "StringValue",
        _ => "BytesValue",
    };

    static string Shown(Value value) => value.Kind switch
    {
        ValueKind.Uint => value.Uint.ToString(CultureInfo.InvariantCulture) + "u",
        ValueKind.Double => value.Double.ToString("R", CultureInfo.InvariantCulture),
        ValueKind.String => TextOperations.Apply(CelFunction.Quote, value).String,
        ValueKind.Bytes => $"b\"{Encoding.UTF8.GetString(value.Bytes)}\"",
        _ => value.ToString(),
    };

    static string Symbol(CelOperator op) => op switch
    {
        CelOperator.Equal => "_==_",
        CelOperator.NotEqual => "_!=_",
        CelOperator.Less => "_<_",
        CelOperator.LessOrEqual => "_<=_",
        CelOperator.Greater => "_>_",
        CelOperator.GreaterOrEqual => "_>=_",
        CelOperator.In => "@in",
        CelOperator.Add => "_+_",
        CelOperator.Subtract => "_-_",
        CelOperator.Multiply => "_*_",
        CelOperator.Divide => "_/_",
        _ => "_%_",
    };
}
