using Plinth.Schema;

namespace Plinth.Language.Yaml;

/// <summary><c>richtext:</c> → what may be in a text of HTML.</summary>
sealed class YamlRichText(YamlFile file, NativeText text)
{
    public void Write(YamlEntry section)
    {
        text.Write(" @html");
        string separator = "(";
        foreach (YamlEntry part in file.Entries(section, "preset, allow and deny").OrderBy(p => p.Name != "preset"))
        {
            using (text.At(YamlFile.Place(part), part.Path))
            {
                switch (part.Name)
                {
                    case "preset" when file.Word(part, [.. HtmlPresets.Names]) is { } preset:
                        text.Write(separator).Write(preset);
                        separator = ", ";
                        break;
                    case "allow" or "deny":
                        string[] words = [.. YamlFile.Items(part).Select(i => file.Word(i, [.. HtmlPresets.Words])).OfType<string>()];
                        if (words.Length == 0) break;
                        text.Write(separator).Write(part.Name).Write(": [").Write(string.Join(", ", words)).Write("]");
                        separator = ", ";
                        break;
                    case "preset": break;
                    default: file.Unknown(part, ["preset", "allow", "deny"]); break;
                }
            }
        }
        text.Write(separator == "(" ? "" : ")");
    }

    /// <summary>What <see cref="Write"/> reads as these formats; null for what is meant without a word.</summary>
    public static string? Text(HtmlFormats formats)
    {
        var (preset, allow, deny) = HtmlPresets.Say(formats);
        YamlFlow flow = new();
        if (formats != HtmlPresets.Basic) flow.Add("preset", preset);
        if (!allow.IsEmpty) flow.Add("allow", YamlText.List(allow));
        if (!deny.IsEmpty) flow.Add("deny", YamlText.List(deny));
        return flow.IsEmpty ? null : flow.ToString();
    }
}
