using System.Collections.Immutable;
using System.Text;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>
/// How one database spells what the writers want to say, and what it can do. Everyone outside <c>Sql/Dialects</c> asks a member of
/// this class; nobody asks which database it is.
/// </summary>
abstract partial class Dialect
{
    /// <summary>For messages and settings only.</summary>
    public abstract string Name { get; }

    /// <summary>Double quotes, doubled inside, on every dialect that we know.</summary>
    public virtual void QuoteName(StringBuilder to, string name) =>
        to.Append('"').Append(name.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');

    /// <summary>The placeholder of the parameter with this 1-based number.</summary>
    public abstract void Placeholder(StringBuilder to, int number);

    /// <summary>The column type of a field.</summary>
    public abstract string ColumnType(Field field);

    /// <summary>The column type of values of one kind, for the platform's own tables.</summary>
    public abstract string ColumnType(ValueKind kind);

    /// <summary>A constant of the schema in a definition, which takes no parameters.</summary>
    public abstract void Literal(StringBuilder to, in Value value);

    /// <summary>Type and constraint of the column that numbers the rows.</summary>
    public abstract string RowKeyType { get; }

    /// <summary>What follows the closing parenthesis of a table.</summary>
    public virtual string TableOptions => "";

    /// <summary>The statement that makes the full-text table of a table; its rows bear the numbers of the table's rows.</summary>
    /// <param name="to">Where the statement goes.</param>
    /// <param name="name">Its name.</param>
    /// <param name="columns">One per field, each holding encoded terms with spaces between (<c>SearchTerms</c>).</param>
    public abstract void CreateFullText(SqlWriter to, string name, IReadOnlyList<string> columns);

    /// <summary>
    /// The direction of one order term, after its expression. Null sorts as the smallest value, whatever the database would do.
    /// </summary>
    public virtual void WriteOrder(SqlWriter sql, bool descending, bool nullable)
    {
        if (descending) sql.Raw(" desc");
        if (nullable && !IsNullSmallest) sql.Raw(descending ? " nulls last" : " nulls first");
    }

    /// <summary>The database sorts null before all values when ascending, without being told.</summary>
    protected abstract bool IsNullSmallest { get; }

    /// <summary>Two columns, whose sum high * 2^32 + low is that of the column, exactly, where one sum could leave 64 bits.</summary>
    public virtual void WriteExactSum(SqlWriter sql, string row, string column) =>
        sql.Raw("sum(").Column(row, column).Raw(" >> 32), sum(").Column(row, column).Raw(" & 4294967295)");

    /// <summary>The condition that a row's full-text fields hold the terms which <see cref="SearchValue"/> put into the slot.</summary>
    public abstract void WriteSearch(SqlWriter sql, Model model, string row, int slot);

    /// <summary>The same of some of the full-text fields: all terms occur in these.</summary>
    public abstract void WriteSearch(SqlWriter sql, Model model, string row, int slot, ImmutableArray<Field> fields);

    /// <summary>What a search is asked with: all terms of the text, the last as a prefix. Null when the text holds no term.</summary>
    public abstract Value? SearchValue(string text);
}
