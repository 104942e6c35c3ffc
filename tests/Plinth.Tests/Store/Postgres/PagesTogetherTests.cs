using System.Globalization;
using System.Text;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Lists with what they include, asked of the server together.</summary>
public class PagesTogetherTests
{
    const int Posts = 24, NeverSlow = 600_000;

    const string Models = """
        auth { id String  role String }
        model Author { id Int @id  name String  posts Post[]  @@allow("read", true)  @@allow("create", true) }
        model Post {
          id Int @id  author Author @relation(fields: [authorId], references: [id])  authorId Int  comments Comment[]
          @@allow("all", true)
        }
        model Comment {
          id Int @id  post Post @relation(fields: [postId], references: [id])  postId Int  owner String  stars Int
          replies Reply[]
          @@allow("read", owner == auth.id || auth.role == "admin")  @@allow("create", true)
        }
        model Reply {
          id Int @id  comment Comment @relation(fields: [commentId], references: [id])  commentId Int  owner String
          @@allow("read", owner == auth.id || auth.role == "admin")  @@allow("create", true)
        }
        """;

    static readonly Caller[] s_callers =
        [WriteFixture.As("ann"), WriteFixture.As("bob"), WriteFixture.As("eve", role: "admin"), WriteFixture.As("zoe")];

    [Fact]
    public async Task Lists_that_would_wait_share_statements_with_what_they_include_and_each_caller_sees_their_own()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Models) { CacheBytes = 0, SlowMs = NeverSlow };
        Engine engine = await FilledAsync(nodes);
        Asked[] wanted =
        [
            .. s_callers.SelectMany(static caller => Enumerable.Range(0, Posts).Select(after => new Asked(caller, after, after % 3 + 1))),
        ];
        List<string> expected = [];
        foreach (Asked one in wanted) expected.Add(await ListAsync(engine, one));
        Assert.Contains("\"comments\":[{", expected[0], StringComparison.Ordinal);
        Assert.Contains("\"replies\":[{", expected[0], StringComparison.Ordinal);
        Assert.All(expected.Zip(wanted), static one => Assert.True(IsTheirs(one.First, one.Second.Caller), one.First));

        // Four statements for each, when each is alone.
        await ReadsTogetherTests.SharedAsync(engine, wanted.Length * 3, async () =>
        {
            Task<string>[] asked;
            using (nodes.Hold("lock table posts in access exclusive mode")) asked = [.. wanted.Select(one => ListAsync(engine, one))];
            Assert.Equal(expected, await Task.WhenAll(asked));
        });
    }

    [Fact]
    public async Task A_list_by_itself_is_a_statement_for_each_relation_and_one_more()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Models) { CacheBytes = 0, SlowMs = NeverSlow };
        Engine engine = await FilledAsync(nodes);
        Result<ReadReply> reply = await engine.ReadAsync(s_callers[2], Request(after: 3, comments: 2), CancellationToken.None);
        using ReadReply read = reply.Value;
        Assert.Equal(4, read.Timings.Statements);
    }

    [Fact]
    public async Task One_that_includes_too_much_is_told_so_and_those_it_went_with_are_answered()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Models) { CacheBytes = 0, SlowMs = NeverSlow, IncludedRows = 20 };
        Engine engine = await FilledAsync(nodes);
        Caller admin = s_callers[2];
        Asked small = new(admin, After: 2, Comments: 2), large = new(admin, After: 2, Comments: 4);
        string expected = await ListAsync(engine, small);
        Asked[] wanted = [.. Enumerable.Range(0, 60).Select(i => i % 5 == 0 ? large : small)];
        Task<string>[] asked;
        using (nodes.Hold("lock table posts in access exclusive mode")) asked = [.. wanted.Select(one => ListAsync(engine, one))];
        string[] answers = await Task.WhenAll(asked);
        for (int i = 0; i < wanted.Length; i++) Assert.Equal(i % 5 == 0 ? "too_many_rows" : expected, answers[i]);
    }

    [Fact]
    public async Task All_that_a_record_includes_is_of_one_moment_whichever_branch_is_read_last()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Models) { CacheBytes = 0 };
        Engine engine = await FilledAsync(nodes);
        ReadRequest request = new()
        {
            Model = "Post",
            Kind = ReadKind.Get,
            Key = ["3"],
            Include = [new("author") { Include = [new("posts")] }, new("comments") { Include = [new("replies")] }],
        };
        string expected = await PostgresNodes.AnswerAsync(engine, request);
        Assert.Contains("\"replies\":[{", expected, StringComparison.Ordinal);

        using TempFolder folder = new();
        await using Npgsql.NpgsqlDataSource source = PostgresServer.Of(nodes.Url, "tests").Writers(new() { Folder = folder.Path });
        await using Npgsql.NpgsqlConnection other = await source.OpenConnectionAsync();
        await ExecuteAsync(other, "begin; lock table replies in access exclusive mode; delete from replies");
        Task<string> asked = PostgresNodes.AnswerAsync(engine, request);
        Assert.True(SpinWait.SpinUntil(
            () => nodes.Scalar("select count(*) from pg_locks where not granted and relation = 'replies'::regclass") > 0,
            TimeSpan.FromSeconds(60)));
        await ExecuteAsync(other, "commit");
        Assert.Equal(expected, await asked);
        Assert.DoesNotContain("\"replies\":[{", await PostgresNodes.AnswerAsync(engine, request), StringComparison.Ordinal);

        static async Task ExecuteAsync(Npgsql.NpgsqlConnection to, string sql)
        {
            await using Npgsql.NpgsqlCommand command = new(sql, to);
            await command.ExecuteNonQueryAsync();
        }
    }

    [Fact]
    public async Task Who_leaves_takes_nobody_along()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Models) { CacheBytes = 0, SlowMs = NeverSlow };
        Engine engine = await FilledAsync(nodes);
        Asked one = new(s_callers[2], After: 2, Comments: 3);
        string expected = await ListAsync(engine, one);
        using CancellationTokenSource leaving = new();
        Task<string>[] asked;
        using (nodes.Hold("lock table posts in access exclusive mode"))
        {
            asked = [.. Enumerable.Range(0, 60).Select(i => ListAsync(engine, one, i % 3 == 0 ? leaving.Token : CancellationToken.None))];
            await leaving.CancelAsync();
        }

        for (int i = 0; i < asked.Length; i++)
        {
            if (i % 3 != 0)
            {
                Assert.Equal(expected, await asked[i]);
                continue;
            }

            // Some had left with the others before they left.
            Exception? e = await Record.ExceptionAsync(() => asked[i]);
            if (e is null) Assert.Equal(expected, await asked[i]);
            else Assert.IsType<OperationCanceledException>(e, exactMatch: false);
        }

        Assert.Equal(expected, await ListAsync(engine, one));
    }

    /// <param name="After">Posts behind this one.</param>
    /// <param name="Comments">Of each, at most.</param>
    sealed record Asked(Caller Caller, int After, int Comments);

    static async Task<Engine> FilledAsync(PostgresNodes nodes)
    {
        Engine engine = await nodes.StartAsync();
        for (int i = 1; i <= 5; i++) await CreateAsync(engine, "Author", $$"""{"id":{{i}},"name":"Author {{i}}"}""");
        for (int i = 1; i <= Posts; i++) await CreateAsync(engine, "Post", $$"""{"id":{{i}},"authorId":{{i % 5 + 1}}}""");
        for (int i = 1; i <= Posts * 4; i++)
        {
            string comment = $$"""{"id":{{i}},"postId":{{i % Posts + 1}},"owner":"{{Owner(i)}}","stars":{{i % 7}}}""";
            await CreateAsync(engine, "Comment", comment);
            await CreateAsync(engine, "Reply", $$"""{"id":{{i}},"commentId":{{i}},"owner":"{{Owner(i)}}"}""");
        }

        return engine;
    }

    static string Owner(int comment) => comment / Posts % 2 == 0 ? "ann" : "bob";

    static bool IsTheirs(string answer, Caller caller) => ReferenceEquals(caller, s_callers[2])
        || ((ReferenceEquals(caller, s_callers[0]) || !answer.Contains("\"ann\"", StringComparison.Ordinal))
            && (ReferenceEquals(caller, s_callers[1]) || !answer.Contains("\"bob\"", StringComparison.Ordinal)));

    static async Task CreateAsync(Engine engine, string model, string record) =>
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, record, model: model));

    /// <summary>The page, or the code of what is wrong.</summary>
    static async Task<string> ListAsync(Engine engine, Asked asked, CancellationToken cancel = default)
    {
        Result<ReadReply> reply = await engine.ReadAsync(asked.Caller, Request(asked.After, asked.Comments), cancel);
        if (!reply.IsOk) return reply.Fault.Kind.Code;
        using ReadReply read = reply.Value;
        return Encoding.UTF8.GetString(read.Body.Written);
    }

    static ReadRequest Request(int after, int comments) => new()
    {
        Model = "Post",
        Kind = ReadKind.List,
        Filter = string.Create(CultureInfo.InvariantCulture, $"id > {after}"),
        Limit = 7,
        Include = [new("author"), new("comments") { Limit = comments, Include = [new("replies") { Limit = 2 }] }],
    };
}
