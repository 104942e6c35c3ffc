namespace Plinth.Language.Yaml;

/// <summary>
/// One field → one native field; one that refers to another collection also becomes a relation, which is what rules and includes walk.
/// </summary>
sealed class YamlFieldReader(
    YamlFile file, NativeText text, YamlCollections collections, IReadOnlySet<string> types, YamlEntry entry)
{
    static readonly string[] s_keys =
    [
        "type", "primary", "unique", "nullable", "index", "default", "references", "onDelete", "onUpdate", "internal", "minLength",
        "maxLength", "validate", "select", "richtext", "file", "relation", "list", "description", "column", "readonly",
        "immutable", "pii", "sensitive", "version", "computed", "normalise", "renamedFrom", "deprecated", "rules",
    ];

    const int RelationChainMax = 50;

    readonly YamlExpression _expression = new(file, text);
    string _type = "String";
    string _word = "";
    string? _onDelete;
    (string Collection, string? Field, YamlEntry At)? _refersTo;
    string? _relationName;
    YamlEntry? _richText;
    bool _isNullable, _isList, _isPrimary, _isStamped, _isCleanedLater;

    public bool Refers => _refersTo is not null;

    /// <param name="owner">Null in value types and in claims, which hold no references.</param>
    public void Read(YamlCollection? owner)
    {
        if (file.Name(entry.Name, entry.Key.Span, entry.Path) is not { } name) return;
        YamlEntry[] parts = entry.Value is YamlScalar { IsNull: false } ? [entry with { Key = new YamlScalar(entry.Key.Span, "type",
            true) }]
            : [.. file.Entries(entry, "type and modifiers")];
        string? doc = null;
        foreach (YamlEntry part in parts) Prepare(part, ref doc);
        bool isKnown = Type(parts, owner);
        using (text.At(entry.Key.Span, entry.Path))
        {
            text.Doc(doc, "  ").Write("  ").Name(name).Write(" ");
            YamlEntry type = Array.Find(parts, p => p.Name == "type");
            using (text.At(type.Key is null ? entry.Key.Span : YamlFile.Place(type), type.Key is null ? entry.Path : type.Path))
                text.Write(_type).Write(_isList ? "[]" : _isNullable ? "?" : "");
            // Of a type that is not known nothing can be judged but whether the keys are.
            foreach (YamlEntry part in parts)
            {
                if (isKnown) Attribute(part);
                else if (!s_keys.Contains(part.Name, StringComparer.Ordinal)) Refuse(part);
            }
            if (!isKnown && _isPrimary) text.Write(" @id");
            text.Write("\n");
        }
    }

    /// <summary>What decides how the other keys are read.</summary>
    void Prepare(YamlEntry part, ref string? doc)
    {
        switch (part.Name)
        {
            case "nullable": _isNullable = file.Switch(part) == true; break;
            case "list": _isList = file.Switch(part) == true; break;
            case "primary": _isPrimary = file.Switch(part) == true; break;
            case "description": doc = file.Text(part); break;
            case "onUpdate": _isStamped = file.Word(part, "now") is not null; break;
            case "onDelete": _onDelete = YamlRelationReader.Action(file, part); break;
            case "references": References(part); break;
            case "relation": Relation(part); break;
            case "richtext": _richText = part; break;
            case "normalise": _isCleanedLater = YamlFile.Items(part).Any(i => i.Value is YamlScalar { Text: "html" }); break;
        }
    }

    /// <summary><c>users.id</c></summary>
    void References(YamlEntry part)
    {
        if (file.Text(part) is not { } target) return;
        int dot = target.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0 && dot < target.Length - 1) _refersTo = (target[..dot], target[(dot + 1)..], part);
        else file.Error(Codes.BadArgument, YamlFile.Place(part), part.Path, "a reference names a collection and its field",
            "as in users.id");
    }

    void Relation(YamlEntry part)
    {
        string? collection = null, field = null;
        YamlEntry? displayed = null;
        foreach (YamlEntry of in file.Entries(part, "collection, field and onDelete"))
        {
            switch (of.Name)
            {
                case "collection": collection = file.Text(of); break;
                case "field": field = file.Text(of); break;
                case "onDelete": _onDelete = YamlRelationReader.Action(file, of); break;
                case "as": _relationName = file.Text(of) is { } given ? file.Name(given, YamlFile.Place(of), of.Path) : null; break;
                case "displayName": displayed = of; break;
                default: file.Unknown(of, ["collection", "field", "onDelete", "as"]); break;
            }
        }
        if (collection is null)
            file.Error(Codes.MissingArgument, part.Key.Span, part.Path, "a relation needs the collection that it leads to",
                "add collection:");
        else _refersTo = (collection, field, part);
        if (displayed is { } shown) DisplayName(shown, collection);
    }

    /// <summary>The field by which a form shows what is referred to; there are no forms yet.</summary>
    void DisplayName(YamlEntry entry, string? collection)
    {
        if (file.Text(entry) is not { } name) return;
        if (collections.Find(collection ?? "")?.Fields is { } fields && fields.Find(name) is null)
            file.Error(Codes.UnknownField, YamlFile.Place(entry), entry.Path, $"{collection} has no field '{YamlFile.Shown(name)}'",
                file.Findings.DidYouMean(name, fields.Entries.Select(e => e.Key.Text)));
        else file.Warning(Codes.KeptForLater, entry.Key.Span, entry.Path, "nothing shows records by a display name in this version",
            "nothing is to be done: the key is checked, and waits");
    }

    /// <summary>Finds the native type; false when there is none, and then what else the field says is not judged.</summary>
    bool Type(YamlEntry[] parts, YamlCollection? owner)
    {
        YamlEntry type = Array.Find(parts, p => p.Name == "type");
        if (type.Key is null)
        {
            bool isMisspelt = Array.Exists(parts, p => !s_keys.Contains(p.Name) && Plinth.Text.Names.Nearest(p.Name, s_keys) == "type");
            if (!isMisspelt) file.Error(Codes.ExpectedType, entry.Key.Span, entry.Path, "the field has no type",
                "add type: string, int, uuid …");
            return false;
        }
        if (file.Text(type) is not { } word) return false;
        _word = word;
        if (_refersTo is { } to && owner is null)
        {
            file.Error(Codes.MisplacedAttribute, to.At.Key.Span, to.At.Path, "values refer to no records", "hold the key instead");
            _refersTo = null;
        }
        if (word == "relation") return RelationType(type);
        if (Array.Find(parts, p => p.Name == "relation") is { Key: not null } relation)
            file.Error(Codes.AttributeType, relation.Key.Span, relation.Path, $"'relation' belongs to type: relation, not {word}");
        if (Array.Find(parts, p => p.Name == "select") is { Key: not null } select && word != "select")
            file.Error(Codes.AttributeType, select.Key.Span, select.Path, $"'select' belongs to type: select, not {word}");
        CheckFile(parts, word);
        if (NativeOf(file, types, collections, type, word) is not { } native) return false;
        _type = native;
        if (word == "select") _isList = IsManySelected(parts);
        if (_isList && _isNullable)
            file.Warning(Codes.NoEffect, entry.Key.Span, entry.Path, "a list is never null, it is empty: nullable says nothing here");
        return true;
    }

    void CheckFile(YamlEntry[] parts, string word)
    {
        YamlEntry said = Array.Find(parts, p => p.Name == "file");
        if (word == "file" && said.Key is null) collections.Buckets.Missing(entry);
        if (word != "file" && said.Key is not null)
            file.Error(Codes.AttributeType, said.Key.Span, said.Path, $"'file' belongs to type: file, not {word}");
    }

    bool IsManySelected(YamlEntry[] parts) =>
        Array.Find(parts, p => p.Name == "select") is not { Key: not null, Value: YamlMapping select }
        || select.Find("maxSelect") is not YamlScalar { Number: 1m };

    bool RelationType(YamlEntry type)
    {
        if (_refersTo is not { } to)
        {
            file.Error(Codes.MissingArgument, type.Key.Span, type.Path, "a relation needs the collection that it leads to",
                "add relation: { collection: … }");
            return false;
        }
        if (KeyType(to.Collection, to.Field ?? "id", to.At, depth: 0) is not { } native) return false;
        _type = native;
        return true;
    }

    /// <summary>The type of the field that is referred to, through relations that are keys themselves; else it is reported.</summary>
    string? KeyType(string collection, string field, YamlEntry at, int depth)
    {
        if (collections.Find(collection) is not { } target)
        {
            file.Error(Codes.UnknownType, YamlFile.Place(at), at.Path, $"no collection is called '{YamlFile.Shown(collection)}'",
                file.Findings.DidYouMean(collection, collections.Names));
            _refersTo = null;
            return null;
        }
        YamlNode? spec = target.Fields?.Find(field);
        string? word = (spec as YamlScalar ?? (spec as YamlMapping)?.Find("type") as YamlScalar)?.Text;
        if (word == "relation" && depth < RelationChainMax && (spec as YamlMapping)?.Find("relation") is YamlMapping next)
        {
            string next_ = (next.Find("collection") as YamlScalar)?.Text ?? "";
            return KeyType(next_, (next.Find("field") as YamlScalar)?.Text ?? "id", at, depth + 1);
        }
        // A type that is wrong is reported where it stands; here it only must not be judged.
        if (word is not null) return YamlTypes.Find(word)?.Native ?? (NativeForm(word) ? word : null);
        file.Error(Codes.UnknownField, YamlFile.Place(at), at.Path, $"{YamlFile.Shown(collection)} has no field '{YamlFile.Shown(field)}'",
            file.Findings.DidYouMean(field, target.Fields?.Entries.Select(e => e.Key.Text) ?? []) ?? "say which: field: …");
        _refersTo = null;
        return null;
    }

    /// <summary><c>BigInt</c>, <c>Decimal(10, 2)</c>: letters and digits, and numbers between parentheses.</summary>
    static bool NativeForm(string word)
    {
        int open = word.IndexOf('(', StringComparison.Ordinal);
        ReadOnlySpan<char> name = open < 0 ? word : word.AsSpan(0, open);
        if (name.IsEmpty || !char.IsAsciiLetter(name[0])) return false;
        foreach (char c in name) if (!char.IsAsciiLetterOrDigit(c) && c != '_') return false;
        if (open < 0) return true;
        if (word[^1] != ')') return false;
        foreach (char c in word.AsSpan(open + 1, word.Length - open - 2)) if (!char.IsAsciiDigit(c) && c is not (',' or ' ')) return false;
        return true;
    }

    static string? NativeOf(YamlFile file, IReadOnlySet<string> types, YamlCollections collections, YamlEntry type, string word)
    {
        if (YamlTypes.Find(word) is { } known) return known.Native;
        string name = word.Split('(')[0];
        if (NativeForm(word) && (types.Contains(name) || YamlTypes.IsNative(name) || name == "Decimal")) return word;
        if (collections.Find(word) is not null)
        {
            file.Error(Codes.BadRelation, YamlFile.Place(type), type.Path, $"{word} is a collection, and a field holds a value",
                "write type: relation, or an entry of relations:");
            return null;
        }
        file.Error(Codes.UnknownType, YamlFile.Place(type), type.Path, $"unknown type '{YamlFile.Shown(word)}'",
            file.Findings.DidYouMean(word, YamlTypes.Words.Concat(types).Concat(Schema.Types.ScalarTypes.Names))
                ?? $"types are {string.Join(", ", YamlTypes.Words)}");
        return null;
    }

    /// <summary>The relation that goes with a field that refers to another collection.</summary>
    public void WriteRelation(YamlCollection owner)
    {
        if (_refersTo is not { } to || file.Name(entry.Name, entry.Key.Span, entry.Path) is not { } name) return;
        if (collections.Find(to.Collection) is not { } target)
        {
            _ = KeyType(to.Collection, to.Field ?? "id", to.At, depth: 0);
            return;
        }
        string field = to.Field ?? "id";
        if (file.Name(field, YamlFile.Place(to.At), to.At.Path) is null) return;
        using (text.At(YamlFile.Place(to.At), to.At.Path))
        {
            text.Write("  ").Name(_relationName ?? NameOf(name, owner)).Write(" ").Name(target.Model).Write(_isNullable ? "?" : "");
            text.Write(" @relation(fields: [").Listed(name).Write("], references: [").Listed(field).Write("], onDelete: ");
            text.Write(_onDelete ?? "restrict").Write(")\n");
        }
    }

    /// <summary><c>author_id</c> → <c>author</c>; where nothing can be cut off, Alyx's own word for the record behind a key.</summary>
    static string NameOf(string field, YamlCollection owner)
    {
        string cut = field.EndsWith("_id", StringComparison.Ordinal) ? field[..^3] : field.EndsWith("Id", StringComparison.Ordinal)
            ? field[..^2]
            : "";
        return cut.Length > 0 && owner.Fields?.Find(cut) is null ? cut : field + "_expanded";
    }

    /// <summary>Writes what one key says.</summary>
    public void Attribute(YamlEntry part)
    {
        using (text.At(YamlFile.Place(part), part.Path)) WriteAttribute(part);
    }

    void WriteAttribute(YamlEntry part)
    {
        switch (part.Name)
        {
            case "type":
                if (YamlTypes.Find(_word) is { Attribute: { Length: > 0 } also }) text.Write(" ").Write(also);
                if (!_isCleanedLater) Html();
                break;
            case "richtext": break;
            case "file": collections.Buckets.Field(part); break;
            case "nullable" or "list" or "description" or "references" or "relation": break;
            case "onDelete":
                if (_refersTo is null) file.Error(Codes.NoEffect, part.Key.Span, part.Path,
                    "onDelete says nothing: the field refers to nothing");
                break;
            case "primary": Flag(part, " @id"); break;
            case "internal": Flag(part, " @serverOnly"); break;
            case "readonly" or "immutable" or "pii" or "sensitive" or "version": Flag(part, " @" + part.Name); break;
            case "onUpdate": text.Write(_isStamped ? " @updatedAt" : ""); break;
            case "column": Text(part, "@map"); break;
            case "renamedFrom" or "deprecated": Text(part, "@" + part.Name); break;
            case "unique" or "index": Index(part); break;
            case "default":
                // The engine stamps every write, the first one too: what Alyx says in two keys is one.
                if (!_isStamped || part.Value is not YamlScalar { Text: "now" })
                    new YamlDefault(file, text, _type, _isList, _isPrimary).Write(part);
                break;
            case "computed":
                text.Write(" @computed(");
                if (!_expression.Write(part)) text.Write("null");
                text.Write(")");
                break;
            case "rules":
                foreach (YamlEntry item in YamlFile.Items(part)) new YamlRuleReader(file, text, _expression).Write(item, " @");
                break;
            case "normalise":
                foreach (YamlEntry item in YamlFile.Items(part))
                    if (file.Word(item, "trim", "lowercase", "uppercase", "html") is { } word) Normalise(word, item);
                break;
            case "select": new YamlValidation(file, text, _expression, _type).Select(part); break;
            case "minLength" or "maxLength": Lengths(part); break;
            case "validate": new YamlValidation(file, text, _expression, _type).Read(part); break;
            default: Refuse(part); break;
        }
    }

    void Normalise(string word, YamlEntry item)
    {
        if (word != "html") text.Write(" @").Write(word);
        else if (!Html())
            file.Error(Codes.MissingArgument, YamlFile.Place(item), item.Path, "what may be in the HTML is not said",
                "write type: richtext, or add richtext: { preset: basic }");
    }

    /// <summary>The cleaning of HTML: with the type, unless <c>normalise:</c> says when it is its turn.</summary>
    bool Html()
    {
        if (_richText is not { } section)
        {
            if (_word == "richtext") text.Write(" @html");
            return _word == "richtext";
        }
        using (text.At(section.Key.Span, section.Path)) new YamlRichText(file, text).Write(section);
        return true;
    }

    void Refuse(YamlEntry part)
    {
        file.Unknown(part, s_keys);
    }

    void Flag(YamlEntry part, string attribute)
    {
        if (file.Switch(part) == true) text.Write(attribute);
    }

    void Text(YamlEntry part, string attribute)
    {
        if (file.Text(part) is { } value) text.Write(" ").Write(attribute).Write("(").Literal(value).Write(")");
    }

    /// <summary><c>true</c>, or what it is called and answers with.</summary>
    void Index(YamlEntry part)
    {
        if (part.Value is not YamlMapping mapping)
        {
            Flag(part, " @" + part.Name);
            return;
        }
        text.Write(" @").Write(part.Name).Write("(");
        bool isFirst = true;
        foreach (YamlEntry of in YamlFile.Entries(mapping, part.Path))
        {
            bool isKnown = of.Name == "name" || (of.Name == "code" && part.Name == "unique");
            if (!isKnown) file.Unknown(of, part.Name == "unique" ? ["code", "name"] : ["name"]);
            else if (file.Text(of) is { } value)
            {
                text.Write(isFirst ? "" : ", ").Write(of.Name).Write(": ").Literal(value);
                isFirst = false;
            }
        }
        text.Write(")");
    }

    /// <summary>Both lengths, where the first of them stands.</summary>
    void Lengths(YamlEntry part)
    {
        if (entry.Value is not YamlMapping mapping) return;
        YamlValidation.Bounds(file, text, "@length", part, mapping, entry.Path, "minLength", "maxLength");
    }
}
