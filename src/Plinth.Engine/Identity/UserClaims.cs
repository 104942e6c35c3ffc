using System.Text.Json;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>A user's record → the claims of the block <c>auth</c>: the fields of the same names.</summary>
static class UserClaims
{
    /// <summary>Writes them as an object.</summary>
    public static void Write(ByteOutput json, AppSchema schema, AuthShape auth, PlatformRow user)
    {
        json.Write((byte)'{');
        bool isFirst = true;
        foreach (Field claim in auth.Claims)
        {
            if (schema.Model(PlatformRecords.User).Field(claim.Name) is not { } field) continue;
            Value value = user.Of(field.Name);
            if (value.IsNull) continue;
            if (!isFirst) json.Write((byte)',');
            isFirst = false;
            JsonText.WriteName(json, claim.Name);
            PlatformRecords.WriteField(json, field, value);
        }
        json.Write((byte)'}');
    }

    /// <summary>Reads them; null when they do not fit the schema that serves now.</summary>
    public static Value? Read(AuthShape auth, ReadOnlySpan<byte> utf8)
    {
        Utf8JsonReader json = new(utf8);
        try
        {
            var (claims, problem) = ClaimsReader.Read(auth, ref json, ignoreUnknown: true);
            return problem is null && ClaimsReader.Missing(auth, claims) is null ? claims : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static Value? Of(AppSchema schema, AuthShape auth, PlatformRow user)
    {
        using ByteOutput json = new();
        Write(json, schema, auth, user);
        return Read(auth, json.Written);
    }
}
