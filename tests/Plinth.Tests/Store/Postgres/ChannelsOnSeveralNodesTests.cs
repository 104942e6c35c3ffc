using System.Text;
using System.Text.Json;
using Plinth.Live;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Store.Postgres;

public sealed class ChannelsOnSeveralNodesTests
{
    const string Schema = """
        auth { id Int }
        model Deal { id Int @id  ownerId Int  @@allow("all", true) }
        channel board(deal: Deal) { presence  @@allow("join", deal.ownerId == auth.id)  @@allow("publish", true) }
        channel quiz { leader: reelect  @@allow("all", true) }
        channel lesson { leader: close  @@allow("all", true) }
        channel news { @@allow("all", true) }
        """;

    [Fact]
    public async Task Members_of_all_nodes_hear_and_see_one_another_until_their_node_dies()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Schema);
        List<Engine> engines = [await nodes.StartAsync(), await nodes.StartAsync(), await nodes.StartAsync()];
        List<ChannelHub> hubs = [.. engines.Select(static e => new ChannelHub(e, Assert.Fail))];
        try
        {
            List<Client> clients = [.. hubs.Select(static (hub, i) => new Client(hub, "c" + i))];
            foreach (Client client in clients) await client.JoinAsync("quiz");
            foreach (Client client in clients) await client.IsAsync(() => client.Members.SetEquals(["c0", "c1", "c2"]), "sees all");
            foreach (Client client in clients)
                await client.IsAsync(() => client.Leader is { } known && clients.TrueForAll(c => c.Leader == known), "agrees on a leader");
            Client leader = clients.Single(c => c.Id == clients[0].Leader);
            List<Client> others = [.. clients.Where(c => c != leader)];

            // In order, to all others, and not to oneself.
            for (int i = 0; i < 100; i++) Assert.Null(await leader.PublishAsync($"{i}"));
            foreach (Client client in others)
                await client.IsAsync(() => client.Messages.SequenceEqual(Enumerable.Range(0, 100).Select(n => $"{n}")), "heard in order");
            Assert.Null(await others[1].PublishAsync("\"to the leader\""));
            await leader.IsAsync(() => leader.Messages.SequenceEqual(["\"to the leader\""]), "heard what was for him alone");

            // Everyone has a number, the same for all who see it.
            Dictionary<string, long> slots = await SlotsAsync(clients);
            Assert.Equal(3, slots.Values.Distinct().Count());
            Assert.Equal(1, slots[leader.Name]);

            // Whoever else can tell something to the database's listeners tells these nothing.
            nodes.Execute("select pg_notify('plinth_channels', 'bm90aGluZyBvZiBvdXJzIGF0IGFsbCwgYW5kIG5vIGtleSBmb3IgaXQ')");

            await nodes.EndAsync(engines[clients.IndexOf(leader)]);
            foreach (Client client in others)
            {
                await client.IsAsync(() => client.Members.SetEquals(others.Select(static o => o.Name)), "was told who went with his node");
                await client.IsAsync(() => client.Leader is { } next && next != leader.Id && others.TrueForAll(o => o.Leader == next),
                    "has another leader");
            }
            engines.Add(await nodes.StartAsync());
            hubs.Add(new ChannelHub(engines[3], Assert.Fail));
            Client late = new(hubs[3], "late");
            await late.JoinAsync("quiz");
            foreach (Client client in (Client[])[.. others, late])
                await client.IsAsync(() => client.Members.SetEquals([.. others.Select(static o => o.Name), "late"]), "sees who came late");
            // Whoever leads gives numbers on from where the one before was.
            Dictionary<string, long> after = await SlotsAsync([.. others, late]);
            foreach (Client client in others) Assert.Equal(slots[client.Name], after[client.Name]);
            Assert.True(after["late"] > slots.Values.Max(), $"{after["late"]} was given before");
            late.Leave();
            foreach (Client client in others)
                await client.IsAsync(() => client.Members.SetEquals(others.Select(static o => o.Name)), "was told who left");
        }
        finally
        {
            foreach (ChannelHub hub in hubs) await hub.DisposeAsync();
        }
    }

    [Fact]
    public async Task Who_came_and_went_while_it_could_not_be_told_is_known_to_the_other_nodes_soon()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Schema);
        DeafBus? deaf = null;
        Engine here = await nodes.StartAsync();
        Engine there = await nodes.StartAsync(with: database => new FailingDatabase(database) { OverBus = bus => deaf = new DeafBus(bus) });
        await using ChannelHub one = new(here, Assert.Fail), two = new(there, Assert.Fail);
        Client watching = new(one, "watching"), leaving = new(two, "leaving"), coming = new(two, "coming");
        await watching.JoinAsync("quiz");
        await leaving.JoinAsync("quiz");
        await watching.IsAsync(() => watching.Members.SetEquals(["watching", "leaving"]), "sees the other");
        // Who stays is not away for a moment: a lesson whose teacher is forgotten is over.
        Client teacher = new(two, "teacher"), pupil = new(one, "pupil");
        await teacher.JoinAsync("lesson");
        await teacher.IsAsync(() => teacher.Leader == teacher.Id, "leads");
        await pupil.JoinAsync("lesson");
        Dictionary<string, long> slots = await SlotsAsync([teacher, pupil]);
        await pupil.IsAsync(() => pupil.Leader == teacher.Id, "is led by who came first");
        // Its connection is gone, and with it what was told meanwhile.
        deaf!.IsDeaf = true;
        leaving.Leave();
        await coming.JoinAsync("quiz");
        deaf.IsDeaf = false;
        await watching.IsAsync(() => watching.Members.SetEquals(["watching", "coming"]), "heard of what it had missed");
        await coming.IsAsync(() => coming.Members.SetEquals(["watching", "coming"]), "sees the other");
        Assert.Null(await teacher.PublishAsync("\"go on\""));
        await pupil.IsAsync(() => pupil.Messages.Count == 1, "still hears the teacher");
        Assert.Equal((null, null, teacher.Id), (pupil.Ended, teacher.Ended, pupil.Leader));
        Assert.Equal(slots, await SlotsAsync([teacher, pupil]));
        Assert.Equal(0, pupil.Left);
    }

    /// <summary>What it is told while it is deaf is lost.</summary>
    sealed class DeafBus(Bus bus) : Bus
    {
        public volatile bool IsDeaf;

        public override bool TrySend(string text) => IsDeaf || bus.TrySend(text);

        public override ValueTask DisposeAsync() => bus.DisposeAsync();
    }

    [Fact]
    public async Task What_one_node_writes_puts_out_members_of_another()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Schema);
        Engine here = await nodes.StartAsync(), there = await nodes.StartAsync();
        await using ChannelHub one = new(here, Assert.Fail), two = new(there, Assert.Fail);
        Assert.Null(await PostgresNodes.WriteAsync(here, CommandKind.Create, """{"id":1,"ownerId":5}""", model: "Deal"));
        Client here5 = new(one, "here", 5), there5 = new(two, "there", 5);
        await here5.JoinAsync("board", """{"dealId":1}""");
        await there5.JoinAsync("board", """{"dealId":1}""");
        await here5.IsAsync(() => here5.Members.SetEquals(["here", "there"]), "sees the other");
        Assert.Null(await PostgresNodes.WriteAsync(there, CommandKind.Update, """{"ownerId":6}""", "1", "Deal"));
        await here5.IsAsync(() => here5.Ended == "forbidden", "was put out");
        await there5.IsAsync(() => there5.Ended == "forbidden", "was put out");
        Assert.Equal("forbidden", (await new Client(one, "again", 5).TryJoinAsync("board", """{"dealId":1}"""))?.Code);
    }

    [Fact]
    public async Task A_message_as_large_as_may_be_with_a_user_as_long_as_may_be_fits_into_a_notice()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Schema);
        Engine here = await nodes.StartAsync(), there = await nodes.StartAsync();
        await using ChannelHub one = new(here, Assert.Fail), two = new(there, Assert.Fail);
        Client speaker = new(one, "speaker", subject: new string('\u0001', 5000)), hearer = new(two, "hearer");
        await speaker.JoinAsync("news");
        await hearer.JoinAsync("news");
        // Who does not listen yet hears nothing: there is no repeat.
        await hearer.IsAsync(() => one.Nodes == 1 && two.Nodes == 1, "heard of the other node");
        string largest = "\"" + new string('\u20ac', (Limits.Default.ChannelMessageBytes - 2) / 3) + "\"";
        // What is told before a node listens is not heard, and here nobody is seen to come.
        for (int tries = 0; hearer.Messages.Count == 0 && tries < 1000; tries++)
        {
            Assert.Null(await speaker.PublishAsync("1"));
            await Task.Delay(50);
        }
        Assert.Null(await speaker.PublishAsync(largest));
        await hearer.IsAsync(() => hearer.Messages.SkipWhile(static m => m == "1").SequenceEqual([largest]), "heard it");
        Assert.Equal("limit_exceeded", (await speaker.PublishAsync("\"" + new string('x', 5000) + "\""))?.Code);
    }

    [Fact]
    public async Task Who_leaves_after_the_channels_have_closed_breaks_nothing()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Schema);
        Engine engine = await nodes.StartAsync();
        ChannelHub hub = new(engine, Assert.Fail);
        Client late = new(hub, "late");
        await late.JoinAsync("quiz");
        await hub.DisposeAsync();
        // As a session does whose last frame is sent while the server stops.
        late.Leave();
        Assert.Equal("not_ready", (await late.PublishAsync("1"))?.Code);
    }

    [Fact]
    public async Task Who_leaves_has_had_a_number_that_no_node_gives_again()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Schema);
        Engine here = await nodes.StartAsync(), there = await nodes.StartAsync();
        await using ChannelHub one = new(here, Assert.Fail), two = new(there, Assert.Fail);
        Client first = new(one, "first"), second = new(two, "second");
        await first.JoinAsync("quiz");
        await first.IsAsync(() => first.Slots.GetValueOrDefault("first") == 1, "has a number");
        await second.JoinAsync("quiz");
        await SlotsAsync([first, second]);
        Client third = new(one, "third");
        await third.JoinAsync("quiz");
        long highest = (await SlotsAsync([first, second, third]))["third"];
        third.Leave();
        await second.IsAsync(() => second.Members.SetEquals(["first", "second"]), "was told who left");
        first.Leave();
        await second.IsAsync(() => second.Leader == second.Id, "leads");
        Client fourth = new(one, "fourth"), fifth = new(two, "fifth");
        await fourth.JoinAsync("quiz");
        await fifth.JoinAsync("quiz");
        Dictionary<string, long> slots = await SlotsAsync([second, fourth, fifth]);
        Assert.True(slots["fourth"] > highest && slots["fifth"] > highest, $"{highest} and then {slots["fourth"]}, {slots["fifth"]}");
    }

    [Fact]
    public async Task Numbers_that_nodes_gave_before_they_knew_of_one_another_are_told_apart()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Schema);
        Engine here = await nodes.StartAsync(), there = await nodes.StartAsync();
        await using ChannelHub one = new(here, Assert.Fail), two = new(there, Assert.Fail);
        List<Client> clients = [.. Enumerable.Range(0, 12).Select(i => new Client(i % 2 == 0 ? one : two, "c" + i))];
        await Task.WhenAll(clients.Select(static client => Task.Run(() => client.JoinAsync("quiz"))));
        Dictionary<string, long> slots = await SlotsAsync(clients);
        Assert.Equal(12, slots.Values.Distinct().Count());
    }

    /// <summary>The numbers of all, once all see the same, each another.</summary>
    static async Task<Dictionary<string, long>> SlotsAsync(List<Client> clients)
    {
        await clients[0].IsAsync(
            () => clients.TrueForAll(client => clients.TrueForAll(seen => client.Slots.ContainsKey(seen.Name)))
                && clients.TrueForAll(client => clients[0].Slots.All(slot => client.Slots.GetValueOrDefault(slot.Key) == slot.Value))
                && clients[0].Slots.Values.Distinct().Count() == clients.Count,
            "agrees on numbers: " + string.Join("; ", clients.Select(static c => string.Join(',', c.Slots))));
        return clients[0].Slots;
    }

    /// <summary>What a page makes of the frames of one channel.</summary>
    sealed class Client(ChannelHub hub, string name, int user = 1, string? subject = null)
    {
        readonly Lock _gate = new();
        readonly Dictionary<string, string> _members = new(StringComparer.Ordinal);
        readonly Dictionary<string, long> _slots = new(StringComparer.Ordinal);
        readonly List<string> _messages = [];
        ChannelMembership? _membership;
        int _left;
        string? _leader, _ended;

        public string Name => name;

        public string? Id => _membership?.Id;

        public HashSet<string> Members
        {
            get
            {
                lock (_gate) return [.. _members.Values];
            }
        }

        /// <summary>The numbers of those who have one, by name.</summary>
        public Dictionary<string, long> Slots
        {
            get
            {
                lock (_gate) return _members.Keys.Where(_slots.ContainsKey).ToDictionary(id => _members[id], id => _slots[id]);
            }
        }

        public List<string> Messages
        {
            get
            {
                lock (_gate) return [.. _messages];
            }
        }

        public string? Leader
        {
            get
            {
                lock (_gate) return _leader;
            }
        }

        /// <summary>Times that it was told of somebody who left.</summary>
        public int Left => Volatile.Read(ref _left);

        public string? Ended
        {
            get
            {
                lock (_gate) return _ended;
            }
        }

        public async Task JoinAsync(string channel, string parameters = "{}") => Assert.Null(await TryJoinAsync(channel, parameters));

        public async Task<Fault?> TryJoinAsync(string channel, string parameters)
        {
            Caller caller = new(Value.FromMap(new ValueMap([new("id", Value.From(user))])), subject ?? "1");
            byte[] presence = channel == "news" ? [] : Encoding.UTF8.GetBytes($$"""{"name":"{{name}}"}""");
            Result<ChannelMembership> joined = await hub.JoinAsync(
                caller, new ChannelRequest(channel, Encoding.UTF8.GetBytes(parameters), presence), Take, CancellationToken.None);
            if (joined.IsOk) _membership = joined.Value;
            return joined.IsOk ? null : joined.Fault;
        }

        public async Task<Fault?> PublishAsync(string message) =>
            await _membership!.PublishAsync(Encoding.UTF8.GetBytes(message), CancellationToken.None);

        public void Leave() => _membership!.Dispose();

        public async Task IsAsync(Func<bool> condition, string what)
        {
            for (long end = Environment.TickCount64 + 90_000; !condition(); await Task.Delay(20))
            {
                if (Environment.TickCount64 > end)
                    Assert.Fail($"{name} never {what}: {string.Join(", ", Members)}; led by {Leader}; {Messages.Count} messages; {Ended}");
            }
        }

        void Take(LiveFrame frame)
        {
            lock (_gate)
            {
                if (frame.Ended is { } fault)
                {
                    _ended = fault.Code;
                    return;
                }
                using JsonDocument document = JsonDocument.Parse(frame.For("1"u8.ToArray()));
                JsonElement told = document.RootElement;
                if (told.TryGetProperty("leader", out JsonElement leader)) _leader = leader.GetString();
                if (told.TryGetProperty("message", out JsonElement message)) _messages.Add(message.GetRawText());
                if (told.TryGetProperty("members", out JsonElement members))
                {
                    foreach (JsonElement one in members.EnumerateArray()) Show(one);
                }
                if (frame.Type != "presence") return;
                JsonElement member = told.GetProperty("member");
                if (told.GetProperty("kind").GetString() == "leave") Remove(member.GetProperty("id").GetString()!);
                else Show(member);
            }
        }

        void Remove(string member)
        {
            _members.Remove(member);
            Volatile.Write(ref _left, _left + 1);
        }

        void Show(JsonElement member)
        {
            string id = member.GetProperty("id").GetString()!;
            _members[id] = member.GetProperty("presence").GetProperty("name").GetString()!;
            if (member.TryGetProperty("slot", out JsonElement slot)) _slots[id] = slot.GetInt64();
        }
    }
}
