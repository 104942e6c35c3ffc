namespace Plinth.Language.Yaml;

/// <summary>One rule of a list: of a collection, or of a field.</summary>
sealed class YamlRuleReader(YamlFile file, NativeText text, YamlExpression expression)
{
    /// <param name="before">What stands before <c>allow</c> or <c>deny</c>: the attribute's @.</param>
    public void Write(YamlEntry item, string before)
    {
        if (item.Value is not YamlMapping mapping)
        {
            file.Error(Codes.BadArgument, YamlFile.Place(item), item.Path, "a rule of a list is a mapping",
                "as in { allow: read, when: \"auth != null\" }");
            return;
        }
        YamlEntry[] parts = [.. YamlFile.Entries(mapping, item.Path)];
        YamlEntry[] effects = Array.FindAll(parts, p => p.Name is "allow" or "deny");
        if (effects.Length != 1)
            file.Error(Codes.MissingArgument, mapping.Span, item.Path, "a rule has either allow: or deny:, with its operations");
        foreach (YamlEntry part in parts)
        {
            if (part.Name is not ("allow" or "deny" or "when" or "after" or "message"))
                file.Unknown(part, ["allow", "deny", "when", "after", "message"]);
        }
        if (effects.Length != 1) return;
        YamlEntry effect = effects[0];
        List<string> operations = [];
        foreach (YamlEntry operation in YamlFile.Items(effect)) if (file.Text(operation) is { } word) operations.Add(word);
        using (text.At(YamlFile.Place(effect), effect.Path))
        {
            text.Write(before).Write(effect.Name).Write("(").Literal(string.Join(", ", operations));
            foreach (YamlEntry part in parts) Part(part);
            text.Write(")");
        }
    }

    void Part(YamlEntry part)
    {
        if (part.Name == "message")
        {
            if (file.Text(part) is { } message) text.Write(", message: ").Literal(message);
            return;
        }
        if (part.Name is not ("when" or "after")) return;
        using (text.At(YamlFile.Place(part), part.Path))
        {
            text.Write(part.Name == "when" ? ", " : ", after: ");
            if (!expression.Write(part)) text.Write("false");
        }
    }
}
