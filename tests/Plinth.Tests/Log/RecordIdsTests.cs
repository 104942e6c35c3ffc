using System.Text;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>How the log names records: the text form of a key, and the key of a text form.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class RecordIdsTests
{
    static readonly AppSchema s_schema = WriteFixture.Read("""
        enum Size { small large }
        model One { id Int @id  @@allow("all", true) }
        model Word { id String @id  @@allow("all", true) }
        model Seat { row String  number Int  size Size  @@id([row, number, size])  @@allow("all", true) }
        """);

    [Fact]
    public void An_id_gives_the_key_back_whatever_its_parts_hold()
    {
        int seed = Counts.Seed();
        Random random = new(seed);
        for (int i = 0; i < 2000; i++)
        {
            Value[] seat = [Value.From(Text(random)), Value.From(random.Next(-9, 99)), Value.From(i % 2 == 0 ? "small" : "large")];
            Requires("Seat", seat);
            Value[] word = [Value.From("x" + Text(random))];
            Requires("Word", word);
        }

        void Requires(string name, Value[] key)
        {
            Model model = s_schema.Model(name);
            string id = EventWriter.RecordId(model, key);
            Assert.True(RecordIds.TryRead(model, id, out Value[]? read), $"seed {seed}: {id}");
            Assert.Equal(key, read);
        }
    }

    [Fact]
    public async Task A_record_whose_key_begins_with_an_empty_text_is_a_record_like_any_other()
    {
        using WriteFixture fixture = new(
            """model Seat { row String  number String  label String  @@id([row, number])  @@allow("all", true) }""");
        (string Row, string Number)[] keys = [("", "a"), ("a", ""), ("", ""), ("", ",")];
        foreach (var (row, number) in keys)
        {
            await fixture.Do(CommandKind.Create, "Seat", $$"""{"row":"{{row}}","number":"{{number}}","label":"first"}""");
            Assert.Contains("first", await LabelAsync(row, number), StringComparison.Ordinal);
        }

        foreach (var (row, number) in keys)
        {
            Command update = WriteFixture.Command(CommandKind.Update, "Seat", """{"label":"second"}""") with { Key = [row, number] };
            WriteFixture.Body(await fixture.Send(update));
            // The record at hand is the one that was changed.
            Assert.Contains("second", await LabelAsync(row, number), StringComparison.Ordinal);
        }

        Assert.Equal([",a", "a,", ",", ",%2C"], fixture.Events().Take(4).Select(static e => e.Split(' ')[2]));
        Assert.Empty(fixture.Store.Replay(fixture.Schema, null, CancellationToken.None).Differences);

        async Task<string> LabelAsync(string row, string number)
        {
            ReadRequest request = new() { Model = "Seat", Kind = ReadKind.Get, Key = [row, number] };
            Result<ReadReply> reply = await fixture.Engine.ReadAsync(Caller.System, request, CancellationToken.None);
            Assert.True(reply.IsOk, reply.Fault?.Message);
            using ReadReply read = reply.Value;
            return Encoding.UTF8.GetString(read.Body.Written);
        }
    }

    /// <summary>A model may be gone and another have come of the same name: the log still has the ids of the first.</summary>
    [Theory]
    [InlineData("One", "")]
    [InlineData("One", "x")]
    [InlineData("One", "1,2")]
    [InlineData("Seat", "A")]
    [InlineData("Seat", "A,1")]
    [InlineData("Seat", "A,1,small,2")]
    [InlineData("Seat", "A,B,small")]
    public void An_id_of_another_key_is_none_of_the_model(string model, string id)
    {
        Assert.False(RecordIds.TryRead(s_schema.Model(model), id, out Value[]? key));
        Assert.Null(key);
    }

    static string Text(Random random)
    {
        StringBuilder text = new();
        for (int i = random.Next(6); i > 0; i--) text.Append(",%2C5é"[random.Next(6)]);
        return text.ToString();
    }
}
