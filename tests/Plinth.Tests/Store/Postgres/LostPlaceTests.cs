using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Plinth.Live;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>A node whose database loses the end of its log: it serves nothing of what was lost, says so, and needs no restart.</summary>
public sealed class LostPlaceTests
{
    [Fact]
    public async Task Behind_a_standby_that_lacked_the_last_commits_nothing_of_them_is_served()
    {
        int first = SwitchedPort.Free(), second = SwitchedPort.Free();
        using PostgresCluster primary = PostgresCluster.Start(Listening(first));
        using PostgresCluster standby = PostgresCluster.Follow(first, Listening(second));
        using SwitchedPort address = new(first);
        await using PostgresNodes nodes = new(PostgresCluster.UrlAt(address.Port));
        Engine engine = await nodes.StartAsync(), other = await nodes.StartAsync();
        await using Watched watched = await Watched.BeginAsync(engine);
        PostgresCopy copy = new(PostgresCluster.UrlAt(second), nodes.SchemaName);
        await FollowerTests.UntilAsync(() => copy.Head() == watched.Head());

        // It hears of nothing any more, and others have their acknowledgements.
        standby.Stop("fast");
        await watched.WriteWhatIsLostAsync();
        primary.Stop("immediate");
        standby.Begin();
        standby.Promote();
        address.LeadTo(second);

        // The other node is the first, and where this one has been others stand.
        await watched.WriteByAsync(other, 9);
        await watched.RequireNothingLostIsServedAsync(LogBreakKind.Rewritten);
    }

