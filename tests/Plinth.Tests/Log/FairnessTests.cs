using System.Globalization;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>Tenants share the committer: what one of them sends keeps no other one waiting. Counted in groups, not in time.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class FairnessTests
{
    const string Schema = """
        app shared { tenancy = row }
        auth { id String  tenantId Int? }
        model Note { id Int @id  text String  @@allow("all", true) }
        """;

    [Fact]
    public async Task A_tenant_that_floods_the_queue_keeps_another_waiting_for_one_group()
    {
        using WriteFixture fixture = new(Schema, Limits.Default with { GroupCommands = 16 });
        Task<Result<Done>> holding = Hold(fixture.Store.Committer, out SemaphoreSlim release);
        Task<Result<WriteReply>>[] flood = [.. Enumerable.Range(1, 300).Select(i => CreateAsync(fixture, i, tenant: 1))];
        Task<Result<WriteReply>> other = CreateAsync(fixture, 1, tenant: 2);
        Task<Result<WriteReply>> system = fixture.Engine.WriteAsync(
            Caller.SystemOf(Value.From(3)), WriteFixture.Command(CommandKind.Create, "Note", """{"id":1,"text":"t"}"""),
            CancellationToken.None).AsTask();
        await UntilAsync(() => fixture.Store.Committer.Waiting == 302);
        release.Release();
        await holding;

        // The events of a group stand together, those of the first group first.
        Assert.InRange(await PositionAsync(other), 1, 16);
        Assert.InRange(await PositionAsync(system), 1, 16);
        long[] places = await Task.WhenAll(flood.Select(PositionAsync));
        Assert.Equal(302, places.Max());
        Assert.Equal(places.Order(), places);
    }

    [Fact]
    public async Task Tenants_take_turns_within_a_group_and_each_keeps_its_own_order()
    {
        using WriteFixture fixture = new(Schema, Limits.Default with { GroupCommands = 6 });
        Task<Result<Done>> holding = Hold(fixture.Store.Committer, out SemaphoreSlim release);
        Task<Result<WriteReply>>[] first = [.. Enumerable.Range(1, 6).Select(i => CreateAsync(fixture, i, tenant: 1))];
        Task<Result<WriteReply>>[] second = [.. Enumerable.Range(1, 2).Select(i => CreateAsync(fixture, i, tenant: 2))];
        Task<Result<WriteReply>>[] third = [.. Enumerable.Range(1, 4).Select(i => CreateAsync(fixture, i, tenant: 3))];
        await UntilAsync(() => fixture.Store.Committer.Waiting == 12);
        release.Release();
        await holding;
        long[] ofFirst = await GroupsAsync(first);
        Assert.Equal([1L, 2, 2], ofFirst);
        long[] ofSecond = await GroupsAsync(second);
        Assert.Equal([1L, 1], ofSecond);
        long[] ofThird = await GroupsAsync(third);
        Assert.Equal([1L, 1, 2, 2], ofThird);

        // Two of each are in the first group; of the first tenant four are left for the second one.
        async Task<long[]> GroupsAsync(Task<Result<WriteReply>>[] writes)
        {
            long[] places = await Task.WhenAll(writes.Select(PositionAsync));
            Assert.Equal(places.Order(), places);
            long[] groups = [.. places.Select(place => (place + 5) / 6)];
            return writes.Length == 6 ? [groups[1], groups[2], groups[5]] : groups;
        }
    }

    [Fact]
    public async Task A_tenant_may_have_so_many_waiting_and_the_next_is_told_when_to_come_again()
    {
        using WriteFixture fixture = new(Schema, Limits.Default with { TenantQueue = 5 });
        Task<Result<Done>> holding = Hold(fixture.Store.Committer, out SemaphoreSlim release);
        Task<Result<WriteReply>>[] flood = [.. Enumerable.Range(1, 8).Select(i => CreateAsync(fixture, i, tenant: 1))];
        Task<Result<WriteReply>> other = CreateAsync(fixture, 1, tenant: 2);
        await UntilAsync(() => flood.Count(static write => write.IsCompleted) == 3);
        foreach (Task<Result<WriteReply>> refused in flood[5..])
        {
            Fault fault = (await refused).Fault!;
            Assert.Equal(Faults.Overloaded.Code, fault.Code);
            Assert.Equal(1, fault.RetryAfterSeconds);
        }

        release.Release();
        await holding;
        Assert.Equal(6, (await Task.WhenAll([.. flood[..5], other])).Count(static write => write.IsOk));

        // The line is empty again, and so is its bound.
        Assert.True((await CreateAsync(fixture, 9, tenant: 1)).IsOk);
    }

    [Fact]
    public async Task Without_tenants_there_is_one_line_and_its_bound_is_that_of_the_whole()
    {
        using WriteFixture fixture = new(
            """auth { id String  tenantId Int? }  model Note { id Int @id  text String  @@allow("all", true) }""",
            Limits.Default with { TenantQueue = 2 });
        Task<Result<Done>> holding = Hold(fixture.Store.Committer, out SemaphoreSlim release);
        Task<Result<WriteReply>>[] writes = [.. Enumerable.Range(1, 10).Select(i => CreateAsync(fixture, i, tenant: 1))];
        await UntilAsync(() => fixture.Store.Committer.Waiting == 10);
        release.Release();
        await holding;
        Assert.Equal(Enumerable.Range(1, 10).Select(static i => (long)i), await Task.WhenAll(writes.Select(PositionAsync)));
    }

    static Task<Result<WriteReply>> CreateAsync(WriteFixture fixture, int id, int tenant)
    {
        Value claims = Value.FromMap(new ValueMap([new("id", Value.From("u")), new("tenantId", Value.From(tenant))]));
        string body = string.Create(CultureInfo.InvariantCulture, $$"""{"id":{{id}},"text":"t"}""");
        return fixture.Engine.WriteAsync(
            new Caller(claims, "u"), WriteFixture.Command(CommandKind.Create, "Note", body), CancellationToken.None).AsTask();
    }

    static async Task<long> PositionAsync(Task<Result<WriteReply>> write)
    {
        Result<WriteReply> result = await write;
        Assert.True(result.IsOk, result.Fault?.Message);
        using WriteReply reply = result.Value;
        return reply.Position;
    }

    /// <summary>A command that holds the lane until it is let go.</summary>
    static Task<Result<Done>> Hold(Committer committer, out SemaphoreSlim release)
    {
        SemaphoreSlim until = release = new(0);
        return committer.RunAsync(
            new WriteAction<Done>(
                _ =>
                {
                    until.Wait();
                    until.Dispose();
                    return Done.It;
                },
                isExclusive: true),
            CancellationToken.None).AsTask();
    }

    static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        while (!isSo()) await Task.Delay(1, enough.Token);
    }
}
