using System.Text.Json;

namespace Plinth.Plan;

/// <summary>
/// Names of JSON members. The reader throws on a name that escapes half a surrogate pair; here such a name is one that nothing has.
/// </summary>
static class JsonNames
{
    public const string Unreadable = "\uFFFD";

    public static string Of(ref Utf8JsonReader json)
    {
        try
        {
            return json.GetString() ?? "";
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
