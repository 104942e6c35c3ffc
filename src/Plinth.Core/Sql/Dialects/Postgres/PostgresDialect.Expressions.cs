using System.Globalization;
using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Sql.Dialects.Postgres;

sealed partial class PostgresDialect
{
    /// <summary>Brackets open at once. The parser has no such bound; what analyses its result recurses, within 2 MB of stack.</summary>
    const int DepthMax = 600;

    public override bool IsTooDeep(string expression)
    {
        int depth = 0, deepest = 0;
        bool quoted = false;
        foreach (char c in expression)
        {
            if (c == '\'') quoted = !quoted;
            else if (quoted) continue;
            else if (c == '(') deepest = Math.Max(deepest, ++depth);
            else if (c == ')') depth--;
        }
        return deepest > DepthMax;
    }

    public override string IntegerType => "bigint";

    public override string DoubleType => "double precision";

    public override string TextType => "text";

    public override string Greatest => "plinth_greatest";

    public override string Least => "plinth_least";

    public override string LowerAscii => "plinth_lower";

    public override string UpperAscii => "plinth_upper";

    public override string Length => "plinth_length";

    public override string Substring => "plinth_substr";

    public override string JsonTextType => "'string'";

    public override string JsonTruthTypes => "'boolean'";

    public override string JsonNumberTypes => "'number'";

    public override string JsonNullType => "'null'";

    /// <summary>An operation that overflows raises here, so each is guarded, over numerics, which have no bound.</summary>
    public override bool ChainsIntegers => false;

    public override void WriteInteger(SqlWriter sql, Action computation, long min, long max)
    {
        sql.Raw("plinth_within(");
        computation();
        sql.Raw(", ").Constant(Value.From(min)).Raw(", ").Constant(Value.From(max)).Raw(")");
    }

    public override string? FiniteFunction(CelFunction operation) => operation switch
    {
        CelFunction.Add => "plinth_add",
        CelFunction.Subtract => "plinth_subtract",
        CelFunction.Multiply => "plinth_multiply",
        CelFunction.Divide => "plinth_divide",
        _ => null,
    };

    // The functions of the operations give null themselves.
    public override void WriteFinite(SqlWriter sql, Action computation) => computation();

    public override void WriteTruncated(SqlWriter sql, Action value)
    {
        sql.Raw("trunc(");
        value();
        sql.Raw(")::bigint");
    }

    /// <summary>A null of no type is a text where nothing around it says otherwise.</summary>
    public override string InnerNull(ValueKind kind) => kind switch
    {
        ValueKind.Null => "null",
        ValueKind.Decimal or ValueKind.DateTime or ValueKind.Date or ValueKind.Time => "null::bigint",
        _ => "null::" + ParameterType(kind),
    };

    /// <summary>Columns have the database's own types; expressions compute with whole numbers, as memory does.</summary>
    public override void WriteInner(SqlWriter sql, ValueKind kind, int scale, Action stored)
    {
        switch (kind)
        {
            case ValueKind.Int:
                stored();
                sql.Raw("::bigint");
                break;
            case ValueKind.Decimal:
                sql.Raw("(");
                stored();
                WriteTimes(sql, scale);
                sql.Raw(")::bigint");
                break;
            case ValueKind.DateTime or ValueKind.Time:
                sql.Raw("plinth_micros(");
                stored();
                sql.Raw(")");
                break;
            case ValueKind.Date:
                sql.Raw("(");
                stored();
                sql.Raw(" - date '1970-01-01')::bigint");
                break;
            default:
                stored();
                break;
        }
    }

    public override void WritePosition(SqlWriter sql, Action text, Action part)
    {
        sql.Raw("strpos(");
        text();
        sql.Raw(", ");
        part();
        sql.Raw(")::bigint");
    }

    public override void WriteMatches(SqlWriter sql, Action text, CheckedNode pattern)
    {
        string spelled = pattern is LiteralNode { Value: { Kind: ValueKind.String } value }
            ? PostgresPattern.Of(value.String) ?? throw new LoweringException($"the database has no form of the pattern {value.String}")
            : throw new LoweringException("a pattern that is not written out runs in memory only");
        sql.Raw("(");
        text();
        sql.Raw(" ~ ").Constant(Value.From(spelled)).Raw(")");
    }

