using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>
/// <c>default:</c> of a field: a literal of its type, Alyx's words <c>auto</c> and <c>now</c>, or <c>{generate: uuid4}</c> and
/// <c>{auth: id}</c>, which no literal can be mistaken for.
/// </summary>
sealed partial class YamlDefault(YamlFile file, NativeText text, string type, bool isList, bool isPrimary)
{
    static readonly string[] s_generators = ["uuid7", "uuid4", "cuid", "nanoid", "autoincrement", "now"];

    public void Write(YamlEntry part)
    {
        text.Write(" @default(");
        if (!WriteValue(part)) text.Write("null");
        text.Write(")");
    }

    bool WriteValue(YamlEntry part)
    {
        if (part.Value is YamlMapping mapping && type != "Json") return Generated(part, mapping);
        if (part.Value is YamlSequence list && isList)
        {
            text.Write("[");
            for (int i = 0; i < list.Items.Count; i++)
            {
                if (i > 0) text.Write(", ");
                if (!Literal(part with { Value = list.Items[i] })) return false;
            }
            text.Write("]");
            return true;
        }
        if (part.Value is YamlScalar scalar && !isList && Word(scalar) is { } function)
        {
            text.Write(function);
            return true;
        }
        if (!isList) return Literal(part);
        text.Write("[");
        bool isGood = Literal(part);
        text.Write("]");
        return isGood;
    }

    string? Word(YamlScalar scalar) => (scalar.Text, type) switch
    {
        ("auto", "Uuid") => "uuid7()",
        ("auto", "Int" or "BigInt") => "autoincrement()",
        ("auto", "Cuid") => "cuid()",
        ("auto", "NanoId") => "nanoid()",
        ("auto", "String") when isPrimary => "cuid()",
        ("now", "DateTime") => "now()",
        _ => null,
    };

    bool Generated(YamlEntry part, YamlMapping mapping)
    {
        if (mapping.Entries.Count == 1)
        {
            YamlEntry one = YamlFile.Entries(mapping, part.Path).First();
            if (one.Name == "generate" && file.Word(one, s_generators) is { } generator)
            {
                text.Write(generator).Write("()");
                return true;
            }
            if (one.Name == "auth" && file.Text(one) is { } path)
            {
                string[] parts = path.Split('.');
                if (!Array.TrueForAll(parts, p => file.Name(p, YamlFile.Place(one), one.Path) is not null)) return false;
                text.Write("auth.").Write(path);
                return true;
            }
            if (one.Name is "generate" or "auth") return false;
        }
        file.Error(Codes.BadArgument, part.Key.Span, part.Path, "a default is a literal, { generate: … } or { auth: … }",
            $"generators are {string.Join(", ", s_generators)}");
        return false;
    }

    bool Literal(YamlEntry part)
    {
        if (type == "Json")
        {
            string json = Json(part.Value);
            // Direction marks may stand in a string of the file, and nowhere as they are.
            foreach (char mark in Lexer.BidiControls(json).Select(at => json[at]).Distinct().ToArray())
                json = json.Replace(mark.ToString(), string.Create(CultureInfo.InvariantCulture, $"\\u{(int)mark:x4}"),
                    StringComparison.Ordinal);
            text.Write(json);
            return true;
        }
        if (part.Value is YamlScalar scalar)
        {
            WriteLiteral(text, scalar, type);
            return true;
        }
        file.Error(Codes.BadArgument, part.Key.Span, part.Path, $"a value of {type} is expected");
        return false;
    }

    /// <summary>As the type writes it; what does not fit is written so that the binder can say so.</summary>
    public static void WriteLiteral(NativeText text, YamlScalar scalar, string type)
    {
        bool isRaw = scalar.IsPlain && ((YamlTypes.IsNumeric(type) && JsonNumber().IsMatch(scalar.Text))
            || (type == "Boolean" && scalar.Switch is not null) || scalar.IsNull);
        if (!isRaw) text.Literal(scalar.Text);
        else text.Write(scalar.IsNull ? "null" : scalar.Text.ToLowerInvariant());
    }

    /// <summary>A node as JSON: its words and numbers where they are plain, else text.</summary>
    public static string Json(YamlNode node)
    {
        StringBuilder json = new();
        Json(node, json);
        return json.ToString();
    }

    static string Quoted(string text)
    {
        using ByteOutput json = new(text.Length + 2);
        JsonText.WriteString(json, text);
        return Encoding.UTF8.GetString(json.Written);
    }

    static void Json(YamlNode node, StringBuilder json)
    {
        string separator = "";
        switch (node)
        {
            case YamlMapping mapping:
                json.Append('{');
                foreach (var (key, value) in mapping.Entries)
                {
                    json.Append(separator).Append(Quoted(key.Text)).Append(": ");
                    Json(value, json);
                    separator = ", ";
                }
                json.Append('}');
                break;
            case YamlSequence list:
                json.Append('[');
                foreach (YamlNode item in list.Items)
                {
                    json.Append(separator);
                    Json(item, json);
                    separator = ", ";
                }
                json.Append(']');
                break;
            case YamlScalar scalar:
                bool isWord = scalar.IsNull || scalar.Switch is not null || (scalar.IsPlain && JsonNumber().IsMatch(scalar.Text));
                json.Append(!isWord ? Quoted(scalar.Text)
                    : scalar.IsNull ? "null" : scalar.Text.ToLowerInvariant());
                break;
            default: throw new InvalidOperationException($"no JSON for {node.GetType().Name}");
        }
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z")]
    private static partial Regex JsonNumber();
}
