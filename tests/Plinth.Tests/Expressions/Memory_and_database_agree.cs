using System.Globalization;
using System.Text;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>
/// One checked tree, two executions: random expressions over random rows, evaluated in memory and asked of the database in each of
/// the forms that SQL is written in. They agree on every row, or the seed and the text are shown.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class Memory_and_database_agree
{
    const int RowsPerTable = 20;
    const int ExpressionsPerTable = 25;

    readonly AppSchema _schema = RandomRows.Schema;
    readonly Dictionary<string, int> _outcomes = new(StringComparer.Ordinal) { ["true"] = 0, ["false"] = 0, ["unknown"] = 0 };
    int _nulls, _nullable;

    [Fact]
    public void On_every_value_of_random_expressions()
    {
        int cases = Counts.Of(test: 40_000, soak: 1_000_000);
        int seed = Counts.Seed();
        Random random = new(seed);
        RandomExpression texts = new(random);
        using TempFolder folder = new();
        using Database database = TestDatabase.Open(
            new StoreOptions { Folder = folder.Path, Durability = Durability.Off }, TimeProvider.System);
        Connection connection = database.Writer;
        CreateTables(connection);
        int done = 0, refused = 0;
        while (done < cases)
        {
            RandomRows rows = new(random, owners: 4, RowsPerTable);
            Fill(connection, rows);
            for (int i = 0; i < ExpressionsPerTable; i++)
            {
                string text = texts.Next(out _);
                if (Check(text, seed) is not { } expression) continue;
                int compared = Compare(connection, rows, expression, text, seed);
                done += compared;
                if (compared == 0) refused++;
            }
        }
        AssertDistribution(texts, done, refused, seed);
    }

    /// <summary>Null where literals have no result, or are no word of an enum, which is refused when it is checked.</summary>
    CheckedExpression? Check(string text, int seed)
    {
        SourceText source = new("expression", text);
        var (expression, diagnostics) = CheckedExpression.Read(source, new Span(0, text.Length),
            ExpressionScope.Rule(_schema, _schema.Model("Row")), null, Limits.Default with { ExpressionDepth = 200, Hops = 20,
            ExpressionEstimate = long.MaxValue });
        Assert.True(expression is not null || diagnostics.All(d => d.Code is "invalid_literal" or "unknown_word"),
            $"seed {seed}: {text}\n{string.Join('\n', diagnostics)}");
        return expression;
    }

    int Compare(Connection connection, RandomRows rows, CheckedExpression expression, string text, int seed)
    {
        CompiledExpression compiled = CompiledExpression.Compile(expression);
        var (shape, literals) = LiteralLifter.Lift(PartialEvaluator.Fold(expression, new EvaluationContext()));
        bool isBool = expression.Type.Kind == CelKind.Bool;
        if (Write(expression.Root, shape.Root, isBool) is not { } sql) return 0;
        using Statement statement = connection.Prepare(sql.Text);
        statement.Bind(sql, literals.AsSpan());
        foreach (Value[] row in rows.Of("Row"))
        {
            Assert.True(statement.Step());
            Value expected = compiled.Evaluate(new EvaluationContext { Row = row, Related = rows.Related, Cost = int.MaxValue });
            string place = string.Create(CultureInfo.InvariantCulture, $"seed {seed}, row {row[0].Int}: {text}\n{sql.Text}\n");
            for (int column = 0; column < 2; column++)
            {
                Value found = Read(statement, column, expression.Type);
                Assert.True(Same(expected, found), $"{place}in memory {expected}, in SQL {found}{(column == 1 ? " with slots" : "")}");
            }
            if (!isBool) continue;
            Count(expected.IsTrue ? "true" : expected.IsFalse ? "false" : "unknown");
            Assert.True(IsTrue(statement, 2) == expected.IsTrue,
                $"{place}in memory {expected}, the truth form says {IsTrue(statement, 2)}");
            Assert.True(IsTrue(statement, 3) == expected.IsFalse,
                $"{place}in memory {expected}, the falsity form says {IsTrue(statement, 3)}");
            Assert.True(IsTrue(statement, 4) == expected.IsTrue,
                $"{place}in memory {expected}, the truth form with slots says {IsTrue(statement, 4)}");
        }
        return RowsPerTable;
    }

    /// <summary>Null where one of the forms is refused (nested too deeply for the database).</summary>
    SqlText? Write(CheckedNode root, CheckedNode shape, bool isBool)
    {
        SqlWriter sql = new(TestDatabase.Dialect);
        string alias = sql.NextAlias();
        LoweringScope scope = new() { Schema = _schema, Row = _schema.Model("Row"), Alias = alias };
        try
        {
            ExpressionLowering.WriteThreeValued(sql.Raw("select "), root, scope);
            ExpressionLowering.WriteThreeValued(sql.Raw(", "), shape, scope);
            if (isBool)
            {
                ExpressionLowering.WriteTruth(sql.Raw(", "), root, scope);
                ExpressionLowering.WriteTruth(sql.Raw(", "), new NotNode(root), scope);
                ExpressionLowering.WriteTruth(sql.Raw(", "), shape, scope);
            }
        }
        catch (LoweringException)
        {
            return null;
        }
        return sql.Raw(" from ").Name(_schema.Model("Row").Table).Raw(" ").Raw(alias).Raw(" order by ").Column(alias, "id").Build();
    }

    void Count(string outcome) => _outcomes[outcome]++;

    static bool IsTrue(Statement statement, int column) =>
        statement.ColumnType(column) != StoredKind.Null && statement.ColumnInt64(column) != 0;

    static bool Same(Value expected, Value found) =>
        expected.Kind == ValueKind.Double && found.Kind == ValueKind.Double ? expected.Double == found.Double : expected == found;

    static Value Read(Statement statement, int column, CelType type)
    {
        if (statement.ColumnType(column) == StoredKind.Null) return Value.Null;
        return type.Kind switch
        {
            CelKind.Bool => Value.From(statement.ColumnInt64(column) != 0),
            CelKind.Int when statement.ColumnType(column) == StoredKind.Integer => Value.From(statement.ColumnInt64(column)),
            CelKind.Double => Value.From(statement.ColumnDouble(column)),
            CelKind.Decimal when statement.ColumnType(column) == StoredKind.Integer =>
                Value.FromDecimal(statement.ColumnInt64(column), ((DecimalCelType)type).Scale),
            CelKind.String => Value.From(Encoding.UTF8.GetString(statement.ColumnBytes(column))),
            CelKind.Timestamp when statement.ColumnType(column) == StoredKind.Integer => Value.FromDateTime(statement.ColumnInt64(column)),
            CelKind.Duration when statement.ColumnType(column) == StoredKind.Integer => Value.FromDuration(statement.ColumnInt64(column)),
            _ => throw new InvalidOperationException($"a {type} came as {statement.ColumnType(column)}"),
        };
    }

    void CreateTables(Connection connection)
    {
        foreach (Model model in _schema.Models)
        {
            string columns = string.Join(", ", model.Fields.Select(f => $"\"{f.Column}\" {TestDatabase.Dialect.ColumnType(f)}"));
            connection.Execute($"create table \"{model.Table}\" ({columns})");
        }
    }

    void Fill(Connection connection, RandomRows rows)
    {
        foreach (Model model in _schema.Models)
        {
            connection.Execute($"delete from \"{model.Table}\"");
            using Statement insert = connection.Prepare(
                $"insert into \"{model.Table}\" values ({string.Join(", ", model.Fields.Select((_, i) => $"?{i + 1}"))})");
            foreach (Value[] row in rows.Of(model.Name))
            {
                for (int i = 0; i < row.Length; i++) insert.Bind(i + 1, row[i]);
                insert.Step();
                insert.Reset();
                _nullable += model.Fields.Count(f => f.IsNullable);
                _nulls += row.Count(v => v.IsNull);
            }
        }
    }

    void AssertDistribution(RandomExpression texts, int done, int refused, int seed)
    {
        string uses = string.Join(", ", texts.Uses.Select(u => string.Create(CultureInfo.InvariantCulture, $"{u.Key} {u.Value}")));
        string outcomes = string.Join(", ", _outcomes.Select(o => string.Create(CultureInfo.InvariantCulture, $"{o.Key} {o.Value}")));
        Counts.Report("expressions, memory against SQL", done, seed, $"{outcomes}; {refused} expressions not lowered; {uses}");
        Assert.True(texts.Uses.Count >= UsesMin, $"seed {seed}: only {texts.Uses.Count} of the operators and functions were used: {uses}");
        Assert.True(_nulls >= _nullable / 5, $"seed {seed}: {_nulls} nulls in {_nullable} fields that may be null");
        int known = _outcomes["true"] + _outcomes["false"];
        Assert.True(_outcomes["true"] >= known * 3 / 10 && _outcomes["false"] >= known * 3 / 10, $"seed {seed}: {outcomes}");
        Assert.True(_outcomes["unknown"] >= known / 10, $"seed {seed}: {outcomes}");
        Assert.True(refused * RowsPerTable < done / 5, $"seed {seed}: {refused} expressions were not lowered, {done} cases were compared");
    }

    /// <summary>Different operators and functions that the generator knows and a run must meet.</summary>
    const int UsesMin = 70;
}
