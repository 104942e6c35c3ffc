using System.Text.Json;

namespace Plinth.Schema.Types;

/// <summary>Strings of a request: U+0000 and lone surrogates are refused, since no database keeps them the same.</summary>
static class JsonStrings
{
    public static bool TryRead(ref Utf8JsonReader json, out string text)
    {
        text = "";
        if (json.TokenType != JsonTokenType.String) return false;
        try
        {
            text = json.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            // The reader's only way to say that an escape is a lone surrogate, or that the bytes are not UTF-8.
            return false;
        }
        return !text.Contains('\0', StringComparison.Ordinal);
    }

    /// <summary>Text that did not come from JSON (a URL, a CSV cell): the same refusals.</summary>
    public static bool IsClean(ReadOnlySpan<char> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\0') return false;
            if (!char.IsSurrogate(c)) continue;
            if (!char.IsHighSurrogate(c) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1])) return false;
            i++;
        }
        return true;
    }
}
