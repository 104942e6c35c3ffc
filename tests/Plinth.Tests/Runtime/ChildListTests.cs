using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;
using static System.Globalization.CultureInfo;

namespace Plinth.Runtime;

/// <summary>Relations answered from lists kept with their parents are those of the database, whatever is written in between.</summary>
[Trait(Store.TestDatabase.Trait, Store.TestDatabase.Each)]
public class ChildListTests
{
    internal const string Schema = """
        auth { id Int }
        model Author { id Int @id  name String  code String @unique  comments Comment[]  notes Note[]  @@allow("all", true) }
        model Post {
          id Int @id  title String  comments Comment[]
          @@softDelete  @@allow("all, purge", true)
        }
        model Comment {
          id Int @id  text String  rank Int  good Boolean
          post Post? @relation(onDelete: cascade)
          author Author? @relation(onDelete: setNull)
          replies Reply[]
          @@softDelete
          @@allow("read", good || auth.id == authorId)
          @@allow("create, update, delete, restore, purge", true)
        }
        model Reply { id Int @id  text String  comment Comment? @relation(onDelete: cascade)  @@allow("all", true) }
        model Note {
          id Int @id  text String
          author Author? @relation(fields: [code], references: [code], onUpdate: cascade, onDelete: cascade)  code String?
          @@allow("all", true)
        }
        """;

    internal static readonly Caller[] Callers = [Caller.System, Of(1), Of(2)];

    static Caller Of(long id, long? tenant = null) => new(
        Value.FromMap(new ValueMap(tenant is { } of
            ? [KeyValuePair.Create("id", Value.From(id)), KeyValuePair.Create("tenantId", Value.From(of))]
            : [KeyValuePair.Create("id", Value.From(id))])), $"{id}");

    static SortKey By(string field) => field[0] == '-' ? new SortKey(field[1..], true) : new SortKey(field, false);

    internal static IncludeRequest Many(string relation, int limit, string sort) => new(relation) { Limit = limit, Sort = [By(sort)] };

    internal static readonly ImmutableArray<ReadRequest> Lists =
    [
        List("Post", Many("comments", 3, "-rank") with { Include = [new("author"), Many("replies", 2, "-text")] }),
        List("Post", Many("comments", 2, "-rank")),
        List("Post", Many("comments", 9, "-rank")),
        List("Author", Many("comments", 4, "rank"), Many("notes", 2, "text")),
        List("Comment", Many("replies", 3, "text"), new("post")),
    ];

    internal static ReadRequest List(string model, params ReadOnlySpan<IncludeRequest> include) =>
        new() { Model = model, Kind = ReadKind.List, Limit = 30, Include = [.. include] };

    /// <summary>The same request with every field named: it is answered from rows.</summary>
    internal static ReadRequest FromRows(AppSchema schema, ReadRequest request)
    {
        Model model = schema.Model(request.Model);
        return request with { Select = Names(model), Include = [.. request.Include.Select(i => FromRows(schema, model, i))] };
    }

    static IncludeRequest FromRows(AppSchema schema, Model parent, IncludeRequest include)
    {
        Model model = schema.TargetOf(parent.Relation(include.Relation)!);
        return include with { Select = Names(model), Include = [.. include.Include.Select(i => FromRows(schema, model, i))] };
    }

    static ImmutableArray<string> Names(Model model) =>
        [.. model.Fields.Where(static f => f.Leaves && f.Name != Model.DeletedAt).Select(static f => f.Name)];

    static Task<ReadReply> Read(WriteFixture fixture, ReadRequest request, Caller caller) => Read(fixture.Engine, request, caller);

    internal static async Task<ReadReply> Read(Engine engine, ReadRequest request, Caller caller)
    {
        Result<ReadReply> read = await engine.ReadAsync(caller, request, CancellationToken.None);
        return read.IsOk ? read.Value : throw new Xunit.Sdk.XunitException($"{read.Fault.Code}: {read.Fault.Message}");
    }

    static Task<string> Json(WriteFixture fixture, ReadRequest request, Caller caller) => Json(fixture.Engine, request, caller);

    internal static async Task<string> Json(Engine engine, ReadRequest request, Caller caller)
    {
        using ReadReply reply = await Read(engine, request, caller);
        string json = Encoding.UTF8.GetString(reply.Body.Written);
        // What a cursor is bound to includes the fields that are selected.
        return json[..json.IndexOf("\"page\":", StringComparison.Ordinal)];
    }

