using System.Globalization;
using System.Text.Json;
using Plinth.Http;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>
/// The body of <c>QUERY</c> and of <c>POST …/query</c>: one object whose members are the parameters of a list, by the same names and in
/// the same texts. Lists may be arrays of strings, numbers and booleans stand for their text.
/// </summary>
static class QueryBody
{
    public static Result<List<Parameter>> Parse(ReadOnlyMemory<byte> json, Limits limits)
    {
        List<Parameter> parameters = [];
        if (json.IsEmpty) return parameters;
        Utf8JsonReader reader = new(json.Span, new JsonReaderOptions { MaxDepth = limits.JsonDepth });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return Wrong("the body is not an object of parameters");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (parameters.Count >= limits.Parameters)
                    return Faults.LimitExceeded.Says(
                        $"the body has more than {limits.Parameters} parameters", hint: "limits.parameters is the setting");
                string name = reader.GetString()!; // A property name is never null.
                reader.Read();
                if (Text(ref reader, name) is not { } text)
                    return Wrong($"{Shown.Name(name)}: a string, a number, a boolean or an array of strings was expected", name);
                parameters.Add(new Parameter(name, text));
            }
            return reader.Read() ? Wrong("the body goes on after its object") : parameters;
        }
        catch (JsonException e)
        {
            return Wrong(string.Create(CultureInfo.InvariantCulture,
                $"the body is not JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}"));
        }
        catch (InvalidOperationException)
        {
            return Wrong("a string of the body is not valid Unicode");
        }
    }

    static string? Text(ref Utf8JsonReader reader, string name)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String: return reader.GetString() is { } text && !text.Contains('\0', StringComparison.Ordinal) ? text
                : null;
            case JsonTokenType.Number: return System.Text.Encoding.UTF8.GetString(reader.ValueSpan);
            case JsonTokenType.True: return "true";
            case JsonTokenType.False: return "false";
            case JsonTokenType.StartArray: return Joined(ref reader, takesCommas: name == "include");
            default: return null;
        }
    }

    static string? Joined(ref Utf8JsonReader reader, bool takesCommas)
    {
        List<string> items = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Number)) return null;
            // Strings only.
            string item = reader.TokenType == JsonTokenType.String ? reader.GetString()!
                : System.Text.Encoding.UTF8.GetString(reader.ValueSpan);
            // A comma in an item would make two of it: the text form has no way to say it.
            if (!takesCommas && item.Contains(',', StringComparison.Ordinal)) return null;
            items.Add(item);
        }
        return string.Join(',', items);
    }

    static Fault Wrong(string message, string? name = null) =>
        name is null ? Faults.MalformedBody.Says(message)
        : Faults.MalformedBody.Says(message, new FaultDetail(Shown.Name(name), Faults.MalformedBody.Code, "has the wrong type"));
}
