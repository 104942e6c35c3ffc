using System.Globalization;
using System.Text;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>Names that are made for the database from others' names.</summary>
static class DatabaseNames
{
    /// <summary>Cut to what every database takes; what was cut off lives on in a hash, so that two long names stay two.</summary>
    public static string Fit(string name)
    {
        if (name.Length <= Limits.NameLength) return name;
        uint hash = 2166136261;
        foreach (byte b in Encoding.UTF8.GetBytes(name)) hash = unchecked((hash ^ b) * 16777619);
        return string.Create(CultureInfo.InvariantCulture, $"{name.AsSpan(0, Limits.NameLength - 9)}_{hash:x8}");
    }
}
