using System.Text.RegularExpressions;
using Plinth.Sql.Dialects.Sqlite;
using Plinth.Text;
using SQLitePCL;

namespace Plinth.Store.Sqlite;

/// <summary>The function by which SQL asks us whether a text matches a pattern: the one matcher that memory uses too.</summary>
static class SqliteMatching
{
    /// <summary>Patterns that a connection keeps compiled; they are literals of rules and filters, so there are few.</summary>
    const int PatternsMax = 200;

    public static void Register(sqlite3 handle)
    {
        Dictionary<string, Regex> patterns = new(StringComparer.Ordinal);
        const int Flags = raw.SQLITE_UTF8 | raw.SQLITE_DETERMINISTIC;
        raw.sqlite3_create_function(handle, SqliteDialect.MatchesFunction, nArg: 2, Flags, patterns, Matches);
    }

    /// <summary>The same matcher as in memory; null where the text is.</summary>
    static void Matches(sqlite3_context context, object patterns, sqlite3_value[] arguments)
    {
        if (raw.sqlite3_value_type(arguments[0]) != raw.SQLITE_TEXT || raw.sqlite3_value_type(arguments[1]) != raw.SQLITE_TEXT)
        {
            raw.sqlite3_result_null(context);
            return;
        }
        Dictionary<string, Regex> known = (Dictionary<string, Regex>)patterns;
        string pattern = raw.sqlite3_value_text(arguments[1]).utf8_to_string();
        if (!known.TryGetValue(pattern, out Regex? regex))
        {
            if (known.Count >= PatternsMax) known.Clear();
            known.Add(pattern, regex = Regex2.Compile(pattern));
        }
        raw.sqlite3_result_int(context, regex.IsMatch(raw.sqlite3_value_text(arguments[0]).utf8_to_string()) ? 1 : 0);
    }
}
