using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Sql;

/// <param name="IsNullable">The expression may be null in some record; null is smaller than every value.</param>
/// <param name="IsNull">The boundary's own value is null.</param>
/// <param name="Slot">Where the boundary's value is, when it is not null.</param>
/// <param name="Kind">Of the boundary's value.</param>
readonly record struct KeysetTerm(bool Descending, bool IsNullable, bool IsNull, int Slot, ValueKind Kind);

/// <summary>
/// The condition "behind this place in the order": <c>k &gt;= $1 and (k &gt; $1 or (k = $1 and …))</c>. The outer bound on each term is
/// what an index seeks by; a bare or would make the database read the list from its start.
/// </summary>
/// <param name="terms">In sort order, directions as they are walked.</param>
/// <param name="write">Writes the expression of a term.</param>
sealed class Keyset(ImmutableArray<KeysetTerm> terms, Action<SqlWriter, int> write)
{
    public void Write(SqlWriter sql) => Write(sql, 0);

    void Write(SqlWriter sql, int i)
    {
        KeysetTerm term = terms[i];
        bool last = i == terms.Length - 1;
        switch (term)
        {
            case { IsNull: true, Descending: true }:
                // Nulls are the last of all: what follows is among them.
                if (last) sql.Raw("1 = 0");
                else WriteTie(sql, i, static (s, _) => s.Raw(" is null"));
                break;
            case { IsNull: true }:
                if (!last) sql.Raw("(");
                write(sql, i);
                sql.Raw(" is not null");
                if (last) break;
                WriteTie(sql.Raw(" or "), i, static (s, _) => s.Raw(" is null"));
                sql.Raw(")");
                break;
            case { Descending: true, IsNullable: true }:
                sql.Raw("(");
                Compare(sql, i, last ? " < " : " <= ");
                write(sql.Raw(" or "), i);
                sql.Raw(" is null)");
                if (last) break;
                Compare(sql.Raw(" and ("), i, " < ");
                write(sql.Raw(" or "), i);
                WriteTie(sql.Raw(" is null or "), i, Equal);
                sql.Raw(")");
                break;
            default:
                string beyond = term.Descending ? " < " : " > ";
                if (last)
                {
                    Compare(sql, i, beyond);
                    break;
                }
                Compare(sql, i, term.Descending ? " <= " : " >= ");
                Compare(sql.Raw(" and ("), i, beyond);
                WriteTie(sql.Raw(" or "), i, Equal);
                sql.Raw(")");
                break;
        }
    }

    /// <summary><c>(k = $1 and …the terms behind it…)</c></summary>
    void WriteTie(SqlWriter sql, int i, Action<SqlWriter, KeysetTerm> equal)
    {
        write(sql.Raw("("), i);
        equal(sql, terms[i]);
        Write(sql.Raw(" and "), i + 1);
        sql.Raw(")");
    }

    static void Equal(SqlWriter sql, KeysetTerm term) => sql.Raw(" = ").Slot(term.Slot, term.Kind);

    void Compare(SqlWriter sql, int i, string op)
    {
        write(sql, i);
        sql.Raw(op).Slot(terms[i].Slot, terms[i].Kind);
    }
}
