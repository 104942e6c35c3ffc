namespace Plinth.Language.Cstack;

/// <summary>
/// There both sides of a relation name the key (<c>posts Post[] @relation(fields:[id], references:[authorId])</c>), which also tells
/// apart several relations of two models. Here the side without the key names nothing, and several relations are told apart by name.
/// </summary>
sealed class CstackRelations
{
    readonly Dictionary<string, RecordSyntax> _models = new(StringComparer.Ordinal);

    public CstackRelations(SchemaSyntax file)
    {
        foreach (RecordSyntax record in file.Blocks.OfType<RecordSyntax>())
            if (record is { Kind: RecordKind.Model, Name: { } name }) _models.TryAdd(name.Text, record);
    }

    /// <summary>The name that the two sides need here; null when they need none, or have one.</summary>
    public string? PairName(RecordSyntax record, FieldSyntax field, AttributeSyntax attribute)
    {
        if (field.Type is not { } type || attribute.Arguments.Any(a => a.Label?.Text == "name" || a.Label is null)) return null;
        if (!_models.TryGetValue(type.Name.Text, out RecordSyntax? target) || record.Name is null) return null;
        RecordSyntax owners = type.IsList ? target : record;
        string other = type.IsList ? record.Name.Text : type.Name.Text;
        var candidates = owners.Members.OfType<FieldSyntax>().Where(f => IsOwner(f, other)).ToList();
        if (candidates.Count < 2) return null;
        if (!type.IsList) return HasOtherSide(target, record.Name.Text, attribute) ? field.Name.Text : null;
        string key = Names(attribute, "references");
        return candidates.Find(f => Names(Relation(f), "fields") == key)?.Name.Text;
    }

    /// <summary>The relation refers to the other model's key.</summary>
    public bool RefersToKey(FieldSyntax field, AttributeSyntax attribute)
    {
        if (field.Type is not { } type || !_models.TryGetValue(type.Name.Text, out RecordSyntax? target)) return false;
        string references = Names(attribute, "references");
        return references.Length == 0 || target.Members.OfType<FieldSyntax>().Any(f =>
            f.Name.Text == references && f.Attributes.Any(a => a.Spelling == "@id"));
    }

    static bool IsOwner(FieldSyntax field, string target) =>
        field.Type is { IsList: false } type && type.Name.Text == target && Names(Relation(field), "fields").Length > 0;

    static bool HasOtherSide(RecordSyntax target, string model, AttributeSyntax owner) =>
        target.Members.OfType<FieldSyntax>().Any(f => f.Type is { IsList: true } type && type.Name.Text == model
            && Names(Relation(f), "references") == Names(owner, "fields"));

    static AttributeSyntax? Relation(FieldSyntax field) => field.Attributes.FirstOrDefault(a => a.Spelling == "@relation");

    /// <summary>The names in <c>label: [a, b]</c>, joined by commas.</summary>
    static string Names(AttributeSyntax? attribute, string label)
    {
        ArgumentSyntax? argument = attribute?.Arguments.FirstOrDefault(a => a.Label?.Text == label);
        if (attribute is null || argument is null) return "";
        return string.Join(',', argument.Tokens.Where(t => t.IsName).Select(t => attribute.Source.Slice(t.Span)));
    }
}
