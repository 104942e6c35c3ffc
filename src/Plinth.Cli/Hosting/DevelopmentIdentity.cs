using System.Text;
using System.Text.Json;
using Plinth.Policy;
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
        try
        {
            return ClaimsReader.Read(auth, ref reader);
        }
        catch (JsonException broken)
        {
            return (default, "not a JSON object: " + broken.Message);
        }
    }
}
