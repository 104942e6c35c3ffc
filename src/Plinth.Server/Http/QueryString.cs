using Plinth.Text;

namespace Plinth.Http;

/// <summary>One decoded query parameter.</summary>
readonly record struct Parameter(string Name, string Text);

/// <summary>Splits and decodes a query string, bounded in the number of parameters before anything is kept.</summary>
static class QueryString
{
    public static Result<List<Parameter>> Split(ReadOnlySpan<char> query, Limits limits)
    {
        List<Parameter> parameters = [];
        if (query.IsEmpty) return parameters;
        if (query.Count('&') >= limits.Parameters)
        {
            return Faults.LimitExceeded.Says($"the query string has more than {limits.Parameters} parameters",
                hint: "limits.parameters is the setting");
        }
        foreach (Range range in query.Split('&'))
        {
            ReadOnlySpan<char> pair = query[range];
            if (pair.IsEmpty) continue;
            int equals = pair.IndexOf('=');
            ReadOnlySpan<char> rawName = equals < 0 ? pair : pair[..equals];
            ReadOnlySpan<char> rawText = equals < 0 ? default : pair[(equals + 1)..];
            if (!PercentText.TryDecode(rawName, plusIsSpace: true, out string name))
                return Faults.MalformedParameter.Says($"query parameter {parameters.Count + 1}: its name is not percent-encoded UTF-8");
            if (!PercentText.TryDecode(rawText, plusIsSpace: true, out string text))
            {
                return Faults.MalformedParameter.Says(
                    $"query parameter '{Shown.Name(name)}': its value is not percent-encoded UTF-8 without U+0000",
                    new FaultDetail(Shown.Name(name), Faults.MalformedParameter.Code, "is not percent-encoded UTF-8"));
            }
            parameters.Add(new Parameter(name, text));
        }
        return parameters;
    }
}
