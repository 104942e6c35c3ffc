using Plinth.Expressions;
using Plinth.Schema.Types;

namespace Plinth.Sql;

/// <summary>
/// Arithmetic that never raises. A chain of integer operations is written bare and guarded once at its root: a database that leaves the
/// integers on overflow stays outside of them to the end of the chain, so the guard sees it (the dialect says how). Where the ranges of
/// the operands prove that nothing can overflow there is no guard.
/// </summary>
sealed partial class ExpressionLowering
{
    static bool IsArithmetic(CheckedNode node) => node is CallNode
    {
        Function: CelFunction.Add or CelFunction.Subtract or CelFunction.Multiply or CelFunction.Divide or CelFunction.Modulo
            or CelFunction.Negate or CelFunction.Rescale,
    };

    void Arithmetic(CallNode call)
    {
        switch (call.Type.Kind)
        {
            case CelKind.Double:
                _dialect.WriteFinite(_sql, () => Bare(call));
                break;
            case CelKind.Timestamp:
                if (IntegerRange.IsSafe(call, static _ => false)) Bare(call);
                else Guarded(() => Bare(call), DateTimeType.Min, DateTimeType.Max);
                break;
            case CelKind.Int or CelKind.Decimal or CelKind.Duration:
                if (IntegerRange.IsSafe(call, Continues)) Bare(call);
                else Guarded(() => Bare(call), long.MinValue, long.MaxValue);
                break;
            default:
                throw No($"arithmetic of {call.Type.Name} runs in memory only");
        }
    }

    void Guarded(Action computation, long min, long max) => _dialect.WriteInteger(
        _sql,
        () =>
        {
            bool around = _isWide;
            _isWide = !_dialect.ChainsIntegers;
            computation();
            _isWide = around;
        },
        min, max);

    /// <summary>An operand of an integer computation, as wide as that is. What it computes itself has its own guard.</summary>
    void Wide(Action operand)
    {
        if (!_isWide)
        {
            operand();
            return;
        }
        _isWide = false;
        Raw("(");
        operand();
        Raw(")::numeric");
        _isWide = true;
    }

    /// <summary>The operand belongs to the chain of the operation around it. An instant does not: it has bounds of its own.</summary>
    bool Continues(CheckedNode node) =>
        _dialect.ChainsIntegers && IsArithmetic(node) && node.Type.Kind is CelKind.Int or CelKind.Decimal or CelKind.Duration;

    void Bare(CallNode call)
    {
        CheckedNode a = call.Arguments[0];
        if (call.Type.Kind == CelKind.Double && _dialect.FiniteFunction(call.Function) is { } function)
        {
            Raw(function).Raw("(");
            Part(a);
            Raw(", ");
            Part(call.Arguments[1]);
            Raw(")");
            return;
        }
        switch (call.Function)
        {
            case CelFunction.Negate:
                Raw("(- ");
                Part(a);
                Raw(")");
                break;
            case CelFunction.Rescale:
                int from = (a.Type as DecimalCelType)?.Scale ?? 0;
                Raw("(");
                Part(a);
                Raw(" * ");
                _sql.Constant(Schema.Value.From(DecimalType.PowerOfTen(((DecimalCelType)call.Type).Scale - from)));
                Raw(")");
                break;
            case CelFunction.Divide: Quotient(call); break;
            case CelFunction.Modulo: Remainder(call); break;
            default:
                string symbol = call.Function switch { CelFunction.Add => " + ", CelFunction.Subtract => " - ", _ => " * " };
                Raw("(");
                Sum(a, call.Function);
                Raw(symbol);
                Part(call.Arguments[1]);
                Raw(")");
                break;
        }
    }

    void Part(CheckedNode node)
    {
        if (Continues(node) || (IsArithmetic(node) && node.Type.Kind == CelKind.Double)) Bare((CallNode)node);
        else if (node.Type.Kind == CelKind.Double) Value(node);
        else Wide(() => Value(node));
    }

    /// <summary>A sum at the left of a sum needs no parentheses; a long one would nest too deeply with them.</summary>
    void Sum(CheckedNode left, CelFunction around)
    {
        bool isSum = around is CelFunction.Add or CelFunction.Subtract
            && left is CallNode { Function: CelFunction.Add or CelFunction.Subtract }
            && (Continues(left) || left.Type.Kind == CelKind.Double);
        if (!isSum)
        {
            Part(left);
            return;
        }
        CallNode sum = (CallNode)left;
        Sum(sum.Arguments[0], sum.Function);
        Raw(sum.Function == CelFunction.Add ? " + " : " - ");
        Part(sum.Arguments[1]);
    }

    void Quotient(CallNode call)
    {
        // Numbers without a bound have a quotient with a fraction, unless they are asked for a whole one.
        Raw(_isWide ? "div(" : "(");
        Part(call.Arguments[0]);
        Raw(_isWide ? ", nullif(" : " / nullif(");
        // Guarded on its own: by an infinite divisor every quotient would be a finite zero.
        Wide(() => Value(call.Arguments[1]));
        Raw(", 0))");
    }

