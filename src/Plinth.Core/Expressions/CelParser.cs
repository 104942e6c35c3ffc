using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>
/// Text to <see cref="CelNode"/> by the grammar of cel-spec: recursive descent, one method per level of precedence above the
/// binary operators, which climb by a table. Bounded in nodes and in nesting, so that no text can exhaust the stack.
/// </summary>
sealed class CelParser
{
    static readonly HashSet<string> s_reserved = new(StringComparer.Ordinal)
    {
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return",
        "var", "void", "while",
    };

    readonly List<CelToken> _tokens;
    readonly Limits _limits;
    int _at;
    int _depth;
    int _nodes;

    CelParser(List<CelToken> tokens, Limits limits) => (_tokens, _limits) = (tokens, limits);

    public static (CelNode? Root, ImmutableArray<Diagnostic> Diagnostics) Parse(string text)
    {
        SourceText source = new("expression", text);
        return Parse(source, new Span(0, text.Length), Limits.Default);
    }

    /// <summary>
    /// Reads the expression that stands at <paramref name="span"/> of <paramref name="source"/>. A root is answered exactly when there is
    /// no diagnostic.
    /// </summary>
    public static (CelNode? Root, ImmutableArray<Diagnostic> Diagnostics) Parse(SourceText source, Span span, Limits limits)
    {
        try
        {
            CelParser parser = new(CelLexer.Read(source.Text, span), limits);
            CelNode root = parser.Expression();
            if (parser.Current.Kind != CelTokenKind.End) throw parser.Unexpected("an operator or the end");
            return (root, []);
        }
        catch (CelError error)
        {
            return (null, [new Diagnostic(error.Code, Severity.Error, source, error.Span, error.Message, error.Hint)]);
        }
    }

    CelToken Current => _tokens[_at];

    CelNode Expression()
    {
        Deeper();
        CelNode condition = Binary(1);
        if (Take("?"))
        {
            CelNode then = Binary(1);
            Expect(":");
            CelNode otherwise = Expression();
            condition = Made(new CelConditional(condition.Span.Join(otherwise.Span), condition, then, otherwise));
        }
        _depth--;
        return condition;
    }

    /// <summary>Every binary operator is left-associative.</summary>
    CelNode Binary(int levelMin)
    {
        CelNode left = Unary();
        while (OperatorOf(Current) is var (level, op) && level >= levelMin)
        {
            _at++;
            CelNode right = Binary(level + 1);
            left = Made(new CelBinary(left.Span.Join(right.Span), op, left, right));
        }
        return left;
    }

    static (int Level, CelOperator Operator)? OperatorOf(CelToken token)
    {
        if (token.Kind != CelTokenKind.Symbol) return null;
        return token.Text switch
        {
            "||" => (1, CelOperator.Or),
            "&&" => (2, CelOperator.And),
            "==" => (3, CelOperator.Equal),
            "!=" => (3, CelOperator.NotEqual),
            "<" => (3, CelOperator.Less),
            "<=" => (3, CelOperator.LessOrEqual),
            ">" => (3, CelOperator.Greater),
            ">=" => (3, CelOperator.GreaterOrEqual),
            "in" => (3, CelOperator.In),
            "+" => (4, CelOperator.Add),
            "-" => (4, CelOperator.Subtract),
            "*" => (5, CelOperator.Multiply),
            "/" => (5, CelOperator.Divide),
            "%" => (5, CelOperator.Modulo),
            _ => null,
        };
    }

    CelNode Unary()
    {
        CelToken token = Current;
        if (!token.Is("!") && !token.Is("-")) return Member();
        _at++;
        Deeper();
        if (token.Is("-")
            && Current is { Kind: CelTokenKind.Literal, Value.Kind: ValueKind.Int or ValueKind.Double or ValueKind.Other } number)
        {
            CelNode negative = Member(Negative(token.Span.Join(number.Span), number));
            _depth--;
            return negative;
        }
        CelNode operand = Unary();
        _depth--;
        return Made(new CelUnary(token.Span.Join(operand.Span), token.Is("!") ? CelOperator.Not : CelOperator.Negate, operand));
    }

