using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// Everything that is wrong with one input, collected so that a caller learns all of it at once. The place is kept as a stack of
/// names and
/// positions, so that an input without problems never builds a path.
/// </summary>
sealed class Problems
{
    /// <summary>What one answer tells at most; an input that is wrong in more places is refused all the same.</summary>
    public const int ToldMax = 100;

    readonly List<(string? Name, int Index)> _path = [];
    readonly List<FaultDetail> _details = [];
    int _count;

    public int Count => _count;

    public bool None => _count == 0;

    /// <summary>A fault that is not about a field (a missing claim): it stands before all details.</summary>
    public Fault? Other { get; private set; }

    public void Enter(string name) => _path.Add((name, -1));

    public void Enter(int index) => _path.Add((null, index));

    public void Leave() => _path.RemoveAt(_path.Count - 1);

    /// <summary>A problem at the current place.</summary>
    public void Add(string code, string message)
    {
        _count++;
        if (_details.Count < ToldMax) _details.Add(new(Path(), code, message));
    }

    public void Add(string field, string code, string message)
    {
        Enter(field);
        Add(code, message);
        Leave();
    }

    public void UnknownField(string field, string? hint)
    {
        Add(field, Faults.UnknownField.Code, hint is null ? "is not a field" : $"is not a field, {hint}");
    }

    public void Refuse(Fault fault)
    {
        _count++;
        Other ??= fault;
    }

    /// <summary>Null when nothing is wrong.</summary>
    public Fault? ToFault()
    {
        if (Other is not null) return Other;
        if (_count == 0) return null;
        string message = _count == 1
            ? Sentence(_details[0])
            : string.Create(CultureInfo.InvariantCulture, $"{_count} fields are not acceptable");
        return new(Faults.ValidationFailed, message) { Details = ImmutableCollectionsMarshal.AsImmutableArray(_details.ToArray()) };
    }

    /// <summary>Puts a place before the fields of a fault: <c>[3]</c> and <c>email</c> make <c>[3].email</c>.</summary>
    public static Fault At(string place, Fault fault) => fault with
    {
        Details = fault.Details.IsEmpty
            ? [new(place, fault.Code, fault.Message)]
            : [.. fault.Details.Select(d => d with { Field = Join(place, d.Field) })],
    };

    static string Sentence(FaultDetail detail) => detail.Field.Length == 0 ? detail.Message : $"{detail.Field}: {detail.Message}";

    static string Join(string place, string field)
    {
        if (field.Length == 0) return place;
        return field[0] == '[' ? place + field : $"{place}.{field}";
    }

    string Path()
    {
        if (_path.Count == 0) return "";
        if (_path is [{ Name: { } only }]) return only;
        StringBuilder path = new();
        foreach (var (name, index) in _path)
        {
            if (name is null) path.Append('[').Append(index.ToString(CultureInfo.InvariantCulture)).Append(']');
            else (path.Length == 0 ? path : path.Append('.')).Append(name);
        }
        return path.ToString();
    }
}
