using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>
/// Events → one document. Bounded where YAML is not: nesting, aliases, and the size that the document has once every alias stands for
/// what it refers to, which is how a kilobyte becomes a gigabyte elsewhere. The first of these mistakes ends the reading.
/// </summary>
sealed class YamlComposer : IDisposable
{
    readonly YamlFile _file;
    readonly IEnumerator<YamlEvent> _events;
    readonly Dictionary<string, YamlNode?> _anchors = new(StringComparer.Ordinal);
    readonly List<string> _path = [];
    int _aliases;
    long _size;
    bool _isGivenUp;

    YamlComposer(YamlFile file, IEnumerable<YamlEvent> events) => (_file, _events) = (file, events.GetEnumerator());

    /// <summary>The root mapping; null when there is none to speak of, which is reported.</summary>
    public static YamlMapping? Compose(YamlFile file, IEnumerable<YamlEvent> events)
    {
        using YamlComposer composer = new(file, events);
        return composer.Document();
    }

    public void Dispose() => _events.Dispose();

    YamlMapping? Document()
    {
        if (!Next() || _events.Current.Kind != YamlEventKind.DocumentStart || !Next())
        {
            if (!_isGivenUp) Error(Codes.EmptyBlock, default, "the file is empty", "a schema has version: 1 and collections:");
            return null;
        }
        YamlNode? root = Node(depth: 1);
        if (root is null || _isGivenUp) return null;
        if (Next() && _events.Current.Kind == YamlEventKind.DocumentEnd && Next() && _events.Current.Kind == YamlEventKind.DocumentStart)
            Error(Codes.UnexpectedToken, _events.Current.Span, "a schema is one document: nothing stands behind ---");
        if (_isGivenUp) return null;
        if (root is YamlMapping mapping) return mapping;
        Error(Codes.UnexpectedToken, root.Span, "a schema is a mapping", "it begins with version: 1 and collections:");
        return null;
    }

    /// <summary>False at the end, and where the text is no YAML, which is reported.</summary>
    bool Next()
    {
        if (_isGivenUp || !_events.MoveNext()) return false;
        if (_events.Current.Kind != YamlEventKind.Broken) return true;
        Span at = _events.Current.Span;
        // Of a tab the library names where its mapping began.
        bool isTab = _events.Current.Value.Contains("tab", StringComparison.Ordinal);
        GiveUp(Codes.UnexpectedToken, isTab ? TabFrom(at) : at, $"this is no YAML: {_events.Current.Value}",
            isTab ? "indent with spaces: YAML takes no tabs" : null);
        return false;
    }

    /// <summary>The first tab among the white space at the head of a line.</summary>
    Span TabFrom(Span from)
    {
        string text = _file.Source.Text;
        bool isHead = from.Start == 0;
        for (int i = from.Start; i < text.Length; i++)
        {
            if (text[i] == '\t' && isHead) return new Span(i, 1);
            isHead = text[i] == '\n' || (isHead && text[i] == ' ');
        }
        return from;
    }

    /// <summary>The node that begins with the current event; null once the reading is given up.</summary>
    YamlNode? Node(int depth)
    {
        YamlEvent at = _events.Current;
        if (TooDeep(depth, at.Span)) return null;
        if (at.Tag is { } tag) Error(Codes.NotAvailable, at.Span, $"the tag {YamlFile.Shown(tag)} has no meaning here", "remove it");
        if (at.Kind == YamlEventKind.Alias) return Alias(at, depth);
        if (at.Anchor is { } anchor) _anchors[anchor] = null;
        YamlNode? node = at.Kind switch
        {
            YamlEventKind.Scalar => new YamlScalar(at.Span, at.Value, at.IsPlain),
            YamlEventKind.SequenceStart => Sequence(new YamlSequence(at.Span), depth),
            YamlEventKind.MappingStart => Mapping(new YamlMapping(at.Span), depth),
            // A text that only looks balanced to the library.
            _ => null,
        };
        if (node is null) GiveUp(Codes.UnexpectedToken, at.Span, "a value is expected here");
        if (at.Anchor is { } name) _anchors[name] = node;
        return node is null || !Grow(1, at.Span) ? null : node;
    }

    bool TooDeep(int depth, Span at)
    {
        if (depth <= _file.Limits.SchemaDepth) return false;
        GiveUp(Codes.LimitExceeded, at, $"nested deeper than {_file.Limits.SchemaDepth} levels (limits.schemaDepth)");
        return true;
    }

