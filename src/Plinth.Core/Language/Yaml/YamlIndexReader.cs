using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>One item of <c>indexes:</c>, unique or not.</summary>
sealed class YamlIndexReader(YamlFile file, NativeText text, YamlExpression expression)
{
    static readonly string[] s_keys = ["name", "fields", "unique", "order", "code", "where"];

    YamlEntry? _fields, _where, _order;
    string? _name, _code;
    bool _isUnique, _isDescending;

    public void Read(YamlEntry item)
    {
        if (item.Value is not YamlMapping mapping)
        {
            file.Error(Codes.BadArgument, YamlFile.Place(item), item.Path, "an index is a mapping",
                "as in { fields: [a, b], unique: true }");
            return;
        }
        foreach (YamlEntry part in YamlFile.Entries(mapping, item.Path)) Part(part);
        if (_fields is not { } fields)
        {
            file.Error(Codes.MissingArgument, mapping.Span, item.Path, "an index needs its fields", "add fields: [a, b]");
            return;
        }
        if (_isUnique && _isDescending && _order is { } order)
            file.Warning(Codes.NoEffect, YamlFile.Place(order), order.Path, "a unique index holds what is unique; its order says nothing");
        using (text.At(fields.Key.Span, item.Path))
        {
            text.Write(_isUnique ? "  @@unique([" : "  @@index([");
            Fields(fields);
            text.Write("]");
            if (_where is { } where)
            {
                text.Write(", where: ");
                if (!expression.Write(where)) text.Write("true");
            }
            if (_code is not null) text.Write(", code: ").Literal(_code);
            if (_name is not null) text.Write(", name: ").Literal(_name);
            text.Write(")\n");
        }
    }

    void Part(YamlEntry part)
    {
        switch (part.Name)
        {
            case "fields": _fields = part; break;
            case "where": _where = part; break;
            case "name": _name = file.Text(part); break;
            case "code": _code = file.Text(part); break;
            case "unique": _isUnique = file.Switch(part) == true; break;
            case "order":
                _order = part;
                _isDescending = file.Word(part, "asc", "desc") == "desc";
                break;
            default: file.Unknown(part, s_keys); break;
        }
    }

    /// <summary>Names; <c>{score: desc}</c> says the order of one field, <c>order:</c> that of all.</summary>
    void Fields(YamlEntry fields)
    {
        if (_isUnique)
        {
            YamlCollectionReader.WriteNames(file, text, fields);
            return;
        }
        ImmutableArray<YamlEntry> items = [.. YamlFile.Items(fields)];
        bool isFirst = true;
        foreach (YamlEntry item in items)
        {
            YamlEntry named = item;
            bool isDescending = _isDescending;
            string? word;
            if (item.Value is YamlMapping { Entries.Count: 1 } mapping)
            {
                named = YamlFile.Entries(mapping, item.Path).First();
                if (file.Word(named, "asc", "desc") is not { } order) continue;
                (isDescending, word) = (order == "desc", named.Name);
            }
            else
            {
                word = file.Text(item);
            }
            Span place = item.Value is YamlMapping ? named.Key.Span : YamlFile.Place(item);
            if (word is null || file.Name(word, place, item.Path) is not { } name) continue;
            if (!isFirst) text.Write(", ");
            isFirst = false;
            using (text.At(place, item.Path)) text.Listed(name).Write(isDescending ? "(desc)" : "");
        }
        if (isFirst) file.Error(Codes.BadArgument, YamlFile.Place(fields), fields.Path, "names of fields are expected");
    }
}