    [Fact]
    public async Task Behind_a_backup_that_was_put_back_while_it_served_nothing_of_what_came_after_is_served()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        using TempFolder folder = new();
        PostgresCluster.Give(folder.Path);
        Engine engine = await nodes.StartAsync();
        await using Watched watched = await Watched.BeginAsync(engine);
        string backup = folder.File("backup");
        PostgresCluster.Shared.Dump(nodes.SchemaName, backup);
        await watched.WriteWhatIsLostAsync();
        Drop(nodes);
        // Meanwhile there are no tables, which the node takes for what it is: no answer.
        PostgresCluster.Shared.Restore(backup);
        await watched.RequireNothingLostIsServedAsync(LogBreakKind.Rewritten);
    }

    static void Drop(PostgresNodes nodes)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                nodes.Execute($"drop schema {nodes.SchemaName} cascade");
                return;
            }
            catch (Npgsql.PostgresException e) when (e.SqlState == Npgsql.PostgresErrorCodes.DeadlockDetected && tries < 20)
            {
                // Whoever reads several tables and whoever drops them may wait for one another; the server lets one of them go.
            }
        }
    }

    static string Listening(int port) =>
        string.Create(CultureInfo.InvariantCulture, $"fsync=off -c listen_addresses=127.0.0.1 -c port={port}");

    /// <summary>A server that cannot be written to, asked for what it has.</summary>
    sealed class PostgresCopy(string url, string schema)
    {
        public long Head()
        {
            using TempFolder folder = new();
            PostgresServer server = PostgresServer.Of(url + "&schema=" + schema, "tests");
            using Npgsql.NpgsqlDataSource source = server.Readers(new() { Folder = folder.Path });
            using Npgsql.NpgsqlCommand command = source.CreateCommand("select position from plinth_log_head");
            return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
        }
    }

    /// <summary>An engine with a live query, a sink and records at hand.</summary>
    sealed class Watched : IAsyncDisposable
    {
        const int Kept = 20, Lost = 10;

        static readonly ReadRequest s_list = new() { Model = "Note", Kind = ReadKind.List, Sort = [new("id", false)] };

        readonly Engine _engine;
        readonly LiveHub _hub;
        readonly ConcurrentQueue<Guid> _sent = new();
        readonly Lock _gate = new();
        readonly DurableFollower _sink;
        readonly Materialised _list = new("id");
        readonly List<string> _ended = [];
        int _told;

        Watched(Engine engine)
        {
            _engine = engine;
            _hub = new LiveHub(engine, Live_queries_equal_fresh_ones.Fail);
            _engine.LostPlace = _ => Interlocked.Increment(ref _told);
            FollowerHandler send = (events, _) =>
            {
                foreach (LogEvent happened in events) _sent.Enqueue(happened.EventId);
                return ValueTask.CompletedTask;
            };
            _sink = new DurableFollower(engine.Store, "sink", new FollowerWork(send, null));
        }

        public static async Task<Watched> BeginAsync(Engine engine)
        {
            Watched watched = new(engine);
            for (int id = 1; id <= Kept; id++)
                Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, $$"""{"id":{{id}},"text":"kept"}"""));
            watched.Subscribe();
            await FollowerTests.UntilAsync(() => watched.Items.Count == Kept && watched._sink.Status.Position == watched.Head());
            return watched;
        }

        IReadOnlyList<string> Items
        {
            get
            {
                lock (_gate) return _list.Items;
            }
        }

        public long Head()
        {
            using ReadLease lease = _engine.Store.Database.Read(CancellationToken.None);
            return EventLog.ReadHead(lease.Connection).Position;
        }

        /// <summary>All of it is acknowledged, read, told and sent.</summary>
        public async Task WriteWhatIsLostAsync()
        {
            for (int id = Kept + 1; id <= Kept + Lost; id++)
                Assert.Null(await PostgresNodes.WriteAsync(_engine, CommandKind.Create, $$"""{"id":{{id}},"text":"lost"}"""));
            Assert.Null(await PostgresNodes.WriteAsync(_engine, CommandKind.Update, """{"text":"lost"}""", "1"));
            for (int i = 0; i < 3; i++) Assert.Contains("lost", await TextAsync("1"), StringComparison.Ordinal);
            Assert.Null(await PostgresNodes.ReadAsync(_engine, "30"));
            await FollowerTests.UntilAsync(() => Items.Count == Kept + Lost && _sink.Status.Position == _engine.Log.Head);
        }

        /// <summary>As soon as the database is back, another node writes.</summary>
        public async Task WriteByAsync(Engine other, int count)
        {
            for (int id = 101; id < 101 + count; id++)
            {
                using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
                while (await PostgresNodes.WriteAsync(other, CommandKind.Create, $$"""{"id":{{id}},"text":"new"}""") is { } fault)
                {
                    Assert.Contains(fault.Code, new[] { Faults.StorageUnavailable.Code, Faults.NotReady.Code, Faults.Overloaded.Code });
                    await Task.Delay(20, enough.Token);
                }
            }
        }

        public async Task RequireNothingLostIsServedAsync(LogBreakKind kind)
        {
            // From the moment on in which it says that it has seen the end of the log, all of it is of the log that is there.
            await FollowerTests.UntilAsync(() => _engine.Log.Breaks > 0 && _engine.Log.TryConfirm());
            Assert.Equal(kind, _engine.Log.LastBreak!.Kind);
            Assert.Contains("kept", await TextAsync("1"), StringComparison.Ordinal);
            Assert.Equal(Faults.NotFound.Code, (await PostgresNodes.ReadAsync(_engine, "30"))?.Code);
            Assert.DoesNotContain("lost", await PostgresNodes.AnswerAsync(_engine, s_list), StringComparison.Ordinal);
            Assert.Null(_engine.Unfit());

            await FollowerTests.UntilAsync(() => Ended.Count == 1);
            Assert.Equal([Faults.LogBroken.Code], Ended);
            // Whoever comes back with what was lost is not told of changes to it.
            Subscribe();
            Assert.Null(await PostgresNodes.WriteAsync(_engine, CommandKind.Create, """{"id":200,"text":"new"}"""));
            for (int i = 0; i < 3; i++)
                Assert.Null(await PostgresNodes.WriteAsync(_engine, CommandKind.Update, $$"""{"text":"{{i}}"}""", "2"));
            await FollowerTests.UntilAsync(() => _sink.Status is { State: FollowerState.Running } at && at.Position == Head());
            string fresh = await PostgresNodes.AnswerAsync(_engine, s_list with { IsLive = true });
            using JsonDocument page = JsonDocument.Parse(fresh);
            string[] expected = [.. page.RootElement.GetProperty("items").EnumerateArray().Select(static i => i.GetRawText())];
            await FollowerTests.UntilAsync(() => Items.SequenceEqual(expected));
            Assert.True(_list.Snapshots >= 2, "it was told of changes to what was lost");

            // The sink had all of the log that is there, and the chain of hashes holds over it.
            using (ReadLease lease = _engine.Store.Database.Read(CancellationToken.None))
            {
                Assert.Subset(
                    new HashSet<Guid>(_sent), EventLog.Read(lease.Connection, 0, 1000).Select(static e => e.EventId).ToHashSet());
            }
            Assert.Null(_engine.Store.Verify(CancellationToken.None).Wrong);
            Assert.Empty(_engine.Store.Replay(_engine.Current.Schema, null, CancellationToken.None).Differences);
            Assert.Equal((_engine.Log.Breaks, 1), (_told, Ended.Count));
        }

        public async ValueTask DisposeAsync()
        {
            await _sink.DisposeAsync();
            _hub.Dispose();
        }

        IReadOnlyList<string> Ended
        {
            get
            {
                lock (_gate) return [.. _ended];
            }
        }

        async Task<string> TextAsync(string key) =>
            await PostgresNodes.AnswerAsync(_engine, new ReadRequest { Model = "Note", Kind = ReadKind.Get, Key = [key] });

        void Subscribe()
        {
            Result<LiveSubscription> begun = _hub.Subscribe(Caller.System, s_list, _list.Position, Take);
            Assert.True(begun.IsOk, begun.Fault?.Message);
        }

        void Take(LiveFrame frame)
        {
            lock (_gate)
            {
                if (frame.Ended is { } fault)
                {
                    _ended.Add(fault.Code);
                    return;
                }
                using JsonDocument document = JsonDocument.Parse(frame.For("1"u8.ToArray()));
                _list.Apply(document.RootElement);
            }
        }
    }
}
