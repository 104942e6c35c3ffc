namespace Plinth.Language.Yaml;

/// <summary>What stands in one collection → the members of its model.</summary>
sealed class YamlCollectionReader(
    YamlFile file, NativeText text, YamlCollections collections, IReadOnlySet<string> types, YamlCollection collection)
{
    static readonly string[] s_keys =
    [
        "fields", "indexes", "rules", "relations", "key", "checks", "search", "softDelete", "paged", "tenant", "subject", "audit",
        "model", "table", "route", "renamedFrom", "description",
    ];

    static readonly string[] s_operations = ["create", "read", "update", "delete", "list", "get", "restore", "purge", "all"];

    readonly YamlExpression _expression = new(file, text);

    public void Read()
    {
        YamlEntry entry = collection.Entry;
        YamlEntry[] parts = [.. file.Entries(entry, "fields, indexes and rules")];
        if (!Array.Exists(parts, p => p.Name == "fields"))
            file.Error(Codes.EmptyBlock, entry.Key.Span, entry.Path, "the collection has no fields", "add fields:");
        // Fields first, whatever comes first in the file: attributes of the model stand behind them.
        foreach (YamlEntry part in parts) if (part.Name == "fields") Fields(part);
        foreach (YamlEntry part in parts) if (part.Name == "relations") Relations(part);
        // Fields, a line of air, and what stands on the model as a whole.
        text.Write("\n");
        if (collection.Table is { } table) Named(entry, "@@map(", table);
        if (collection.Route is { } route) Named(entry, "@@route(", route);
        foreach (YamlEntry part in parts) Part(part);
    }

    void Part(YamlEntry part)
    {
        switch (part.Name)
        {
            // Read before.
            case "fields" or "relations" or "model" or "table" or "route": break;
            case "description": file.Text(part); break;
            case "key": FieldList(part, "@@id("); break;
            case "search": FieldList(part, "@@fulltext("); break;
            case "indexes":
                foreach (YamlEntry item in YamlFile.Items(part)) new YamlIndexReader(file, text, _expression).Read(item);
                break;
            case "checks":
                foreach (YamlEntry item in YamlFile.Items(part)) Check(item);
                break;
            case "softDelete":
                if (file.Switch(part) == true) Line(part, "@@softDelete");
                break;
            case "tenant": Named(part, "@@tenant("); break;
            case "subject": Named(part, "@@subject("); break;
            case "audit":
                if (file.Switch(part) == true) Line(part, "@@audit");
                break;
            case "paged":
                if (file.Switch(part) == true) Line(part, "@@paged");
                break;
            case "renamedFrom":
                if (file.Text(part) is { } old) Named(part, "@@renamedFrom(", old);
                break;
            case "rules": Rules(part); break;
            default: file.Unknown(part, s_keys); break;
        }
    }

    /// <summary>The field that says whose a record is (or <c>none</c>), or whom it is about.</summary>
    void Named(YamlEntry part, string attribute)
    {
        if (file.Text(part) is { } word && file.Name(word, YamlFile.Place(part), part.Path) is { } name)
            using (text.At(YamlFile.Place(part), part.Path)) text.Write("  ").Write(attribute).Listed(name).Write(")\n");
    }

    void Fields(YamlEntry section)
    {
        List<YamlFieldReader> keys = [];
        foreach (YamlEntry entry in file.Entries(section, "fields"))
        {
            YamlFieldReader field = new(file, text, collections, types, entry);
            field.Read(collection);
            if (field.Refers) keys.Add(field);
        }
        foreach (YamlFieldReader field in keys) field.WriteRelation(collection);
    }

    void Relations(YamlEntry section)
    {
        foreach (YamlEntry entry in file.Entries(section, "relations"))
            new YamlRelationReader(file, text, collections, types, entry).Read();
    }

    void Named(YamlEntry entry, string attribute, string name)
    {
        using (text.At(YamlFile.Place(entry), entry.Path)) text.Write("  ").Write(attribute).Literal(name).Write(")\n");
    }

    void Line(YamlEntry entry, string line)
    {
        using (text.At(entry.Key.Span, entry.Path)) text.Write("  ").Write(line).Write("\n");
    }

    void FieldList(YamlEntry entry, string attribute)
    {
        using (text.At(entry.Key.Span, entry.Path))
        {
            text.Write("  ").Write(attribute).Write("[");
            WriteNames(file, text, entry);
            text.Write("])\n");
        }
    }

    /// <summary>Names of fields, separated by commas.</summary>
    public static void WriteNames(YamlFile file, NativeText text, YamlEntry entry)
    {
        bool isFirst = true;
        foreach (YamlEntry item in YamlFile.Items(entry))
        {
            if (file.Text(item) is not { } word || file.Name(word, YamlFile.Place(item), item.Path) is not { } name) continue;
            if (!isFirst) text.Write(", ");
            isFirst = false;
            using (text.At(YamlFile.Place(item), item.Path)) text.Listed(name);
        }
        if (isFirst) file.Error(Codes.BadArgument, YamlFile.Place(entry), entry.Path, "names of fields are expected");
    }

    /// <summary>An expression, or a mapping of it and the check's name.</summary>
    void Check(YamlEntry item)
    {
        YamlEntry? condition = item;
        string? name = null;
        if (item.Value is YamlMapping mapping)
        {
            condition = null;
            foreach (YamlEntry part in YamlFile.Entries(mapping, item.Path))
            {
                if (part.Name == "check") condition = part;
                else if (part.Name == "name") name = file.Text(part);
                else file.Unknown(part, ["check", "name"]);
            }
            if (condition is null) file.Error(Codes.MissingArgument, item.Key.Span, item.Path, "a check needs its condition", "add check:");
        }
        if (condition is not { } expression) return;
        using (text.At(YamlFile.Place(item), item.Path))
        {
            text.Write("  @@check(");
            if (!_expression.Write(expression)) text.Write("true");
            if (name is not null) text.Write(", name: ").Literal(name);
            text.Write(")\n");
        }
    }

    /// <summary>Alyx's mapping of an operation to its expression, or a list of rules with all that one can say.</summary>
    void Rules(YamlEntry section)
    {
        if (section.Value is YamlSequence)
        {
            foreach (YamlEntry item in YamlFile.Items(section)) Rule(item);
            return;
        }
        foreach (YamlEntry entry in file.Entries(section, "rules"))
        {
            if (!s_operations.Contains(entry.Name, StringComparer.Ordinal))
            {
                file.Unknown(entry, s_operations, "operation");
                // A rule that was meant: that it is missing as well would be a second complaint about one mistake.
                text.Write("  @@allow(\"read\", false)\n");
                continue;
            }
            using (text.At(entry.Key.Span, entry.Path))
            {
                text.Write("  @@allow(").Literal(entry.Name).Write(", ");
                if (!_expression.Write(entry)) text.Write("false");
                text.Write(")\n");
            }
        }
    }

    void Rule(YamlEntry item)
    {
        text.Write("  ");
        new YamlRuleReader(file, text, _expression).Write(item, "@@");
        text.Write("\n");
    }
}
