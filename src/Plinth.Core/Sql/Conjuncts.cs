namespace Plinth.Sql;

/// <summary>Writes <c>where</c> before the first condition and <c>and</c> before each other.</summary>
sealed class Conjuncts(SqlWriter sql)
{
    bool _any;

    /// <summary>The writer, ready for the next condition, which must be one that <c>and</c> binds weaker than.</summary>
    public SqlWriter Next()
    {
        sql.Raw(_any ? " and " : " where ");
        _any = true;
        return sql;
    }
}
