namespace Plinth.Expressions;

/// <summary>
/// Which type each parameter stands for, found while an expression is checked: the element of an empty list is what it is first used
/// as. Dyn fits everywhere. The rules are those of cel-go, on which the recorded types of the conformance suite stand.
/// </summary>
sealed class TypeBindings
{
    Dictionary<int, CelType> _bound = [];
    int _last;

    public TypeParameter Fresh() => new(++_last);

    /// <summary>Whether a value of the one type can be where the other is needed; binds parameters when it can, and only then.</summary>
    public bool Fits(CelType needed, CelType given)
    {
        // Most questions are about plain types: nothing to undo then.
        if (needed is PlainType && given is PlainType) return FitsPlain(needed, given);
        Dictionary<int, CelType> before = new(_bound);
        if (Assign(needed, given)) return true;
        _bound = before;
        return false;
    }

    /// <summary>All of them, or none is bound.</summary>
    public bool Fit(ReadOnlySpan<CelType> needed, ReadOnlySpan<CelType> given)
    {
        if (needed.Length != given.Length) return false;
        if (ArePlain(needed) && ArePlain(given))
        {
            for (int i = 0; i < needed.Length; i++)
            {
                if (!FitsPlain(given[i], needed[i])) return false;
            }
            return true;
        }
        Dictionary<int, CelType> before = new(_bound);
        for (int i = 0; i < needed.Length; i++)
        {
            if (Assign(given[i], needed[i])) continue;
            _bound = before;
            return false;
        }
        return true;
    }

    /// <summary>The one type of two values that meet in a list or a choice; dyn when there is none.</summary>
    public CelType Join(CelType a, CelType b) => Fits(a, b) ? MoreGeneral(a, b) : CelType.Dyn;

    /// <summary>With parameters replaced by what they stand for.</summary>
    /// <param name="isLast">Nothing more will be learned: what is open still is dyn.</param>
    public CelType Resolve(CelType type, bool isLast = false) => type switch
    {
        TypeParameter parameter => _bound.TryGetValue(parameter.Id, out CelType? bound) ? Resolve(bound, isLast)
            : isLast ? CelType.Dyn
            : parameter,
        ListType list => new ListType(Resolve(list.Element, isLast)),
        MapType map => new MapType(Resolve(map.Key, isLast), Resolve(map.Value, isLast)),
        OptionalType optional => new OptionalType(Resolve(optional.Value, isLast)),
        TypeType of => new TypeType(Resolve(of.Named, isLast)),
        AbstractType { Parameters.IsEmpty: false } named =>
            new AbstractType(named.TypeName, [.. named.Parameters.Select(p => Resolve(p, isLast))]),
        _ => type,
    };

    bool Assign(CelType a, CelType b)
    {
        if (b is TypeParameter to)
        {
            var (isValid, isBound) = Substitute(a, to);
            if (isValid || isBound) return isValid;
        }
        if (a is TypeParameter from) return Substitute(b, from).IsValid;
        if (a.Kind == CelKind.Dyn || b.Kind == CelKind.Dyn) return true;
        if (a.Kind == CelKind.Null) return IsNullable(b);
        if (b.Kind == CelKind.Null) return IsNullable(a);
        return (a, b) switch
        {
            (ListType x, ListType y) => Assign(x.Element, y.Element),
            (MapType x, MapType y) => Assign(x.Key, y.Key) && Assign(x.Value, y.Value),
            (OptionalType x, OptionalType y) => Assign(x.Value, y.Value),
            (TypeType, TypeType) => true,
            (AbstractType x, AbstractType y) => string.Equals(x.TypeName, y.TypeName, StringComparison.Ordinal)
                && x.Parameters.Length == y.Parameters.Length && x.Parameters.Zip(y.Parameters).All(p => Assign(p.First, p.Second)),
            (StructType or UnionStructType, _) => a.Equals(b),
            _ => a.Kind == b.Kind && a.IsValue,
        };
    }

    static bool ArePlain(ReadOnlySpan<CelType> types)
    {
        foreach (CelType type in types)
        {
            if (type is not PlainType) return false;
        }
        return true;
    }

    static bool FitsPlain(CelType a, CelType b)
    {
        if (a.Kind == b.Kind || a.Kind == CelKind.Dyn || b.Kind == CelKind.Dyn) return true;
        if (a.Kind == CelKind.Null) return IsNullable(b);
        return b.Kind == CelKind.Null && IsNullable(a);
    }

    static bool IsNullable(CelType type) => type.Kind is CelKind.Null or CelKind.Timestamp or CelKind.Duration or CelKind.Optional
        or CelKind.Abstract;

    (bool IsValid, bool IsBound) Substitute(CelType type, TypeParameter parameter)
    {
        if (type.Equals(parameter)) return (true, true);
        if (_bound.TryGetValue(parameter.Id, out CelType? bound))
        {
            if (type.Equals(bound)) return (true, true);
            if (!Assign(type, bound)) return (false, true);
            CelType general = MoreGeneral(type, bound);
            if (!Holds(general, parameter)) _bound[parameter.Id] = general;
            return (true, true);
        }
        if (Holds(type, parameter)) return (false, false);
        _bound[parameter.Id] = type;
        return (true, false);
    }

    /// <summary>A type that is made of itself would never end.</summary>
    bool Holds(CelType type, TypeParameter parameter) => type switch
    {
        TypeParameter other => other.Id == parameter.Id || (_bound.TryGetValue(other.Id, out CelType? bound) && Holds(bound, parameter)),
        ListType list => Holds(list.Element, parameter),
        MapType map => Holds(map.Key, parameter) || Holds(map.Value, parameter),
        OptionalType optional => Holds(optional.Value, parameter),
        TypeType of => Holds(of.Named, parameter),
        AbstractType named => named.Parameters.Any(p => Holds(p, parameter)),
        _ => false,
    };

    static CelType MoreGeneral(CelType a, CelType b) => b.Kind == CelKind.Null || IsAtLeastAsGeneral(a, b) ? a : b;

    static bool IsAtLeastAsGeneral(CelType a, CelType b)
    {
        if (a.Kind is CelKind.Dyn or CelKind.Parameter) return true;
        if (b.Kind is CelKind.Dyn or CelKind.Parameter) return false;
        return (a, b) switch
        {
            (ListType x, ListType y) => IsAtLeastAsGeneral(x.Element, y.Element),
            (MapType x, MapType y) => IsAtLeastAsGeneral(x.Key, y.Key) && IsAtLeastAsGeneral(x.Value, y.Value),
            (OptionalType x, OptionalType y) => IsAtLeastAsGeneral(x.Value, y.Value),
            (TypeType, _) => true,
            (AbstractType x, AbstractType y) => string.Equals(x.TypeName, y.TypeName, StringComparison.Ordinal)
                && x.Parameters.Zip(y.Parameters).All(p => IsAtLeastAsGeneral(p.First, p.Second)),
            _ => a.Equals(b),
        };
    }
}
