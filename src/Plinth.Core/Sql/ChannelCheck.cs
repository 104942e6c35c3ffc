using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Sql;

/// <summary>Conditions on a channel's parameters that look at records: statements over one row that is made of values.</summary>
sealed class ChannelCheck(AppSchema schema, Model shape, Dialect dialect, Limits limits)
{
    readonly BoundedCache<SqlText> _kept = new(limits.WriteTexts);

    /// <summary>
    /// One row when the condition holds. The parameters' values are in the slots of their ordinals, the condition's own follow.
    /// </summary>
    public SqlText Of(CheckedExpression condition)
    {
        string key = ShapeKey.Of(condition);
        return _kept.Find(key) ?? _kept.Keep(key, Write(condition));
    }

    SqlText Write(CheckedExpression condition)
    {
        SqlWriter sql = new(dialect);
        string alias = sql.NextAlias();
        sql.Raw("select 1 from (select ");
        foreach (Field field in shape.Fields)
        {
            if (field.Ordinal > 0) sql.Raw(", ");
            sql.Slot(field.Ordinal, field).Raw(" as ").Name(field.Column);
        }
        sql.Raw(") ").Raw(alias).Raw(" where ");
        ExpressionLowering.WriteTruth(
            sql, condition.Root, new LoweringScope { Schema = schema, Row = shape, Alias = alias, SlotBase = shape.Fields.Length });
        return sql.Build();
    }
}