    static async Task Compare(WriteFixture fixture, string told)
    {
        foreach (ReadRequest list in Lists)
        {
            foreach (Caller caller in Callers)
            {
                string expected = await Json(fixture, FromRows(fixture.Schema, list), caller);
                for (int again = 0; again < 2; again++)
                {
                    string answer = await Json(fixture, list, caller);
                    Assert.True(expected == answer, $"{told}: {list.Model} for {caller.Subject}\n{expected}\n{answer}");
                }
            }
        }
    }

    [Fact]
    public async Task Whatever_is_written_the_relations_are_those_of_the_database()
    {
        int seed = Counts.Seed(), runs = Counts.Of(test: 3, soak: 200), accepted = 0;
        long lists = 0;
        await Counts.InRunsAsync(seed, runs, async run =>
        {
            var (acceptedOfRun, listsOfRun) = await WriteAsync(run);
            Interlocked.Add(ref accepted, acceptedOfRun);
            Interlocked.Add(ref lists, listsOfRun);
        });
        string outcome = $"{accepted} of {runs * CommandsPerRun} commands accepted, {lists} lists of what is kept";
        Counts.Report("histories read with relations that are kept", runs, seed, outcome);
        Assert.True(accepted > runs * CommandsPerRun / 3, $"seed {seed}, too few to tell: {outcome}");
        Assert.True(lists > 20L * runs * CommandsPerRun, $"seed {seed}, too few to tell: {outcome}");
    }

    static async Task<(int Accepted, long Lists)> WriteAsync(int seed)
    {
        using WriteFixture fixture = new(Schema);
        Random random = new(seed);
        int accepted = 0;
        for (int i = 0; i < CommandsPerRun; i++)
        {
            Command command = Draw(random, i);
            Result<WriteReply> result = await fixture.Send(command);
            if (result.IsOk)
            {
                accepted++;
                result.Value.Dispose();
            }
            string told = $"seed {seed}, command {i}: {command.Kind} {command.Model} {string.Join(',', command.Key)} "
                + $"{Encoding.UTF8.GetString(command.Body.Span)} {command.Filter}";
            if (i >= 40) await Compare(fixture, told);
            if (i == CommandsPerRun / 2)
            {
                string schema = Schema.Replace("rank Int  good", "rank Int  extra Int @default(5)  good", StringComparison.Ordinal);
                Result<MigrationReport> applied = await fixture.Engine.ApplyAsync(WriteFixture.Read(schema), CancellationToken.None);
                Assert.True(applied.IsOk, applied.Fault?.Message);
                await Compare(fixture, $"seed {seed}, migrated");
            }
        }
        return (accepted, fixture.Engine.Cache.Lists);
    }

    const int CommandsPerRun = 160;

    /// <summary>What can be referred to comes first.</summary>
    internal static Command Draw(Random random, int number) => number switch
    {
        < 6 => Draw(random, "Post", number + 1),
        < 12 => Draw(random, "Author", number - 5),
        < 30 => Draw(random, "Comment", number - 11),
        < 40 => Draw(random, "Reply", number - 29),
        _ => Draw(random),
    };

    static Command Draw(Random random, string? created = null, int createdId = 0)
    {
        string model = created
            ?? random.Next(14) switch { < 2 => "Post", < 3 => "Author", < 9 => "Comment", < 12 => "Reply", _ => "Note" };
        bool isSoft = model is "Post" or "Comment";
        CommandKind kind = created is not null ? CommandKind.Create : random.Next(20) switch
        {
            < 5 => CommandKind.Create,
            < 11 => CommandKind.Update,
            < 13 => CommandKind.Upsert,
            < 14 => CommandKind.UpdateMany,
            < 15 => CommandKind.DeleteMany,
            < 17 => CommandKind.Delete,
            < 19 => isSoft ? CommandKind.Restore : CommandKind.Update,
            _ => isSoft ? CommandKind.Purge : CommandKind.Delete,
        };
        int id = created is not null ? createdId : random.Next(1, model switch { "Post" or "Author" => 7, "Comment" => 25, _ => 16 });
        if (created is null && kind == CommandKind.Create) id += 30 * random.Next(4);
        string body = kind is CommandKind.Create or CommandKind.Update or CommandKind.Upsert ? Body(random, model, kind, id)
            : kind == CommandKind.UpdateMany ? ManyBody(random, model) : "";
        bool isKeyed = kind is not (CommandKind.Create or CommandKind.UpdateMany or CommandKind.DeleteMany);
        return WriteFixture.Command(kind, model, body, isKeyed ? id.ToString(InvariantCulture) : null) with
        {
            Filter = kind switch
            {
                CommandKind.UpdateMany => $"id % 3 == {random.Next(3)}",
                CommandKind.DeleteMany => $"id == {id} || id == {id + 5}",
                _ => null,
            },
        };
    }

