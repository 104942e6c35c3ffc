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

        public long Head() => Read(static connection => EventLog.ReadHead(connection).Position);

        T Read<T>(Func<Connection, T> read) => Patiently(() =>
        {
            using ReadLease lease = _engine.Store.Database.Read(CancellationToken.None);
            return read(lease.Connection);
        });

        /// <summary>What is answered once there is a connection: the server may be on its way back.</summary>
        static T Patiently<T>(Func<T> ask)
        {
            for (int tries = 1; ; tries++)
            {
                try
                {
                    return ask();
                }
                catch (StoreException e) when (e.Failure is StoreFailure.Unavailable or StoreFailure.Busy && tries < 30)
                {
                    // Each try takes as long as a connection may.
                }
            }
        }

        /// <summary>The fault of something that is asked until there is an answer.</summary>
        static async Task<Fault?> AnsweredAsync(Func<Task<Fault?>> ask)
        {
            using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
            while (true)
            {
                Fault? fault = await ask();
                bool isPassing = fault is not null && (fault.Kind == Faults.StorageUnavailable || fault.Kind == Faults.NotReady
                    || fault.Kind == Faults.Overloaded || fault.Kind == Faults.Timeout);
                if (!isPassing) return fault;
                await Task.Delay(20, enough.Token);
            }
        }

        Task<Fault?> UpdateAsync(string key, string text) => AnsweredAsync(
            () => PostgresNodes.WriteAsync(_engine, CommandKind.Update, $$"""{"text":"{{text}}"}""", key));

        async Task<string> AnswerAsync(ReadRequest request)
        {
            string text = "";
            Fault? fault = await AnsweredAsync(async () =>
            {
                Result<ReadReply> reply = await _engine.ReadAsync(Caller.System, request, CancellationToken.None);
                if (!reply.IsOk) return reply.Fault;
                using ReadReply read = reply.Value;
                text = System.Text.Encoding.UTF8.GetString(read.Body.Written);
                return null;
            });
            Assert.Null(fault);
            return text;
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
                Fault? fault = await AnsweredAsync(
                    () => PostgresNodes.WriteAsync(other, CommandKind.Create, $$"""{"id":{{id}},"text":"new"}"""));
                // One whose answer was lost may be there when it is sent again.
                Assert.Contains(fault?.Code, new[] { null, Faults.Conflict.Code });
            }
        }

        public async Task RequireNothingLostIsServedAsync(LogBreakKind kind)
        {
            // From the moment on in which it says that it has seen the end of the log, all of it is of the log that is there.
            await FollowerTests.UntilAsync(() => _engine.Log.Breaks > 0 && _engine.Log.TryConfirm());
            Assert.Equal(kind, _engine.Log.LastBreak!.Kind);
            Assert.Contains("kept", await TextAsync("1"), StringComparison.Ordinal);
            Assert.Equal(Faults.NotFound.Code, (await AnsweredAsync(() => PostgresNodes.ReadAsync(_engine, "30")))?.Code);
            Assert.DoesNotContain("lost", await AnswerAsync(s_list), StringComparison.Ordinal);
            await FollowerTests.UntilAsync(() => _engine.Unfit() is null);

            await FollowerTests.UntilAsync(() => Ended.Count == 1);
            Assert.Equal([Faults.LogBroken.Code], Ended);
            // Whoever comes back with what was lost is not told of changes to it.
            Subscribe();
            for (int i = 0; i < 3; i++) Assert.Null(await UpdateAsync("2", $"{i}"));
            await FollowerTests.UntilAsync(() => _sink.Status is { State: FollowerState.Running } at && at.Position == Head());
            string fresh = await AnswerAsync(s_list with { IsLive = true });
            using JsonDocument page = JsonDocument.Parse(fresh);
            string[] expected = [.. page.RootElement.GetProperty("items").EnumerateArray().Select(static i => i.GetRawText())];
            await FollowerTests.UntilAsync(() => Items.SequenceEqual(expected));
            Assert.True(_list.Snapshots >= 2, "it was told of changes to what was lost");

            // The sink had all of the log that is there, and the chain of hashes holds over it.
            Assert.Subset(
                new HashSet<Guid>(_sent), Read(static c => EventLog.Read(c, 0, 1000)).Select(static e => e.EventId).ToHashSet());
            Assert.Null(Patiently(() => _engine.Store.Verify(CancellationToken.None)).Wrong);
            Assert.Empty(Patiently(() => _engine.Store.Replay(_engine.Current.Schema, null, CancellationToken.None)).Differences);
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

        Task<string> TextAsync(string key) => AnswerAsync(new ReadRequest { Model = "Note", Kind = ReadKind.Get, Key = [key] });

        void Subscribe()
        {
            for (int tries = 0; !_hub.Subscribe(Caller.System, s_list, _list.Position, Take).IsOk; tries++)
                Assert.True(tries < 30, "it cannot be subscribed to");
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
