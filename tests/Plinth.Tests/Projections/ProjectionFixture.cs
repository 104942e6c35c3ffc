using System.Globalization;
using System.Text;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Projections;

/// <summary>A clock that is set forward and back by up to an hour whenever it is looked at; its timers are those of the machine.</summary>
sealed class SteppingClock : TimeProvider
{
    int _steps;

    public override DateTimeOffset GetUtcNow() =>
        base.GetUtcNow().AddMinutes((unchecked((uint)Interlocked.Increment(ref _steps) * 2654435769u) >> 24) % 121 - 60.0);
}

/// <summary>An engine with projections over a database of its own, closed and opened again where a test wants it.</summary>
sealed class ProjectionFixture : IAsyncDisposable
{
    readonly TempFolder _folder = new();

    ProjectionFixture(Engine engine) => Engine = engine;

    public Engine Engine { get; private set; }

    public EventStore Store => Engine.Store;

    public AppSchema Schema => Engine.Current.Schema;

    public static async Task<ProjectionFixture> OpenAsync(string schema)
    {
        ProjectionFixture fixture = new(null!); // Set in the next line.
        fixture.Engine = await OpenAsync(fixture._folder, schema);
        return fixture;
    }

    static async Task<Engine> OpenAsync(TempFolder folder, string schema)
    {
        Result<Engine> opened = await Engine.OpenAsync(
            new EngineOptions
            {
                Store = new StoreOptions { Folder = folder.Path, Durability = Durability.Off },
                OpenDatabase = TestDatabase.Open,
                Migrate = true,
                Time = new SteppingClock(),
            },
            WriteFixture.Read(schema),
            CancellationToken.None);
        return opened.IsOk ? opened.Value : throw new InvalidOperationException($"{opened.Fault.Message} {opened.Fault.Hint}");
    }

    public async Task ReopenAsync(string schema)
    {
        await Engine.DisposeAsync();
        Engine = await OpenAsync(_folder, schema);
    }

    public async Task ApplyAsync(string schema)
    {
        var applied = await Engine.ApplyAsync(WriteFixture.Read(schema), CancellationToken.None);
        Assert.True(applied.IsOk, $"{applied.Fault?.Message} {applied.Fault?.Hint}");
    }

    public async Task<string> Do(CommandKind kind, string model, string body = "", string? key = null)
    {
        var result = await Engine.WriteAsync(Caller.System, WriteFixture.Command(kind, model, body, key), CancellationToken.None);
        return WriteFixture.Body(result);
    }

    public async Task<string> TryDo(CommandKind kind, string model, string body = "", string? key = null)
    {
        var result = await Engine.WriteAsync(Caller.System, WriteFixture.Command(kind, model, body, key), CancellationToken.None);
        return result.IsOk ? WriteFixture.Body(result) : result.Fault.Code;
    }

    /// <summary>Creates records as a bulk, all of them or none.</summary>
    public Task<Result<WriteReply>> Bulk(string model, int count, Func<int, string> record)
    {
        return Engine.BulkCreateAsync(Caller.System, model, Records(), key: null, CancellationToken.None);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Records()
        {
            for (int i = 0; i < count; i++)
            {
                if (i % 500 == 0) await Task.Yield();
                yield return Encoding.UTF8.GetBytes(record(i));
            }
        }
    }

    /// <summary>The items of the list, as they are answered.</summary>
    public async Task<string> List(string model, string? filter = null)
    {
        ReadRequest request = new() { Model = model, Kind = ReadKind.List, Filter = filter, Limit = 1000 };
        return await Read(request);
    }

    public async Task<string> Read(ReadRequest request)
    {
        var reply = await Engine.ReadAsync(Caller.System, request, CancellationToken.None);
        Assert.True(reply.IsOk, $"{reply.Fault?.Code}: {reply.Fault?.Message}");
        using ReadReply read = reply.Value;
        string json = Encoding.UTF8.GetString(read.Body.Written);
        int end = json.IndexOf(",\"page\":", StringComparison.Ordinal);
        return end < 0 ? json : json["{\"items\":".Length..end];
    }

    /// <summary>Waits until every projection has seen all of the log.</summary>
    public Task CaughtUpAsync() => FollowerTests.UntilAsync(() =>
        Engine.Projections.Report(Schema, CancellationToken.None).All(static r => r.State is not null && r.Behind == 0));

    /// <summary>Each projection is what a fresh count of the records gives.</summary>
    public void AssertExact(string told)
    {
        foreach (Model model in ProjectionKeeper.ProjectionsOf(Schema))
        {
            ProjectionVerification verified = Engine.Projections.Verify(Schema, model, null, CancellationToken.None);
            Assert.True(verified.Differences.Count == 0, $"{told}: {string.Join('\n', verified.Differences)}");
        }
    }

    public void Execute(string sql)
    {
        var done = Store.Committer.RunAsync(new WriteAction<Done>(transaction =>
        {
            transaction.Connection.Execute(sql);
            return Done.It;
        }), CancellationToken.None).AsTask().GetAwaiter().GetResult();
        Assert.True(done.IsOk, done.Fault?.Message);
    }

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _folder.Dispose();
    }
}
