using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>Names: variables, fields, relations, the caller, enum words.</summary>
sealed partial class CelChecker
{
    /// <summary>The names that no field hides: a rule about <c>auth</c> must not change its meaning when a field is added.</summary>
    static bool IsReserved(string name) => name is "auth" or "now" or "request" or "before";

    bool IsKnown(string name) =>
        _variables.Exists(v => string.Equals(v.Name, name, StringComparison.Ordinal)) || IsReserved(name)
        || Visible(OwnField(name)) is not null || _scope.Row?.Relation(name) is not null;

    CheckedNode Identifier(CelIdentifier node, CelType? hint)
    {
        if (_environment is not null) return Declared(node);
        if (!node.IsRooted && Local(node.Name) is { } variable) return variable with { Span = node.Span };
        if (IsReserved(node.Name)) return Reserved(node);
        if (Visible(OwnField(node.Name)) is { } field) return FieldOf(Row, field);
        if (_scope.Row?.Relation(node.Name) is { } relation) return Hop(Row, relation, node.Span);
        if (WordsOf(hint) is { } words && words.Words.Contains(node.Name)) return new LiteralNode(words, Value.From(node.Name));
        return TypeNamed(node.Name) ?? throw Unknown(node, hint);
    }

    static WordType? WordsOf(CelType? type) => type switch
    {
        WordType words => words,
        ListType list => list.Element as WordType,
        _ => null,
    };

    CelError Unknown(CelIdentifier node, CelType? hint)
    {
        IEnumerable<string> known = _variables.Select(v => v.Name).Concat(OwnNames());
        if (_scope.Identity) known = known.Append("auth").Append("now");
        if (WordsOf(hint) is { } words) known = known.Concat(words.Words);
        string where = (_scope.Row?.Name ?? _scope.Embedded?.Name) is { } owner ? $" in {owner}" : "";
        return new CelError("unknown_name", node.Span, $"nothing is named '{node.Name}'{where}", Names.DidYouMean(node.Name, known));
    }

    IEnumerable<string> OwnNames() => _scope switch
    {
        { Row: { } row } => NamesOf(row),
        { Embedded: { } type } => type.Fields.Select(f => f.Name),
        _ => [],
    };

    IEnumerable<string> NamesOf(Model model)
    {
        IEnumerable<string> fields = model.Fields.Where(f => Visible(f) is not null).Select(f => f.Name);
        return _scope.Relations ? fields.Concat(model.Relations.Select(r => r.Name)) : fields;
    }

    CheckedNode Reserved(CelIdentifier node)
    {
        bool isInScope = node.Name switch { "before" => _scope.Before, "request" => _scope.Request, _ => _scope.Identity };
        if (!isInScope)
        {
            string place = node.Name == "before" ? "'before' is known in after: only"
                : $"'{node.Name}' is not known here: the value must depend on the row alone";
            throw new CelError("unknown_name", node.Span, place);
        }
        return node.Name switch
        {
            "auth" => new AuthNode(new AuthType(_scope.Schema.Auth)),
            "now" => new NowNode(),
            "before" => new BeforeNode(RowType),
            _ => throw new CelError("type_mismatch", node.Span, "'request' has members: request.ip, request.method"),
        };
    }

    CelType RowType => _scope.Row is { } row ? new RecordType(row)
        : _scope.Embedded is { } type ? new StructType(type)
        : throw new InvalidOperationException("the scope has no row");

    RowNode Row => new(RowType);

    Field? OwnField(string name) => _scope.Row?.Field(name) ?? _scope.Embedded?.Field(name);

    Field? Visible(Field? field) => field is { Leaves: false } && !_scope.ServerOnly ? null : field;

    FieldNode FieldOf(CheckedNode record, Field field) => new(CelType.Of(_scope.Schema, field), record, field);

    CheckedNode Hop(CheckedNode from, Relation relation, Span span)
    {
        if (!_scope.Relations)
        {
            throw new CelError("not_available", span,
                $"'{relation.Name}' is a relation: here the value must depend on the row's own fields",
                relation.IsOwning ? $"the key is {string.Join(", ", relation.Fields)}" : null);
        }
        Model target = _scope.Schema.TargetOf(relation);
        HopNode hop = new(relation.IsToOne ? new RecordType(target) : new RecordsType(target), from, relation) { Span = span };
        if (HopsOf(hop) > _limits.Hops)
            throw new CelError("limit_exceeded", span, $"the path enters more than {_limits.Hops} relations", "limits.hops");
        return hop;
    }

