using System.Text.Json;

namespace Plinth.Plan;

/// <summary>
/// Names of JSON members. The reader throws on a name that escapes half a surrogate pair; here such a name is one that nothing has.
/// </summary>
static class JsonNames
{
    public const string Unreadable = "\uFFFD";

    /// <summary>Goes to the name of the next member; false at the end of the object.</summary>
    public static bool NextMember(ref Utf8JsonReader json)
    {
        // What is cut short throws, so there is a token.
        json.Read();
        return json.TokenType == JsonTokenType.PropertyName;
    }

    /// <summary>Goes to the next item; false at the end of the array.</summary>
    public static bool NextItem(ref Utf8JsonReader json)
    {
        json.Read();
        return json.TokenType != JsonTokenType.EndArray;
    }

    public static string Of(ref Utf8JsonReader json)
    {
        try
        {
            return json.GetString()!; // A name is never null.
        }
        catch (InvalidOperationException)
        {
            return Unreadable;
        }
    }

    public static bool Is(ref Utf8JsonReader json, ReadOnlySpan<byte> utf8) => json.ValueIsEscaped
        ? System.Text.Encoding.UTF8.GetBytes(Of(ref json)).AsSpan().SequenceEqual(utf8)
        : json.ValueTextEquals(utf8);
}
