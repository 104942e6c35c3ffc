using System.Globalization;

namespace Plinth.Expressions;

/// <summary>Random CEL texts over <see cref="RandomRows"/>, well typed by construction, with a count of what they use.</summary>
sealed class RandomExpression(Random random)
{
    readonly SortedDictionary<string, int> _uses = new(StringComparer.Ordinal);
    readonly List<string> _records = [];
    int _variables;

    /// <summary>How often each operator and function was written.</summary>
    public IReadOnlyDictionary<string, int> Uses => _uses;

    public string Next(out string type)
    {
        _variables = 0;
        _records.Clear();
        type = random.Next(10) < 7 ? "bool" : Pick("int", "double", "decimal", "string", "timestamp", "duration");
        return Of(type, random.Next(1, 5));
    }

    string Of(string type, int depth) => type switch
    {
        "bool" => Bool(depth),
        "int" => Int(depth),
        "double" => Double(depth),
        "decimal" => Decimal(depth),
        "string" => Text(depth),
        "timestamp" => Instant(depth),
        _ => Duration(depth),
    };

    string Used(string name, string text)
    {
        _uses[name] = _uses.GetValueOrDefault(name) + 1;
        return text;
    }

    string Pick(params ReadOnlySpan<string> of) => of[random.Next(of.Length)];

    /// <summary>A record in scope: the row, what it leads to, or a variable of a loop.</summary>
    string Record(string field)
    {
        string[] paths = [.. _records.Concat(["", "", "", "parent", "parent.parent"])];
        string path = paths[random.Next(paths.Length)];
        if (path.Contains("parent", StringComparison.Ordinal)) Used("hop", "");
        return path.Length == 0 ? field : $"{path}.{field}";
    }

    string Bool(int depth)
    {
        if (depth <= 0) return random.Next(6) switch
        {
            0 => Pick("true", "false"),
            1 => "place.open",
            2 => "owner.active",
            _ => Record(Pick("p", "q")),
        };
        return random.Next(26) switch
        {
            0 or 1 or 2 => Used("&&", $"({Bool(depth - 1)} && {Bool(depth - 1)})"),
            3 or 4 or 5 => Used("||", $"({Bool(depth - 1)} || {Bool(depth - 1)})"),
            6 or 7 => Used("!", $"!({Bool(depth - 1)})"),
            8 => Used("?:", $"({Bool(depth - 1)} ? {Bool(depth - 1)} : {Bool(depth - 1)})"),
            9 or 10 => Null(depth - 1),
            11 => In(depth - 1),
            12 => TextTest(depth - 1),
            13 or 14 => Loop(depth - 1),
            15 => Open(),
            16 => Bytewise(),
            20 => Used("isFinite", $"math.{Pick("isFinite", "isNaN", "isInf")}({Double(depth - 1)})"),
            18 => Used("hasValue", $"{Pick("place.?city", "owner.?name", "parent.?s", "place.?open")}.hasValue()"),
            19 => Bound(depth - 1),
            17 => Used("== bool", $"({Bool(depth - 1)}) {Pick("==", "!=")} ({Bool(depth - 1)})"),
            _ => Comparison(depth - 1),
        };
    }

    /// <summary>A bound value: computed once where it is used once, a path where it is used more often.</summary>
    string Bound(int depth)
    {
        string v = "x" + (_variables++).ToString(CultureInfo.InvariantCulture);
        return Used("cel.bind", random.Next(4) switch
        {
            0 => $"cel.bind({v}, {Int(depth)}, {v} {Pick("==", "<", ">=")} {Int(0)})",
            1 => $"cel.bind({v}, {Record("s")}, {v} == {Text(0)} || {v}.contains({Text(0)}))",
            2 => $"cel.bind({v}, {Record(Pick("tags"))}, {v}.exists(t, t == {Text(0)}) && {Bool(depth)})",
            _ => $"cel.bind({v}, parent, {v}.a == {Int(0)} || {v}.s == {Text(0)})",
        });
    }

