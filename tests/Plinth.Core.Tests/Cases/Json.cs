using System.Text;
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
}
