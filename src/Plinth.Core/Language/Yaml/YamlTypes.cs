using System.Collections.Frozen;
using System.Collections.Immutable;
using Plinth.Schema.Types;

namespace Plinth.Language.Yaml;

/// <summary>The types of a YAML schema: the words of Alyx files, and besides them every type of the language by its own name.</summary>
static class YamlTypes
{
    /// <summary>A word → the type that holds its values, and what else it says.</summary>
    static readonly FrozenDictionary<string, (string Native, string Attribute)> s_words =
        new Dictionary<string, (string Native, string Attribute)>(StringComparer.Ordinal)
        {
            ["id"] = ("String", ""),
            ["uuid"] = ("Uuid", ""),
            ["string"] = ("String", ""),
            ["text"] = ("Text", ""),
            ["int"] = ("Int", ""),
            ["float"] = ("Float", ""),
            ["bool"] = ("Boolean", ""),
            ["timestamp"] = ("DateTime", ""),
            ["date"] = ("Date", ""),
            ["json"] = ("Json", ""),
            ["blob"] = ("Bytes", ""),
            ["email"] = ("String", "@email"),
            ["url"] = ("String", "@url"),
            ["select"] = ("String", ""),
            ["richtext"] = ("Text", ""),
            // The file's id, whatever made it.
            ["file"] = ("String", "@length(1, 128)"),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The words, for suggestions.</summary>
    public static ImmutableArray<string> Words { get; } =
        [.. s_words.Keys.Append("relation").Order(StringComparer.Ordinal)];

    /// <summary>The native type of a word, and the attribute that comes with it or "".</summary>
    public static (string Native, string Attribute)? Find(string word) => s_words.TryGetValue(word, out var found) ? found : null;

    /// <summary>The word that stands for a native type without saying more, if there is one.</summary>
    public static string? WordOf(string native) => native switch
    {
        "Uuid" => "uuid",
        "String" => "string",
        "Text" => "text",
        "Int" => "int",
        "Float" => "float",
        "Boolean" => "bool",
        "DateTime" => "timestamp",
        "Date" => "date",
        "Json" => "json",
        "Bytes" => "blob",
        _ => null,
    };

    public static bool IsNative(string name) => ScalarTypes.Find(name) is not null || ScalarTypes.NotAvailable.Contains(name);

    public static bool IsNumeric(string native) =>
        native is "Int" or "BigInt" or "Float" || native.StartsWith("Decimal", StringComparison.Ordinal);
}
