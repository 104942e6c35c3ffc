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
    /// <param name="kind">Of its values; Null where the statement around it says it.</param>
    public abstract void Placeholder(StringBuilder to, int number, ValueKind kind);

    /// <summary>An insert answers with the number of its row; otherwise the connection knows it.</summary>
    public virtual bool ReturnsRows => false;

    /// <summary>Others may write at the same time, so rows that a decision rests on are locked when they are read.</summary>
    public virtual bool LocksRows => false;

    /// <summary>A subquery in the from part may name the tables before it, which visits a few rows of each parent.</summary>
    public virtual bool HasLateral => false;

    /// <summary>Values of a kind can be given as one array: many keys are one parameter.</summary>
    public virtual bool TakesArrays(ValueKind kind) => false;

    /// <summary>The placeholder of an array of such values.</summary>
    public virtual void ArrayPlaceholder(StringBuilder to, int number, ValueKind kind) =>
        throw new InvalidOperationException("this dialect takes no arrays");

    /// <summary>
    /// Plans are made before values are known, and a plan for an unknown number of rows is not the one for a page: small limits stand in
    /// the text.
    /// </summary>
    public virtual bool PlansByLimit => false;

    /// <summary>
    /// One statement that answers for many items what another answers for one. Its first column is the number of the item, from 1; each
    /// parameter takes an array of the items' values. Null where the dialect cannot.
    /// </summary>
    /// <param name="write">Writes the statement for one.</param>
    public virtual SqlText? ForItems(Func<Dialect, SqlText> write) => null;

    /// <summary>
    /// One statement that changes for many rows what another changes for one: each parameter takes an array of the rows' values, and the
    /// statement takes them <c>from items</c>, whose column <c>n</c> counts them from 1. Null where rows go one by one.
    /// </summary>
    /// <param name="write">Writes the statement over the items.</param>
    public virtual SqlText? ForRows(Func<Dialect, SqlText> write) => null;

    /// <summary>References are constraints that are added when all tables and indexes are there.</summary>
    public virtual bool KeepsReferencesApart => false;

    /// <summary>The database's own clock, as an expression: microseconds since 1970-01-01T00:00:00Z, also within a transaction.</summary>
    public abstract string Clock { get; }

    /// <summary>Whether the server follows another one, as an expression that is not 0 then.</summary>
    public virtual string FollowsAnother => "0";

    /// <summary>The column type of a field.</summary>
    public abstract string ColumnType(Field field);

    /// <summary>The column type of values of one kind, for the platform's own tables.</summary>
    public abstract string ColumnType(ValueKind kind);

    /// <summary>A constant of the schema in a definition, which takes no parameters.</summary>
    public abstract void Literal(StringBuilder to, in Value value);

    /// <summary>Type and constraint of the hidden column that numbers the rows.</summary>
    public abstract string RowKeyType { get; }

    /// <summary>The same of a key that numbers the rows itself.</summary>
    public virtual string RowKeyTypeOf(Field field) => RowKeyType;

    /// <summary>Lets a table's hidden numbers go on after those copied into it; writes nothing where they do so by themselves.</summary>
    public virtual void WriteRowCounter(SqlWriter sql, string table)
    {
    }

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

    /// <summary>Two columns, whose sum high * 2^32 + low is that of the field, exactly, where one sum could leave 64 bits.</summary>
    public virtual void WriteExactSum(SqlWriter sql, string row, Field field) =>
        sql.Raw("sum(").Column(row, field.Column).Raw(" >> 32), sum(").Column(row, field.Column).Raw(" & 4294967295)");

    /// <summary>Adds the terms of one row to a full-text table: its number in slot 0, the terms of each column in those after it.</summary>
    public virtual void WriteInsertTerms(SqlWriter sql, string table, IReadOnlyList<string> columns)
    {
        sql.Raw("insert into ").Name(table).Raw(" (rowid");
        foreach (string column in columns) sql.Raw(", ").Name(column);
        sql.Raw(") values (").Slot(0, ValueKind.Int);
        for (int i = 0; i < columns.Count; i++) sql.Raw(", ").Slot(i + 1, ValueKind.String);
        sql.Raw(")");
    }

    /// <summary>The condition that a row's full-text fields hold the terms which <see cref="SearchValue"/> put into the slot.</summary>
    public abstract void WriteSearch(SqlWriter sql, Model model, string row, int slot);

    /// <summary>The same of some of the full-text fields: all terms occur in these.</summary>
    public abstract void WriteSearch(SqlWriter sql, Model model, string row, int slot, ImmutableArray<Field> fields);

    /// <summary>What a search is asked with: all terms of the text, the last as a prefix. Null when the text holds no term.</summary>
    public abstract Value? SearchValue(string text);
}
