using System.Text.Json;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Lists put together from records at hand are, byte for byte, those that the database answers.</summary>
[Trait(Store.TestDatabase.Trait, Store.TestDatabase.Each)]
public class RecordReadsTests
{
    const string Schema = """
        auth { id Int   role String? }
        model Author { id Int @id   name String   age Int?   posts Post[]   @@allow("read", age == null || age < 90) }
        model Post {
          id Int @id   title String   shown Boolean   rank Int?   author Author? @relation(fields: [authorId], references: [id])
          authorId Int?   comments Comment[]   secrets Secret[]   at DateTime?
          @@index([rank])
          @@allow("read", shown || auth.role == "editor")
        }
        model Comment {
          id Int @id   post Post @relation(fields: [postId], references: [id])   postId Int   text String   good Boolean
          writer Author? @relation(fields: [writerId], references: [id])   writerId Int?
          @@index([postId])
          @@allow("read", good || auth.id == writerId)
          @@softDelete
        }
        model Draft {
          id Int @id   owner Int   note String? @allow("read", auth.role == "editor")
          @@allow("read", true)
        }
        model Secret {
          id Int @id   owner Int   post Post @relation(fields: [postId], references: [id])   postId Int
          @@index([postId])
          @@allow("read", owner == auth.id)
        }
        model Letter {
          id Int @id   owner Int   tags String[]   post Post? @relation(fields: [postId], references: [id])   postId Int?
          @@allow("read", auth.role == "editor" && post.shown)
          @@allow("read", owner == auth.id)
          @@allow("read", tags.exists(t, t == auth.role))
          @@deny("read", auth.role == "guest" && post.title == "p1")
        }
        model Diary { id Int @id   owner Int   page String? @allow("read", owner == auth.id)   @@allow("read", true) }
        """;

    static readonly Caller s_nobody = Caller.Anonymous();
    static readonly Caller s_editor = Of(7, "editor");

    static Caller Of(long id, string role) => new(
        Value.FromMap(new ValueMap([KeyValuePair.Create("id", Value.From(id)), KeyValuePair.Create("role", Value.From(role))])), "user");

