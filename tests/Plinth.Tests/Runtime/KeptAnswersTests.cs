using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Answers under idempotency keys: how long they are kept, how much of them, and what becomes of them without their key.</summary>
public sealed class KeptAnswersTests
{
    const string Schema = """model Note { id Int @id @default(autoincrement())  text Text  @@allow("all", true) }""";

    static Command Create(string key, string text = "a") =>
        WriteFixture.Command(CommandKind.Create, "Note", $$"""{"text":"{{text}}"}""") with
        {
            Idempotency = new IdempotencyKey("who POST /api/notes", key, [1]),
        };

    [Fact]
    public async Task A_key_is_free_again_after_its_time_however_many_have_run_out()
    {
        using WriteFixture fixture = new(Schema, Limits.Default with { IdempotencyHours = 2 });
        for (int i = 0; i < 20; i++) await fixture.Send(Create($"key {i}"));
        Assert.True((await fixture.Send(Create("key 19"))).Value.IsReplayed);
        fixture.Clock.Advance(TimeSpan.FromHours(1.9));
        Assert.True((await fixture.Send(Create("key 19"))).Value.IsReplayed);
        fixture.Clock.Advance(TimeSpan.FromHours(0.2));

        // Eight are swept with each command; the one that is asked for is free whether it was among them or not.
        Assert.False((await fixture.Send(Create("key 19"))).Value.IsReplayed);
        Assert.True((await fixture.Send(Create("key 19"))).Value.IsReplayed);
        for (int i = 0; i < 3; i++) await fixture.Send(Create($"new {i}"));
        Assert.InRange(fixture.Scalar($"select count(*) from {AnswerStore.Table}"), 1, 5);
    }

    [Fact]
    public async Task A_large_answer_is_replayed_without_its_body()
    {
        using WriteFixture fixture = new(Schema, new Limits { AnswerBytes = 100 });
        Assert.NotNull((await fixture.Send(Create("short", "x"))).Value.Body);
        Assert.NotNull((await fixture.Send(Create("short", "x"))).Value.Body);
        Command large = Create("k", new string('x', 100));
        Assert.False((await fixture.Send(large)).Value.IsReplayed);
        WriteReply again = (await fixture.Send(large)).Value;
        Assert.True(again.IsReplayed);
        Assert.Null(again.Body);
        Assert.Equal("2", Assert.Single(again.Key));
    }

    [Theory]
    [InlineData("master-1")]
    [InlineData("master-9")]
    public async Task An_answer_whose_key_has_gone_is_not_made_anew(string otherKey)
    {
        using Store.TempFolder home = new();
        await WriteAsync(home.Path, expected: null);
        File.WriteAllText(LogKeys.FileOf(home.Path), $"{otherKey} {Convert.ToBase64String(new byte[32])}\n");
        await WriteAsync(home.Path, expected: "idempotency_mismatch");

        static async Task WriteAsync(string folder, string? expected)
        {
            EngineOptions options = new()
            {
                Store = new Store.StoreOptions { Folder = folder },
                OpenDatabase = Store.Sqlite.SqliteDatabase.Open,
                Migrate = true,
            };
            await using Engine engine = (await Engine.OpenAsync(options, WriteFixture.Read(Schema), CancellationToken.None)).Value;
            var result = await engine.WriteAsync(Caller.System, Create("k"), CancellationToken.None);
            Assert.Equal(expected, result.Fault?.Code);
            Assert.Equal(1, engine.Position);
        }
    }

    [Fact]
    public async Task An_answer_without_a_body_is_replayed_as_it_was()
    {
        using WriteFixture fixture = new(Schema);
        await fixture.Do(CommandKind.Create, "Note", """{"text":"a"}""");
        Command delete = WriteFixture.Command(CommandKind.Delete, "Note", key: "1") with
        {
            Idempotency = new IdempotencyKey("who DELETE /api/notes/1", "k", [1]),
        };
        Assert.Null((await fixture.Send(delete)).Value.Body);
        WriteReply again = (await fixture.Send(delete)).Value;
        Assert.True(again.IsReplayed);
        Assert.Equal((WriteOutcome.Deleted, null), (again.Outcome, again.Body));
        Assert.Equal(2, fixture.Store.Log.Head);
    }
}