    YamlNode? Alias(YamlEvent at, int depth)
    {
        if (++_aliases > _file.Limits.YamlAliases)
        {
            GiveUp(Codes.LimitExceeded, at.Span, $"more than {_file.Limits.YamlAliases} aliases (limits.yamlAliases)");
            return null;
        }
        if (!_anchors.TryGetValue(at.Value, out YamlNode? node))
        {
            Error(Codes.UnknownName, at.Span, $"nothing before this is anchored as '&{YamlFile.Shown(at.Value)}'",
                _file.Findings.DidYouMean(at.Value, _anchors.Keys));
            return new YamlScalar(at.Span, "", isPlain: true);
        }
        if (node is null)
        {
            Error(Codes.Cycle, at.Span, $"'*{YamlFile.Shown(at.Value)}' stands inside of what it refers to");
            return new YamlScalar(at.Span, "", isPlain: true);
        }
        // What it refers to nests where it stands: a chain of aliases could otherwise go deeper than any text.
        return TooDeep(depth + node.Depth - 1, at.Span) || !Grow(node.Size, at.Span) ? null : node;
    }

    /// <summary>Counts what the document has become; false when it is too much.</summary>
    bool Grow(long by, Span at)
    {
        _size += by;
        if (_size <= _file.Limits.YamlNodes) return true;
        GiveUp(Codes.LimitExceeded, at, $"more than {_file.Limits.YamlNodes} values, each alias counted as what it stands for "
            + "(limits.yamlNodes)");
        return false;
    }

    YamlSequence? Sequence(YamlSequence list, int depth)
    {
        while (Next() && _events.Current.Kind != YamlEventKind.SequenceEnd)
        {
            if (Node(depth + 1) is not { } item) return null;
            list.Add(item);
        }
        return _isGivenUp ? null : list;
    }

    YamlMapping? Mapping(YamlMapping mapping, int depth)
    {
        List<YamlNode> merged = [];
        while (Next() && _events.Current.Kind != YamlEventKind.MappingEnd)
        {
            if (Node(depth + 1) is not { } key || !Next()) return null;
            YamlScalar? name = key as YamlScalar;
            if (name is null) Error(Codes.BadName, key.Span, "a key is a text, not a list or a mapping");
            else if (name.IsNull) Error(Codes.BadName, name.Span, "a key is a text, and this one is empty");
            bool isMerge = name is { IsPlain: true, Text: "<<" };
            _path.Add(name?.Text ?? "?");
            YamlNode? value = Node(depth + 1);
            _path.RemoveAt(_path.Count - 1);
            if (value is null) return null;
            if (isMerge) merged.Add(value);
            else if (name is { IsNull: false } && !mapping.Add(name, value)) Duplicate(mapping, name);
        }
        foreach (YamlNode node in merged) Merge(mapping, node);
        return _isGivenUp ? null : mapping;
    }

    void Duplicate(YamlMapping mapping, YamlScalar key)
    {
        string place = new Diagnostic("", Severity.Error, _file.Source, (mapping.FindKey(key.Text) ?? key).Span, "").Place;
        _path.Add(key.Text);
        Error(Codes.DuplicateName, key.Span, "the key stands twice", $"the first is at {place}");
        _path.RemoveAt(_path.Count - 1);
    }

    /// <summary><c>&lt;&lt;: *defaults</c>: what the mapping does not say itself, the earlier of several first.</summary>
    void Merge(YamlMapping into, YamlNode from)
    {
        switch (from)
        {
            case YamlMapping mapping:
                if (!Grow(mapping.Size, mapping.Span)) return;
                foreach (var (key, value) in mapping.Entries) into.Add(key, value);
                break;
            case YamlSequence list when list.Items.All(i => i is YamlMapping):
                foreach (YamlNode item in list.Items) Merge(into, item);
                break;
            default:
                Error(Codes.BadArgument, from.Span, "'<<' merges a mapping, or a list of mappings");
                break;
        }
    }

    void GiveUp(string code, Span span, string message, string? hint = null)
    {
        if (!_isGivenUp) Error(code, span, message, hint);
        _isGivenUp = true;
    }

    void Error(string code, Span span, string message, string? hint = null) =>
        _file.Error(code, span, string.Join('.', _path), message, hint);
}
