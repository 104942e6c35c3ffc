using System.Globalization;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>A YAML value with its place. An alias is the node it refers to, so that nodes form a graph without cycles.</summary>
abstract class YamlNode(Span span)
{
    /// <summary>Of a scalar, its text with quotes; of a container, where it begins.</summary>
    public Span Span { get; } = span;

    /// <summary>Nodes in it, itself included, every alias counted as what it stands for.</summary>
    public long Size { get; protected set; } = 1;

    /// <summary>Levels below and with it, through aliases too.</summary>
    public int Depth { get; protected set; } = 1;
}

sealed class YamlScalar(Span span, string text, bool isPlain) : YamlNode(span)
{
    public string Text { get; } = text;

    public bool IsPlain { get; } = isPlain;

    public bool IsNull => IsPlain && Text is "" or "~" or "null" or "Null" or "NULL" && IsPlain;

    public bool? Switch => !IsPlain ? null : Text switch
    {
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => null,
    };

    public decimal? Number => IsPlain && decimal.TryParse(Text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint
        | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out decimal number) ? number : null;
}

sealed class YamlSequence(Span span) : YamlNode(span)
{
    readonly List<YamlNode> _items = [];

    public IReadOnlyList<YamlNode> Items => _items;

    public void Add(YamlNode item)
    {
        _items.Add(item);
        Size += item.Size;
        Depth = Math.Max(Depth, item.Depth + 1);
    }
}

sealed class YamlMapping(Span span) : YamlNode(span)
{
    readonly List<(YamlScalar Key, YamlNode Value)> _entries = [];
    readonly Dictionary<string, int> _byKey = new(StringComparer.Ordinal);

    /// <summary>In the order of the text; each key once.</summary>
    public IReadOnlyList<(YamlScalar Key, YamlNode Value)> Entries => _entries;

    public YamlNode? Find(string key) => _byKey.TryGetValue(key, out int at) ? _entries[at].Value : null;

    public YamlScalar? FindKey(string key) => _byKey.TryGetValue(key, out int at) ? _entries[at].Key : null;

    /// <summary>False when the key is there already.</summary>
    public bool Add(YamlScalar key, YamlNode value)
    {
        if (!_byKey.TryAdd(key.Text, _entries.Count)) return false;
        _entries.Add((key, value));
        Size += 1 + value.Size;
        Depth = Math.Max(Depth, value.Depth + 1);
        return true;
    }
}
