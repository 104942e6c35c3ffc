using Plinth.Expressions;
using Plinth.Schema.Types;

namespace Plinth.Sql;

/// <summary>Functions of text, time and conversion.</summary>
sealed partial class ExpressionLowering
{
    // Added to microseconds since 1970 they become those since year 1: no instant is negative then, and truncation is rounding down.
    const long SinceYearOne = -DateTimeType.Min;
    const long Second = Calendar.MicrosecondsPerSecond;

    void Call(CallNode call)
    {
        if (call.Arguments.IsEmpty) throw No($"{call.Type.Name} is known in memory only");
        CheckedNode a = call.Arguments[0];
        switch (call.Function)
        {
            case var _ when IsArithmetic(call): Arithmetic(call); break;
            case CelFunction.Abs: Absolute(a); break;
            case CelFunction.Sign: Sign(a); break;
            case >= CelFunction.Ceil and <= CelFunction.Trunc: Whole(call.Function, a); break;
            case >= CelFunction.IsNaN and <= CelFunction.IsFinite: Finite(call.Function, a); break;
            case >= CelFunction.BitAnd and <= CelFunction.BitNot: Bits(call); break;
            case CelFunction.HasValue or CelFunction.ValueOf or CelFunction.OrValue: OfOptional(call); break;
            case CelFunction.Greatest or CelFunction.Least: Extreme(call); break;
            case CelFunction.Size: Size(a); break;
            case CelFunction.Concat when call.Type.Kind == CelKind.String:
                Raw("(");
                Joined(call);
                Raw(")");
                break;
            case CelFunction.Concat: throw No($"joining {call.Type.Name} runs in memory only");
            case >= CelFunction.Contains and <= CelFunction.Replace: Text(call); break;
            case >= CelFunction.ToInt and <= CelFunction.ToUuid: Conversion(call); break;
            case >= CelFunction.GetFullYear and <= CelFunction.GetMilliseconds: TimePart(call); break;
            default: throw No($"{FunctionTable.NameOf(call.Function)} runs in memory only");
        }
    }

    void Joined(CallNode concat)
    {
        if (concat.Arguments[0] is CallNode { Function: CelFunction.Concat } left) Joined(left);
        else Value(concat.Arguments[0]);
        Raw(" || ");
        Value(concat.Arguments[1]);
    }

    void Extreme(CallNode call)
    {
        Raw(call.Function == CelFunction.Greatest ? _dialect.Greatest : _dialect.Least).Raw("(");
        Value(call.Arguments[0]);
        Raw(", ");
        Value(call.Arguments[1]);
        Raw(")");
    }

    /// <summary>An optional has no form of its own: what is unknown is null, and null is nothing there.</summary>
    void OfOptional(CallNode call)
    {
        if (call.Arguments[0] is not CallNode { Function: CelFunction.IfKnown, Arguments: [var known] } || known.Type.Kind == CelKind.Dyn
            || !known.Type.IsValue || known.Type.Kind >= CelKind.List) throw No("an optional is made in memory only");
        switch (call.Function)
        {
            case CelFunction.HasValue: NullTest(known, isNegated: true); break;
            case CelFunction.ValueOf: Operand(known, asText: false); break;
            default:
                Raw("coalesce(");
                Operand(known, asText: false);
                Raw(", ");
                Operand(call.Arguments[1], asText: false);
                Raw(")");
                break;
        }
    }

    void Size(CheckedNode of)
    {
        switch (of.Type.Kind)
        {
            case CelKind.String or CelKind.Bytes:
                Length(() => Value(of));
                break;
            case CelKind.Records: Count(of); break;
            case CelKind.List when of is TransformNode: Count(of); break;
            case CelKind.List when of is ListNode list: _sql.Constant(Schema.Value.From((long)list.Items.Length)); break;
            case CelKind.List: JsonLength(of); break;
            default: throw No($"the size of {of.Type.Name} is known in memory only");
        }
    }

