using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>What a type name stands for.</summary>
abstract record Named
{
    private protected Named()
    {
    }

    internal sealed record Stored(FieldType Type) : Named;

    internal sealed record Related(ModelDraft Model) : Named;
}

/// <summary>The names that the blocks of a schema declare: one name space for models, types, enums, unions and mixins.</summary>
sealed class Declarations(Findings findings)
{
    /// <summary>Parameters of every list request: a field of that name could not be filtered by in the short form.</summary>
    public static ImmutableArray<string> ListParameters { get; } =
    [
        "filter", "sort", "limit", "after", "before", "offset", "select", "include", "count", "search", "asOf", "trashed", "on", "purge",
    ];

    /// <summary>Words of the expression language's grammar: no field can be called so, wherever it stands.</summary>
    public static ImmutableArray<string> LiteralWords { get; } = ["true", "false", "null", "in"];

    /// <summary>What every rule has in scope besides the row: a model's field of that name could not be reached.</summary>
    public static ImmutableArray<string> ScopeWords { get; } = ["auth", "now", "request"];

    static readonly SearchValues<char> s_nameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    readonly Dictionary<string, BlockSyntax> _blocks = new(StringComparer.Ordinal);

    public Dictionary<string, EnumType> Enums { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, RecordSyntax> Types { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, UnionSyntax> Unions { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, RecordSyntax> Mixins { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, ChannelSyntax> Channels { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, ModelDraft> Models { get; } = new(StringComparer.Ordinal);

    /// <summary>Claims that defaults name, in every mixin's every use.</summary>
    public List<PendingClaim> PendingClaims { get; } = [];

    /// <summary>Fields of types, and claims of <c>auth</c>, that were reported: (owner, name).</summary>
    public HashSet<(string Owner, string Name)> BrokenMembers { get; } = [];

    public void Add(BlockSyntax block)
    {
        if (block.Name is not { } name || block is AppSyntax or RecordSyntax { Kind: RecordKind.Auth or RecordKind.Extend }) return;
        if (ScalarTypes.Names.Contains(name.Text) || ScalarTypes.NotAvailable.Contains(name.Text))
        {
            findings.Error(block.Source, Codes.ReservedName, name.Span, $"'{name.Text}' is a type of the language", "choose another name");
            return;
        }
        if (!_blocks.TryAdd(name.Text, block))
        {
            BlockSyntax first = _blocks[name.Text];
            string place = new Diagnostic("", Severity.Error, first.Source, first.Head, "").Place;
            findings.Error(block.Source, Codes.DuplicateName, name.Span, $"'{name.Text}' is declared twice", $"the first is at {place}");
            return;
        }
        CheckName(block.Source, name);
        switch (block)
        {
            case EnumSyntax syntax: Enums[name.Text] = BindEnum(syntax, name.Text); break;
            case UnionSyntax syntax: Unions[name.Text] = syntax; break;
            case ChannelSyntax syntax: Channels[name.Text] = syntax; break;
            case RecordSyntax { Kind: RecordKind.Type } syntax: Types[name.Text] = syntax; break;
            case RecordSyntax { Kind: RecordKind.Mixin } syntax: Mixins[name.Text] = syntax; break;
            case RecordSyntax { Kind: RecordKind.Model or RecordKind.Projection } syntax:
                Models[name.Text] = new ModelDraft(syntax, name.Text);
                break;
            default: throw new InvalidOperationException($"a block of kind {block.GetType().Name} is not declared");
        }
    }

    /// <summary>Names of fields: what list parameters and expressions mean by themselves is taken.</summary>
    public bool CheckFieldName(SourceText source, NameSyntax name)
    {
        string? taken = ListParameters.Contains(name.Text) ? "a parameter of lists (?" + name.Text + "=)"
            : LiteralWords.Contains(name.Text) || ScopeWords.Contains(name.Text) ? "a word of the expression language" : null;
        if (taken is not null)
        {
            findings.Error(source, Codes.ReservedName, name.Span, $"a field cannot be called '{name.Text}': that is {taken}",
                $"rename it; @map(\"{Names.SnakeCase(name.Text)}\") keeps the column");
        }
        else if (name.Text[0] == '_')
        {
            findings.Error(source, Codes.ReservedName, name.Span, "names of fields do not begin with _: those columns are ours",
                "rename it");
        }
        else
        {
            return CheckName(source, name);
        }
        return false;
    }

    /// <summary>Names of claims and of types' fields: always behind a dot, so that only words of the grammar are taken.</summary>
    public bool CheckMemberName(SourceText source, NameSyntax name)
    {
        if (!LiteralWords.Contains(name.Text)) return CheckName(source, name);
        findings.Error(source, Codes.ReservedName, name.Span,
            $"a field cannot be called '{name.Text}': that is a word of the expression language", "rename it");
        return false;
    }

    public bool CheckName(SourceText source, NameSyntax name)
    {
        // A character that may not stand in a name was reported where it stands.
        if (name.Text.AsSpan().ContainsAnyExcept(s_nameCharacters)) return false;
        if (name.Text.Length <= Limits.NameLength) return true;
        findings.Error(source, Codes.LimitExceeded, name.Span,
            $"the name is longer than {Limits.NameLength} characters (limits.nameLength), the most that databases take", "shorten it");
        return false;
    }

    /// <summary>What a type stands for; null when it is not known, which is reported.</summary>
    public Named? Resolve(SourceText source, TypeSyntax type)
    {
        string name = type.Name.Text;
        if (name == "Decimal") return Decimal(source, type);
        if (!type.Parameters.IsDefault && (ScalarTypes.Find(name) is not null || _blocks.ContainsKey(name)))
        {
            findings.Error(source, Codes.TooManyArguments, type.Span, $"{name} takes no parameters");
            return null;
        }
        if (ScalarTypes.Find(name) is { } scalar) return new Named.Stored(new ScalarFieldType(scalar));
        if (Models.TryGetValue(name, out ModelDraft? model) && !model.IsProjection) return new Named.Related(model);
        if (Enums.TryGetValue(name, out EnumType? enumType)) return new Named.Stored(new EnumFieldType(enumType));
        if (Types.ContainsKey(name)) return new Named.Stored(new EmbeddedFieldType(name));
        if (Unions.ContainsKey(name)) return new Named.Stored(new UnionFieldType(name));
        if (ScalarTypes.NotAvailable.Contains(name))
            findings.Error(source, Codes.NotAvailable, type.Span, $"the type {name} is not available in this version");
        else if (model is not null)
            findings.Error(source, Codes.UnknownType, type.Name.Span, $"'{name}' is a projection, not a type",
                "nothing refers to what the engine counts together");
        else if (Mixins.ContainsKey(name))
            findings.Error(source, Codes.UnknownType, type.Name.Span, $"'{name}' is a mixin, not a type",
                $"its fields come with: use {name}");
        else if (Channels.ContainsKey(name))
            findings.Error(source, Codes.UnknownType, type.Name.Span, $"'{name}' is a channel, not a type");
        else
            findings.Error(source, Codes.UnknownType, type.Name.Span, $"unknown type '{name}'", findings.DidYouMean(name, TypeNames));
        return null;
    }

    IEnumerable<string> TypeNames => ScalarTypes.Names.Concat(_blocks.Keys.Where(n => !Mixins.ContainsKey(n) && !Channels.ContainsKey(n)));

    Named.Stored? Decimal(SourceText source, TypeSyntax type)
    {
        if (!type.Parameters.IsDefault && type.Parameters.Length == 2
            && Whole(source, type.Parameters[0]) is >= 1 and <= DecimalType.PrecisionMax and var precision
            && Whole(source, type.Parameters[1]) is >= 0 and var scale && scale <= precision)
        {
            return new Named.Stored(new ScalarFieldType(new DecimalType(precision, scale)));
        }
        findings.Error(source, Codes.BadArgument, type.Span,
            $"Decimal needs its digits in all (1 to {DecimalType.PrecisionMax}) and those after the point", "as in Decimal(12, 2)");
        return null;
    }

    static int? Whole(SourceText source, ArgumentSyntax argument) =>
        argument is { Label: null, Tokens: [{ Kind: TokenKind.Number }] }
            && int.TryParse(source.Slice(argument.Span), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;

    EnumType BindEnum(EnumSyntax syntax, string name)
    {
        var values = ImmutableArray.CreateBuilder<string>();
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (NameSyntax value in syntax.Values)
        {
            CheckName(syntax.Source, value);
            if (seen.Add(value.Text)) values.Add(value.Text);
            else findings.Error(syntax.Source, Codes.DuplicateName, value.Span, $"'{value.Text}' is a value of {name} already");
        }
        if (values.Count == 0) findings.Error(syntax.Source, Codes.EmptyBlock, syntax.Head, $"the enum {name} has no values");
        return new EnumType(name, values.ToImmutable()) { Doc = syntax.Doc, Span = syntax.Head };
    }
}
