using System.Text.Json;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>JSON → the claims that rules read as <c>auth</c>, in the shape that the schema's block <c>auth</c> gives them.</summary>
static class ClaimsReader
{
    /// <summary>Reads the object that the reader stands before or on. A claim of null is one that is not there.</summary>
    /// <param name="shape">What claims there are.</param>
    /// <param name="json">Left on the end of the object.</param>
    /// <param name="ignoreUnknown">For the tokens of others, which say more than we ask.</param>
    /// <returns>The claims (a Map); or what is wrong with them in a sentence.</returns>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static (Value Claims, string? Problem) Read(AuthShape shape, ref Utf8JsonReader json, bool ignoreUnknown = false)
    {
        if (json.TokenType != JsonTokenType.StartObject) json.Read();
        if (json.TokenType != JsonTokenType.StartObject) return (default, "the claims are no object");
        List<KeyValuePair<string, Value>> claims = [];
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string name = json.GetString() ?? "";
            if (shape.Claim(name) is not { } claim)
            {
                if (!ignoreUnknown)
                    return (default, $"unknown claim '{name}'"
                        + (Names.DidYouMean(name, shape.Claims.Select(c => c.Name)) is { } hint ? ", " + hint : ""));
                json.Read();
                json.Skip();
                continue;
            }
            json.Read();
            if (json.TokenType == JsonTokenType.Null) continue;
            if (!TryClaim(shape, ref json, claim, ignoreUnknown, out Value value))
                return (default, $"the claim '{name}' is no {claim.Type.Name}");
            claims.Add(new(name, value));
        }
        return (Value.FromMap(new ValueMap([.. claims])), null);
    }

    /// <summary>A required claim that is not among the claims; null when all are there.</summary>
    public static Field? Missing(AuthShape shape, Value claims)
    {
        foreach (Field claim in shape.Claims)
        {
            if (!claim.IsNullable && !claim.IsList && !claims.Map.TryGet(claim.Name, out _)) return claim;
        }
        return null;
    }

    static bool TryClaim(
        AuthShape shape, ref Utf8JsonReader json, Field claim, bool ignoreUnknown, out Value value)
    {
        if (!claim.IsList) return TryOne(shape, ref json, claim.Type, ignoreUnknown, out value);
        value = default;
        if (json.TokenType != JsonTokenType.StartArray) return false;
        List<Value> items = [];
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (!TryOne(shape, ref json, claim.Type, ignoreUnknown, out Value item)) return false;
            items.Add(item);
        }
        value = Value.FromList([.. items]);
        return true;
    }

    static bool TryOne(
        AuthShape shape, ref Utf8JsonReader json, FieldType type, bool ignoreUnknown, out Value value)
    {
        value = default;
        switch (type)
        {
            case ScalarFieldType scalar:
                return scalar.Scalar.TryRead(ref json, out value);
            case EnumFieldType words when json.TokenType == JsonTokenType.String:
                string word = json.GetString() ?? "";
                value = Value.From(word);
                return words.Enum.Values.Contains(word);
            case EmbeddedFieldType embedded when json.TokenType == JsonTokenType.StartObject:
                return TryMembers(shape, ref json, embedded, ignoreUnknown, out value);
            default:
                return false;
        }
    }

    /// <summary>The members of a type, each as it is declared: what is required is there, and what is not known is not.</summary>
    static bool TryMembers(
        AuthShape shape, ref Utf8JsonReader json, EmbeddedFieldType of, bool ignoreUnknown, out Value value)
    {
        value = default;
        if (shape.Types.FirstOrDefault(t => t.Name == of.TypeName) is not { } type) return false;
        List<KeyValuePair<string, Value>> members = [];
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string name = json.GetString() ?? "";
            json.Read();
            Field? member = type.Fields.FirstOrDefault(f => string.Equals(f.Name, name, StringComparison.Ordinal));
            if (member is null && !ignoreUnknown) return false;
            if (member is null) json.Skip();
            if (member is null || json.TokenType == JsonTokenType.Null) continue;
            if (!TryClaim(shape, ref json, member, ignoreUnknown, out Value read)) return false;
            members.Add(new(name, read));
        }
        value = Value.FromMap(new ValueMap([.. members]));
        return type.Fields.All(f => f.IsNullable || f.IsList || members.Exists(m => m.Key == f.Name));
    }
}
