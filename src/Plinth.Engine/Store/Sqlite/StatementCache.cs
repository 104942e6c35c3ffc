namespace Plinth.Store.Sqlite;

/// <summary>The prepared statements of one connection by their text, bounded: the one unused for longest goes first.</summary>
sealed class StatementCache(int statementsMax)
{
    readonly Dictionary<string, SqliteStatement> _statements = new(TextComparer.It);
    long _uses;

    public int Count => _statements.Count;

    /// <summary>Null when there is none, or it is lent out.</summary>
    public SqliteStatement? Take(string sql)
    {
        if (!_statements.TryGetValue(sql, out SqliteStatement? statement) || statement.IsLent) return null;
        statement.UsedAt = ++_uses;
        return statement;
    }

    /// <summary>Keeps a statement unless one with the same text is kept already.</summary>
    public void Keep(SqliteStatement statement)
    {
        if (!_statements.TryAdd(statement.Sql, statement)) return;
        statement.IsKept = true;
        statement.UsedAt = ++_uses;
        if (_statements.Count > statementsMax) DropOldest();
    }

    /// <summary>Closes all that are not lent out, and forgets the others, which close when they come back.</summary>
    public void Clear()
    {
        foreach (SqliteStatement statement in _statements.Values)
        {
            statement.IsKept = false;
            if (!statement.IsLent) statement.Close();
        }

        _statements.Clear();
    }

    // Linear, but it runs only when more shapes of statements are in use than the bound, and then each costs a parse anyway.
    void DropOldest()
    {
        SqliteStatement? oldest = null;
        foreach (SqliteStatement statement in _statements.Values)
        {
            if (!statement.IsLent && (oldest is null || statement.UsedAt < oldest.UsedAt)) oldest = statement;
        }

        if (oldest is null) return;
        _statements.Remove(oldest.Sql);
        oldest.Close();
    }

    /// <summary>
    /// Plans keep the text of their statements, so the same string object comes again and again: equality is mostly one comparison of
    /// references, and hashing all of a long text would cost more than the look-up.
    /// </summary>
    sealed class TextComparer : IEqualityComparer<string>
    {
        public static readonly TextComparer It = new();

        public bool Equals(string? x, string? y) => string.Equals(x, y, StringComparison.Ordinal);

        public int GetHashCode(string text)
        {
            uint hash = (uint)text.Length;
            int stride = Math.Max(1, text.Length / 24);
            for (int i = text.Length - 1; i >= 0; i -= stride) hash = (hash * 31) + text[i];
            return (int)hash;
        }
    }
}