    string Comparison(int depth)
    {
        string op = Pick("==", "!=", "<", "<=", ">", ">=");
        Used(op, "");
        switch (random.Next(9))
        {
            case 0: return $"{Int(depth)} {op} {Int(depth)}";
            case 1: return Used("int/double", $"{Int(depth)} {op} {Double(depth)}");
            case 2: return $"{Double(depth)} {op} {Double(depth)}";
            case 3: return $"{Decimal(depth)} {op} {Decimal(depth)}";
            case 4: return Used("decimal/int", $"{Decimal(depth)} {op} {Int(depth)}");
            case 5: return $"{Text(depth)} {op} {Text(depth)}";
            case 6: return $"{Instant(depth)} {op} {Instant(depth)}";
            case 7: return $"{Duration(depth)} {op} {Duration(depth)}";
            default:
                return Used("kind", Pick($"kind {Pick("==", "!=")} {Pick("low", "mid", "high")}", $"{Record("kind")} == kind",
                    $"{Record("kind")} {op} kind"));
        }
    }

    string Null(int depth)
    {
        string of = random.Next(6) switch
        {
            0 => Record(Pick("a", "s", "d", "at", "u", "kind", "data")),
            1 => Pick("owner", "parent", "parent.owner", "parent.parent"),
            2 => $"({Int(depth)})",
            3 => $"({Text(depth)})",
            4 => $"({Bool(depth)})",
            _ => Pick("place", "place.city", "place.price", "data.k", "data.k.m", "owner.name"),
        };
        if (random.Next(5) == 0) return Used("has",
            $"has({Pick("place.city", "data.k", "data.k.m", "data.none", "owner.name", "parent.s")})");
        return Used("null", $"{of} {Pick("==", "!=")} null");
    }

    string In(int depth) => random.Next(8) switch
    {
        0 => Used("in", $"{Int(depth)} in [{Int(0)}, {Int(0)}, {Int(depth)}]"),
        1 => Used("in", $"{Text(depth)} in [{Text(0)}, \"a\", {Text(0)}]"),
        2 => Used("in", $"{Decimal(depth)} in [{Decimal(0)}, decimal(\"1.00\")]"),
        3 => Used("in list", $"{Text(depth)} in {Record("tags")}"),
        4 => Used("in list", $"{Int(depth)} in {Record(Pick("nums", "bigs"))}"),
        5 => Used("in list", Pick("u in refs", "kind in kinds", "place.ref in refs", "at in [until, place.seen]")),
        6 => Used("in", $"kind in [{Pick("low", "mid")}, high]"),
        _ => Used("in", $"{Int(depth)} in []"),
    };

    string TextTest(int depth)
    {
        if (random.Next(5) == 0)
            return Used("matches", $"{Text(depth)}.matches({Pick("'^.$'", "'[^a]b'", "'(?i)AB?'", "'\\\\w+'", "'^$'")})");
        string name = Pick("contains", "startsWith", "endsWith");
        return Used(name, $"{Text(depth)}.{name}({Text(random.Next(3) == 0 ? depth : 0)})");
    }

    string Loop(int depth)
    {
        string kind = Pick("exists", "all", "exists_one");
        string v = "x" + (_variables++).ToString(CultureInfo.InvariantCulture);
        Used(kind, "");
        switch (random.Next(6))
        {
            case 0: return Used("loop children", OverRecords($"{Record("children")}.{kind}({v}, ", v, depth));
            case 1:
                return Used("loop owner.rows", OverRecords($"owner.rows.{kind}({v}, ", v, depth));
            case 2: return $"{Record("tags")}.{kind}({v}, {v} {Pick("==", "<", ">=")} {Text(depth)} || {v}.contains({Text(0)}))";
            case 3:
                string numbers = Record(Pick("nums", "bigs", "place.codes")), op = Pick("==", "<", ">=", "!=");
                return $"{numbers}.{kind}({v}, {v} {op} {Int(depth)} && {Bool(depth - 1)})";
            case 4: return $"prices.{kind}({v}, {v} {Pick("==", "<", ">=")} {Decimal(depth)})";
            default:
                string test = Pick($"{v}.type == \"Visit\"", $"{v}.weight < {Int(0)}", $"{v}.text == {Text(0)}", $"{v}.who == {Text(0)}",
                    $"{v}.at < {Instant(0)}");
                return Used("loop union", $"{Pick("", "parent.")}entries.{kind}({v}, {test} {Pick("&&", "||")} {Bool(depth - 1)})");
        }
    }

    string OverRecords(string head, string variable, int depth)
    {
        _records.Add(variable);
        string text = $"{head}{Bool(Math.Max(1, depth))})";
        _records.Remove(variable);
        return text;
    }

