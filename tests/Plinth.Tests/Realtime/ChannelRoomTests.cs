using Plinth.Live;
using Plinth.Policy;
using Plinth.Rest;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>The numbers of a channel's members, where its leader is on this node and others are not.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ChannelRoomTests
{
    const string Schema = """model Note { id Int @id  @@allow("all", true) }  channel quiz { leader: reelect  @@allow("all", true) }""";

    [Fact]
    public async Task A_member_of_another_node_is_given_the_next_number_and_keeps_it()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        await using ChannelHub hub = new(server.Engine, Assert.Fail);
        using ChannelMembership leader = await JoinAsync(hub);
        ChannelRoom room = Assert.Single(hub.Rooms);
        Enter(room, "a", slot: 0);
        Enter(room, "b", slot: 0);
        Assert.Equal("a2 b3", Seats(room));
        // Told again by a node that has not heard it, or has another from a node that did not know the leader.
        Enter(room, "a", slot: 0, presence: "{\"x\":1}");
        Enter(room, "b", slot: 7);
        Assert.Equal("a2 b3", Seats(room));
        room.Seat("other", "a", 9);
        Assert.Equal("a2 b3", Seats(room));
    }

    [Fact]
    public async Task A_number_that_may_have_been_anothers_is_given_anew()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        await using ChannelHub hub = new(server.Engine, Assert.Fail);
        using ChannelMembership leader = await JoinAsync(hub);
        ChannelRoom room = Assert.Single(hub.Rooms);
        Enter(room, "gone", slot: 0);
        room.Leave("gone");
        // From a node that gave numbers by itself before it heard of this one; and one that is higher than all that were given here.
        Enter(room, "a", slot: 2);
        Enter(room, "b", slot: 8);
        Enter(room, "c", slot: 0);
        Assert.Equal("a3 b8 c9", Seats(room));
    }

    [Fact]
    public async Task Who_comes_back_with_a_node_that_was_lost_has_the_number_of_before_as_far_as_it_is_remembered()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        await using ChannelHub hub = new(server.Engine, Assert.Fail);
        using ChannelMembership leader = await JoinAsync(hub);
        ChannelRoom room = Assert.Single(hub.Rooms);
        Enter(room, "a", slot: 0);
        Enter(room, "b", slot: 0);
        room.LeaveAll("other");
        Enter(room, "b", slot: 3);
        Enter(room, "a", slot: 0);
        Assert.Equal("a2 b3", Seats(room));

        for (int i = 0; i < 1001; i++) Enter(room, $"x{i}", slot: 0);
        room.LeaveAll("other");
        room.LeaveAll("other");
        Enter(room, "a", slot: 2);
        Assert.Equal("a1005", Seats(room));
    }

    static async Task<ChannelMembership> JoinAsync(ChannelHub hub)
    {
        Result<ChannelMembership> joined = await hub.JoinAsync(
            Caller.System, new ChannelRequest("quiz", "{}"u8.ToArray(), default), static _ => { }, CancellationToken.None);
        return joined.Value;
    }

    static void Enter(ChannelRoom room, string id, long slot, string presence = "{}") => room.Enter(
        new ChannelMember(id, null, System.Text.Encoding.UTF8.GetBytes(presence), long.MaxValue - 1, "other", slot), given: slot);

    static string Seats(ChannelRoom room) => string.Join(
        ' ',
        room.Of("other").OrderBy(static member => member.Id, StringComparer.Ordinal).Select(static member => $"{member.Id}{member.Slot}"));
}