    static async Task<ReadsFixture> FilledAsync(Limits? limits, int seed)
    {
        ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema, limits);
        Random random = new(seed);
        await fixture.InsertAsync("Author", string.Concat(Enumerable.Range(1, 10).Select(i =>
            $$"""{"id":{{i}},"name":"a{{i}}\"ü","age":{{(random.Next(4) == 0 ? "null" : random.Next(60, 100))}}} """)));
        await fixture.InsertAsync("Post", string.Concat(Enumerable.Range(1, 120).Select(i =>
            $$"""
            {"id":{{i}},"title":"p{{i}}","shown":{{(random.Next(3) > 0 ? "true" : "false")}},"rank":{{(random.Next(5) == 0 ? "null" :
                random.Next(12))}},"authorId":{{(random.Next(6) == 0 ? "null" : random.Next(1, 11))}}}
            """)));
        await fixture.InsertAsync("Comment", string.Concat(Enumerable.Range(1, 600).Select(i =>
            $$"""
            {"id":{{i}},"postId":{{random.Next(1, 121)}},"text":"c{{i}}","good":{{(random.Next(2) > 0 ? "true" : "false")}},
            "writerId":{{(random.Next(3) == 0 ? "null" : random.Next(1, 11))}}}
            """)));
        return fixture;
    }

    static SortKey By(string field) => field[0] == '-' ? new SortKey(field[1..], true) : new SortKey(field, false);

    /// <summary>Lists of every form that can be put together, and of some that cannot.</summary>
    static IEnumerable<ReadRequest> Lists()
    {
        ReadRequest list = new() { Model = "Post", Kind = ReadKind.List, Limit = 20 };
        IncludeRequest comments = new("comments") { Limit = 3, Sort = [By("-text")] };
        yield return list;
        yield return list with { Limit = 1 };
        yield return list with { Sort = [By("-rank"), By("title")] };
        yield return list with { Sort = [By("author.name")], Limit = 50 };
        yield return list with { Filter = "rank > 3", Count = CountMode.Exact };
        yield return list with { Filter = "rank == 100" };
        yield return list with { Filter = "author.age > 70 && comments.exists(c, c.good)", Sort = [By("rank")] };
        yield return list with { Offset = 7 };
        yield return list with { Include = [new("author")] };
        yield return list with { Include = [comments, new("author")], Sort = [By("-id")] };
        yield return list with { Include = [comments with { Include = [new("writer"), new("post")] }] };
        yield return list with { Include = [new("author") { Include = [new("posts") { Limit = 2 }] }] };
        yield return list with { Include = [new("comments") { Filter = "text != \"c5\"" }] };
        yield return list with { Select = ["title"] };
        yield return new() { Model = "Comment", Kind = ReadKind.List, Sort = [By("-text")], Limit = 30, Include = [new("writer")] };
        yield return new() { Model = "Author", Kind = ReadKind.List, Sort = [By("-name")], Include = [new("posts") { Limit = 40 }] };
    }

    static readonly Caller[] s_callers = [s_nobody, s_editor, Of(3, "reader"), Caller.System];

    [Fact]
    public async Task Lists_from_records_equal_lists_from_the_database_page_by_page_for_every_caller()
    {
        await using ReadsFixture cached = await FilledAsync(null, seed: 1);
        await using ReadsFixture plain = await FilledAsync(new Limits { CacheBytes = 0 }, seed: 1);
        foreach (ReadRequest list in Lists())
        {
            foreach (Caller caller in s_callers) WalkBoth(plain, cached, list, caller);
        }
        CacheCounts counts = cached.Engine.Cache;
        Assert.True(counts.Hits > 20 * counts.Misses, $"{counts.Hits} records came from the cache, {counts.Misses} did not");
    }

    /// <summary>Walks to the end of the list and one page back, each page asked for until it comes from records.</summary>
    static void WalkBoth(ReadsFixture plain, ReadsFixture cached, ReadRequest list, Caller caller)
    {
        (string? Plain, string? Cached) next = default;
        for (int page = 0; page == 0 || next.Cached is not null; page++)
        {
            (ReadRequest of, ReadRequest from) = (At(list, next.Plain), At(list, next.Cached));
            string expected = plain.Json(of, caller);
            string answer = "";
            for (int again = 0; again < 12; again++)
            {
                answer = cached.Json(from, caller);
                Assert.Equal(Items(expected), Items(answer));
            }
            if (Cursor(answer, "previous") is { } before && page == 1)
            {
                ReadRequest back = list with { Before = before, Offset = null };
                string first = plain.Json(list with { Before = Cursor(expected, "previous"), Offset = null }, caller);
                for (int again = 0; again < 12; again++) Assert.Equal(Items(first), Items(cached.Json(back, caller)));
            }
            next = (Cursor(expected, "next"), Cursor(answer, "next"));
            Assert.Equal(next.Plain is null, next.Cached is null);
        }
    }

    static ReadRequest At(ReadRequest list, string? cursor) => cursor is null ? list : list with { After = cursor, Offset = null };

    /// <summary>All but the cursors, which each database seals with its own secret.</summary>
    static string Items(string page) => page[..page.IndexOf("\"page\":", StringComparison.Ordinal)]
        + page[page.IndexOf("\"limit\":", StringComparison.Ordinal)..];

    static string? Cursor(string page, string name)
    {
        using JsonDocument document = JsonDocument.Parse(page);
        return document.RootElement.GetProperty("page").GetProperty(name).GetString();
    }

    [Fact]
    public async Task A_field_that_a_caller_may_not_read_does_not_come_from_what_another_was_answered()
    {
        await using ReadsFixture fixture = await FilledAsync(null, seed: 5);
        await fixture.InsertAsync("Draft", """{"id":1,"owner":7,"note":"secret"}""");
        await fixture.InsertAsync("Diary", """{"id":1,"owner":7,"page":"secret"} {"id":2,"owner":3,"page":"other"}""");
        Caller reader = Of(3, "reader");
        for (int i = 0; i < 12; i++)
        {
            foreach (Caller caller in new[] { Caller.System, s_editor, reader, s_nobody })
            {
                bool isTrusted = caller.IsSystem || caller == s_editor;
                string drafts = fixture.Json(new() { Model = "Draft", Kind = ReadKind.List }, caller);
                Assert.Equal(isTrusted, drafts.Contains("secret", StringComparison.Ordinal));
                string one = fixture.Json(new() { Model = "Draft", Kind = ReadKind.Get, Key = ["1"] }, caller);
                Assert.Equal(isTrusted, one.Contains("secret", StringComparison.Ordinal));
                string diaries = fixture.Json(new() { Model = "Diary", Kind = ReadKind.List }, caller);
                Assert.Equal(isTrusted, diaries.Contains("secret", StringComparison.Ordinal));
                Assert.Equal(caller.IsSystem || caller == reader, diaries.Contains("other", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    [Trait(Store.TestDatabase.Trait, Store.TestDatabase.Embedded)]
    public async Task A_warm_list_reads_keys_and_nothing_else()
    {
        await using ReadsFixture fixture = await FilledAsync(null, seed: 2);
        ReadRequest list = new() { Model = "Post", Kind = ReadKind.List, Limit = 20 };
        ReadRequest nested = list with { Include = [new("author") { Include = [new("posts") { Limit = 2 }] }] };
        for (int i = 0; i < 12; i++) fixture.Json(list, s_editor);
        for (int i = 0; i < 12; i++) fixture.Json(nested, s_editor);
        using (ReadReply warm = fixture.Read(list, s_editor)) Assert.Equal(1, warm.Timings.Statements);
        // The keys of the page; what the authors' posts are is kept with the authors.
        using (ReadReply warm = fixture.Read(nested, s_editor)) Assert.Equal(1, warm.Timings.Statements);
        ReadRequest filtered = list with { Include = [new("comments") { Filter = "text != \"c5\"", Limit = 2 }] };
        for (int i = 0; i < 12; i++) fixture.Json(filtered, s_editor);
        using (ReadReply warm = fixture.Read(filtered, s_editor)) Assert.Equal(1 + 20, warm.Timings.Statements);
        await fixture.SetAsync("Post", Value.From(3L), "title", Value.From("new"));
        using (ReadReply changed = fixture.Read(list, s_editor))
        {
            // What changed is read by its key, once.
            Assert.Equal(2, changed.Timings.Statements);
            Assert.Contains("\"title\":\"new\"", System.Text.Encoding.UTF8.GetString(changed.Body.Written), StringComparison.Ordinal);
        }
        using ReadReply again = fixture.Read(list, s_editor);
        Assert.Equal(1, again.Timings.Statements);
    }

    [Fact]
    public async Task A_rule_is_held_in_memory_as_it_was_folded_for_the_caller()
    {
        await using ReadsFixture fixture = await FilledAsync(null, seed: 7);
        await using ReadsFixture plain = await FilledAsync(new Limits { CacheBytes = 0 }, seed: 7);
        Random random = new(7);
        string letters = string.Concat(Enumerable.Range(1, 40).Select(i =>
            $$"""
            {"id":{{i}},"owner":{{random.Next(1, 4)}},"tags":[{{(random.Next(5) == 0 ? "" : "\"nobody\",\"reader\"")}}],"postId":{{i}}}
            """));
        foreach (ReadsFixture each in new[] { fixture, plain }) await each.InsertAsync("Letter", letters);
        ReadRequest list = new() { Model = "Letter", Kind = ReadKind.List, Limit = 15 };
        // For a reader no other record is asked for, for an editor and a guest it is, and those go to the database.
        foreach (var (caller, isInMemory) in new[]
        {
            (Of(1, "reader"), true), (Of(2, "reader"), true), (Of(3, "nobody"), true), (Of(2, "editor"), false), (Of(2, "guest"), false),
        })
        {
            for (int i = 0; i < 12; i++) Assert.Equal(Items(plain.Json(list, caller)), Items(fixture.Json(list, caller)));
            long hits = fixture.Engine.Cache.Hits;
            fixture.Json(list, caller);
            Assert.Equal(isInMemory, fixture.Engine.Cache.Hits > hits);
            for (int id = 1; id <= 40; id++)
            {
                ReadRequest one = new() { Model = "Letter", Kind = ReadKind.Get, Key = [$"{id}"] };
                Assert.Equal(Told(plain, one, caller), Told(fixture, one, caller));
                Assert.Equal(Told(plain, one, caller), Told(fixture, one, caller));
            }
        }
    }

    static string Told(ReadsFixture fixture, ReadRequest request, Caller caller)
    {
        Result<ReadReply> read = fixture.Engine.ReadAsync(caller, request, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        if (!read.IsOk) return read.Fault.Code;
        using ReadReply reply = read.Value;
        return System.Text.Encoding.UTF8.GetString(reply.Body.Written);
    }

    [Fact]
    public async Task A_rule_that_hides_most_records_is_left_to_the_database()
    {
        await using ReadsFixture fixture = await FilledAsync(null, seed: 6);
        await fixture.InsertAsync("Secret", string.Concat(Enumerable.Range(1, 3000).Select(i =>
            $$"""{"id":{{i}},"owner":{{(i % 1000 == 0 ? 3 : 7)}},"postId":1} """)));
        ReadRequest list = new() { Model = "Secret", Kind = ReadKind.List, Limit = 20 };
        ReadRequest nested = new() { Model = "Post", Kind = ReadKind.List, Filter = "id == 1", Include = [new("secrets") { Limit = 5 }] };
        Caller owner = Of(3, "editor");
        foreach (ReadRequest asked in new[] { list, nested })
        {
            string first = fixture.Json(asked, owner);
            long misses = fixture.Engine.Cache.Misses;
            for (int i = 0; i < 40; i++) Assert.Equal(first, fixture.Json(asked, owner));
            Assert.Equal(3, first.Split("\"owner\":3").Length - 1);
            // At most one attempt, which looks at some keys more than the page has and at no more.
            Assert.InRange(fixture.Engine.Cache.Misses - misses, 0, 100);
        }
        using ReadReply last = fixture.Read(list, owner);
        Assert.Equal(1, last.Timings.Statements);
    }

    [Fact]
    public async Task A_list_that_finds_little_at_hand_goes_back_to_whole_rows()
    {
        await using ReadsFixture fixture = await FilledAsync(new Limits { CacheBytes = 64 * 2400 }, seed: 3);
        ReadRequest list = new() { Model = "Comment", Kind = ReadKind.List, Limit = 300 };
        string first = fixture.Json(list, Caller.System);
        for (int i = 0; i < 40; i++) Assert.Equal(first, fixture.Json(list, Caller.System));
        using ReadReply last = fixture.Read(list, Caller.System);
        Assert.Equal(1, last.Timings.Statements);
    }

    /// <summary>
    /// A writer moves a post between two authors and renames both in one transaction; whatever list is read meanwhile shows one moment:
    /// the same round everywhere, at least as new as what was acknowledged when the read began.
    /// </summary>
    [Fact]
    public async Task A_list_shows_one_moment_while_its_records_are_written()
    {
        await using ReadsFixture fixture = await FilledAsync(null, seed: 4);
        int acknowledged = 0, rounds = Counts.Of(400, 20_000);
        using CancellationTokenSource done = new();
        ReadRequest list = new()
        {
            Model = "Post", Kind = ReadKind.List, Filter = "id <= 3", Include = [new("author"), new("comments") { Limit = 2 }],
        };
        Task[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                int before = Volatile.Read(ref acknowledged);
                using JsonDocument page = JsonDocument.Parse(fixture.Json(list, Caller.System));
                JsonElement[] items = [.. page.RootElement.GetProperty("items").EnumerateArray()];
                if (before == 0) continue;
                string[] titles = [.. items.Select(static i => i.GetProperty("title").GetString()!)];
                Assert.Single(titles.Distinct(StringComparer.Ordinal));
                int round = int.Parse(titles[0], System.Globalization.CultureInfo.InvariantCulture);
                Assert.True(round >= before, $"read {round} after {before} was acknowledged");
                foreach (JsonElement item in items)
                    Assert.Equal(titles[0], item.GetProperty("author").GetProperty("name").GetString());
            }
        }))];
        for (int i = 1; i <= rounds && !readers.Any(static r => r.IsFaulted); i++)
        {
            await fixture.SetAllAsync(
            [
                .. Enumerable.Range(1, 3).Select(id => ("Post", Value.From((long)id), "title", Value.From($"{i}"))),
                .. Enumerable.Range(1, 3).Select(id => ("Post", Value.From((long)id), "authorId", Value.From((long)(1 + (id + i) % 2)))),
                .. Enumerable.Range(1, 2).Select(id => ("Author", Value.From((long)id), "name", Value.From($"{i}"))),
            ]);
            Volatile.Write(ref acknowledged, i);
        }
        await done.CancelAsync();
        await Task.WhenAll(readers);
        Assert.True(fixture.Engine.Cache.Hits > rounds, $"{fixture.Engine.Cache.Hits} records came from the cache: too few to tell");
    }
}