    static string Body(Random random, string model, CommandKind kind, int id)
    {
        bool isWhole = kind != CommandKind.Update;
        List<string> members = kind == CommandKind.Create ? [$"\"id\":{id}"] : [];
        void Add(string name, string value)
        {
            if (isWhole || random.Next(3) == 0) members.Add($"\"{name}\":{value}");
        }

        string Reference(int max) => random.Next(6) == 0 ? "null" : $"{random.Next(1, max)}";
        switch (model)
        {
            case "Post": Add("title", $"\"t{random.Next(30)}\""); break;
            case "Author":
                Add("name", $"\"n{random.Next(30)}\"");
                Add("code", $"\"k{(kind == CommandKind.Create ? id : random.Next(9))}\"");
                break;
            case "Comment":
                Add("text", $"\"x{random.Next(30)}\"");
                Add("rank", $"{random.Next(5)}");
                Add("good", random.Next(2) == 0 ? "true" : "false");
                Add("postId", Reference(7));
                Add("authorId", Reference(7));
                break;
            case "Reply":
                Add("text", $"\"r{random.Next(30)}\"");
                Add("commentId", Reference(25));
                break;
            default:
                Add("text", $"\"m{random.Next(30)}\"");
                Add("code", random.Next(4) == 0 ? "null" : $"\"k{random.Next(9)}\"");
                break;
        }
        return "{" + string.Join(',', members) + "}";
    }

    static string ManyBody(Random random, string model) => model switch
    {
        "Comment" => random.Next(2) == 0 ? $$"""{"postId":{{random.Next(1, 7)}}}""" : $$"""{"rank":{{random.Next(5)}}}""",
        "Reply" => $$"""{"commentId":{{random.Next(1, 25)}}}""",
        "Author" => $$"""{"name":"many{{random.Next(9)}}"}""",
        "Post" => $$"""{"title":"many{{random.Next(9)}}"}""",
        _ => $$"""{"text":"many{{random.Next(9)}}"}""",
    };

    /// <summary>
    /// A writer moves every comment to the next post and writes the round into it, in one transaction. Whoever reads all posts meanwhile
    /// finds each comment once, all of one round, at least as new as what was acknowledged when the read began.
    /// </summary>
    [Fact]
    public async Task A_record_that_moves_is_in_one_list_at_any_time()
    {
        using WriteFixture fixture = new(Schema);
        int rounds = Counts.Of(300, 20_000);
        await MoveAndReadAsync([fixture.Engine], rounds);
        Assert.True(fixture.Engine.Cache.Lists > rounds, $"{fixture.Engine.Cache.Lists} lists were used: too few to tell");
    }

