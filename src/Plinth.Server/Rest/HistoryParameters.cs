using System.Globalization;
using Plinth.Http;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>The parameters of a record's history.</summary>
/// <param name="After">Events after this position; 0 from the first.</param>
/// <param name="Limit">Null: the schema's page size.</param>
sealed record HistoryParameters(long After, int? Limit)
{
    public static Result<HistoryParameters> Parse(List<Parameter> parameters)
    {
        HistoryParameters read = new(0, null);
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (Parameter parameter in parameters)
        {
            string name = Shown.Name(parameter.Name);
            if (!seen.Add(parameter.Name)) return Faults.MalformedParameter.Says(
                $"'{name}' is given twice", new FaultDetail(name, "repeated", "is given twice"));
            switch (parameter.Name)
            {
                case "after" when long.TryParse(parameter.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long after):
                    read = read with { After = after };
                    break;
                case "limit" when int.TryParse(parameter.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit):
                    read = read with { Limit = limit };
                    break;
                case "after" or "limit":
                    return Faults.MalformedParameter.Says(
                        $"'{name}' is not a whole number", new FaultDetail(name, "type", "is not a whole number"));
                default:
                    return Faults.UnknownParameter.Says($"a history does not take '{name}'", hint: "it takes limit and after");
            }
        }
        return read;
    }
}
