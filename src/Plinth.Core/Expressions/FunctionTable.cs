using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Plinth.Expressions;

/// <param name="Name">As it is called: with its namespace (<c>math.abs</c>), an operator as cel-spec writes it (<c>_+_</c>).</param>
/// <param name="IsMethod">Called on its first parameter.</param>
/// <param name="Function">Null for what an environment declares and nobody can run.</param>
/// <param name="ParameterCount">Type parameters of the signature; their ids in it are -1, -2, …</param>
sealed record Overload(string Name, bool IsMethod, CelFunction? Function, ImmutableArray<CelType> Parameters, CelType Result,
    int ParameterCount);

/// <summary>A group of functions as the guide lists them.</summary>
sealed record FunctionGroup(string Title, ImmutableArray<FunctionEntry> Functions);

sealed record FunctionEntry(string Signature, string Means, Overload Overload);

static partial class FunctionTable
{
    // Read when a name is first asked for: a schema calls a few, and reading all of them would cost each start some milliseconds.
    static readonly ConcurrentDictionary<string, Overload[]> s_found = new(StringComparer.Ordinal);

    /// <summary>All that can be called by name, in the order of the guide.</summary>
    public static ImmutableArray<FunctionGroup> Groups() =>
    [
        new("Text", [.. Entries(s_text)]),
        new("Numbers", [.. Entries(s_numbers)]),
        new("Time", [.. Entries(s_time)]),
        new("Conversions", [.. Entries(s_conversions)]),
        new("Lists", [.. Entries(s_lists)]),
        new("Optionals", [.. Entries(s_optionals)]),
        new("Encodings", [.. Entries(s_encodings)]),
    ];

    /// <summary>The signatures of a name; empty when there is none.</summary>
    public static ImmutableArray<Overload> Find(string name, bool isMethod)
    {
        string key = isMethod ? "." + name : name;
        if (s_found.TryGetValue(key, out Overload[]? found)) return ImmutableCollectionsMarshal.AsImmutableArray(found);
        List<Overload> overloads = [];
        string called = name + "(";
        Add(s_comparison);
        Add(s_arithmetic);
        Add(s_text);
        Add(s_numbers);
        Add(s_time);
        Add(s_conversions);
        Add(s_lists);
        Add(s_optionals);
        Add(s_encodings);
        found = [.. overloads];
        // Names that somebody made up are not kept: requests write expressions too.
        if (found.Length > 0) s_found.TryAdd(key, found);
        return ImmutableCollectionsMarshal.AsImmutableArray(found);

        void Add((string Signature, CelFunction Function, string Means)[] rows)
        {
            foreach (var (signature, function, _) in rows)
            {
                if (!signature.Contains(called, StringComparison.Ordinal)) continue;
                Overload overload = new SignatureReader(signature).Read(function);
                if (overload.IsMethod == isMethod && string.Equals(overload.Name, name, StringComparison.Ordinal)) overloads.Add(overload);
            }
        }
    }

    /// <summary>Names of methods, or of functions, for suggestions.</summary>
    public static IEnumerable<string> Names(bool isMethod) => Groups().SelectMany(g => g.Functions).Select(f => f.Overload)
        .Where(o => o.IsMethod == isMethod && o.Name[0] != '@').Select(o => o.Name).Distinct();

    /// <summary>As it is called: <c>split()</c>, <c>math.sqrt()</c>; what has no name is called after its meaning.</summary>
    public static string NameOf(CelFunction function)
    {
        Overload? named = Groups().SelectMany(g => g.Functions).Select(f => f.Overload)
            .FirstOrDefault(o => o.Function == function && o.Name[0] is not ('@' or '_'));
        return named is null ? function.ToString() : named.Name + "()";
    }

    static IEnumerable<FunctionEntry> Entries(IEnumerable<(string Signature, CelFunction Function, string Means)> rows) =>
        rows.Select(r => new FunctionEntry(r.Signature, r.Means, new SignatureReader(r.Signature).Read(r.Function)));
}

/// <summary>Reads <c>string.contains(string) -> bool</c>: a receiver (when it is a type), a name, parameters, a result.</summary>
sealed class SignatureReader(string text)
{
    readonly List<char> _parameters = [];
    int _at;

    public Overload Read(CelFunction function)
    {
        List<CelType> parameters = [];
        if (Type() is { } receiver && Take('.')) parameters.Add(receiver);
        else _at = 0;
        bool isMethod = parameters.Count > 0;
        int open = text.IndexOf('(', _at);
        string name = text[_at..open];
        _at = open + 1;
        while (!Take(')'))
        {
            parameters.Add(Required());
            if (Take(',')) Take(' ');
        }
        _at = text.IndexOf("-> ", _at, StringComparison.Ordinal) + 3;
        CelType result = Required();
        return new Overload(name, isMethod, function, [.. parameters], result, _parameters.Count);
    }

    CelType Required() => Type() ?? throw new InvalidOperationException($"no type at {_at} of {text}");

    CelType? Type()
    {
        int start = _at;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '_')) _at++;
        string name = text[start.._at];
        return name switch
        {
            "bool" => CelType.Bool,
            "int" => CelType.Int,
            "uint" => CelType.Uint,
            "double" => CelType.Double,
            "decimal" => DecimalCelType.AnyScale,
            "string" => CelType.String,
            "bytes" => CelType.Bytes,
            "timestamp" => CelType.Timestamp,
            "duration" => CelType.Duration,
            "date" => CelType.Date,
            "time" => CelType.Time,
            "uuid" => CelType.Uuid,
            "dyn" => CelType.Dyn,
            "list" when Take('(') => new ListType(Closed(Required())),
            "map" when Take('(') => Map(),
            "optional_type" when Take('(') => new OptionalType(Closed(Required())),
            "type" when Take('(') => new TypeType(Closed(Required())),
            ['A' or 'B'] => Parameter(name[0]),
            _ => null,
        };
    }

    MapType Map()
    {
        CelType key = Required();
        _at += 2;
        return new MapType(key, Closed(Required()));
    }

    CelType Closed(CelType inner) => Take(')') ? inner : throw new InvalidOperationException($"no ) at {_at} of {text}");

    TypeParameter Parameter(char name)
    {
        if (!_parameters.Contains(name)) _parameters.Add(name);
        return new TypeParameter(-1 - _parameters.IndexOf(name));
    }

    bool Take(char c)
    {
        if (_at >= text.Length || text[_at] != c) return false;
        _at++;
        return true;
    }
}
