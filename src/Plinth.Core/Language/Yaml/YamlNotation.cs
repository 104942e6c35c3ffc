using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>
/// A YAML file → the native text it means. Every key is known or refused, every mistake of the file's own form is reported here, all in
/// one run; what the schema means is judged by the binder that judges every notation, in the words of this one.
/// </summary>
sealed class YamlNotation
{
    static readonly string[] s_keys = ["version", "app", "auth", "enums", "types", "unions", "collections", "buckets"];

    readonly YamlFile _file;
    readonly NativeText _text;
    readonly YamlCollections _collections;
    readonly HashSet<string> _types = new(StringComparer.Ordinal);

    YamlNotation(YamlFile file) =>
        (_file, _text, _collections) = (file, new NativeText(file.Source, YamlWords.Reword), new YamlCollections(new YamlBuckets(file)));

    public static bool IsYaml(SourceText source) => source.Path.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase)
        || source.Path.EndsWith(".yml", StringComparison.OrdinalIgnoreCase);

    /// <param name="events">The file's, in order; they are drawn as far as they are needed.</param>
    /// <returns>A source whose findings are shown in the file; empty where the file could not be read.</returns>
    public static SourceText ToNative(SourceText source, IEnumerable<YamlEvent> events, Findings findings, Limits limits)
    {
        YamlFile file = new(source, findings, limits);
        YamlNotation notation = new(file);
        if (source.Text.Length > limits.SchemaBytes)
        {
            file.Error(Codes.LimitExceeded, default, "", $"the file is larger than {limits.SchemaBytes} bytes (limits.schemaBytes)",
                "split it, or raise the limit");
        }
        else if (!RefuseBidiControls(file) && YamlComposer.Compose(file, events) is { } root)
        {
            notation.Read(root);
        }
        return notation._text.Source();
    }

    /// <summary>As in the native notation, anywhere in the file: they make a reader see another text than we read.</summary>
    static bool RefuseBidiControls(YamlFile file)
    {
        bool isFound = false;
        foreach (int at in Lexer.BidiControls(file.Source.Text))
        {
            isFound = true;
            file.Error(Codes.BidiControl, new Span(at, 1), "",
                $"{CodePoint.Describe(file.Source.Text, at)} makes the text read differently than it is",
                "in double quotes, write it as an escape (\\u202e)");
        }
        return isFound;
    }

    void Read(YamlMapping root)
    {
        if (root.Find("version") is null)
            _file.Error(Codes.MissingArgument, root.Span, "version", "the file says which form it has", "begin with version: 1");
        if (root.Find("collections") is null)
        {
            // Elsewhere than what is said of the version: one place has one finding of a kind.
            Span end = root.Entries.Count > 0 ? root.Entries[^1].Key.Span : new Span(root.Span.Start, 0);
            _file.Error(Codes.MissingArgument, end, "collections", "the file declares no collections", "add collections:");
        }
        if (root.Find("auth") is null) WriteAuthOfAlyx(root);
        foreach (YamlEntry entry in YamlFile.Entries(root, ""))
        {
            if (entry.Name is "enums" or "types" or "unions" && entry.Value is YamlMapping names)
                foreach (var (key, _) in names.Entries) _types.Add(key.Text);
            if (entry.Name == "buckets" && entry.Value is YamlMapping buckets) _collections.Buckets.Add(buckets);
            if (entry.Name == "collections" && entry.Value is YamlMapping collections)
                foreach (YamlEntry collection in YamlFile.Entries(collections, entry.Path)) _collections.Add(_file, collection);
        }
        foreach (YamlEntry entry in YamlFile.Entries(root, "")) Section(entry);
    }

    void Section(YamlEntry entry)
    {
        switch (entry.Name)
        {
            case "version":
                if (entry.Value is not YamlScalar { Number: 1m })
                    _file.Error(Codes.UnknownValue, YamlFile.Place(entry), entry.Path, "this reads version 1", "write version: 1");
                break;
            case "app": App(entry); break;
            case "auth": Auth(entry); break;
            case "enums":
                foreach (YamlEntry e in _file.Entries(entry, "enums")) Enum(e);
                break;
            case "types":
                foreach (YamlEntry e in _file.Entries(entry, "types")) Type(e);
                break;
            case "unions":
                foreach (YamlEntry e in _file.Entries(entry, "unions")) Union(e);
                break;
            case "collections":
                _ = _file.Entries(entry, "collections");
                foreach (YamlCollection collection in _collections.All) Collection(collection);
                break;
            case "buckets": _collections.Buckets.Read(entry); break;
            case "functions":
                _file.NotAvailable(entry, "remove the section; nothing of it would run");
                break;
            default: _file.Unknown(entry, s_keys); break;
        }
    }

    /// <summary>The identity as Alyx knows it: what its rules may say when the file does not declare another.</summary>
    void WriteAuthOfAlyx(YamlMapping root)
    {
        using (_text.At(root.Span, "auth"))
            _text.Write("auth User { id Uuid  email String?  verified Boolean?  role String?  metadata Json? }\n");
    }

    void App(YamlEntry section)
    {
        string name = "app";
        string? doc = null;
        List<(YamlEntry Entry, string Native)> defaults = [], settings = [];
        foreach (YamlEntry entry in _file.Entries(section, "settings"))
        {
            switch (entry.Name)
            {
                case "name":
                    if (_file.Text(entry) is { } text) name = _file.Name(text, YamlFile.Place(entry), entry.Path) ?? name;
                    break;
                case "description": doc = _file.Text(entry); break;
                case "pageSize" or "maxPageSize":
                    if (_file.Number(entry) is not null) defaults.Add((entry, ((YamlScalar)entry.Value).Text));
                    break;
                case "tenancy":
                    if (_file.Text(entry) is { } word && _file.Name(word, YamlFile.Place(entry), entry.Path) is { } tenancy)
                        settings.Add((entry, tenancy));
                    break;
                default: _file.Unknown(entry, ["name", "description", "pageSize", "maxPageSize", "tenancy"]); break;
            }
        }
        using (_text.At(section.Key.Span, section.Path))
        {
            _text.Doc(doc, "").Write("app ").Name(name).Write(" {\n");
            foreach (var (entry, value) in settings) Setting(entry, value);
            if (defaults.Count > 0)
            {
                _text.Write("defaults {\n");
                foreach (var (entry, value) in defaults) Setting(entry, value);
                _text.Write("}\n");
            }
            _text.Write("}\n");
        }
    }

    void Setting(YamlEntry entry, string value)
    {
        using (_text.At(YamlFile.Place(entry), entry.Path)) _text.Write(entry.Name).Write(" = ").Write(value).Write("\n");
    }

    void Auth(YamlEntry section)
    {
        if (section.Value is YamlScalar { Text: "none" }) return;
        using (_text.At(section.Key.Span, section.Path))
        {
            string? name = null;
            YamlEntry? claims = null;
            foreach (YamlEntry entry in _file.Entries(section, "name and claims"))
            {
                if (entry.Name == "name") name = _file.Text(entry) is { } text ? _file.Name(text, YamlFile.Place(entry), entry.Path) : null;
                else if (entry.Name == "claims") claims = entry;
                else _file.Unknown(entry, ["name", "claims"]);
            }
            _text.Write("auth ");
            if (name is not null) _text.Name(name).Write(" ");
            _text.Write("{\n");
            if (claims is { } fields) Fields(fields);
            _text.Write("}\n");
        }
    }

    void Fields(YamlEntry section)
    {
        foreach (YamlEntry entry in _file.Entries(section, "fields")) new YamlFieldReader(_file, _text, _collections, _types,
            entry).Read(owner: null);
    }

    /// <summary>A list of words, or a mapping with <c>values</c> and <c>description</c>.</summary>
    void Enum(YamlEntry entry) => Words(entry, "enum", "values", " { ", " ", " }\n");

    void Union(YamlEntry entry) => Words(entry, "union", "of", " = ", " | ", "\n");

    void Words(YamlEntry entry, string keyword, string key, string open, string between, string close)
    {
        if (_file.Name(entry.Name, entry.Key.Span, entry.Path) is not { } name) return;
        string? doc = null;
        YamlEntry? list = entry;
        if (entry.Value is YamlMapping mapping)
        {
            list = null;
            foreach (YamlEntry part in YamlFile.Entries(mapping, entry.Path))
            {
                if (part.Name == key) list = part;
                else if (part.Name == "description") doc = _file.Text(part);
                else _file.Unknown(part, [key, "description"]);
            }
        }
        using (_text.At(entry.Key.Span, entry.Path))
        {
            _text.Doc(doc, "").Write(keyword).Write(" ").Name(name).Write(open);
            int count = 0;
            foreach (YamlEntry item in list is { } words ? YamlFile.Items(words) : [])
            {
                if (_file.Text(item) is not { } text || _file.Name(text, YamlFile.Place(item), item.Path) is not { } word) continue;
                if (count++ > 0) _text.Write(between);
                using (_text.At(YamlFile.Place(item), item.Path)) _text.Name(word);
            }
            if (count == 0 && keyword == "union")
                _file.Error(Codes.EmptyBlock, entry.Key.Span, entry.Path, "a union joins types", "list their names");
            _text.Write(close);
        }
    }

    /// <summary>The fields, or a mapping with <c>fields</c> and <c>description</c>.</summary>
    void Type(YamlEntry entry)
    {
        if (_file.Name(entry.Name, entry.Key.Span, entry.Path) is not { } name) return;
        YamlEntry? fields = null;
        string? doc = null;
        foreach (YamlEntry part in _file.Entries(entry, "fields and description"))
        {
            if (part.Name == "fields") fields = part;
            else if (part.Name == "description") doc = _file.Text(part);
            else _file.Unknown(part, ["fields", "description"]);
        }
        using (_text.At(entry.Key.Span, entry.Path))
        {
            _text.Doc(doc, "").Write("type ").Name(name).Write(" {\n");
            if (fields is { } section) Fields(section);
            _text.Write("}\n");
        }
    }

    void Collection(YamlCollection collection)
    {
        YamlEntry entry = collection.Entry;
        using (_text.At(entry.Key.Span, entry.Path))
        {
            string? doc = entry.Value is YamlMapping m && m.Find("description") is YamlScalar text ? text.Text : null;
            _text.Doc(doc, "").Write("model ").Name(collection.Model).Write(" {\n");
            new YamlCollectionReader(_file, _text, _collections, _types, collection).Read();
            _text.Write("}\n");
        }
    }
}
