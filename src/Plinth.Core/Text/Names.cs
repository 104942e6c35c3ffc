using System.Text;

namespace Plinth.Text;

/// <summary>The one place where names are derived from names: columns, tables, routes, suggestions.</summary>
static class Names
{
    /// <summary><c>webhookDelivery</c> → <c>webhook_delivery</c>; a run of capitals is one word (<c>HTTPLog</c> →
    /// <c>http_log</c>).</summary>
    public static string SnakeCase(string name)
    {
        StringBuilder text = new(name.Length + 8);
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            bool startsWord = char.IsUpper(c) && i > 0 && name[i - 1] != '_'
                && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])));
            if (startsWord) text.Append('_');
            text.Append(char.ToLowerInvariant(c));
        }
        return text.ToString();
    }

    /// <summary>Three rules and no dictionary, so that everyone can predict it: s/x/ch/sh + es, consonant + y → ies, else + s.</summary>
    public static string Plural(string snake)
    {
        if (EndsWithAny(snake, "s", "x", "ch", "sh")) return snake + "es";
        if (snake.Length > 1 && snake[^1] == 'y' && !"aeiou".Contains(snake[^2], StringComparison.Ordinal)) return snake[..^1] + "ies";
        return snake + "s";
    }

    /// <summary>The table and route of a model: plural snake_case.</summary>
    public static string Collection(string model) => Plural(SnakeCase(model));

    /// <summary>The known name nearest to a wrong one, or null when none is near enough to be what was meant.</summary>
    public static string? Nearest(string wrong, IEnumerable<string> known)
    {
        string? best = null;
        int bestDistance = Math.Max(1, wrong.Length / 3) + 1;
        foreach (string candidate in known)
        {
            if (Math.Abs(candidate.Length - wrong.Length) >= bestDistance) continue;
            int distance = Distance(wrong, candidate, bestDistance);
            if (distance < bestDistance) (best, bestDistance) = (candidate, distance);
        }
        return best;
    }

    /// <summary>" Did you mean 'x'?" or nothing.</summary>
    public static string? DidYouMean(string wrong, IEnumerable<string> known) =>
        Nearest(wrong, known) is { } near ? $"did you mean '{near}'?" : null;

    static bool EndsWithAny(string text, params ReadOnlySpan<string> ends)
    {
        foreach (string end in ends)
        {
            if (text.EndsWith(end, StringComparison.Ordinal)) return true;
        }
        return false;
    }

    /// <summary>Optimal string alignment distance, case-insensitive, cut off at <paramref name="limit"/>.</summary>
    static int Distance(string a, string b, int limit)
    {
        if (a.Length > 64 || b.Length > 64) return limit;
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++) cost[i, 0] = i;
        for (int j = 0; j <= b.Length; j++) cost[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                char x = char.ToLowerInvariant(a[i - 1]), y = char.ToLowerInvariant(b[j - 1]);
                int best = Math.Min(Math.Min(cost[i - 1, j] + 1, cost[i, j - 1] + 1), cost[i - 1, j - 1] + (x == y ? 0 : 1));
                bool swapped = i > 1 && j > 1 && x == char.ToLowerInvariant(b[j - 2]) && y == char.ToLowerInvariant(a[i - 2]);
                cost[i, j] = swapped ? Math.Min(best, cost[i - 2, j - 2] + 1) : best;
            }
        }
        return cost[a.Length, b.Length];
    }
}
