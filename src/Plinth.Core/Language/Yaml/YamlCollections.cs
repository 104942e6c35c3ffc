using System.Text;

namespace Plinth.Language.Yaml;

/// <summary>A collection before its fields are read: what the others need to know of it.</summary>
/// <param name="Model">The model it becomes: <c>blog_posts</c> → <c>BlogPost</c>, unless <c>model:</c> says another name.</param>
/// <param name="Table">Null when the model's own name makes it.</param>
/// <param name="Route">Null when the model's own name makes it.</param>
sealed record YamlCollection(YamlEntry Entry, string Model, string? Table, string? Route)
{
    public YamlMapping? Fields => Entry.Value is YamlMapping m ? m.Find("fields") as YamlMapping : null;
}

/// <summary>The collections of a file by name, with the names of the models they become.</summary>
sealed class YamlCollections(YamlBuckets buckets)
{
    public YamlBuckets Buckets { get; } = buckets;

    readonly Dictionary<string, YamlCollection> _byName = new(StringComparer.Ordinal);
    readonly Dictionary<string, YamlCollection> _byModel = new(StringComparer.Ordinal);

    public IReadOnlyCollection<YamlCollection> All => _byName.Values;

    public IEnumerable<string> Names => _byName.Keys;

    /// <summary>By the collection's name, or the model's.</summary>
    public YamlCollection? Find(string name) => _byName.GetValueOrDefault(name) ?? _byModel.GetValueOrDefault(name);

    public bool IsModel(string name) => _byModel.ContainsKey(name);

    public void Add(YamlFile file, YamlEntry entry)
    {
        if (file.Name(entry.Name, entry.Key.Span, entry.Path, mayHyphen: true) is not { } name) return;
        YamlMapping? settings = entry.Value as YamlMapping;
        string? given = Given(file, settings, entry.Path, "model");
        string model = given ?? ModelName(name);
        if (given is null && (YamlTypes.IsNative(model) || _byModel.ContainsKey(model))) model = ModelName(name,
            isSingular: false) + "Record";
        string table = Given(file, settings, entry.Path, "table") ?? name.Replace('-', '_');
        string route = Given(file, settings, entry.Path, "route", isRoute: true) ?? name;
        string derived = Text.Names.Collection(model);
        YamlCollection collection = new(entry, model, Unless(derived, table), Unless(derived, route));
        _byName[name] = collection;
        _byModel.TryAdd(model, collection);
    }

    static string? Unless(string derived, string name) => string.Equals(derived, name, StringComparison.Ordinal) ? null : name;

    static string? Given(YamlFile file, YamlMapping? settings, string path, string key, bool isRoute = false)
    {
        if (settings?.Find(key) is not { } value || settings.FindKey(key) is not { } at) return null;
        YamlEntry entry = new(at, value, $"{path}.{key}");
        return file.Text(entry) is not { } text ? null : isRoute ? text : file.Name(text, YamlFile.Place(entry), entry.Path);
    }

    /// <summary><c>blog_posts</c> → <c>BlogPost</c>: words joined, the last one singular by the reverse of the rules of plurals.</summary>
    public static string ModelName(string collection, bool isSingular = true)
    {
        string[] words = collection.Split('_', '-');
        if (isSingular) words[^1] = Singular(words[^1]);
        StringBuilder name = new(collection.Length);
        foreach (string word in words.Where(w => w.Length > 0)) name.Append(char.ToUpperInvariant(word[0])).Append(word.AsSpan(1));
        return name.Length == 0 || !char.IsAsciiLetter(name[0]) ? "C" + name : name.ToString();
    }

    static string Singular(string word)
    {
        if (word.Length > 3 && word.EndsWith("ies", StringComparison.Ordinal)) return word[..^3] + "y";
        string[] whole = ["xes", "ches", "shes", "sses", "uses"];
        if (Array.Exists(whole, e => word.Length > e.Length && word.EndsWith(e, StringComparison.Ordinal))) return word[..^2];
        return word.Length > 2 && word[^1] == 's' && word[^2] is not ('s' or 'u' or 'i') ? word[..^1] : word;
    }
}