    /// <summary>A minus before a number is part of it: the smallest int could not be written otherwise.</summary>
    CelNode Negative(Span span, CelToken number)
    {
        _at++;
        Value value = number.Value.Kind switch
        {
            ValueKind.Int => Value.From(-number.Value.Int),
            ValueKind.Double => Value.From(-number.Value.Double),
            _ when number.Value.Other is 1UL << 63 => Value.From(long.MinValue),
            _ => throw new CelError("syntax", span, $"-{number.Text} is beyond the range of an int"),
        };
        return Made(new CelLiteral(span, value));
    }

    CelNode Member() => Member(Primary());

    CelNode Member(CelNode target)
    {
        while (true)
        {
            if (Take("."))
            {
                bool isOptional = Take("?");
                CelToken name = Identifier("a name after the dot");
                target = Current.Is("(") && !isOptional && !IsQuoted(name)
                    ? CallOrMacro(target, name)
                    : Made(new CelSelect(target.Span.Join(name.Span), target, name.Text, name.Span, isOptional));
            }
            else if (Take("["))
            {
                bool isOptional = Take("?");
                CelNode index = Expression();
                Span close = Expect("]");
                target = Made(new CelIndex(target.Span.Join(close), target, index, isOptional));
            }
            else if (Current.Is("{") && TypeNameOf(target) is { } type)
            {
                target = Message(target.Span, type);
            }
            else
            {
                return target;
            }
        }
    }

    CelNode Primary()
    {
        CelToken token = Current;
        switch (token.Kind)
        {
            case CelTokenKind.Literal:
                _at++;
                if (token.Value.Kind == ValueKind.Other)
                    throw new CelError("syntax", token.Span, $"{token.Text} is beyond the range of an int",
                        "an unsigned number ends with u");
                return Made(new CelLiteral(token.Span, token.Value));
            case CelTokenKind.Identifier:
                return Named(token, isRooted: false);
            case CelTokenKind.Symbol when token.Is("("):
                _at++;
                CelNode inner = Expression();
                Span close = Expect(")");
                return inner with { Span = token.Span.Join(close) };
            case CelTokenKind.Symbol when token.Is("["):
                _at++;
                ImmutableArray<CelNode> items = Arguments("]", out Span end);
                return Made(new CelListLiteral(token.Span.Join(end), items));
            case CelTokenKind.Symbol when token.Is("{"):
                return Map(token.Span);
            case CelTokenKind.Symbol when token.Is("."):
                _at++;
                return Named(Current, isRooted: true);
            default:
                throw Unexpected("a value");
        }
    }

    CelNode Named(CelToken token, bool isRooted)
    {
        Identifier("a name");
        if (IsQuoted(token))
        {
            // Alone a quoted name is that of a field, which may be a reserved word; anything else can only be a key behind a dot.
            if (!CelLexer.IsName(token.Text)) throw new CelError("syntax", token.Span, $"'{token.Text}' is no name");
        }
        else if (Current.Is("("))
        {
            return CallOrMacro(null, token);
        }
        else if (s_reserved.Contains(token.Text))
            throw new CelError("syntax", token.Span, $"'{token.Text}' is a reserved word", $"as a name it is written `{token.Text}`");
        return Made(new CelIdentifier(token.Span, token.Text, isRooted));
    }

    CelNode CallOrMacro(CelNode? target, CelToken name)
    {
        Expect("(");
        ImmutableArray<CelNode> arguments = Arguments(")", out Span close);
        Span span = (target?.Span ?? name.Span).Join(close);
        // auth() is how .cstack files write auth.
        if (target is null && name.Text == "auth" && arguments.IsEmpty) return Made(new CelIdentifier(span, "auth", IsRooted: false));
        return Made(CelMacros.Of(span, target, name, arguments) ?? new CelCall(span, target, name.Text, name.Span, arguments));
    }

