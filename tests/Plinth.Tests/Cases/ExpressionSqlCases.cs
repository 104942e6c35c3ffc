using Plinth.Evolution;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Cases;

/// <summary>
/// <c>cases/expressions</c> once more, as SQL over real tables: each line must give what it gives in memory, both as a value and as a
/// condition of a <c>where</c>.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class ExpressionSqlCases
{
    public static TheoryData<string> Paths => Corpus.Of("expressions");

    [Theory]
    [MemberData(nameof(Paths))]
    public void Holds_as_SQL(string path)
    {
        ExpressionStory story = new(Corpus.Read(path));
        using TempFolder folder = new();
        using Database database = TestDatabase.Open(new StoreOptions { Folder = folder.Path }, TimeProvider.System);
        Fill(database, story);
        Value claims = CaseRows.Claims(story.Schema, story.Caller);
        List<string> wrong = [];
        foreach (var (line, text, expected, inMemoryOnly) in story.Lines)
        {
            if (story.Check(text, out _) is not { } expression) continue;
            CheckedExpression folded = PartialEvaluator.Fold(expression, new EvaluationContext { Auth = claims });
            string? refusal = ExpressionLowering.Refusal(folded, story.Schema, story.Model, database.Dialect);
            if (inMemoryOnly != refusal is not null) wrong.Add($"{path}: {line}\n  {refusal ?? "has a form in SQL"}");
            if (refusal is not null) continue;
            string value = Run(database, story, sql => ExpressionLowering.WriteThreeValued(sql, folded.Root, Scope(story))) switch
            {
                null => "unknown",
                0 => "false",
                _ => "true",
            };
            bool holds = Run(database, story, sql => ExpressionLowering.WriteTruth(sql, folded.Root, Scope(story))) is not (null or 0);
            if (value != expected || holds != (expected == "true"))
                wrong.Add($"{path}: {line}\n  gave {value} as a value, {holds} as a condition");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    static LoweringScope Scope(ExpressionStory story) => new() { Schema = story.Schema, Row = story.Model, Alias = "r" };

    static long? Run(Database database, ExpressionStory story, Action<SqlWriter> write)
    {
        SqlWriter sql = new SqlWriter(database.Dialect).Raw("select ");
        write(sql);
        SqlText text = sql.Raw(" from ").Name(story.Model.Table).Raw(" r order by r.").Name(story.Model.KeyFields[0].Column).Build();
        using Statement statement = database.Writer.Prepare(text.Text);
        statement.Bind(text, []);
        Assert.True(statement.Step());
        return statement.IsNull(0) ? null : statement.ColumnInt64(0);
    }

    static void Fill(Database database, ExpressionStory story)
    {
        CaseRows rows = new(story.Schema, story.File);
        Ddl ddl = new(database.Dialect, story.Schema);
        foreach (Model model in story.Schema.Models)
        {
            TableShape table = TableShape.Of(story.Schema, model);
            database.Writer.Execute(ddl.CreateTable(table, table.Name));
            foreach (Value[] row in rows.Of(model)) Insert(database, model, row);
        }
    }

    static void Insert(Database database, Model model, Value[] row)
    {
        SqlWriter sql = new SqlWriter(database.Dialect).Raw("insert into ").Name(model.Table).Raw(" (");
        for (int i = 0; i < row.Length; i++) sql.Raw(i == 0 ? "" : ", ").Name(model.Fields[i].Column);
        sql.Raw(") values (");
        for (int i = 0; i < row.Length; i++) sql.Raw(i == 0 ? "" : ", ").Constant(row[i]);
        SqlText text = sql.Raw(")").Build();
        using Statement statement = database.Writer.Prepare(text.Text);
        statement.Bind(text, []);
        statement.Run();
    }
}
