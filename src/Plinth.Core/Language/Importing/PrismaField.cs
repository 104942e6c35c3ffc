using System.Globalization;
using Plinth.Language.Yaml;

namespace Plinth.Language.Importing;

/// <summary>One scalar field of a Prisma model or type.</summary>
sealed class PrismaField(ImportedSchema schema, string path, PrismaMember member, bool isEnum, bool isMember)
{
    /// <summary>Native types that say what the type here says anyway, or that were looked at.</summary>
    static readonly string[] s_forms =
    [
        "Uuid", "Text", "MediumText", "LongText", "Date", "Time", "Timetz", "Decimal", "Numeric", "Integer", "Int", "BigInt",
        "DoublePrecision", "Double", "Boolean", "JsonB", "Json", "ByteA", "Timestamp", "Timestamptz",
    ];

    readonly List<string> _attributes = [];

    /// <param name="name">As it is written.</param>
    /// <param name="declared">The type, when it is an enum or a type of the schema.</param>
    /// <param name="column">The column, when its name is not the usual one.</param>
    /// <returns>Null when the field cannot be carried, which is noted.</returns>
    public string? Text(string name, string? declared, string? column)
    {
        if ((declared ?? Scalar()) is not { } type) return null;
        foreach (PrismaAttribute attribute in member.Attributes) Attribute(attribute, type);
        if (column is not null && !isMember) _attributes.Add($"@map({NativeText.Quoted(column)})");
        if (member is { IsList: true, IsOptional: true }) schema.Note(path, "a list is never null here");
        string arity = member.IsList ? "[]" : member.IsOptional ? "?" : "";
        return string.Join(' ', [name, type + arity, .. _attributes]);
    }

    string? Scalar()
    {
        string? stored = member.Attributes.FirstOrDefault(a => a.Name.StartsWith("db.", StringComparison.Ordinal))?.Name[3..];
        switch (member.Type)
        {
            case "String":
                return stored switch { "Uuid" => "Uuid", "Text" or "MediumText" or "LongText" => "Text", _ => "String" };
            case "Boolean" or "Int" or "BigInt" or "Float" or "Json" or "Bytes": return member.Type;
            case "DateTime": return stored switch { "Date" => "Date", "Time" or "Timetz" => "Time", _ => "DateTime" };
            case "Decimal": return Decimal();
            case "Unsupported":
                schema.Note(path, $"left out: Unsupported({member.TypeArguments.FirstOrDefault()?.Text})");
                return null;
            default:
                schema.Note(path, $"left out: the type {member.Type} is not known");
                return null;
        }
    }

    string Decimal()
    {
        PrismaAttribute? stored = member.Attributes.FirstOrDefault(a => a.Name is "db.Decimal" or "db.Numeric");
        bool isRead = int.TryParse(stored?.Argument("", 0)?.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int digits);
        if (!int.TryParse(stored?.Argument("", 1)?.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int scale)) scale = 0;
        if (isRead && digits is >= 1 and <= 18 && scale <= digits) return Sized(digits, scale);
        schema.Note(path, isRead ? $"Decimal({digits}, {scale}) became Decimal(18, {Math.Min(scale, 6)}): 18 digits are the most"
            : "Decimal without digits became Decimal(18, 6)");
        return Sized(18, isRead ? Math.Min(scale, 6) : 6);

        static string Sized(int digits, int scale) => string.Create(CultureInfo.InvariantCulture, $"Decimal({digits}, {scale})");
    }

    void Attribute(PrismaAttribute attribute, string type)
    {
        switch (attribute.Name)
        {
            case "id" or "updatedAt":
                _attributes.Add("@" + attribute.Name);
                break;
            case "unique":
                _attributes.Add(attribute.Argument("map") is { } map ? $"@unique(name: {NativeText.Quoted(map.Text)})" : "@unique");
                break;
            case "default": Default(attribute, type); break;
            case "map": break;
            default:
                if (attribute.Name.StartsWith("db.", StringComparison.Ordinal)) Stored(attribute);
                else schema.Note(path, $"@{attribute.Name} is not known here");
                break;
        }
    }

    void Stored(PrismaAttribute attribute)
    {
        string form = attribute.Name[3..];
        string? size = attribute.Argument("", 0)?.Text;
        bool isText = member.Type == "String" && !member.IsList;
        if (form is "VarChar" or "Char" or "NVarChar" or "NChar" && isText && int.TryParse(size, NumberStyles.None,
            CultureInfo.InvariantCulture, out int length)) _attributes.Add(string.Create(CultureInfo.InvariantCulture,
                $"@length(max: {length})"));
        else if (form is "SmallInt" && member.Type == "Int") _attributes.Add("@range(-32768, 32767)");
        else if (!s_forms.Contains(form)) schema.Note(path, $"@{attribute.Name} is not carried: each type has one form in the database");
    }

    void Default(PrismaAttribute attribute, string type)
    {
        if (attribute.Argument("value", 0) is not { } value) return;
        string? text = value.Kind switch
        {
            PrismaValueKind.Call => Function(value, type),
            PrismaValueKind.List => List(value),
            _ => Literal(value),
        };
        if (text is not null) _attributes.Add($"@default({text})");
    }

    string? Function(PrismaValue value, string type)
    {
        string? version = value.Items.FirstOrDefault()?.Value.Text;
        switch (value.Text)
        {
            case "autoincrement" or "now": return value.Text + "()";
            case "uuid" when type == "Uuid": return version == "7" ? "uuid7()" : "uuid4()";
            case "uuid":
                schema.Note(path, "uuid() makes Uuid values; the field is a String, whose new keys are made by cuid()");
                return "cuid()";
            case "cuid" when type is "String": return "cuid()";
            case "nanoid" when type is "String": return "nanoid()";
            default:
                schema.Note(path, $"@default({value.Text}(…)) is not carried");
                return null;
        }
    }

    string List(PrismaValue value) => $"[{string.Join(", ", value.Items.Select(i => Literal(i.Value)))}]";

    string Literal(PrismaValue value)
    {
        if (value.Kind == PrismaValueKind.Text && member.Type == "Json") return JsonOf(value.Text) ?? "{}";
        bool isText = value.Kind == PrismaValueKind.Text
            || (value.Kind == PrismaValueKind.Word && (isEnum || value.Text is not ("true" or "false")));
        return isText ? NativeText.Quoted(value.Text) : value.Text;
    }

    /// <summary>JSON is written into the schema as it is only when it is JSON.</summary>
    static string? JsonOf(string text)
    {
        try
        {
            using System.Text.Json.JsonDocument json = System.Text.Json.JsonDocument.Parse(text);
            return json.RootElement.GetRawText();
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }
}
