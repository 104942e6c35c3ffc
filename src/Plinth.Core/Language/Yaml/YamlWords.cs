using System.Text.RegularExpressions;

namespace Plinth.Language.Yaml;

/// <summary>
/// What the binder says, in the words of a YAML file: attributes are its keys, and remedies are written as it writes them.
/// </summary>
static partial class YamlWords
{
    public static (string Message, string? Hint) Reword(string path, string code, string found, string? foundHint)
    {
        string message = Keys(found);
        string? hint = foundHint is null ? null : Keys(foundHint);
        switch (code)
        {
            case Codes.UnreachableModel:
                message = "no rule lets anyone in: nobody but the system can reach this collection";
                hint = "add rules: { read: \"auth != null\" }; true is everyone";
                break;
            case Codes.MissingKey:
                message = "the collection has no primary key";
                hint = "add the field id: { type: uuid, primary: true, default: auto }";
                break;
            case Codes.BadRelation when found.StartsWith("setNull needs", StringComparison.Ordinal):
                hint = "add nullable: true, or choose cascade or restrict";
                break;
            case Codes.ReservedName when hint is not null:
                hint = "rename it; column: keeps the column's name";
                break;
        }
        return (path.Length == 0 ? message : $"{path}: {message}", hint);
    }

    static string Keys(string text) => Attribute().Replace(KeyFields().Replace(text, "key: $1"), match => KeyOf(match.Value));

    static string KeyOf(string attribute) => attribute switch
    {
        "@id" => "primary",
        "@@id" => "key",
        "@map" => "column",
        "@@map" => "table",
        "@serverOnly" => "internal",
        "@updatedAt" => "onUpdate: now",
        "@length" => "minLength/maxLength",
        "@range" => "min/max",
        "@regex" => "pattern",
        "@email" => "format: email",
        "@url" => "format: url",
        "@iso4217" => "format: currency",
        "@oneOf" => "enum",
        "@html" => "richtext",
        "@trim" or "@lowercase" or "@uppercase" => "normalise: " + attribute[1..],
        "@@unique" or "@@index" => "indexes",
        "@@check" => "checks",
        "@@fulltext" => "search",
        "@@allow" or "@@deny" => "rules",
        _ => attribute.TrimStart('@'),
    };

    [GeneratedRegex("@@id\\((\\[[^\\]]*\\])\\)")]
    private static partial Regex KeyFields();

    [GeneratedRegex("@@?[A-Za-z]\\w*")]
    private static partial Regex Attribute();
}
