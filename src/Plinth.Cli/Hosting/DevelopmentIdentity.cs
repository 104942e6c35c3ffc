using System.Text;
using System.Text.Json;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cli.Hosting;

/// <summary>The claims of <c>plinth dev --as</c>: a JSON object shaped as the schema's auth block, or the word of a role.</summary>
static class DevelopmentIdentity
{
    const string Role = "role";

    /// <param name="text"><c>{"id":"…","role":"admin"}</c>, or <c>admin</c> for <c>{"role":"admin"}</c>.</param>
    /// <returns>The claims, or what is wrong with them in a sentence.</returns>
    public static (Value Claims, string? Problem) Read(AppSchema schema, string text)
    {
        if (schema.Auth is not { } auth) return (default, "the schema has no `auth` block, so an identity has no shape");
        string json = text.TrimStart().StartsWith('{') ? text : "{\"" + Role + "\":" + Transfer.JsonLine.Text(text.Trim()) + "}";
        Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(json), new JsonReaderOptions { MaxDepth = Limits.Default.JsonDepth });
        List<KeyValuePair<string, Value>> claims = [];
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString() ?? "";
                if (auth.Claim(name) is not { } claim)
                    return (default, $"unknown claim '{name}'"
                        + (Names.DidYouMean(name, auth.Claims.Select(c => c.Name)) is { } hint ? ", " + hint : ""));
                reader.Read();
                if (reader.TokenType == JsonTokenType.Null) continue;
                if (!TryClaim(ref reader, claim, out Value value)) return (default, $"the claim '{name}' is no {claim.Type.Name}");
                claims.Add(new(name, value));
            }
            return (Value.FromMap(new ValueMap([.. claims])), null);
        }
        catch (JsonException broken)
        {
            return (default, "not a JSON object: " + broken.Message);
        }
    }

    static bool TryClaim(ref Utf8JsonReader reader, Field claim, out Value value)
    {
        if (!claim.IsList) return TryOne(ref reader, claim.Type, out value);
        value = default;
        if (reader.TokenType != JsonTokenType.StartArray) return false;
        List<Value> items = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (!TryOne(ref reader, claim.Type, out Value item)) return false;
            items.Add(item);
        }
        value = Value.FromList([.. items]);
        return true;
    }

    static bool TryOne(ref Utf8JsonReader reader, FieldType type, out Value value)
    {
        value = default;
        switch (type)
        {
            case ScalarFieldType scalar:
                return scalar.Scalar.TryRead(ref reader, out value);
            case EnumFieldType words when reader.TokenType == JsonTokenType.String:
                string word = reader.GetString() ?? "";
                value = Value.From(word);
                return words.Enum.Values.Contains(word);
            default:
                return false;
        }
    }
}
