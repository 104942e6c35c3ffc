using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Language;

/// <summary>
/// Channels: their parameters, rules and what members show and say. Runs when the models' keys are known; conditions are checked later,
/// with all others.
/// </summary>
sealed class ChannelBinder(Declarations declarations, Findings findings)
{
    static readonly string[] s_options = ["presence", "message", "leader"];

    /// <summary>Names in its rules that were reported.</summary>
    public HashSet<string> BrokenNames { get; } = new(StringComparer.Ordinal);

    public Channel Bind(string name, ChannelSyntax syntax)
    {
        Channel channel = new()
        {
            Name = name, Doc = syntax.Doc, Source = syntax.Source, Span = syntax.Head, Parameters = Parameters(name, syntax),
        };
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (MemberSyntax member in syntax.Members)
        {
            channel = member switch
            {
                ModelAttributeSyntax rule => WithRule(channel, rule.Attribute),
                ChannelOptionSyntax option => WithOption(channel, option, seen),
                _ => throw new InvalidOperationException($"the parser put a {member.GetType().Name} into a channel"),
            };
        }
        bool isJoinable = channel.Rules.Any(static r => r.Effect == RuleEffect.Allow && r.Operations.Contains(Channel.Join));
        if (!isJoinable && !syntax.IsBroken)
        {
            findings.Warning(syntax.Source, Codes.UnreachableModel, syntax.Head, $"no rule lets anyone join {name}",
                "add @@allow(\"join\", …)");
        }
        return channel;
    }

    ImmutableArray<ChannelParameter> Parameters(string channel, ChannelSyntax syntax)
    {
        var parameters = ImmutableArray.CreateBuilder<ChannelParameter>();
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (FieldSyntax written in syntax.Parameters)
        {
            ChannelParameter? parameter = Parameter(written);
            if (parameter is null)
            {
                BrokenNames.UnionWith([written.Name.Text, written.Name.Text + "Id"]);
                continue;
            }
            bool isNew = seen.Add(parameter.Name);
            if (parameter.Field != parameter.Name) isNew &= seen.Add(parameter.Field);
            if (isNew) parameters.Add(parameter);
            else findings.Error(syntax.Source, Codes.DuplicateName, written.Name.Span,
                $"'{written.Name.Text}' is a parameter of {channel} already");
        }
        return parameters.ToImmutable();
    }

    ChannelParameter? Parameter(FieldSyntax written)
    {
        NameSyntax name = written.Name;
        if (Declarations.ScopeWords.Contains(name.Text))
        {
            findings.Error(written.Source, Codes.ReservedName, name.Span,
                $"a parameter cannot be called '{name.Text}': that is a word of the expression language", "rename it");
            return null;
        }
        if (!declarations.CheckMemberName(written.Source, name) || written.Type is not { } type) return null;
        Named? named = declarations.Resolve(written.Source, type);
        if (named is null) return null;
        string? wrong = type.IsList || type.IsOptional ? "it is one value that is always there"
            : named is Named.Stored { Type: var stored } && !IsSingle(stored)
            ? $"it names a channel, and {stored.Name} has no one form for that"
            : named is Named.Related { Model.Key.Length: > 1 } ? "it names a record by one field, and this key has several"
            : null;
        if (wrong is not null)
        {
            findings.Error(written.Source, Codes.AttributeType, type.Span, $"'{name.Text}' cannot be a parameter of this type: {wrong}",
                "a parameter is String, Int, Uuid, an enum … or a model");
            return null;
        }
        return named is Named.Related { Model: { KeyState: not KeyState.Resolved } } ? null : new ChannelParameter(
            name.Text, (named as Named.Stored)?.Type, (named as Named.Related)?.Model.Name) { Span = name.Span };
    }

    static bool IsSingle(FieldType type) => type is EnumFieldType
        || type is ScalarFieldType { Scalar.Kind: not (ValueKind.Double or ValueKind.Bytes or ValueKind.Json) };

    Channel WithRule(Channel channel, AttributeSyntax attribute)
    {
        if (attribute.IsBroken) return channel;
        if (Attributes.OfChannels.FirstOrDefault(s => s.Name == attribute.Spelling) is not { } spec)
        {
            bool isKnown = Attributes.Find(attribute.Spelling) is not null;
            findings.Error(attribute.Source, isKnown ? Codes.MisplacedAttribute : Codes.UnknownAttribute, attribute.Span, isKnown
                ? $"{attribute.Spelling} does not stand on a channel" : $"unknown attribute {attribute.Spelling}",
                "a channel takes @@allow and @@deny");
            return channel;
        }
        if (ArgumentReader.Read(spec, attribute, findings) is not { } bound) return channel;
        AccessRule rule = new(bound.Name == "@@allow" ? RuleEffect.Allow : RuleEffect.Deny, bound.Operations("operations"),
            bound.Expression("when"), After: null) { Message = bound.Text("message"), Span = bound.Span };
        return channel with { Rules = channel.Rules.Add(rule) };
    }

    Channel WithOption(Channel channel, ChannelOptionSyntax option, HashSet<string> seen)
    {
        string name = option.Name.Text;
        if (!s_options.Contains(name))
        {
            findings.Error(option.Source, Codes.UnknownSetting, option.Name.Span, $"'channel' has no setting '{name}'",
                findings.DidYouMean(name, s_options) ?? "it has presence, message and leader");
        }
        else if (!seen.Add(name))
        {
            findings.Error(option.Source, Codes.DuplicateName, option.Name.Span, $"'{name}' stands twice in {channel.Name}");
        }
        else if (name == "leader")
        {
            return WithLeader(channel, option);
        }
        else if (option.Type is null)
        {
            if (name == "presence") return channel with { HasPresence = true };
            findings.Error(option.Source, Codes.ExpectedType, option.Name.Span, "'message' has no type",
                "write message: and a type; without the line any JSON may be published");
        }
        else if (declarations.Resolve(option.Source, option.Type) is { } named)
        {
            if (option.Type is { IsList: false, IsOptional: false } && named is Named.Stored { Type: EmbeddedFieldType or UnionFieldType })
            {
                return name == "presence" ? channel with { HasPresence = true, Presence = option.Type.Name.Text }
                    : channel with { Message = option.Type.Name.Text };
            }
            findings.Error(option.Source, Codes.AttributeType, option.Type.Span, $"'{name}' is an object: a type or a union of the schema",
                "declare a type with its fields");
        }
        return channel;
    }

    Channel WithLeader(Channel channel, ChannelOptionSyntax option)
    {
        LeaderLeaves? leaves = option.Type?.Name.Text switch
        {
            "reelect" => LeaderLeaves.Reelect,
            "close" => LeaderLeaves.Close,
            _ => null,
        };
        if (leaves is null)
        {
            findings.Error(option.Source, Codes.UnknownValue, option.Type?.Span ?? option.Name.Span,
                "'leader' says what happens when the leader leaves", "write leader: reelect or leader: close");
        }
        return channel with { Leader = leaves, HasPresence = true };
    }
}
