using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Plinth.Store.Postgres;

/// <summary>
/// The text of a statement as this database numbers its parameters. The platform's own statements are written with <c>?1</c>, which every
/// driver knows how to spell; those that the writers make are spelt already.
/// </summary>
sealed record PostgresText(string Sql, int Parameters)
{
    const int KeptMax = 20_000;

    static readonly ConcurrentDictionary<string, PostgresText> s_known = new(StringComparer.Ordinal);

    public static PostgresText Of(string sql)
    {
        if (s_known.TryGetValue(sql, out PostgresText? known)) return known;
        if (s_known.Count > KeptMax) s_known.Clear();
        return s_known[sql] = Read(sql);
    }

    static PostgresText Read(string sql)
    {
        StringBuilder to = new(sql.Length);
        int most = 0;
        bool isQuoted = false;
        for (int i = 0; i < sql.Length; i++)
        {
            char c = sql[i];
            if (c is '\'' or '"') isQuoted = !isQuoted;
            bool isParameter = !isQuoted && c is '?' or '$' && i + 1 < sql.Length && char.IsAsciiDigit(sql[i + 1]);
            to.Append(isParameter ? '$' : c);
            if (!isParameter) continue;
            int end = i + 1;
            while (end < sql.Length && char.IsAsciiDigit(sql[end])) end++;
            most = Math.Max(most, int.Parse(sql.AsSpan(i + 1, end - i - 1), CultureInfo.InvariantCulture));
        }

        return new PostgresText(to.ToString(), most);
    }
}
