using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Plinth.Cases;

/// <summary>JSON as cases write it.</summary>
static class Json
{
    /// <summary>Splits documents that follow one another, on one line or on several.</summary>
    public static IEnumerable<string> Documents(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        List<string> documents = [];
        Utf8JsonReader reader = new(bytes, new JsonReaderOptions { AllowMultipleValues = true });
        while (reader.Read())
        {
            int start = (int)reader.TokenStartIndex;
            reader.Skip();
            documents.Add(Encoding.UTF8.GetString(bytes.AsSpan(start..(int)reader.BytesConsumed)));
        }
        return documents;
    }

    /// <summary>The same document for people: what fits on a line of 120 characters stands on one.</summary>
    public static string Readable(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json);
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        StringBuilder text = new();
        Write(text, document.RootElement, indent: 0);
        return text.ToString();
    }

    static void Write(StringBuilder text, JsonElement element, int indent)
    {
        string flat = JsonSerializer.Serialize(element, s_flat);
        if (flat.Length + indent <= 120 || element.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object))
        {
            text.Append(flat);
            return;
        }
        bool isArray = element.ValueKind == JsonValueKind.Array;
        text.Append(isArray ? '[' : '{');
        string separator = "";
        foreach (var (name, value) in isArray
            ? element.EnumerateArray().Select(item => ("", item))
            : element.EnumerateObject().Select(member => ($"\"{member.Name}\":", member.Value)))
        {
            text.Append(separator).Append('\n').Append(' ', indent + 2).Append(name);
            Write(text, value, indent + 2);
            separator = ",";
        }
        text.Append('\n').Append(' ', indent).Append(isArray ? ']' : '}');
    }

    static readonly JsonSerializerOptions s_flat = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
