using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Sql;

/// <summary>What expressions need a database to say, where databases differ.</summary>
abstract partial class Dialect
{
    /// <summary>The database's parser cannot read an expression that nests so deeply.</summary>
    public abstract bool IsTooDeep(string expression);

    /// <summary>Names of types in casts.</summary>
    public abstract string IntegerType { get; }

    public abstract string DoubleType { get; }

    public abstract string TextType { get; }

    /// <summary>The larger of two; null when one is.</summary>
    public abstract string Greatest { get; }

    public abstract string Least { get; }

    /// <summary>Functions that change the case of ASCII letters and of no others.</summary>
    public abstract string LowerAscii { get; }

    public abstract string UpperAscii { get; }

    /// <summary>The function that counts code points of a text or bytes.</summary>
    public virtual string Length => "length";

    /// <summary>The function that cuts out of a text: from a 1-based position, so many code points.</summary>
    public virtual string Substring => "substr";

    /// <summary>
    /// A chain of integer operations is guarded once, at its root: an overflow does not raise, and is still seen there. Otherwise each
    /// operation is guarded, and computed over numbers without a bound.
    /// </summary>
    public virtual bool ChainsIntegers => true;

    /// <summary>The function that computes with doubles and gives null where the operator would raise; null where none does.</summary>
    public virtual string? FiniteFunction(CelFunction operation) => null;

    /// <summary>A double in the range of integers as one, towards zero.</summary>
    public virtual void WriteTruncated(SqlWriter sql, Action value)
    {
        sql.Raw("cast(");
        value();
        sql.Raw(" as ").Raw(IntegerType).Raw(")");
    }

    /// <summary>A null where an expression of a kind computes.</summary>
    public virtual string InnerNull(ValueKind kind) => "null";

    /// <summary>
    /// What a column or parameter holds, in the form in which expressions compute: instants, days, times and decimals as whole numbers.
    /// </summary>
    public virtual void WriteInner(SqlWriter sql, ValueKind kind, int scale, Action stored) => stored();

    /// <summary>
    /// An integer computation, null where it overflowed on its way or ends outside of the bounds. Writes the computation once.
    /// </summary>
    public abstract void WriteInteger(SqlWriter sql, Action computation, long min, long max);

    /// <summary>A computation of doubles, null where it is not finite. Writes the computation once.</summary>
    public abstract void WriteFinite(SqlWriter sql, Action computation);

    /// <summary>1-based position of a part in a text in code points, 0 where it does not occur, 1 for the empty part.</summary>
    public abstract void WritePosition(SqlWriter sql, Action text, Action part);

    /// <summary>Whether a text matches a pattern of <see cref="Regex2"/>.</summary>
    public abstract void WriteMatches(SqlWriter sql, Action text, CheckedNode pattern);

    /// <summary>
    /// Year, month (from 0), day of the month (from 1: GetDate, from 0: GetDayOfMonth), of the week (Sunday 0) and of the year (from 0).
    /// </summary>
    public abstract void WriteDatePart(SqlWriter sql, CelFunction part, Action secondsSince1970);

    public abstract void WriteHex(SqlWriter sql, Action bytes);

    /// <summary>What stands at a path: a text, number or truth as a value, null where nothing or JSON's null stands.</summary>
    /// <param name="kind">What it is, for databases that want to know.</param>
    public abstract void WriteJsonExtract(SqlWriter sql, Action json, string path, CelKind kind);

    /// <summary>An item of a list in the same way.</summary>
    public abstract void WriteJsonItem(SqlWriter sql, string alias, CelKind kind);

    /// <summary>The name of the type at a path, null where nothing stands.</summary>
    public abstract void WriteJsonType(SqlWriter sql, Action json, string path);

    /// <summary>The items of a list as a table with the columns "value" and "type"; empty where there is no list.</summary>
    public abstract void WriteJsonItems(SqlWriter sql, Action json, string? path, string alias);

    public abstract void WriteJsonLength(SqlWriter sql, Action json, string? path);

    /// <summary>The value where the item is an object or a list, else null.</summary>
    public abstract void WriteIfContainer(SqlWriter sql, string itemAlias, Action value);

    /// <summary>The wire form of an instant as microseconds since 1970, that of a day as days.</summary>
    public abstract void WriteJsonInstant(SqlWriter sql, Action text);

    public abstract void WriteJsonDay(SqlWriter sql, Action text);

    /// <summary>Names of types of JSON, as <see cref="WriteJsonType"/> gives them: quoted, several joined by commas.</summary>
    public abstract string JsonTextType { get; }

    public abstract string JsonTruthTypes { get; }

    public abstract string JsonNumberTypes { get; }

    public abstract string JsonNullType { get; }
}