    public override void WriteDatePart(SqlWriter sql, CelFunction part, Action secondsSince1970)
    {
        (string name, string first) = part switch
        {
            CelFunction.GetFullYear => ("year", ""),
            CelFunction.GetMonth => ("month", " - 1"),
            CelFunction.GetDate => ("day", ""),
            CelFunction.GetDayOfMonth => ("day", " - 1"),
            CelFunction.GetDayOfWeek => ("dow", ""),
            CelFunction.GetDayOfYear => ("doy", " - 1"),
            _ => throw new InvalidOperationException($"{part} is no part of a date"),
        };
        sql.Raw("(extract(").Raw(name).Raw(" from (timestamp '1970-01-01' + ");
        secondsSince1970();
        sql.Raw(" * interval '1 second'))::bigint").Raw(first).Raw(")");
    }

    public override void WriteHex(SqlWriter sql, Action uuid)
    {
        sql.Raw("upper(replace((");
        uuid();
        sql.Raw(")::text, '-', ''))");
    }

    public override void WriteJsonExtract(SqlWriter sql, Action json, string path, CelKind kind) =>
        WriteTyped(sql, () => WriteSteps(sql, json, path, asText: true), kind);

    public override void WriteJsonType(SqlWriter sql, Action json, string path)
    {
        sql.Raw("json_typeof(");
        WriteSteps(sql, json, path, asText: false);
        sql.Raw(")");
    }

    public override void WriteJsonLength(SqlWriter sql, Action json, string? path)
    {
        sql.Raw("plinth_items(");
        WriteSteps(sql, json, path, asText: false);
        sql.Raw(")");
    }

    public override void WriteJsonItems(SqlWriter sql, Action json, string? path, string alias)
    {
        sql.Raw("(select e.value as \"value\", json_typeof(e.value) as \"type\" from json_array_elements(plinth_list(");
        WriteSteps(sql, json, path, asText: false);
        sql.Raw(")) e) ").Raw(alias);
    }

    public override void WriteJsonItem(SqlWriter sql, string alias, CelKind kind) =>
        WriteTyped(sql, () => sql.Column(alias, "value").Raw(" #>> '{}'"), kind);

    public override void WriteIfContainer(SqlWriter sql, string itemAlias, Action value)
    {
        sql.Raw("case when ").Raw(itemAlias).Raw(".\"type\" in ('object', 'array') then ");
        value();
        sql.Raw(" end");
    }

    public override void WriteJsonInstant(SqlWriter sql, Action text)
    {
        sql.Raw("plinth_instant(");
        text();
        sql.Raw(")");
    }

    public override void WriteJsonDay(SqlWriter sql, Action text)
    {
        sql.Raw("(cast(");
        text();
        sql.Raw(" as date) - date '1970-01-01')::bigint");
    }

    /// <summary>A number of open JSON may be larger than any that is computed with: it has a function of its own.</summary>
    static void WriteTyped(SqlWriter sql, Action text, CelKind kind)
    {
        sql.Raw(kind == CelKind.Decimal ? "plinth_number(" : "(");
        text();
        sql.Raw(")").Raw(kind switch
        {
            CelKind.Bool => "::boolean",
            CelKind.Int => "::bigint",
            CelKind.Double => "::double precision",
            CelKind.Decimal => "",
            _ => " collate \"C\"",
        });
    }

    /// <summary><c>$."a"[0]."b"</c> as <c>json -> 'a' -> 0 ->> 'b'</c>.</summary>
    static void WriteSteps(SqlWriter sql, Action json, string? path, bool asText)
    {
        json();
        ReadOnlySpan<char> rest = path is null ? "" : path.AsSpan(1);
        while (!rest.IsEmpty)
        {
            bool isKey = rest[0] == '.';
            int end = isKey ? rest[2..].IndexOf('"') + 3 : rest.IndexOf(']') + 1;
            ReadOnlySpan<char> step = isKey ? rest[2..(end - 1)] : rest[1..(end - 1)];
            rest = rest[end..];
            sql.Raw(asText && rest.IsEmpty ? " ->> " : " -> ");
            if (isKey) sql.Constant(Value.From(step.ToString()));
            else sql.Number(int.Parse(step, CultureInfo.InvariantCulture));
        }
    }
}
