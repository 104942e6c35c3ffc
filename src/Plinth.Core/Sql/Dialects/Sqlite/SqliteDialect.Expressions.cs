using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Sql.Dialects.Sqlite;

sealed partial class SqliteDialect
{
    public override bool IsTooDeep(string expression) => SqliteNesting.Of(expression) > SqliteNesting.Max;

    public override string IntegerType => "integer";

    public override string DoubleType => "real";

    public override string TextType => "text";

    public override string Greatest => "max";

    public override string Least => "min";

    public override string LowerAscii => "lower";

    public override string UpperAscii => "upper";

    public override string JsonTextType => "'text'";

    public override string JsonTruthTypes => "'true', 'false'";

    public override string JsonNumberTypes => "'integer', 'real'";

    public override string JsonNullType => "'null'";

    /// <summary>An overflow turns an integer into a real, and a real stays one through every further operation: its type tells.</summary>
    public override void WriteInteger(SqlWriter sql, Action computation, long min, long max) => Once(sql, computation, value =>
    {
        sql.Raw("case when typeof(");
        value();
        sql.Raw(") = 'integer'");
        if (min != long.MinValue)
        {
            sql.Raw(" and ");
            value();
            sql.Raw(" between ").Constant(Value.From(min)).Raw(" and ").Constant(Value.From(max));
        }
        sql.Raw(" then ");
        value();
        sql.Raw(" end");
    });

    /// <summary>Names a computation that is needed more than once; a definition, where no subquery may stand, repeats it.</summary>
    static void Once(SqlWriter sql, Action computation, Action<Action> body)
    {
        if (sql.ForDefinitions)
        {
            body(computation);
            return;
        }
        string alias = sql.NextAlias();
        sql.Raw("(select ");
        body(() => sql.Raw(alias).Raw(".v"));
        sql.Raw(" from (select ");
        computation();
        sql.Raw(" as v) ").Raw(alias).Raw(")");
    }

    /// <summary>A NaN is null here already; infinities compare equal to numbers beyond the range.</summary>
    public override void WriteFinite(SqlWriter sql, Action computation)
    {
        sql.Raw("nullif(nullif(");
        computation();
        sql.Raw(", 9e999), -9e999)");
    }

    public override void WritePosition(SqlWriter sql, Action text, Action part)
    {
        sql.Raw("instr(");
        text();
        sql.Raw(", ");
        part();
        sql.Raw(")");
    }

    /// <summary>The function that every connection of ours registers.</summary>
    public const string MatchesFunction = "plinth_matches";

    public override void WriteMatches(SqlWriter sql, Action text, CheckedNode pattern)
    {
        sql.Raw(MatchesFunction).Raw("(");
        text();
        sql.Raw(", ").Constant(((LiteralNode)pattern).Value).Raw(")"); // A pattern is checked when it is read, so it is never lifted.
    }

    public override void WriteDatePart(SqlWriter sql, CelFunction part, Action secondsSince1970)
    {
        (string format, int first) = part switch
        {
            CelFunction.GetFullYear => ("%Y", 0),
            CelFunction.GetMonth => ("%m", 1),
            CelFunction.GetDate => ("%d", 0),
            CelFunction.GetDayOfMonth => ("%d", 1),
            CelFunction.GetDayOfWeek => ("%w", 0),
            CelFunction.GetDayOfYear => ("%j", 1),
            _ => throw new InvalidOperationException($"{part} is no part of a date"),
        };
        sql.Raw("(cast(strftime('").Raw(format).Raw("', ");
        secondsSince1970();
        sql.Raw(", 'unixepoch') as integer)").Raw(first == 0 ? ")" : " - 1)");
    }

    public override void WriteHex(SqlWriter sql, Action bytes)
    {
        // hex() of null is the empty text.
        sql.Raw("nullif(hex(");
        bytes();
        sql.Raw("), '')");
    }

    public override void WriteJsonExtract(SqlWriter sql, Action json, string path, CelKind kind) =>
        JsonFunction(sql, "json_extract(", json, path);

    public override void WriteJsonItem(SqlWriter sql, string alias, CelKind kind) => sql.Column(alias, "value");

    public override void WriteJsonType(SqlWriter sql, Action json, string path) => JsonFunction(sql, "json_type(", json, path);

    public override void WriteJsonLength(SqlWriter sql, Action json, string? path) => JsonFunction(sql, "json_array_length(", json, path);

    public override void WriteJsonItems(SqlWriter sql, Action json, string? path, string alias)
    {
        JsonFunction(sql, "json_each(", json, path);
        sql.Raw(" ").Raw(alias);
    }

    public override void WriteIfContainer(SqlWriter sql, string itemAlias, Action value)
    {
        sql.Raw("case when ").Raw(itemAlias).Raw(".\"type\" in ('object', 'array') then ");
        value();
        sql.Raw(" end");
    }

    /// <summary>Whole seconds by strftime, the fraction (three digits or six) as the six digits behind the point.</summary>
    public override void WriteJsonInstant(SqlWriter sql, Action text) => Once(sql, text, value =>
    {
        sql.Raw("strftime('%s', substr(");
        value();
        sql.Raw(", 1, 19)) * 1000000 + cast(substr(rtrim(");
        value();
        sql.Raw(", 'Z') || '000', 21, 6) as integer)");
    });

    public override void WriteJsonDay(SqlWriter sql, Action text)
    {
        sql.Raw("(strftime('%s', ");
        text();
        sql.Raw(") / 86400)");
    }

    static void JsonFunction(SqlWriter sql, string function, Action json, string? path)
    {
        sql.Raw(function);
        json();
        if (path is not null) sql.Raw(", ").Constant(Value.From(path));
        sql.Raw(")");
    }
}