    int HopsOf(CheckedNode node) => node switch
    {
        HopNode hop => HopsOf(hop.From) + 1,
        VariableNode variable => _variableHops[variable.Id],
        TransformNode transform => HopsOf(transform.Range),
        _ => 0,
    };

    CheckedNode Select(CelSelect node)
    {
        if (_environment is not null) return DeclaredMember(node);
        if (node.IsOptional) return IfKnown(Select(node with { IsOptional = false }));
        if (node.Target is CelIdentifier name && !IsKnown(name.Name) && _scope.Schema.FindEnum(name.Name) is { } words)
            return Word(words, node);
        if (node.Target is CelIdentifier { Name: "request" } request && _scope.Request) return OfRequest(request, node);
        CheckedNode target = Node(node.Target);
        return target.Type switch
        {
            RecordType record => OfRecord(target, record.Model, node),
            StructType type => OfStruct(target, type.Type, node),
            UnionStructType union => OfUnion(target, union.Union, node),
            AuthType auth => Claim(auth, node),
            MapType map => new MemberNode(map.Value, target, node.Name, null),
            OptionalType optional => OfOptional(target, optional, node),
            { Kind: CelKind.Dyn } => new MemberNode(CelType.Dyn, target, node.Name, null),
            RecordsType => throw new CelError("type_mismatch", node.NameSpan,
                $"this relation leads to many records, which have no '{node.Name}' together", "use exists(x, …), all(x, …) or size()"),
            _ => throw new CelError("type_mismatch", node.NameSpan, $"{target.Type.Name} has no members"),
        };
    }

    /// <summary>An optional of what may be unknown; none where it is.</summary>
    static CallNode IfKnown(CheckedNode node) => node.Type.IsValue
        ? new CallNode(new OptionalType(node.Type), CelFunction.IfKnown, [node])
        : throw new CelError("type_mismatch", node.Span, $"{node.Type.Name} is no value", "ask for a field of it");

    /// <summary>A member of what an optional holds is an optional.</summary>
    static CallNode OfOptional(CheckedNode target, OptionalType optional, CelSelect node) => optional.Value is MapType map
        ? new CallNode(new OptionalType(map.Value), CelFunction.OptionalIndex,
            [target, new LiteralNode(CelType.String, Value.From(node.Name))])
        : throw new CelError("type_mismatch", node.NameSpan, $"{target.Type.Name} has no members", "use optMap(x, x.…)");

    static LiteralNode Word(EnumType type, CelSelect node)
    {
        if (!type.Values.Contains(node.Name))
            throw new CelError("unknown_word", node.NameSpan, $"{type.Name} has no value '{node.Name}'",
                Names.DidYouMean(node.Name, type.Values));
        return new LiteralNode(new WordType(type.Name, type.Values), Value.From(node.Name));
    }

    static RequestNode OfRequest(CelIdentifier request, CelSelect node) => node.Name switch
    {
        "ip" => new RequestNode(RequestMember.Ip),
        "method" => new RequestNode(RequestMember.Method),
        _ => throw new CelError("unknown_field", node.NameSpan, $"{request.Name} has no '{node.Name}'", "it has ip and method"),
    };

    CheckedNode OfRecord(CheckedNode target, Model model, CelSelect node)
    {
        if (Visible(model.Field(node.Name)) is { } field)
        {
            // The key at the far end is the key that led there: no hop. (Also when the far end is trashed; the column is the truth.)
            if (target is HopNode { Relation.IsOwning: true } hop && hop.Relation.References.IndexOf(field.Name) is >= 0 and var part)
                return FieldOf(hop.From, _scope.Schema.Model(hop.Relation.Model).Field(hop.Relation.Fields[part])!);
            return FieldOf(target, field);
        }
        if (model.Relation(node.Name) is { } relation) return Hop(target, relation, node.Span);
        throw new CelError("unknown_field", node.NameSpan, $"{model.Name} has no field '{node.Name}'",
            Names.DidYouMean(node.Name, NamesOf(model)));
    }

