using System.Text.Json;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Sql;

/// <summary>What a full-text table holds for a value: the encoded terms of its text, or of every text inside a list or document.</summary>
static class FullTextTerms
{
    public static string Of(in Value value) => value.Kind switch
    {
        ValueKind.Null => "",
        ValueKind.String => SearchTerms.Encode(value.String),
        ValueKind.Json => OfJson(value.Json),
        _ => throw new InvalidOperationException($"a value of kind {value.Kind} has no words"),
    };

    static string OfJson(byte[] json)
    {
        Utf8JsonReader reader = new(json);
        List<string> parts = [];
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.String) continue;
            string terms = SearchTerms.Encode(reader.GetString()!); // A string token is not null.
            if (terms.Length > 0) parts.Add(terms);
        }

        return string.Join(' ', parts);
    }
}
