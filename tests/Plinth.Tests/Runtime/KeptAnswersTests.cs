using System.Collections.Immutable;
using System.Text.Json;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Answers under idempotency keys: how long they are kept, how much of them, and what becomes of them without their key.</summary>
public sealed class KeptAnswersTests
{
    const string Schema = """model Note { id Int @id @default(autoincrement())  text Text  @@allow("all", true) }""";

    const string People = """model Person { id Int @id  name String @pii  @@route("people")  @@allow("all", true) }""";

    static Command Create(string key, string text = "a") =>
        WriteFixture.Command(CommandKind.Create, "Note", $$"""{"text":"{{text}}"}""") with
        {
            Idempotency = new IdempotencyKey("who POST /api/notes", key, [1]),
        };

    static async Task<Engine> OpenAsync(string folder, string schema)
    {
        EngineOptions options = new()
        {
            Store = new Store.StoreOptions { Folder = folder },
            OpenDatabase = Store.Sqlite.SqliteDatabase.Open,
            Migrate = true,
        };
        return (await Engine.OpenAsync(options, WriteFixture.Read(schema), CancellationToken.None)).Value;
    }

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
            await using Engine engine = await OpenAsync(folder, Schema);
            var result = await engine.WriteAsync(Caller.System, Create("k"), CancellationToken.None);
            Assert.Equal(expected, result.Fault?.Code);
            Assert.Equal(1, engine.Position);
        }
    }

    [Theory]
    [InlineData("master-1")]
    [InlineData("master-9")]
    public async Task An_erasure_passes_over_answers_that_nobody_can_open_any_more(string otherKey)
    {
        using Store.TempFolder home = new();
        await using (Engine engine = await OpenAsync(home.Path, People)) Assert.True((await SendAsync(engine, "first", 1)).IsOk);
        File.WriteAllText(LogKeys.FileOf(home.Path), $"{otherKey} {Convert.ToBase64String(new byte[32])}\n");
        await using (Engine engine = await OpenAsync(home.Path, People))
        {
            Assert.True((await SendAsync(engine, "second", 2)).IsOk);
            ErasureReport none = (await engine.EraseAsync(Caller.System, "Person", ["1"], scrubs: false, CancellationToken.None)).Value;
            Assert.Equal((1, 0), (none.Records, none.Answers));
            ErasureReport one = (await engine.EraseAsync(Caller.System, "Person", ["2"], scrubs: false, CancellationToken.None)).Value;
            Assert.Equal((1, 1), (one.Records, one.Answers));
        }

        static async Task<Result<WriteReply>> SendAsync(Engine engine, string key, int id) => await engine.WriteAsync(
            Caller.System,
            WriteFixture.Command(CommandKind.Create, "Person", $$"""{"id":{{id}},"name":"Zebulon"}""") with
            {
                Idempotency = new IdempotencyKey("who POST /api/people", key, [1]),
            },
            CancellationToken.None);
    }

    [Fact]
    public async Task An_erasure_takes_its_persons_part_of_an_answer_about_several()
    {
        using WriteFixture fixture = new(People);
        ImmutableArray<Command> both =
        [
            .. new[] { 1, 2 }.Select(static id =>
                WriteFixture.Command(CommandKind.Create, "Person", $$"""{"id":{{id}},"name":"Zebulon {{id}}"}""") with
                {
                    Idempotency = new IdempotencyKey("who POST /batch", "k", [1]),
                }),
        ];
        Assert.Equal("Zebulon 1, Zebulon 2", await NamesAsync());
        var erased = await fixture.Engine.EraseAsync(Caller.System, "Person", ["1"], scrubs: false, CancellationToken.None);
        Assert.Equal(1, erased.Value.Answers);
        Assert.Equal("nothing, Zebulon 2", await NamesAsync());
        Assert.Equal(2, fixture.Scalar("select count(*) from persons"));

        async Task<string> NamesAsync()
        {
            var batch = await fixture.Engine.BatchAsync(Caller.System, both, atomic: true, CancellationToken.None);
            return string.Join(", ", batch.Value.Select(static reply => reply.Value.Body is { } body
                ? JsonDocument.Parse(body.Written.ToArray()).RootElement.GetProperty("name").GetString() : "nothing"));
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
