using Plinth.Expressions;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Sql.Dialects.Sqlite;
using Plinth.Text;

namespace Plinth.Sql;

public class WriteStatementsTests
{
    static readonly AppSchema s_schema = Schemas.Load("""
        model Note { id Int @id   a Int?   b Int?   c Int?   d Int?   slug String?   @@unique([slug], where: a > 1)   @@allow("all", true) }
        """);

    static readonly Model s_note = s_schema.Model("Note");

    [Fact]
    public void Texts_are_kept_up_to_their_limit_and_remain_right_beyond_it()
    {
        WriteStatements statements = new(s_schema, s_note, SqliteDialect.It, new Limits { WriteTexts = 4 });
        string[] names = ["a", "b", "c", "d"];
        for (int bits = 0; bits < 32; bits++)
        {
            bool[] changed = new bool[s_note.Fields.Length];
            for (int i = 0; i < names.Length; i++) changed[s_note.Field(names[i])!.Ordinal] = (bits & (1 << i)) != 0;
            string text = statements.Update(changed).Text;
            for (int i = 0; i < names.Length; i++)
                Assert.Equal((bits & (1 << i)) != 0, text.Contains($"\"{names[i]}\" = ", StringComparison.Ordinal));
            CheckedExpression condition = CheckedExpression.OfText(
                new Condition($"a > {bits}", s_note.Source, default), ExpressionScope.Rule(s_schema, s_note));
            Assert.NotEmpty(statements.Check(condition, before: null).Text);
            Assert.InRange(statements.TextsKept, 2, 8);
        }
    }
}
