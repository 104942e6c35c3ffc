using System.Globalization;
using System.Reflection;
using Plinth.Http;
using Plinth.Text;

namespace Plinth.Cases;

/// <summary>
/// What a case sets: <c>-- limits --</c> (lines of <c>name number</c>, names as in the settings) and <c>-- settings --</c>.
/// </summary>
static class CaseLimits
{
    public static Limits Read(CaseSection? section)
    {
        Limits limits = Limits.Default with { };
        foreach (string line in section?.Lines ?? [])
        {
            string[] parts = line.Split(' ');
            string name = char.ToUpperInvariant(parts[0][0]) + parts[0][1..];
            PropertyInfo property = typeof(Limits).GetProperty(name) ?? throw new FormatException($"no limit is named '{parts[0]}'");
            property.SetValue(limits, Convert.ChangeType(parts[1], property.PropertyType, CultureInfo.InvariantCulture));
        }
        return limits;
    }

    /// <summary><c>rateLimit n</c>: n requests per address, which practically never come back.</summary>
    public static RateLimit? Rate(CaseSection? section)
    {
        RateLimit? rate = null;
        foreach (string line in section?.Lines ?? [])
        {
            string[] parts = line.Split(' ');
            if (parts[0] != "rateLimit") throw new FormatException($"no setting of a case is named '{parts[0]}'");
            rate = new RateLimit(PerSecond: 0.001, Burst: int.Parse(parts[1], CultureInfo.InvariantCulture));
        }
        return rate;
    }
}