    string Open() =>
        Used("json", $"data.{Pick("k", "m", "k.m", "k[0]", "m[1]", "none")} {Pick("==", "!=", "<", ">=")} {Pick("1", "a", "0.5", "\"a\"",
        "s", "true", "f", "q")}");

    string Bytewise() => Used("uuid", Pick("u", "v", Record("u"), "place.ref") + Pick(" == ", " != ", " < ", " >= ") +
        Pick("u", "v", "place.ref", "\"00000001-0000-0000-8001-020304050607\""));

    string Int(int depth)
    {
        if (depth <= 0) return random.Next(5) switch
        {
            0 => random.Next(-3, 12).ToString(CultureInfo.InvariantCulture),
            1 => Pick("9223372036854775807", "-9223372036854775808", "4611686018427387904", "0", "-1"),
            2 => Pick("place.zip", "place.far", "owner.level", "owner.id"),
            _ => Record(Pick("a", "b", "big", "huge", "id", "parentId")),
        };
        switch (random.Next(14))
        {
            case 11:
                string bits = Pick("bitAnd", "bitOr", "bitXor");
                return Used(bits, $"math.{bits}({Int(depth - 1)}, {Int(depth - 1)})");
            case 12:
                string one = Pick("bitNot", "sign");
                return Used(one, $"math.{one}({Int(depth - 1)})");
            case 13: return Used("orValue", $"{Pick("place.?zip", "place.?far", "owner.?level", "parent.?a")}.orValue({Int(depth - 1)})");
            case 0 or 1 or 2:
                string op = Pick("+", "-", "*", "/", "%");
                return Used("int " + op, $"({Int(depth - 1)} {op} {Int(depth - 1)})");
            case 3: return Used("negate", $"-({Int(depth - 1)})");
            case 4: return Used("?:", $"({Bool(depth - 1)} ? {Int(depth - 1)} : {Int(depth - 1)})");
            case 5: return Used("size", Size(depth - 1));
            case 6: return Used("int()", $"int({Pick(Double(depth - 1), Decimal(depth - 1), Instant(depth - 1), Duration(depth - 1))})");
            case 7: return Accessor(depth - 1);
            case 8:
                string extreme = Pick("math.greatest", "math.least");
                return Used(extreme, $"{extreme}({Int(depth - 1)}, {Int(depth - 1)})");
            case 9: return Used("math.abs", $"math.abs({Int(depth - 1)})");
            default: return Used("indexOf", $"{Text(depth - 1)}.indexOf({Text(0)})");
        }
    }

    string Size(int depth) => random.Next(6) switch
    {
        0 => $"size({Text(depth)})",
        1 => $"{Record("tags")}.size()",
        2 => $"size({Record("children")})",
        3 => Filtered(depth),
        4 => "size(place.codes)",
        _ => "owner.rows.size()",
    };

    string Filtered(int depth)
    {
        string v = "x" + (_variables++).ToString(CultureInfo.InvariantCulture);
        Used("filter", "");
        if (random.Next(2) == 0) return $"nums.filter({v}, {v} < {Int(depth)}).size()";
        return OverRecords($"children.filter({v}, ", v, depth) + ".size()";
    }

    string Accessor(int depth)
    {
        string ofDay = Pick("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear");
        string ofTime = Pick("getHours", "getMinutes", "getSeconds", "getMilliseconds");
        string zone = Pick("", "", "\"+05:30\"", "\"UTC\"", "\"-11:00\"");
        return random.Next(5) switch
        {
            0 => Used(ofDay, $"{Instant(depth)}.{ofDay}({zone})"),
            1 => Used(ofTime, $"{Instant(depth)}.{ofTime}({zone})"),
            2 => Used(ofDay, $"{Pick("day", "place.on")}.{ofDay}()"),
            3 => Used(ofTime, $"clock.{ofTime}()"),
            _ => Used("duration " + ofTime, $"{Duration(depth)}.{ofTime}()"),
        };
    }

    string Double(int depth)
    {
        if (depth <= 0) return random.Next(4) switch
        {
            0 => Pick("0.5", "2.0", "-1.0", "1e308", "1e-300", "0.0", "-2.5", "1.5", "4503599627370495.5", "-9007199254740993.0"),
            1 => "place.rate",
            _ => Record(Pick("f", "g")),
        };
        switch (random.Next(8))
        {
            case 7:
                string whole = Pick("floor", "ceil", "round", "trunc");
                return Used(whole, $"math.{whole}({Double(depth - 1)})");
            case 6: return Used("sign double", $"math.sign({Double(depth - 1)})");
            case 0 or 1 or 2:
                string op = Pick("+", "-", "*", "/");
                return Used("double " + op, $"({Double(depth - 1)} {op} {Double(depth - 1)})");
            case 3: return Used("double()", $"double({Pick(Int(depth - 1), Decimal(depth - 1))})");
            case 4: return Used("?:", $"({Bool(depth - 1)} ? {Double(depth - 1)} : {Double(depth - 1)})");
            default: return Used("negate double", $"-({Double(depth - 1)})");
        }
    }

    string Decimal(int depth)
    {
        if (depth <= 0) return random.Next(4) switch
        {
            0 => Pick("decimal(\"1.25\")", "decimal(\"-3\")", "decimal(\"0.005\")", "decimal(\"99999999\")"),
            1 => "place.price",
            _ => Record(Pick("d", "e", "w")),
        };
        switch (random.Next(5))
        {
            case 0 or 1:
                string op = Pick("+", "-");
                return Used("decimal " + op, $"({Decimal(depth - 1)} {op} {Pick(Decimal(depth - 1), Int(0))})");
            case 2: return Used("decimal *", $"({Decimal(0)} * {Pick(Decimal(0), Int(0))})");
            case 3: return Used("?:", $"({Bool(depth - 1)} ? {Decimal(depth - 1)} : {Decimal(depth - 1)})");
            default: return Used("negate decimal", $"-({Decimal(depth - 1)})");
        }
    }

    string Text(int depth)
    {
        if (depth <= 0) return random.Next(5) switch
        {
            0 => Pick("\"\"", "\"a\"", "\"b\"", "\"ab\"", "\"%\"", "\"\\u00e9\"", "\"\\U0001F600\""),
            1 => Pick("place.street", "place.city", "owner.name"),
            _ => Record(Pick("s", "t", "kind")),
        };
        return random.Next(11) switch
        {
            10 => Used("orValue text", $"{Pick("place.?city", "owner.?name", "parent.?s")}.orValue({Text(depth - 1)})"),
            0 or 1 => Used("concat", $"({Text(depth - 1)} + {Text(depth - 1)})"),
            2 => Used("lowerAscii", $"{Text(depth - 1)}.lowerAscii()"),
            3 => Used("upperAscii", $"{Text(depth - 1)}.upperAscii()"),
            4 => Used("trim", $"{Text(depth - 1)}.trim()"),
            5 => Used("substring", $"{Text(depth - 1)}.substring({Pick("0", "1", Int(depth - 1))}{Pick("", ", 2", ", " + Int(0))})"),
            6 => Used("charAt", $"{Text(depth - 1)}.charAt({Pick("0", "1", Int(depth - 1))})"),
            7 => Used("replace", $"{Text(depth - 1)}.replace({Text(0)}, {Text(0)})"),
            8 => Used("string()", $"string({Pick(Int(depth - 1), Bool(depth - 1))})"),
            _ => Used("?:", $"({Bool(depth - 1)} ? {Text(depth - 1)} : {Text(depth - 1)})"),
        };
    }

    string Instant(int depth)
    {
        if (depth <= 0) return random.Next(4) switch
        {
            0 => Pick("timestamp(\"2024-02-29T12:34:56.5Z\")", "timestamp(\"1969-12-31T23:59:59.999999Z\")"),
            1 => "place.seen",
            _ => Record(Pick("at", "until")),
        };
        return random.Next(5) switch
        {
            0 or 1 => Used("instant + duration", $"({Instant(depth - 1)} + {Duration(depth - 1)})"),
            2 => Used("instant - duration", $"({Instant(depth - 1)} - {Duration(depth - 1)})"),
            3 => Used("timestamp()", $"timestamp({Int(depth - 1)})"),
            _ => Used("?:", $"({Bool(depth - 1)} ? {Instant(depth - 1)} : {Instant(depth - 1)})"),
        };
    }

    string Duration(int depth)
    {
        if (depth <= 0) return random.Next(3) == 0 ? Pick("duration(\"1h30m\")", "duration(\"-1.5s\")", "duration(\"100000h\")")
            : Record(Pick("span", "lap"));
        return random.Next(3) switch
        {
            0 => Used("instant - instant", $"({Instant(depth - 1)} - {Instant(depth - 1)})"),
            1 => Used("duration + duration", $"({Duration(depth - 1)} + {Duration(depth - 1)})"),
            _ => Used("duration - duration", $"({Duration(depth - 1)} - {Duration(depth - 1)})"),
        };
    }
}