    CheckedNode OfStruct(CheckedNode target, EmbeddedType type, CelSelect node)
    {
        if (Visible(type.Field(node.Name)) is not { } field)
        {
            throw new CelError("unknown_field", node.NameSpan, $"{type.Name} has no field '{node.Name}'",
                Names.DidYouMean(node.Name, type.Fields.Select(f => f.Name)));
        }
        CelType member = CelType.Of(_scope.Schema, field);
        return target is RowNode or BeforeNode ? new FieldNode(member, target, field) : new MemberNode(member, target, field.Name, field);
    }

    /// <summary>
    /// The tag, or a member of the variants: of its type where they agree on it, else dyn. A variant without it has nothing there.
    /// </summary>
    CheckedNode OfUnion(CheckedNode target, UnionType union, CelSelect node)
    {
        if (node.Name == "type") return new MemberNode(new WordType(union.Name, union.Variants), target, "type", null);
        List<Field> fields = [.. union.Variants.Select(v => Visible(_scope.Schema.Type(v).Field(node.Name))).OfType<Field>()];
        if (fields.Count == 0)
        {
            throw new CelError("unknown_field", node.NameSpan, $"no variant of {union.Name} has a field '{node.Name}'",
                Names.DidYouMean(node.Name,
                    union.Variants.SelectMany(v => _scope.Schema.Type(v).Fields).Select(f => f.Name).Append("type")));
        }
        CelType type = CelType.Of(_scope.Schema, fields[0]);
        bool isCommon = fields.TrueForAll(f => CelType.Of(_scope.Schema, f).Equals(type));
        return isCommon ? new MemberNode(type, target, node.Name, fields[0]) : new MemberNode(CelType.Dyn, target, node.Name, null);
    }

    CheckedNode Claim(AuthType auth, CelSelect node)
    {
        if (auth.Shape is not { } shape)
            throw new CelError("unknown_field", node.NameSpan, "the schema declares no claims", "add a block: auth { id Uuid  role Role }");
        if (shape.Claim(node.Name) is not { } claim)
        {
            throw new CelError("unknown_field", node.NameSpan, $"auth has no claim '{node.Name}'",
                Names.DidYouMean(node.Name, shape.Claims.Select(c => c.Name)));
        }
        return new ClaimNode(CelType.Of(_scope.Schema, claim), claim);
    }

    CheckedNode Index(CelIndex node)
    {
        if (_environment is not null) return DeclaredIndex(node);
        if (node.IsOptional) return IfKnown(Index(node with { IsOptional = false }));
        CheckedNode target = Node(node.Target), index = Node(node.Index);
        switch (target.Type)
        {
            case ListType list when index.Type.Kind is CelKind.Int or CelKind.Uint or CelKind.Dyn:
                return new IndexNode(list.Element, target, index);
            case MapType map when index.Type.Kind == CelKind.Dyn || Fits(map.Key, index.Type):
                return new IndexNode(map.Value, target, index);
            case { Kind: CelKind.Dyn } when index is LiteralNode { Value.Kind: ValueKind.String } key:
                return new MemberNode(CelType.Dyn, target, key.Value.String, null);
            case { Kind: CelKind.Dyn } when index.Type.Kind is CelKind.Int or CelKind.Uint or CelKind.String or CelKind.Dyn:
                return new IndexNode(CelType.Dyn, target, index);
            case StructType or UnionStructType when index is LiteralNode { Value.Kind: ValueKind.String } key:
                return Select(new CelSelect(node.Span, node.Target, key.Value.String, node.Index.Span, IsOptional: false));
            case RecordsType: throw new CelError("not_available", node.Span, "records of a relation have no position", "use exists(x, …)");
            default: throw new CelError("type_mismatch", node.Span, $"{target.Type.Name} cannot be indexed by {index.Type.Name}");
        }
    }

    /// <summary>Of typed members presence is not-null; JSON and maps know a key that holds null.</summary>
    CheckedNode Has(CelHas node)
    {
        if (_environment is not null) return DeclaredHas(node);
        CheckedNode member = Node(node.Select);
        if (member is MemberNode { Field: null } open) return new HasNode(open);
        return new NotNode(IsNull(member, node.Span));
    }
}
