namespace Plinth.Cases;

public class MutantsTests
{
    [Fact]
    public void Attributes_named_arguments_and_conditions_are_left_out_one_at_a_time()
    {
        const string schema = """
            model A { id Int @id  s String @default("@x(") @unique(code: "c")  // not @this
              @@allow("read", a == 1 && (b || c), after: x || y) }
            """;
        var mutants = Mutants.Of(schema).ToDictionary(m => m.Dropped, m => m.Schema);
        Assert.Equal(
            [
                "@id", "@default(\"@x(\")", "@unique(code: \"c\")", "code: \"c\" of @unique(code: \"c\")",
                "@@allow(\"read\", a == 1 && (b || c), after: x || y)",
                "a == 1 of @@allow(\"read\", a == 1 && (b || c), after: x || y)",
                "(b || c) of @@allow(\"read\", a == 1 && (b || c), after: x || y)",
                "after: x || y of @@allow(\"read\", a == 1 && (b || c), after: x || y)",
                "x of @@allow(\"read\", a == 1 && (b || c), after: x || y)", "y of @@allow(\"read\", a == 1 && (b || c), after: x || y)",
            ],
            mutants.Keys);
        Assert.Contains("@unique()  // not @this", mutants["code: \"c\" of @unique(code: \"c\")"], StringComparison.Ordinal);
        Assert.EndsWith("@@allow(\"read\", (b || c), after: x || y) }",
            mutants.First(m => m.Key.StartsWith("a == 1", StringComparison.Ordinal)).Value);
        Assert.EndsWith("@@allow(\"read\", a == 1 , after: x || y) }",
            mutants.First(m => m.Key.StartsWith("(b", StringComparison.Ordinal)).Value);
        Assert.EndsWith("@@allow(\"read\", a == 1 && (b || c)) }",
            mutants.First(m => m.Key.StartsWith("after", StringComparison.Ordinal)).Value);
        Assert.EndsWith("after: y) }",
            mutants.First(m => m.Key.StartsWith("x of", StringComparison.Ordinal)).Value.Replace(":  y", ": y", StringComparison.Ordinal));
    }
}