    ImmutableArray<CelNode> Arguments(string close, out Span closeSpan)
    {
        ImmutableArray<CelNode>.Builder items = ImmutableArray.CreateBuilder<CelNode>();
        while (!Current.Is(close))
        {
            items.Add(close == "]" ? Item() : Expression());
            if (!Take(",")) break;
        }
        closeSpan = Expect(close);
        return items.ToImmutable();
    }

    /// <summary>Of a list: <c>?value</c> stands there only when the optional holds something.</summary>
    CelNode Item()
    {
        Span start = Current.Span;
        bool isOptional = Take("?");
        return Item(Expression(), start, isOptional);
    }

    CelNode Item(CelNode value, Span start, bool isOptional) =>
        isOptional ? Made(new CelOptionalItem(start.Join(value.Span), value)) : value;

    CelNode Map(Span open)
    {
        _at++;
        ImmutableArray<KeyValuePair<CelNode, CelNode>>.Builder entries = ImmutableArray.CreateBuilder<KeyValuePair<CelNode, CelNode>>();
        while (!Current.Is("}"))
        {
            Span start = Current.Span;
            bool isOptional = Take("?");
            CelNode key = Expression();
            Expect(":");
            entries.Add(new(key, Item(Expression(), start, isOptional)));
            if (!Take(",")) break;
        }
        return Made(new CelMapLiteral(open.Join(Expect("}")), entries.ToImmutable()));
    }

    CelNode Message(Span start, string type)
    {
        _at++;
        ImmutableArray<KeyValuePair<string, CelNode>>.Builder fields = ImmutableArray.CreateBuilder<KeyValuePair<string, CelNode>>();
        while (!Current.Is("}"))
        {
            Span at = Current.Span;
            bool isOptional = Take("?");
            string field = Identifier("the name of a field").Text;
            Expect(":");
            fields.Add(new(field, Item(Expression(), at, isOptional)));
            if (!Take(",")) break;
        }
        return Made(new CelMessage(start.Join(Expect("}")), type, fields.ToImmutable()));
    }

    static bool IsQuoted(CelToken name) => name.Span.Length != name.Text.Length;

    static string? TypeNameOf(CelNode node) => node switch
    {
        CelIdentifier name => name.Name,
        CelSelect { IsOptional: false } select when TypeNameOf(select.Target) is { } outer => $"{outer}.{select.Name}",
        _ => null,
    };

    CelToken Identifier(string expected)
    {
        CelToken token = Current;
        if (token.Kind != CelTokenKind.Identifier) throw Unexpected(expected);
        _at++;
        return token;
    }

    bool Take(string symbol)
    {
        if (!Current.Is(symbol)) return false;
        _at++;
        return true;
    }

    Span Expect(string symbol)
    {
        if (!Current.Is(symbol)) throw Unexpected($"'{symbol}'");
        return _tokens[_at++].Span;
    }

    CelError Unexpected(string expected)
    {
        string found = Current.Kind == CelTokenKind.End ? "the end" : $"'{Current.Text}'";
        string? hint = Current switch
        {
            { Kind: CelTokenKind.Identifier, Text: "and" } => "'and' is written &&",
            { Kind: CelTokenKind.Identifier, Text: "or" } => "'or' is written ||",
            { Kind: CelTokenKind.Identifier, Text: "not" } => "'not' is written !",
            _ => null,
        };
        return new CelError("syntax", Current.Span, $"expected {expected}, found {found}", hint);
    }

    void Deeper()
    {
        if (++_depth > _limits.ExpressionDepth)
            throw new CelError("limit_exceeded", Current.Span, $"the expression nests deeper than {_limits.ExpressionDepth} levels",
                "limits.expressionDepth");
    }

    CelNode Made(CelNode node)
    {
        if (++_nodes > _limits.ExpressionNodes)
            throw new CelError("limit_exceeded", node.Span, $"the expression has more than {_limits.ExpressionNodes} parts",
                "limits.expressionNodes");
        return node;
    }
}
