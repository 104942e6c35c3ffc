using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>What is answered when the database itself refuses a row: on a shared one, others write between the guard and the row.</summary>
public class ConflictsTests
{
    static readonly AppSchema s_schema = WriteFixture.Read("""
        model Note {
          id Int @id   slug String @unique(code: "slug_taken")   a Int   b Int
          @@unique([a, b], name: "pair")
          @@allow("all", true)
        }
        """);

    [Theory]
    [InlineData("Unique", "notes", "slug", null, "slug_taken slug")]
    [InlineData("Unique", "notes", "a,b", null, "conflict a b")]
    [InlineData("Unique", "notes", "", "pair", "conflict a b")]
    [InlineData("Unique", "notes", "", "unheard of", "conflict id")]
    [InlineData("PrimaryKey", "notes", "", null, "conflict id")]
    [InlineData("PrimaryKey", "notes", "id", null, "conflict id")]
    [InlineData("Unique", "others", "x", null, "conflict")]
    [InlineData("Check", "notes", "", null, "conflict")]
    public void The_answer_names_the_fields_of_the_key(string kind, string table, string columns, string? name, string told)
    {
        StoreConstraint constraint = new(
            Enum.Parse<ConstraintKind>(kind), table, columns.Split(',', StringSplitOptions.RemoveEmptyEntries), name);
        Fault fault = Conflicts.Of(s_schema, constraint);
        Assert.Equal(told, string.Join(' ', [fault.Code, .. fault.Details.Select(d => d.Field)]));
    }
}
