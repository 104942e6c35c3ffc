using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>Names and members without a schema: variables of an environment, types by their names, keys of maps.</summary>
sealed partial class CelChecker
{
    CheckedNode Declared(CelIdentifier node)
    {
        if (!node.IsRooted && Local(node.Name) is { } local) return local with { Span = node.Span };
        if (Input(node.Name, node.IsRooted) is { } input) return input;
        if (TypeNamed(node.Name) is { } type) return type;
        return IsUnchecked ? new LiteralNode(CelType.Dyn, EvaluationError.Undeclared(node.Name))
            : throw new CelError("unknown_name", node.Span, $"nothing is named '{node.Name}'",
                Names.DidYouMean(node.Name, _environment!.Variables.Select(v => v.Name)));
    }

    VariableNode? Local(string name)
    {
        for (int i = _variables.Count - 1; i >= 0; i--)
        {
            if (string.Equals(_variables[i].Name, name, StringComparison.Ordinal)) return _variables[i].Node;
        }
        return null;
    }

    InputNode? Input(string name, bool isRooted)
    {
        foreach (string candidate in _environment!.Candidates(name, isRooted))
        {
            for (int i = 0; i < _environment.Variables.Length; i++)
            {
                var (declared, type) = _environment.Variables[i];
                if (string.Equals(declared, candidate, StringComparison.Ordinal)) return new InputNode(type, i);
            }
        }
        return null;
    }

    /// <summary>The name of a type denotes it, as in <c>type(x) == int</c>.</summary>
    LiteralNode? TypeNamed(string name)
    {
        CelType? type = name switch
        {
            "bool" => CelType.Bool,
            "int" => CelType.Int,
            "uint" => CelType.Uint,
            "double" => CelType.Double,
            "string" => CelType.String,
            "bytes" => CelType.Bytes,
            "list" => new ListType(CelType.Dyn),
            "map" => new MapType(CelType.Dyn, CelType.Dyn),
            "null_type" => CelType.Null,
            "type" => new AbstractType("type", []),
            "optional_type" => new OptionalType(CelType.Dyn),
            TypeValue.Timestamp => CelType.Timestamp,
            TypeValue.Duration => CelType.Duration,
            // The schema's own types, and the short names of those that CEL takes from elsewhere.
            "timestamp" when _environment is null => CelType.Timestamp,
            "duration" when _environment is null => CelType.Duration,
            "decimal" when _environment is null => DecimalCelType.AnyScale,
            "date" when _environment is null => CelType.Date,
            "time" when _environment is null => CelType.Time,
            "uuid" when _environment is null => CelType.Uuid,
            _ => null,
        };
        if (type is null) return null;
        string value = type.Kind switch
        {
            CelKind.Timestamp => TypeValue.Timestamp,
            CelKind.Duration => TypeValue.Duration,
            _ => name,
        };
        return new LiteralNode(new TypeType(type), TypeValue.Of(value));
    }

    /// <summary>A dotted name that is declared as a whole wins over members of a shorter one.</summary>
    CheckedNode DeclaredMember(CelSelect node)
    {
        if (!node.IsOptional && DottedName(node) is var (name, isRooted) && Local(name[..name.IndexOf('.')]) is null)
        {
            if (Input(name, isRooted) is { } input) return input;
            if (TypeNamed(name) is { } type) return type;
        }
        CheckedNode target = Node(node.Target);
        CelType member = MemberType(target, node);
        return node.IsOptional
            ? new CallNode(member, CelFunction.OptionalIndex, [target, new LiteralNode(CelType.String, Value.From(node.Name))])
            : new MemberNode(member, target, node.Name, null);
    }

    static (string Name, bool IsRooted)? DottedName(CelNode node) => node switch
    {
        CelIdentifier name => (name.Name, name.IsRooted),
        CelSelect { IsOptional: false } select when DottedName(select.Target) is var (outer, isRooted) =>
            ($"{outer}.{select.Name}", isRooted),
        _ => null,
    };

    CelType MemberType(CheckedNode target, CelSelect node)
    {
        CelType type = _types.Resolve(target.Type);
        bool isOptional = node.IsOptional;
        if (type is OptionalType optional) (type, isOptional) = (optional.Value, true);
        CelType member = CelType.Dyn;
        switch (type)
        {
            case MapType map: member = map.Value; break;
            case TypeParameter: _types.Fits(CelType.Dyn, type); break;
            case { Kind: CelKind.Dyn }: break;
            case var _ when IsUnchecked: break;
            default: throw new CelError("type_mismatch", node.NameSpan, $"{type.Name} has no members");
        }
        return isOptional ? new OptionalType(member) : member;
    }

    HasNode DeclaredHas(CelHas node)
    {
        CheckedNode target = Node(node.Select.Target);
        MemberType(target, node.Select);
        return new HasNode(new MemberNode(CelType.Dyn, target, node.Select.Name, null) { Span = node.Select.Span });
    }

    CheckedNode DeclaredIndex(CelIndex node)
    {
        CheckedNode target = Node(node.Target), index = Node(node.Index);
        CheckedNode made = Resolve(node.IsOptional ? "_[?_]" : "_[_]", isMethod: false, node.Span, node.Span, [target, index]);
        return made is CallNode { Function: CelFunction.Index } ? new IndexNode(made.Type, target, index) : made;
    }
}
