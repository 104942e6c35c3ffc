namespace Plinth.Language.Yaml;

/// <summary><c>validate:</c> and <c>select:</c> → validators, in the order of the keys; a list of mappings may say a key twice.</summary>
sealed class YamlValidation(YamlFile file, NativeText text, YamlExpression expression, string type)
{
    static readonly string[] s_keys = ["minLength", "maxLength", "min", "max", "format", "pattern", "enum", "check"];

    /// <summary>A UUID as Alyx checks it in a text; a field that is one has type: uuid.</summary>
    const string Uuid = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";

    public void Read(YamlEntry section)
    {
        if (section.Value is YamlSequence)
        {
            foreach (YamlEntry item in YamlFile.Items(section))
            {
                if (item.Value is YamlSequence) file.Error(Codes.BadArgument, item.Value.Span, item.Path,
                    "a mapping of checks is expected");
                else Read(item);
            }
            return;
        }
        foreach (YamlEntry part in file.Entries(section, "checks"))
        {
            using (text.At(YamlFile.Place(part), part.Path)) Part(part, section);
        }
    }

    void Part(YamlEntry part, YamlEntry section)
    {
        YamlMapping mapping = (YamlMapping)section.Value;
        switch (part.Name)
        {
            case "minLength" or "maxLength": Bounds(file, text, "@length", part, mapping, section.Path, "minLength", "maxLength"); break;
            case "min" or "max": Bounds(file, text, "@range", part, mapping, section.Path, "min", "max"); break;
            case "format":
                string format = file.Word(part, "email", "url", "uuid", "currency") ?? "";
                if (format == "uuid") text.Write(" @regex(").Literal(Uuid).Write(")");
                else if (format.Length > 0) text.Write(format == "currency" ? " @iso4217" : " @" + format);
                break;
            case "pattern":
                if (file.Text(part) is { } pattern) text.Write(" @regex(").Literal(pattern).Write(")");
                break;
            case "enum": Values(part); break;
            case "check":
                text.Write(" @check(");
                if (!expression.Write(part)) text.Write("true");
                text.Write(")");
                break;
            default: file.Unknown(part, s_keys); break;
        }
    }

    /// <summary>Two keys, one attribute: written where the first of them stands.</summary>
    public static void Bounds(
        YamlFile file, NativeText text, string attribute, YamlEntry part, YamlMapping mapping, string path, string least, string most)
    {
        if (part.Name == most && mapping.Find(least) is not null && IsBefore(mapping, least, most)) return;
        if (part.Name == least && mapping.Find(most) is not null && IsBefore(mapping, most, least)) return;
        string separator = "";
        text.Write(" ").Write(attribute).Write("(");
        foreach (string key in (ReadOnlySpan<string>)[least, most])
        {
            if (mapping.Find(key) is not { } value || mapping.FindKey(key) is not { } at) continue;
            if (file.Number(new YamlEntry(at, value, $"{path}.{key}")) is not { } number) continue;
            text.Write(separator).Write(key == least ? "min: " : "max: ");
            using (text.At(value.Span, $"{path}.{key}")) text.Number(number);
            separator = ", ";
        }
        // Neither was a number, which was said: the attribute holds anything.
        text.Write(separator.Length == 0 ? "min: 0)" : ")");
    }

    static bool IsBefore(YamlMapping mapping, string first, string second)
    {
        foreach (var (key, _) in mapping.Entries)
        {
            if (key.Text == first) return true;
            if (key.Text == second) return false;
        }
        return false;
    }

    public void Select(YamlEntry section)
    {
        bool hasValues = false;
        foreach (YamlEntry part in file.Entries(section, "values and maxSelect"))
        {
            if (part.Name == "values")
            {
                hasValues = true;
                using (text.At(YamlFile.Place(part), part.Path)) Values(part);
            }
            else if (part.Name == "maxSelect")
            {
                if (file.Number(part) is not { } most) continue;
                if (most < 0 || !decimal.IsInteger(most)) file.Error(Codes.BadArgument, YamlFile.Place(part), part.Path,
                    "a whole number is expected");
                else if (most > 1) text.Write(" @length(max: ").Number(most).Write(")");
            }
            else
            {
                file.Unknown(part, ["values", "maxSelect"]);
            }
        }
        if (!hasValues) file.Error(Codes.MissingArgument, section.Key.Span, section.Path, "a select needs its values",
            "add values: [a, b]");
    }

    void Values(YamlEntry part)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        text.Write(" @oneOf([");
        foreach (YamlEntry item in YamlFile.Items(part))
        {
            if (file.Text(item) is not { } value) continue;
            if (value.Length == 0) file.Error(Codes.BadArgument, YamlFile.Place(item), item.Path, "a value is not empty");
            if (!seen.Add(value))
            {
                file.Error(Codes.DuplicateName, YamlFile.Place(item), item.Path, $"'{YamlFile.Shown(value)}' stands twice");
                continue;
            }
            if (seen.Count > 1) text.Write(", ");
            using (text.At(YamlFile.Place(item), item.Path)) YamlDefault.WriteLiteral(text, (YamlScalar)item.Value, type);
        }
        text.Write("])");
    }
}