    /// <summary>The smallest int modulo -1 has no result; databases say 0.</summary>
    void Remainder(CallNode call)
    {
        (CheckedNode a, CheckedNode b) = (call.Arguments[0], call.Arguments[1]);
        if (!IntegerRange.Of(a).Contains(long.MinValue) || !IntegerRange.Of(b).Contains(-1))
        {
            Raw("(");
            Wide(() => Value(a));
            Raw(" % nullif(");
            Wide(() => Value(b));
            Raw(", 0))");
            return;
        }
        Let([a, b], v =>
        {
            Raw("case when ");
            v[1]();
            Raw(" <> -1 or ");
            v[0]();
            Raw(" <> ");
            _sql.Constant(Schema.Value.From(long.MinValue));
            Raw(" then ");
            Wide(v[0]);
            Raw(" % nullif(");
            Wide(v[1]);
            Raw(", 0) end");
        });
    }

    void Sign(CheckedNode of)
    {
        if (of.Type.Kind is not (CelKind.Int or CelKind.Double)) throw No($"the sign of {of.Type.Name} is known in memory only");
        // Constants of the operand's own type, which a bare 1 is not everywhere.
        void Then(long sign) => _sql.Constant(of.Type.Kind == CelKind.Double ? Schema.Value.From((double)sign) : Schema.Value.From(sign));
        Let([of], v =>
        {
            Raw("case when ");
            v[0]();
            Raw(" > 0 then ");
            Then(1);
            Raw(" when ");
            v[0]();
            Raw(" < 0 then ");
            Then(-1);
            Raw(" when ");
            v[0]();
            Raw(" = 0 then ");
            Then(0);
            Raw(" end");
        });
    }

    /// <summary>Databases write the exclusive or differently, or not at all: the bits that one has, less those that both have.</summary>
    void Bits(CallNode call)
    {
        if (call.Type.Kind != CelKind.Int) throw No($"the bits of {call.Type.Name} are known in memory only");
        if (call.Function == CelFunction.BitNot)
        {
            Raw("(~ ");
            Value(call.Arguments[0]);
            Raw(")");
            return;
        }
        Let(call.Arguments.AsSpan(), v =>
        {
            void Both(string symbol)
            {
                Raw("(");
                v[0]();
                Raw(symbol);
                v[1]();
                Raw(")");
            }
            switch (call.Function)
            {
                case CelFunction.BitAnd: Both(" & "); break;
                case CelFunction.BitOr: Both(" | "); break;
                default:
                    Raw("(");
                    Both(" | ");
                    Raw(" - ");
                    Both(" & ");
                    Raw(")");
                    break;
            }
        });
    }

    void Absolute(CheckedNode of)
    {
        bool isInteger = of.Type.Kind != CelKind.Double;
        void Write() => Let([of], v =>
        {
            Raw("case when ");
            v[0]();
            Raw(" < 0 then - ");
            Wide(v[0]);
            Raw(" else ");
            Wide(v[0]);
            Raw(" end");
        });
        if (isInteger && IntegerRange.Of(of).Contains(long.MinValue)) Guarded(Write, long.MinValue, long.MaxValue);
        else Write();
    }

    /// <summary>
    /// A double without its fraction, by one rule for every database: their own functions round halves in different ways, or are not
    /// there. From 2^52 on a double has no fraction; below, its whole part is exact as an integer.
    /// </summary>
    void Whole(CelFunction function, CheckedNode of) => Let([of], v =>
    {
        if (of.Type.Kind != CelKind.Double) throw No($"{of.Type.Name} is rounded in memory only");
        void Part() => _dialect.WriteTruncated(_sql, v[0]);
        void Step(string sign, string than)
        {
            Raw(sign).Raw("case when ");
            v[0]();
            Raw(than);
            Part();
            Raw(" then 1 else 0 end");
        }
        Raw("case when ");
        v[0]();
        Raw(" > -4503599627370496.0 and ");
        v[0]();
        Raw(" < 4503599627370496.0 then cast(");
        Part();
        if (function == CelFunction.Floor) Step(" - ", " < ");
        if (function == CelFunction.Ceil) Step(" + ", " > ");
        if (function == CelFunction.Round)
        {
            Step(" + ", " >= 0.5 + ");
            Step(" - ", " <= -0.5 + ");
        }
        Raw(" as ").Raw(_dialect.DoubleType).Raw(") else ");
        v[0]();
        Raw(" end");
    });

    /// <summary>What is not finite has no result here, in memory as in SQL: what has one is finite, and a number.</summary>
    void Finite(CelFunction function, CheckedNode of) => Let([of], v =>
    {
        if (of.Type.Kind != CelKind.Double) throw No($"whether {of.Type.Name} is finite is known in memory only");
        Raw("(");
        v[0]();
        Raw(function == CelFunction.IsFinite ? " = " : " <> ");
        v[0]();
        Raw(")");
    });
}
