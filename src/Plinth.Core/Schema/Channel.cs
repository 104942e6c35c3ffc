using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Schema;

/// <summary>
/// A channel: what its members publish to one another, and who is there. Nothing of it is stored. Its parameters make one channel of it for
/// each set of their values.
/// </summary>
sealed record Channel
{
    public required string Name { get; init; }

    public ImmutableArray<ChannelParameter> Parameters { get; init; } = [];

    /// <summary>
    /// Those of a record that is made of the parameters: to join is to <see cref="Operation.Get"/> it, to publish is to
    /// <see cref="Operation.Create"/> it.
    /// </summary>
    public ImmutableArray<AccessRule> Rules { get; init; } = [];

    /// <summary>Members see one another come and go.</summary>
    public bool HasPresence { get; init; }

    /// <summary>The type of what a member shows of itself; null: any object.</summary>
    public string? Presence { get; init; }

    /// <summary>The type of what is published; null: any JSON.</summary>
    public string? Message { get; init; }

    /// <summary>Where it says how long a session of its members lasts without the one who leads it; null: it has no leader.</summary>
    public LeaderLeaves? Leader { get; init; }

    public string? Doc { get; init; }

    public required SourceText Source { get; init; }

    public Span Span { get; init; }

    public const Operation Join = Operation.Get, Publish = Operation.Create;
}

/// <summary>What becomes of a channel whose leader leaves.</summary>
enum LeaderLeaves
{
    /// <summary>Whoever is there longest leads on.</summary>
    Reelect,

    /// <summary>It is closed for all.</summary>
    Close,
}

/// <param name="Name">As it is written.</param>
/// <param name="Type">Of its values; null where it is a record of <paramref name="Model"/>.</param>
/// <param name="Model">The model whose record it names, by the key: rules can look at it.</param>
sealed record ChannelParameter(string Name, FieldType? Type, string? Model)
{
    public Span Span { get; init; }

    /// <summary>What requests call it: of a record, its key.</summary>
    public string Field => Model is null ? Name : Name + "Id";
}

/// <summary>A channel's parameters as a record, for rules to be held against. No table has it.</summary>
static class ChannelShape
{
    public static Model Of(AppSchema schema, Channel channel)
    {
        var fields = ImmutableArray.CreateBuilder<Field>();
        var relations = ImmutableArray.CreateBuilder<Relation>();
        foreach (ChannelParameter parameter in channel.Parameters)
        {
            FieldType type = parameter.Type ?? KeyOf(schema, parameter).Type;
            fields.Add(NewField(parameter.Field, type, fields.Count, parameter.Span));
            if (parameter.Model is not { } target) continue;
            relations.Add(new Relation
            {
                Name = parameter.Name, Model = channel.Name, Target = target, IsOwning = true, IsToOne = true,
                Fields = [parameter.Field], References = [KeyOf(schema, parameter).Name], Span = parameter.Span,
            });
        }
        string? tenant = schema.IsTenanted && schema.Auth?.Claim(Schema.Model.TenantId) is not null ? Schema.Model.TenantId : null;
        if (tenant is not null)
            fields.Add(NewField(tenant, schema.Auth!.Claim(tenant)!.Type, fields.Count, channel.Span) with { IsServerOnly = true });
        return new Model
        {
            Name = channel.Name, Table = channel.Name, Route = channel.Name, Key = [], Fields = fields.ToImmutable(),
            Relations = relations.ToImmutable(), Rules = channel.Rules, Tenant = tenant, Source = channel.Source, Span = channel.Span,
        };
    }

    static Field KeyOf(AppSchema schema, ChannelParameter parameter) => schema.Model(parameter.Model!).KeyFields[0]; // The binder: one.

    static Field NewField(string name, FieldType type, int ordinal, Span span) =>
        new() { Name = name, Column = Names.SnakeCase(name), Type = type, Ordinal = ordinal, Span = span };
}
