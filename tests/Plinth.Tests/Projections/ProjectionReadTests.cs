using System.Text.Json;
using Plinth.Live;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Projections;

/// <summary>A projection is read like a model: live, under rules, within a tenant.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ProjectionReadTests
{
    const string Tenants = """
        app x { tenancy = row }
        auth { id Int  tenantId Int?  role String? }
        model Deal { id Int @id  stage String  score Int  @@allow("all", auth != null) }
        projection ByStage from Deal {
          key stage
          n Int = count()
          most Int = max(score)
          total Int = sum(score) @allow("read", auth.role == "boss")
          @@allow("read", auth != null)
        }
        """;

    [Fact]
    public async Task A_live_query_over_a_projection_is_told_of_its_changes()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync("""
            model Deal { id Int @id  stage String  score Int  @@allow("all", true) }
            projection ByStage from Deal { key stage  n Int = count()  total Int = sum(score)  @@allow("read", true) }
            """);
        using LiveHub hub = new(fixture.Engine, static _ => { });
        ReadRequest request = new()
        {
            Model = "ByStage", Kind = ReadKind.List, Filter = "n > 1", Sort = [new Plan.SortKey("total", Descending: true)],
        };
        Materialised list = new("stage");
        Lock gate = new();
        Result<LiveSubscription> begun = hub.Subscribe(Caller.System, request, null, frame =>
        {
            using JsonDocument document = JsonDocument.Parse(frame.For("1"u8.ToArray()));
            lock (gate) list.Apply(document.RootElement);
        });
        Assert.True(begun.IsOk, begun.Fault?.Message);
        using LiveSubscription subscription = begun.Value;
        Random random = new(Counts.Seed());
        for (int i = 1; i <= 60; i++)
        {
            await fixture.Do(CommandKind.Upsert, "Deal", $$"""{"stage":"{{"abc"[random.Next(3)]}}","score":{{random.Next(100)}}}""",
                ProjectionFixture.Number(random.Next(1, 20)));
            if (i % 20 != 0) continue;
            await fixture.CaughtUpAsync();
            string fresh = await fixture.Read(request with { Limit = 100 });
            await FollowerTests.UntilAsync(() =>
            {
                lock (gate) return string.Equals($"[{string.Join(',', list.Items)}]", fresh, StringComparison.Ordinal);
            });
        }
        lock (gate) Assert.True(list.Changes > 0, "changes were told one by one");
    }

    [Fact]
    public async Task Each_tenant_has_its_own_numbers_and_a_closed_one_is_unknown()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Tenants);
        for (int tenant = 1; tenant <= 2; tenant++)
        {
            Caller caller = Of(tenant, null);
            for (int i = 1; i <= tenant; i++)
            {
                var made = await fixture.Engine.WriteAsync(caller, Runtime.WriteFixture.Command(
                    CommandKind.Create, "Deal", $$"""{"id":{{i}},"stage":"a","score":{{tenant * 10 + i}}}"""), CancellationToken.None);
                Runtime.WriteFixture.Body(made);
            }
        }
        await fixture.CaughtUpAsync();
        Assert.Equal("""[{"stage":"a","n":1,"most":11}]""", await ListAsync(fixture, Of(1, null)));
        Assert.Equal("""[{"stage":"a","n":2,"most":22,"total":43}]""", await ListAsync(fixture, Of(2, "boss")));
        Assert.Equal("[]", await ListAsync(fixture, Of(3, "boss")));
        fixture.AssertExact("within tenants");
        // The largest goes: the next one is looked for within the tenant.
        var gone = await fixture.Engine.WriteAsync(
            Of(2, null), Runtime.WriteFixture.Command(CommandKind.Delete, "Deal", key: "2"), CancellationToken.None);
        Assert.True(gone.IsOk);
        await fixture.CaughtUpAsync();
        Assert.Equal("""[{"stage":"a","n":1,"most":21,"total":21}]""", await ListAsync(fixture, Of(2, "boss")));
    }

    static Caller Of(int tenant, string? role)
    {
        List<KeyValuePair<string, Value>> claims = [new("id", Value.From(tenant)), new("tenantId", Value.From(tenant))];
        if (role is not null) claims.Add(new("role", Value.From(role)));
        return new Caller(Value.FromMap(new ValueMap([.. claims])), ProjectionFixture.Number(tenant));
    }

    static async Task<string> ListAsync(ProjectionFixture fixture, Caller caller)
    {
        var reply = await fixture.Engine.ReadAsync(
            caller, new ReadRequest { Model = "ByStage", Kind = ReadKind.List }, CancellationToken.None);
        Assert.True(reply.IsOk, $"{reply.Fault?.Code}: {reply.Fault?.Message}");
        using var read = reply.Value;
        string json = System.Text.Encoding.UTF8.GetString(read.Body.Written);
        return json["{\"items\":".Length..json.IndexOf(",\"page\":", StringComparison.Ordinal)];
    }
}