    void Text(CallNode call)
    {
        if (call is { Function: CelFunction.IndexOf, Arguments.Length: > 2 }) throw No("indexOf() from a position runs in memory only");
        if (call is { Function: CelFunction.Replace, Arguments.Length: > 3 }) throw No("replace() of so many parts runs in memory only");
        foreach (CheckedNode argument in call.Arguments)
        {
            if (argument.Type.Kind == CelKind.Dyn) throw No("what JSON holds is no text for certain: compare it as a whole");
        }
        switch (call.Function)
        {
            case CelFunction.Contains: Position(call, " > 0"); break;
            case CelFunction.IndexOf: Position(call, " - 1"); break;
            case CelFunction.StartsWith: StartsWith(call); break;
            case CelFunction.EndsWith: EndsWith(call); break;
            case CelFunction.LowerAscii or CelFunction.UpperAscii:
                Raw(call.Function == CelFunction.LowerAscii ? _dialect.LowerAscii : _dialect.UpperAscii).Raw("(");
                Value(call.Arguments[0]);
                Raw(")");
                break;
            case CelFunction.Trim:
                Raw("trim(");
                Value(call.Arguments[0]);
                Raw(", ");
                _sql.Constant(Schema.Value.From(TextOperations.Blanks));
                Raw(")");
                break;
            case CelFunction.Substring or CelFunction.CharAt: Substring(call); break;
            case CelFunction.Replace:
                Raw("replace(");
                Value(call.Arguments[0]);
                Raw(", nullif(");
                Value(call.Arguments[1]);
                Raw(", ''), ");
                Value(call.Arguments[2]);
                Raw(")");
                break;
            default:
                // The function is the connection's; the file must stay readable without it.
                if (_sql.ForDefinitions) throw No("a definition cannot match a pattern");
                _dialect.WriteMatches(_sql, () => Value(call.Arguments[0]), call.Arguments[1]);
                break;
        }
    }

    void Position(CallNode call, string then)
    {
        Raw("(");
        _dialect.WritePosition(_sql, () => Value(call.Arguments[0]), () => Value(call.Arguments[1]));
        Raw(then).Raw(")");
    }

    /// <summary>Never LIKE: its wildcards and its folding of case are not ours.</summary>
    void StartsWith(CallNode call)
    {
        CheckedNode prefix = call.Arguments[1];
        if (!IsPlain(prefix))
        {
            Position(call, " = 1");
            return;
        }
        Raw("(").Raw(_dialect.Substring).Raw("(");
        Value(call.Arguments[0]);
        Raw(", 1, ");
        Length(() => Value(prefix));
        Raw(") = ");
        Value(prefix);
        Raw(")");
    }

    void Length(Action text)
    {
        Raw(_dialect.Length).Raw("(");
        text();
        Raw(")");
    }

    void EndsWith(CallNode call) => Let([call.Arguments[0], call.Arguments[1]], v =>
    {
        Raw("(").Raw(_dialect.Substring).Raw("(");
        v[0]();
        Raw(", ");
        Length(v[0]);
        Raw(" - ");
        Length(v[1]);
        Raw(" + 1) = ");
        v[1]();
        // A start before the text would count from its end.
        Raw(" and ");
        Length(v[1]);
        Raw(" <= ");
        Length(v[0]);
        Raw(")");
    });

    void Substring(CallNode call)
    {
        bool isCharacter = call.Function == CelFunction.CharAt;
        bool isOpen = call.Arguments.Length == 2;
        Let(call.Arguments.AsSpan(), v =>
        {
            Raw("case when ");
            v[1]();
            Raw(" >= 0 and ");
            if (isOpen)
            {
                v[1]();
            }
            else
            {
                v[2]();
                Raw(" >= ");
                v[1]();
                Raw(" and ");
                v[2]();
            }
            Raw(" <= ");
            Length(v[0]);
            Raw(" then ").Raw(_dialect.Substring).Raw("(");
            v[0]();
            Raw(", ");
            v[1]();
            Raw(" + 1");
            if (isCharacter) Raw(", 1");
            if (!isOpen)
            {
                Raw(", ");
                v[2]();
                Raw(" - ");
                v[1]();
            }
            Raw(") end");
        });
    }

