namespace Plinth.Language.Yaml;

/// <summary>
/// One entry of <c>relations:</c>, which says what the native notation says: the side that holds the key (its key fields are added
/// unless <c>fields</c> names them), or the other side (<c>many</c>, or <c>one</c>).
/// </summary>
sealed class YamlRelationReader(
    YamlFile file, NativeText text, YamlCollections collections, IReadOnlySet<string> types, YamlEntry entry)
{
    static readonly string[] s_keys =
    [
        "to", "many", "one", "optional", "name", "fields", "references", "onDelete", "onUpdate", "description", "unique", "index",
        "default", "readonly", "immutable", "column", "renamedFrom", "deprecated", "rules",
    ];

    string? _doc, _pair, _onDelete, _onUpdate;
    YamlEntry? _to, _fields, _references;
    bool _isMany, _isOne, _isOptional;
    readonly List<YamlEntry> _attributes = [];

    public void Read()
    {
        if (file.Name(entry.Name, entry.Key.Span, entry.Path) is not { } name) return;
        foreach (YamlEntry part in file.Entries(entry, "to, onDelete and so on")) Part(part);
        if (_to is not { } to)
        {
            file.Error(Codes.MissingArgument, entry.Key.Span, entry.Path, "a relation needs the collection that it leads to", "add to:");
            return;
        }
        if (file.Text(to) is not { } target) return;
        if (collections.Find(target) is not { } other)
        {
            file.Error(Codes.UnknownType, YamlFile.Place(to), to.Path, $"no collection is called '{YamlFile.Shown(target)}'",
                file.Findings.DidYouMean(target, collections.Names));
            return;
        }
        if (_isMany && _isOne) file.Error(Codes.ConflictingAttributes, entry.Key.Span, entry.Path, "the other side is many, or one");
        using (text.At(entry.Key.Span, entry.Path))
        {
            text.Doc(_doc, "  ").Write("  ").Name(name).Write(" ").Name(other.Model);
            text.Write(_isMany ? "[]" : _isOptional || _isOne ? "?" : "");
            Attribute();
            YamlFieldReader field = new(file, text, collections, types, entry);
            foreach (YamlEntry part in _attributes) field.Attribute(part);
            text.Write("\n");
        }
    }

    void Part(YamlEntry part)
    {
        switch (part.Name)
        {
            case "to": _to = part; break;
            case "many": _isMany = file.Switch(part) == true; break;
            case "one": _isOne = file.Switch(part) == true; break;
            case "optional": _isOptional = file.Switch(part) == true; break;
            case "name": _pair = file.Text(part); break;
            case "fields": _fields = part; break;
            case "references": _references = part; break;
            case "onDelete": _onDelete = Action(file, part); break;
            case "onUpdate": _onUpdate = Action(file, part); break;
            case "description": _doc = file.Text(part); break;
            default:
                if (s_keys.Contains(part.Name, StringComparer.Ordinal)) _attributes.Add(part);
                else file.Unknown(part, s_keys);
                break;
        }
    }

    void Attribute()
    {
        List<Action> arguments = [];
        if (_pair is not null) arguments.Add(() => text.Literal(_pair));
        if (_fields is { } fields) arguments.Add(() => Names("fields: ", fields));
        if (_references is { } references) arguments.Add(() => Names("references: ", references));
        // That it holds the key is said, and never guessed from what the other side looks like.
        if (!_isMany && !_isOne) arguments.Add(() => text.Write("onDelete: ").Write(_onDelete ?? "restrict"));
        else if (_onDelete is not null) arguments.Add(() => text.Write("onDelete: ").Write(_onDelete));
        if (_onUpdate is not null) arguments.Add(() => text.Write("onUpdate: ").Write(_onUpdate));
        if (arguments.Count == 0) return;
        text.Write(" @relation(");
        for (int i = 0; i < arguments.Count; i++)
        {
            if (i > 0) text.Write(", ");
            arguments[i]();
        }
        text.Write(")");
    }

    void Names(string label, YamlEntry names)
    {
        using (text.At(names.Key.Span, names.Path))
        {
            text.Write(label).Write("[");
            YamlCollectionReader.WriteNames(file, text, names);
            text.Write("]");
        }
    }

    /// <summary>The native word of <c>restrict</c>, <c>cascade</c> or <c>set null</c>.</summary>
    public static string? Action(YamlFile file, YamlEntry entry) => file.Text(entry) switch
    {
        null => null,
        "set null" or "setNull" or "set_null" or "SET NULL" => "setNull",
        "restrict" => "restrict",
        "cascade" => "cascade",
        _ => file.Word(entry, "restrict", "cascade", "set null"),
    };
}
