using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Plinth.Schema;

/// <summary>
/// The checked model of one schema file: what every other room reads, and nothing else. Immutable; made by the binder, which
/// guarantees that every name in it resolves. Cross references are by name, resolved here.
/// </summary>
sealed class AppSchema
{
    readonly FrozenDictionary<string, Model> _models;
    readonly FrozenDictionary<string, Model> _routes;
    readonly FrozenDictionary<string, EnumType> _enums;
    readonly FrozenDictionary<string, EmbeddedType> _types;
    readonly FrozenDictionary<string, UnionType> _unions;
    FrozenDictionary<string, Model>? _shapes;

    public AppSchema(
        string name,
        AppDefaults defaults,
        AuthShape? auth,
        ImmutableArray<EnumType> enums,
        ImmutableArray<EmbeddedType> types,
        ImmutableArray<UnionType> unions,
        ImmutableArray<Model> models)
    {
        (Name, Defaults, Enums, Types, Unions, Models) = (name, defaults, enums, types, unions, models);
        Auth = auth is null ? null : auth with { Types = types };
        _models = models.ToFrozenDictionary(m => m.Name, StringComparer.Ordinal);
        _routes = models.ToFrozenDictionary(m => m.Route, StringComparer.Ordinal);
        _enums = enums.ToFrozenDictionary(e => e.Name, StringComparer.Ordinal);
        _types = types.ToFrozenDictionary(t => t.Name, StringComparer.Ordinal);
        _unions = unions.ToFrozenDictionary(u => u.Name, StringComparer.Ordinal);
    }

    /// <summary>Of the <c>app</c> block, or "app".</summary>
    public string Name { get; }

    public string? Doc { get; init; }

    public AppDefaults Defaults { get; }

    /// <summary>Of <c>app { version = … }</c>: raised where values change their form (<see cref="Upcast"/>).</summary>
    public int Version { get; init; } = 1;

    /// <summary>Records belong to tenants, whose data share tables.</summary>
    public bool IsTenanted { get; init; }

    /// <summary>The models that the product brings (<c>User</c>, <c>Session</c> …) are among the models: people can sign in.</summary>
    public bool HasUsers { get; init; }

    /// <summary>The shape of <c>auth</c> in expressions; null when the schema declares none (then only <c>auth == null</c> is
    /// known).</summary>
    public AuthShape? Auth { get; }

    public ImmutableArray<EnumType> Enums { get; }

    public ImmutableArray<EmbeddedType> Types { get; }

    public ImmutableArray<UnionType> Unions { get; }

    public ImmutableArray<Model> Models { get; }

    public ImmutableArray<Channel> Channels { get; init; } = [];

    public Model? FindModel(string name) => _models.GetValueOrDefault(name);

    public Channel? FindChannel(string name) =>
        Channels.FirstOrDefault(c => string.Equals(c.Name, name, StringComparison.Ordinal));

    /// <summary>The parameters of a channel as a record; the same one each time.</summary>
    public Model ShapeOf(Channel channel) => Shapes[channel.Name];

    FrozenDictionary<string, Model> Shapes => _shapes ?? Interlocked.CompareExchange(
        ref _shapes, Channels.ToFrozenDictionary(static c => c.Name, c => ChannelShape.Of(this, c), StringComparer.Ordinal), null)
        ?? _shapes;

    public Model? FindRoute(string route) => _routes.GetValueOrDefault(route);

    public FrozenDictionary<string, Model> Routes => _routes;

    public EnumType? FindEnum(string name) => _enums.GetValueOrDefault(name);

    public EmbeddedType? FindType(string name) => _types.GetValueOrDefault(name);

    public UnionType? FindUnion(string name) => _unions.GetValueOrDefault(name);

    /// <exception cref="InvalidOperationException">The name is not of this schema: a bug, since the binder resolved every name.</exception>
    public Model Model(string name) => FindModel(name) ?? Shapes.GetValueOrDefault(name)
        ?? throw new InvalidOperationException($"no model '{name}' in this schema");

    public EmbeddedType Type(string name) => FindType(name) ?? throw new InvalidOperationException($"no type '{name}' in this schema");

    public UnionType Union(string name) => FindUnion(name) ?? throw new InvalidOperationException($"no union '{name}' in this schema");

    public Model TargetOf(Relation relation) => Model(relation.Target);

    /// <summary>
    /// What a relation joins by: its fields, and within tenants first of all the tenants of both sides. A reference never leaves its
    /// tenant.
    /// </summary>
    public ImmutableArray<(Field Own, Field Other)> Joins(Relation relation)
    {
        Model own = Model(relation.Model), other = TargetOf(relation);
        ImmutableArray<(Field, Field)>.Builder joins = ImmutableArray.CreateBuilder<(Field, Field)>(relation.Fields.Length + 1);
        if (own.TenantField is { } tenant && other.TenantField is { } same) joins.Add((tenant, same));
        for (int i = 0; i < relation.Fields.Length; i++)
        {
            (Field, Field) join = (Named(own, relation.Fields[i]), Named(other, relation.References[i]));
            if (!joins.Contains(join)) joins.Add(join);
        }
        return joins.ToImmutable();
    }

    static Field Named(Model model, string name) => model.Field(name)
        ?? throw new InvalidOperationException($"{model.Name}: the binder admitted a relation over '{name}', which is no field");
}

/// <summary>Of <c>app { defaults { … } }</c>.</summary>
/// <param name="PageSize">Records of a list when the request names no limit.</param>
/// <param name="MaxPageSize">The most that a request may name.</param>
sealed record AppDefaults(int PageSize = 20, int MaxPageSize = 1000);

sealed record AuthShape(string Name, ImmutableArray<Field> Claims)
{
    /// <summary>The types of the schema, which claims may have.</summary>
    public ImmutableArray<EmbeddedType> Types { get; init; } = [];

    public Field? Claim(string name) => Claims.FirstOrDefault(c => string.Equals(c.Name, name, StringComparison.Ordinal));
}
