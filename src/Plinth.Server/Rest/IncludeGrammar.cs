using System.Collections.Immutable;
using System.Globalization;
using Plinth.Plan;
using Plinth.Text;
using SortKey = Plinth.Plan.SortKey;

namespace Plinth.Rest;

/// <summary>
/// Reads <c>include=author,comments(limit:5,sort:-createdAt,select:id+text,filter:score &gt; 3,include:author)</c>:
/// <code>
/// includes = include { ("," | "+") include }      "+" inside parentheses, "," at the top
/// include  = name [ "(" option { "," option } ")" ]
/// option   = "limit" ":" digits | "sort" ":" keys | "select" ":" names | "filter" ":" CEL | "include" ":" includes
/// </code>
/// Keys and names are joined by "+", which a query string may have turned into a space; a filter runs to the comma or parenthesis that
/// closes its option, past strings and brackets of its own. Every error names the column.
/// </summary>
ref struct IncludeGrammar
{
    readonly ReadOnlySpan<char> _text;
    readonly Limits _limits;
    int _at;
    int _count;
    Fault? _fault;

    IncludeGrammar(ReadOnlySpan<char> text, Limits limits)
    {
        _text = text;
        _limits = limits;
    }

    public static Result<ImmutableArray<IncludeRequest>> Parse(ReadOnlySpan<char> text, Limits limits)
    {
        IncludeGrammar grammar = new(text, limits);
        ImmutableArray<IncludeRequest> includes = grammar.Includes(depth: 1);
        if (grammar._fault is null && grammar._at < text.Length) grammar.Refuse("',' or the end was expected");
        return grammar._fault is { } fault ? fault : includes;
    }

    ImmutableArray<IncludeRequest> Includes(int depth)
    {
        var includes = ImmutableArray.CreateBuilder<IncludeRequest>();
        if (depth > _limits.IncludeDepth)
        {
            _fault = Faults.LimitExceeded.Says(
                $"include: nested more than {_limits.IncludeDepth} levels deep", hint: "limits.includeDepth is the setting");
            return [];
        }
        do
        {
            IncludeRequest? include = Include(depth);
            if (include is null) return [];
            foreach (IncludeRequest other in includes)
            {
                if (string.Equals(other.Relation, include.Relation, StringComparison.Ordinal))
                    return RefuseAll($"'{include.Relation}' is named twice");
            }
            includes.Add(include);
        }
        while (depth == 1 ? Take(',') : TakeJoin());
        return includes.ToImmutable();
    }

    IncludeRequest? Include(int depth)
    {
        string name = Name();
        if (name.Length == 0) return Refuse("the name of a relation was expected");
        if (++_count > _limits.Includes)
        {
            _fault = Faults.LimitExceeded.Says($"include: more than {_limits.Includes} relations", hint: "limits.includes is the setting");
            return null;
        }
        IncludeRequest include = new(name);
        if (!Take('(')) return include;
        HashSet<string> seen = new(StringComparer.Ordinal);
        do
        {
            int start = _at;
            string option = Name();
            if (!Take(':')) return Refuse("an option such as limit:5 was expected");
            if (!seen.Add(option)) return RefuseAt(start, $"'{option}' is given twice");
            switch (option)
            {
                case "limit": include = include with { Limit = Digits() }; break;
                case "sort": include = include with { Sort = Sort() }; break;
                case "select": include = include with { Select = Select() }; break;
                case "filter": include = include with { Filter = Filter() }; break;
                case "include": include = include with { Include = Includes(depth + 1) }; break;
                default: return RefuseAt(start, $"unknown option '{option}': limit, sort, select, filter and include are known");
            }
            if (_fault is not null) return null;
        }
        while (Take(','));
        return Take(')') ? include : Refuse("',' or ')' was expected");
    }

    int? Digits()
    {
        int start = _at;
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at])) _at++;
        if (int.TryParse(_text[start.._at], NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return number;
        RefuseAt(start, "a whole number was expected");
        return null;
    }

    ImmutableArray<SortKey> Sort()
    {
        var keys = ImmutableArray.CreateBuilder<SortKey>();
        do
        {
            bool descending = Take('-');
            string field = Path();
            if (field.Length == 0)
            {
                Refuse("a field to sort by was expected");
                return [];
            }
            keys.Add(new SortKey(field, descending));
        }
        while (TakeJoin());
        return keys.ToImmutable();
    }

    ImmutableArray<string> Select()
    {
        var names = ImmutableArray.CreateBuilder<string>();
        do
        {
            string name = Name();
            if (name.Length == 0)
            {
                Refuse("a field to select was expected");
                return [];
            }
            names.Add(name);
        }
        while (TakeJoin());
        return names.ToImmutable();
    }

    string? Filter()
    {
        int start = _at, depth = 0;
        while (_at < _text.Length)
        {
            char c = _text[_at];
            if (c is '\'' or '"')
            {
                if (!SkipString(c)) return null;
                continue;
            }
            if (depth == 0 && (c is ',' or ')')) break;
            if (c is '(' or '[' or '{') depth++;
            else if (c is ')' or ']' or '}') depth--;
            _at++;
        }
        string filter = _text[start.._at].Trim().ToString();
        if (filter.Length > 0) return filter;
        RefuseAt(start, "a filter was expected");
        return null;
    }

    bool SkipString(char quote)
    {
        int start = _at++;
        while (_at < _text.Length && _text[_at] != quote) _at += _text[_at] == '\\' ? 2 : 1;
        if (_at >= _text.Length)
        {
            _at = _text.Length;
            RefuseAt(start, "a string has no end");
            return false;
        }
        _at++;
        return true;
    }

    string Name()
    {
        int start = _at;
        while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] == '_')) _at++;
        return _text[start.._at].ToString();
    }

    string Path()
    {
        int start = _at;
        while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] is '_' or '.')) _at++;
        return _text[start.._at].ToString();
    }

    bool Take(char c)
    {
        if (_at >= _text.Length || _text[_at] != c) return false;
        _at++;
        return true;
    }

    bool TakeJoin() => Take('+') || Take(' ');

    IncludeRequest? Refuse(string expected) => RefuseAt(_at, expected);

    IncludeRequest? RefuseAt(int at, string expected)
    {
        string message = string.Create(CultureInfo.InvariantCulture, $"include, column {at + 1}: {expected}");
        _fault ??= Faults.MalformedParameter.Says(message, new FaultDetail("include", Faults.MalformedParameter.Code, expected));
        return null;
    }

    ImmutableArray<IncludeRequest> RefuseAll(string expected)
    {
        Refuse(expected);
        return [];
    }
}
