using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// A bulk create is decided, refused and told as if its records came one by one, whether the database takes them as a set or not.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class BulkCreateTests
{
    const string Types = """
        enum Size { s m l }
        model All { id Int @id  s String?  b Boolean?  i Int?  big BigInt?  f Float?  d Decimal(12, 2)?  at DateTime?  day Date?
          time Time?  span Duration?  u Uuid?  bytes Bytes?  j Json?  size Size?  tags String[]  secret String? @serverOnly
          @@allow("all", true) }
        """;

    const string Tree = """
        model Node { id Int @id @default(autoincrement())  name String
          parent Node? @relation(name: "tree")  children Node[] @relation(name: "tree")  @@allow("all", true) }
        """;

    const string Shop = """
        auth { id String  role String? }
        model Owner { id String @id  open Boolean  books Book[]  @@softDelete  @@allow("read", open)  @@allow("create", true) }
        model Book {
          id Int @id @default(autoincrement())
          code String @unique(code: "code_taken")
          title String @length(1, 40)
          label String @computed(title + "!")
          pages Int?
          owner Owner? @relation
          @@check(id < 5000)
          @@fulltext([title])
          @@allow("read", true)
          @@allow("create", pages == null || pages < 1000)
        }
        """;

    [Fact]
    public async Task Values_of_every_type_and_their_absence_are_kept()
    {
        using WriteFixture fixture = new(Types);
        const string Full = """
            "s":"aé😀","b":true,"i":-2147483648,"big":"9223372036854775807","f":0.1,"d":"-1234567890.12","at":"0001-01-01T00:00:00.000001Z",
            "day":"9999-12-31","time":"23:59:59.5","span":"PT1H30M","u":"0190e1f0-0000-7000-8000-000000000000","bytes":"AP8=",
            "j":{"b":[1,2.50,null],"a":"x"},"size":"m","tags":["x","","y"]
            """;
        Assert.Equal("""{"created":3}""", WriteFixture.Body(await Bulk(
            fixture, "All", i => i == 1 ? """{"id":1,"tags":[]}""" : $$"""{"id":{{i}},{{Full}}}""", 3)));
        List<string> bulk = await fixture.Rows("All");
        await fixture.Do(CommandKind.Create, "All", $$"""{"id":7,{{Full}}}""");
        Assert.Equal((await fixture.Rows("All"))[3].Replace("\"id\":7", "\"id\":0", StringComparison.Ordinal), bulk[0]);
        Assert.Contains("\"s\":null", bulk[1], StringComparison.Ordinal);
        RequireSound(fixture);
    }

    [Fact]
    public async Task Records_may_refer_to_those_before_them_and_not_to_those_after_them()
    {
        using WriteFixture fixture = new(Tree);
        // Each third begins a tree, the others refer to the one before: 0 ← 1 ← 2, 3 ← 4 ← 5.
        string Node(int i) => i % 3 == 0
            ? string.Create(CultureInfo.InvariantCulture, $$"""{"id":{{i + 1}},"name":"n","parentId":null}""")
            : string.Create(CultureInfo.InvariantCulture, $$"""{"id":{{i + 1}},"name":"n","parentId":{{i}}}""");
        Assert.Equal("""{"created":1200}""", WriteFixture.Body(await Bulk(fixture, "Node", Node, 1200)));
        Assert.Equal(800, fixture.Scalar("select count(*) from nodes where parent_id is not null"));
        Assert.Equal("""{"created":1}""", WriteFixture.Body(await Bulk(
            fixture, "Node", _ => """{"id":5000,"name":"itself","parentId":5000}""", 1)));

        Result<WriteReply> early = await Bulk(
            fixture, "Node", i => $$"""{"id":{{6000 + i}},"name":"n","parentId":{{(i == 2 ? "6003" : "null")}}}""", 5);
        Assert.Equal("unknown_reference [2].parentId:unknown_reference", WriteFixture.Told(early));
        RequireSound(fixture);
    }

    [Fact]
    public async Task Numbers_go_on_after_those_that_came_with_the_records()
    {
        using WriteFixture fixture = new(Tree);
        string?[] ids = [null, null, "7", null, "3", "12", null];
        await Bulk(fixture, "Node", i => ids[i] is { } id ? $$"""{"id":{{id}},"name":"n"}""" : """{"name":"n"}""", ids.Length);
        Assert.Equal([1L, 2, 3, 7, 8, 12, 13], (await fixture.Stored("Node")).Select(row => row.Values[0].Int).Order());
        Assert.Equal("14", (await fixture.Do(CommandKind.Create, "Node", """{"name":"n"}"""))[6..8]);
        RequireSound(fixture);
    }

    [Fact]
    public async Task What_is_computed_and_checked_waits_for_the_number()
    {
        using WriteFixture fixture = new(Shop);
        Assert.Equal("""{"created":2000}""", WriteFixture.Body(await Bulk(fixture, "Book", i => Book(i), 2000)));
        Assert.Equal(2000, fixture.Scalar("select count(*) from books where label = title || '!'"));

        // 2,999 more have a place below the check; the next ones are named, and nothing is there.
        Result<WriteReply> over = await Bulk(fixture, "Book", i => Book(10_000 + i), 3002);
        Assert.Equal("validation_failed", over.Fault!.Code);
        Assert.Equal(["[2999]", "[3000]", "[3001]"], over.Fault.Details.Select(d => d.Field));
        Assert.Equal(2000, fixture.Scalar("select count(*) from books"));
        RequireSound(fixture);
    }

    [Fact]
    public async Task Each_refused_record_is_named_with_its_own_reason()
    {
        using WriteFixture fixture = new(Shop);
        Caller user = WriteFixture.As("u");
        await fixture.Do(CommandKind.Create, "Owner", """{"id":"open","open":true}""");
        await fixture.Do(CommandKind.Create, "Owner", """{"id":"closed","open":false}""");
        await fixture.Do(CommandKind.Create, "Owner", """{"id":"gone","open":true}""");
        await fixture.Do(CommandKind.Delete, "Owner", key: "gone");
        await fixture.Do(CommandKind.Create, "Book", Book(50));

        string Record(int i) => i switch
        {
            7 => Book(6),
            50 => Book(50),
            1500 => Book(i, "\"closed\""),
            1501 => Book(i, "\"gone\""),
            1502 => Book(i, "\"nobody\""),
            1503 => Book(i, "\"open\"", pages: 1000),
            _ => Book(i, i % 2 == 0 ? "\"open\"" : "null"),
        };
        Result<WriteReply> refused = await Bulk(fixture, "Book", Record, 2100, user);
        Assert.Equal(
            "code_taken [7].code:code_taken [50].code:code_taken [1500].ownerId:unknown_reference [1501].ownerId:unknown_reference "
                + "[1502].ownerId:unknown_reference [1503]:forbidden",
            WriteFixture.Told(refused));
        Assert.Equal(1, fixture.Scalar("select count(*) from books"));

        Assert.Equal("forbidden [9]:forbidden", WriteFixture.Told(
            await Bulk(fixture, "Book", i => Book(i + 100, "\"open\"", pages: i == 9 ? 1000 : 1), 20, user)));
        Assert.Equal("""{"created":1200}""", WriteFixture.Body(await Bulk(fixture, "Book", i => Book(i + 100, "\"open\""), 1200, user)));
        RequireSound(fixture);
    }

    [Fact]
    public async Task What_a_caller_may_read_none_of_is_to_them_as_if_it_were_not_there()
    {
        using WriteFixture fixture = new("""
            auth { id String  role String? }
            model Vault { id String @id  items Item[]  @@allow("create", true)  @@allow("read", auth.role == "keeper") }
            model Item { id Int @id  vault Vault? @relation  @@allow("all", true) }
            """);
        await fixture.Do(CommandKind.Create, "Vault", """{"id":"v"}""");
        string Into(int i, string vault) => $$"""{"id":{{i}},"vaultId":{{(i == 1 ? $"\"{vault}\"" : "null")}}}""";
        foreach (string vault in new[] { "v", "nothing" })
        {
            Assert.Equal("unknown_reference [1].vaultId:unknown_reference",
                WriteFixture.Told(await Bulk(fixture, "Item", i => Into(i, vault), 3, WriteFixture.As("u"))));
        }

        Assert.Equal("""{"created":3}""", WriteFixture.Body(
            await Bulk(fixture, "Item", i => Into(i, "v"), 3, WriteFixture.As("k", "keeper"))));
        RequireSound(fixture);
    }

    [Fact]
    public async Task A_search_finds_each_record_by_its_own_words()
    {
        using WriteFixture fixture = new(Shop);
        await Bulk(fixture, "Book", i => Book(i), 1500);
        foreach (int i in (int[])[0, 1, 999, 1000, 1499])
        {
            ReadRequest search = new() { Model = "Book", Kind = ReadKind.List, Search = $"word{i}x" };
            Result<ReadReply> found = await fixture.Engine.ReadAsync(Caller.System, search, CancellationToken.None);
            using ReadReply reply = found.Value;
            Assert.Contains($"\"code\":\"c{i}\"", Encoding.UTF8.GetString(reply.Body.Written), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_request_of_few_is_answered_with_its_records_in_their_order()
    {
        using WriteFixture fixture = new(Shop);
        string body = "[" + string.Join(',', Enumerable.Range(0, 30).Select(i => Book(i))) + "]";
        string answer = await fixture.Do(CommandKind.CreateMany, "Book", body);
        int[] places = [.. Enumerable.Range(0, 30).Select(i => answer.IndexOf($"\"code\":\"c{i}\"", StringComparison.Ordinal))];
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
        Assert.Equal(30, fixture.Store.Log.Head);
        Assert.Equal(
            "code_taken [1].code:code_taken [2].code:code_taken",
            await fixture.Refused(CommandKind.CreateMany, "Book", $"[{Book(40)},{Book(3)},{Book(40)}]"));
        Assert.Equal(30, fixture.Scalar("select count(*) from books"));
        RequireSound(fixture);
    }

    static string Book(int i, string owner = "null", int pages = 1) => string.Create(
        CultureInfo.InvariantCulture, $$"""{"code":"c{{i}}","title":"word{{i}}x","ownerId":{{owner}},"pages":{{pages}}}""");

    static Task<Result<WriteReply>> Bulk(
        WriteFixture fixture, string model, Func<int, string> record, int count, Caller? caller = null) =>
        fixture.Engine.BulkCreateAsync(
            caller ?? Caller.System, model, Records(record, count), key: null, CancellationToken.None);

    static async IAsyncEnumerable<ReadOnlyMemory<byte>> Records(
        Func<int, string> record, int count, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        for (int i = 0; i < count; i++)
        {
            if (i % 500 == 0) await Task.Yield();
            cancel.ThrowIfCancellationRequested();
            yield return Encoding.UTF8.GetBytes(record(i));
        }
    }

    static void RequireSound(WriteFixture fixture)
    {
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(fixture.Store.Replay(fixture.Schema, null, CancellationToken.None).Differences);
    }
}