    void Conversion(CallNode call)
    {
        CheckedNode a = call.Arguments[0];
        switch (call.Function, a.Type.Kind)
        {
            case (CelFunction.ToInt, CelKind.Double):
                Let([a], v =>
                {
                    Raw("case when ");
                    v[0]();
                    Raw(" > -9223372036854775808.0 and ");
                    v[0]();
                    Raw(" < 9223372036854775808.0 then ");
                    _dialect.WriteTruncated(_sql, v[0]);
                    Raw(" end");
                });
                break;
            case (CelFunction.ToInt, CelKind.Decimal): Scaled("(", a, " / ", DecimalType.PowerOfTen(((DecimalCelType)a.Type).Scale),
                ")"); break;
            case (CelFunction.ToInt, CelKind.Timestamp): Since(a, Second, SinceYearOne / Second); break;
            case (CelFunction.ToInt, CelKind.Duration): Scaled("(", a, " / ", Second, ")"); break;
            case (CelFunction.ToDouble, CelKind.Int): Cast(a, _dialect.DoubleType); break;
            case (CelFunction.ToDouble, CelKind.Decimal):
                Raw("(");
                Cast(a, _dialect.DoubleType);
                Raw(" / ");
                _sql.Constant(Schema.Value.From((double)DecimalType.PowerOfTen(((DecimalCelType)a.Type).Scale)));
                Raw(")");
                break;
            case (CelFunction.ToText, CelKind.Int): Cast(a, _dialect.TextType); break;
            case (CelFunction.ToText, CelKind.Bool):
                Raw("case ");
                Exact(a);
                Raw(" when true then 'true' when false then 'false' end");
                break;
            case (CelFunction.ToTimestamp, CelKind.Int):
                void Product() => Scaled("(", a, " * ", Second, ")");
                if (IntegerRange.IsSafe(call, static _ => false)) Product();
                else Guarded(Product, DateTimeType.Min, DateTimeType.Max);
                break;
            case (CelFunction.ToDate, CelKind.Timestamp): Since(a, Calendar.MicrosecondsPerDay,
                SinceYearOne / Calendar.MicrosecondsPerDay); break;
            case (CelFunction.ToTime, CelKind.Timestamp):
                Raw("((");
                Scaled("", a, " + ", SinceYearOne, "");
                Raw(") % ");
                _sql.Constant(Schema.Value.From(Calendar.MicrosecondsPerDay));
                Raw(")");
                break;
            default: throw No($"{a.Type.Name} becomes {call.Type.Name} in memory only");
        }
    }

    void Cast(CheckedNode a, string type)
    {
        Raw("cast(");
        Value(a);
        Raw(" as ").Raw(type).Raw(")");
    }

    void Scaled(string before, CheckedNode a, string symbol, long by, string after)
    {
        Raw(before);
        Wide(() => Value(a));
        Raw(symbol);
        _sql.Constant(Schema.Value.From(by));
        Raw(after);
    }

    /// <summary>Whole units since 1970, rounded down.</summary>
    void Since(CheckedNode instant, long unit, long unitsBefore1970)
    {
        Raw("(");
        Scaled("(", instant, " + ", SinceYearOne, ")");
        Raw(" / ");
        _sql.Constant(Schema.Value.From(unit));
        Raw(" - ");
        _sql.Constant(Schema.Value.From(unitsBefore1970));
        Raw(")");
    }

    void TimePart(CallNode call)
    {
        CheckedNode a = call.Arguments[0];
        if (call.Arguments.Length > 1) throw No("a time zone by its name is applied in memory only: write an offset, such as \"+02:00\"");
        if (a.Type.Kind == CelKind.Dyn) throw No("what JSON holds is no time for certain");
        if (a.Type.Kind == CelKind.Duration)
        {
            (long unit, string rest) = call.Function switch
            {
                CelFunction.GetHours => (3600 * Second, ")"),
                CelFunction.GetMinutes => (60 * Second, ")"),
                CelFunction.GetSeconds => (Second, ")"),
                _ => (1000L, " % 1000)"),
            };
            Scaled("(", a, " / ", unit, rest);
            return;
        }
        switch (call.Function)
        {
            case CelFunction.GetHours: Within(a, 3600 * Second, " % 24)"); break;
            case CelFunction.GetMinutes: Within(a, 60 * Second, " % 60)"); break;
            case CelFunction.GetSeconds: Within(a, Second, " % 60)"); break;
            case CelFunction.GetMilliseconds: Within(a, 1000, " % 1000)"); break;
            default: _dialect.WriteDatePart(_sql, call.Function, () => Seconds(a)); break;
        }
    }

    void Within(CheckedNode a, long unit, string rest)
    {
        Raw("(");
        Scaled("(", a, " + ", SinceYearOne, ")");
        Raw(" / ");
        _sql.Constant(Schema.Value.From(unit));
        Raw(rest);
    }

    /// <summary>Seconds since 1970, of an instant or a day.</summary>
    void Seconds(CheckedNode a)
    {
        if (a.Type.Kind == CelKind.Date) Scaled("(", a, " * ", 86_400, ")");
        else Since(a, Second, SinceYearOne / Second);
    }
}