    /// <summary>The nodes take turns in writing, and each has readers.</summary>
    internal static async Task MoveAndReadAsync(IReadOnlyList<Engine> nodes, int rounds)
    {
        const int posts = 4, comments = 12;
        for (int id = 0; id < posts; id++) await DoAsync(nodes[0], "Post", $$"""{"id":{{id}},"title":"t"}""");
        for (int id = 0; id < comments; id++)
        {
            string comment = $$"""{"id":{{id}},"text":"0","rank":{{id}},"good":true,"postId":{{id % posts}}}""";
            await DoAsync(nodes[0], "Comment", comment);
        }
        ReadRequest list = List("Post", Many("comments", 20, "rank"));
        int acknowledged = 0;
        using CancellationTokenSource done = new();
        Task[] readers = [.. Enumerable.Range(0, 3).Select(reader => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                int before = Volatile.Read(ref acknowledged);
                using ReadReply reply = await Read(nodes[reader % nodes.Count], list, Caller.System);
                using JsonDocument page = JsonDocument.Parse(reply.Body.WrittenMemory);
                JsonElement[] found = [.. page.RootElement.GetProperty("items").EnumerateArray()
                    .SelectMany(static post => post.GetProperty("comments").EnumerateArray())];
                int[] ids = [.. found.Select(static comment => comment.GetProperty("id").GetInt32()).Order()];
                Assert.Equal(Enumerable.Range(0, comments), ids);
                string round = Assert.Single(found.Select(static c => c.GetProperty("text").GetString()!).Distinct());
                Assert.True(int.Parse(round, InvariantCulture) >= before, $"read {round} after {before} was acknowledged");
            }
        }))];
        for (int round = 1; round <= rounds && !readers.Any(static r => r.IsFaulted); round++)
        {
            ImmutableArray<Command> moves = [.. Enumerable.Range(0, comments).Select(id => WriteFixture.Command(
                CommandKind.Update, "Comment", $$"""{"postId":{{(id + round) % posts}},"text":"{{round}}"}""", $"{id}"))];
            Engine writer = nodes[round % nodes.Count];
            var moved = await writer.BatchAsync(Caller.System, moves, atomic: true, CancellationToken.None);
            Assert.True(moved.IsOk, moved.Fault?.Message);
            Volatile.Write(ref acknowledged, round);
            // Long enough for some readers to find what others have kept.
            if (round % 4 == 0) await Task.Delay(1);
        }
        await done.CancelAsync();
        await Task.WhenAll(readers);
    }

    static async Task DoAsync(Engine engine, string model, string body)
    {
        Result<WriteReply> made =
            await engine.WriteAsync(Caller.System, WriteFixture.Command(CommandKind.Create, model, body), CancellationToken.None);
        Assert.True(made.IsOk, made.Fault?.Message);
        made.Value.Dispose();
    }

    [Theory]
    [InlineData(WriteTransaction.HeldMax)]
    [InlineData(WriteTransaction.HeldMax + 1)]
    [InlineData(3)]
    public async Task Records_created_in_bulk_are_in_the_lists_of_their_parents(int count)
    {
        using WriteFixture fixture = new(Schema);
        await fixture.Do(CommandKind.Create, "Post", """{"id":1,"title":"t"}""");
        ReadRequest list = List("Post", Many("comments", 3, "-rank"));
        for (int i = 0; i < 12; i++) Assert.Contains("\"comments\":[]", await Json(fixture, list, Caller.System), StringComparison.Ordinal);
        Assert.True(fixture.Engine.Cache.Lists > 0, "no list was ever kept, so nothing was tested");

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Records()
        {
            // The one of the first post comes first, so that its event is written out long before the commit.
            for (int i = 0; i < count; i++)
            {
                string post = i == 0 ? "1" : "null";
                yield return Encoding.UTF8.GetBytes($$"""{"id":{{i}},"text":"bulk","rank":1,"good":true,"postId":{{post}}}""");
            }
            await Task.CompletedTask;
        }

        var bulk = await fixture.Engine.BulkCreateAsync(Caller.System, "Comment", Records(), key: null, CancellationToken.None);
        Assert.True(bulk.IsOk, bulk.Fault?.Message);
        bulk.Value.Dispose();
        Assert.Contains("\"text\":\"bulk\"", await Json(fixture, list, Caller.System), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_holds_within_a_tenant_and_asks_for_the_keys_of_its_records_alone()
    {
        using WriteFixture fixture = new("""
            app x { tenancy = row }
            auth { id Int  tenantId Int? }
            model Post { id Int @id  title String  comments Comment[]  @@index([title])  @@allow("all", true) }
            model Comment {
              id Int @id  text String  post Post @relation(onDelete: cascade)  tag Tag? @relation(onDelete: setNull)
              @@allow("read", text != "hidden")  @@allow("create, update, delete", true)
            }
            model Tag { id Int @id  word String  comments Comment[]  @@tenant(none)  @@allow("all", true) }
            """);
        await fixture.Do(CommandKind.Create, "Tag", """{"id":1,"word":"shared"}""");
        Caller[] tenants = [Of(1, tenant: 1), Of(2, tenant: 2)];
        for (int id = 1; id <= 6; id++)
        {
            foreach (Caller caller in tenants)
            {
                await fixture.Do(CommandKind.Create, "Post", $$"""{"id":{{id}},"title":"of {{caller.Subject}}"}""", caller: caller);
                string comment = $$"""{"id":{{id}},"text":"{{caller.Subject}}","postId":{{id}},"tagId":1}""";
                await fixture.Do(CommandKind.Create, "Comment", comment, caller: caller);
            }
        }
        ReadRequest posts = List("Post", Many("comments", 3, "-text")), tags = List("Tag", Many("comments", 9, "id"));
        for (int round = 0; round < 3; round++)
        {
            for (int again = 0; again < 12; again++)
            {
                foreach (Caller caller in tenants)
                {
                    string other = caller == tenants[0] ? "2" : "1";
                    foreach (ReadRequest list in new[] { posts, tags })
                    {
                        string answer = await Json(fixture, list, caller);
                        Assert.Equal(await Json(fixture, FromRows(fixture.Schema, list), caller), answer);
                        Assert.DoesNotContain($"\"text\":\"{other}", answer, StringComparison.Ordinal);
                        Assert.Contains($"\"text\":\"{caller.Subject}", answer, StringComparison.Ordinal);
                    }
                }
            }
            foreach (Caller caller in tenants)
            {
                using (ReadReply warm = await Read(fixture, posts, caller)) Assert.Equal(1, warm.Timings.Statements);
                // Its parents are everybody's, so nothing of one tenant is kept with them.
                using (ReadReply warm = await Read(fixture, tags, caller)) Assert.Equal(2, warm.Timings.Statements);
            }
            foreach (Caller caller in tenants)
                await fixture.Do(CommandKind.Update, "Comment", $$"""{"text":"{{caller.Subject}}, {{round}}"}""", $"{round + 1}", caller);
        }
        // Nobody's tenant has no records, and the product itself sees those of all.
        Assert.DoesNotContain("\"text\"", await Json(fixture, tags, Of(3)), StringComparison.Ordinal);
        Assert.Equal(Faults.Forbidden, (await fixture.Engine.ReadAsync(Of(3), posts, CancellationToken.None)).Fault?.Kind);
        using ReadReply all = await Read(fixture, List("Post"), Caller.System);
        Assert.Equal(12, Encoding.UTF8.GetString(all.Body.Written).Split("\"title\"").Length - 1);
    }

    static readonly AppSchema s_schema = WriteFixture.Read(Schema);

    static LogEvent Changed(Value[] row, Value[]? before, long position) => new()
    {
        EventId = Guid.NewGuid(), Model = "Comment", RecordId = "1", Version = 2, Kind = EventKinds.Updated, Data = null, Digest = [],
        SchemaVersion = 1, Position = position, Row = row, RowBefore = before,
    };

    static Value[] CommentOf(long post)
    {
        Model model = s_schema.Model("Comment");
        Value[] row = new Value[model.Fields.Length];
        row[model.Field("postId")!.Ordinal] = Value.From(post);
        return row;
    }

    static ChildPlace PlaceOf(long post) => ChildPlaces.Of("Comment", [s_schema.Model("Comment").Field("postId")!], [Value.From(post)]);

    [Fact]
    public void A_change_concerns_the_parents_before_and_after_it_and_no_other()
    {
        ChildPlaces places = new(isOn: true);
        LogEvent moved = Changed(CommentOf(2), CommentOf(1), 6);
        places.Announce(s_schema, new Announcement([moved], 7, IsWhole: true));
        Assert.False(places.IsUnchanged(PlaceOf(1), since: 6));
        Assert.False(places.IsUnchanged(PlaceOf(2), since: 6));
        Assert.True(places.IsUnchanged(PlaceOf(1), since: 7));
        Assert.True(places.IsUnchanged(PlaceOf(3), since: 0));
    }

    [Fact]
    public void What_is_not_told_whole_concerns_every_parent()
    {
        ChildPlaces places = new(isOn: true);
        places.Announce(s_schema, new Announcement([Changed(CommentOf(2), null, 6)], 6, IsWhole: false));
        Assert.False(places.IsUnchanged(PlaceOf(3), since: 5));
        Assert.True(places.IsUnchanged(PlaceOf(3), since: 6));
        LogEvent read = Changed(CommentOf(2), null, 9);
        read.ForgetRows();
        places.Announce(s_schema, new Announcement([read], 9, IsWhole: true));
        Assert.False(places.IsUnchanged(PlaceOf(3), since: 8));
    }

    [Fact]
    public void Lists_count_as_what_they_hold_and_go_with_their_record()
    {
        const int Bytes = 64 * 16 * 1024;
        RecordCache cache = new(Bytes, position: 0);
        CachedRecord[] children = [.. Enumerable.Range(0, 5).Select(_ => new CachedRecord(1, 1, new byte[100]))];
        List<CachedRecord> parents = [];
        for (long id = 0; id < 4000; id++)
        {
            CachedRecord parent = new(1, 1, new byte[100]);
            cache.Fill(RecordKey.OfStored("Post", [Value.From(id)]), cache.Position, parent);
            parents.Add(parent);
            for (int order = 0; order < 6; order++)
                cache.Keep(parent, new ChildList($"comments({order})", default, 0, children, isWhole: true));
            Assert.True(parent.List("comments(0)") is null && parent.List("comments(5)") is not null, "the oldest orders go first");
            if (id % 100 == 0) Assert.InRange(cache.Counts.Bytes, 0, Bytes);
        }
        Assert.True(cache.Counts.Evictions > 3000, $"{cache.Counts.Evictions} went");
        CachedRecord gone = parents[1];
        Assert.Null(gone.List("comments(5)"));
        cache.Keep(gone, new ChildList("comments(5)", default, 0, children, isWhole: true));
        Assert.Null(gone.List("comments(5)"));
        cache.Clear();
        Assert.Equal((0L, 0L), (cache.Counts.Bytes, cache.Counts.Records));
    }
}
