using System.Collections.Immutable;
using Plinth.Cases;
using Plinth.Language;
using Plinth.Sql;
using Plinth.Text;

namespace Plinth.Examples;

public sealed class Examples_are_sound
{
    public static TheoryData<string> All => Example.All;

    [Theory]
    [MemberData(nameof(All))]
    public void The_schema_is_read_without_a_finding(string name) => AssertClean(Example.Folder(name));

    [Fact]
    public void The_schema_of_the_bench_is_read_without_a_finding() => AssertClean(Path.Combine(Corpus.Root, "bench/schema"));

    static void AssertClean(string folder)
    {
        SchemaReading reading = Example.Read(folder);
        Assert.True(reading.Diagnostics.IsEmpty, string.Join('\n', reading.Diagnostics.Select(d => $"{d.Place} {d.Code}: {d.Message}")));
        Assert.NotNull(reading.Schema);
        // What is worth a warning is not shown as an example, but for one: the address of a draft is taken, and whoever tries it is told.
        ImmutableArray<Diagnostic> advice = RuleAdvice.Of(reading.Schema);
        string[] known = Path.GetFileName(folder) == "blog" ? [RuleAdvice.UniqueTells] : [];
        Assert.True(advice.Select(static d => d.Code).SequenceEqual(known),
            string.Join('\n', advice.Select(static d => $"{d.Place} {d.Code}: {d.Message}")));
    }
}
