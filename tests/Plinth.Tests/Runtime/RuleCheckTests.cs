using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Runtime;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class RuleCheckTests
{
    /// <summary>
    /// No command finds such a record, since keys are looked up within the tenant. The rules refuse it all the same: the second line.
    /// </summary>
    [Fact]
    public async Task A_record_of_another_tenant_is_refused_before_a_change_and_after_it_and_to_the_eye()
    {
        using WriteFixture fixture = new("""
            app x { tenancy = row }
            auth { id Int  tenantId Int? }
            model Team { id Int @id  name String  @@allow("all", true) }
            """);
        Caller ada = new(Value.FromMap(new ValueMap([new("id", Value.From(7L)), new("tenantId", Value.From(1L))])), "7");
        WriteSchema schema = fixture.Engine.Current.Writes;
        Model team = fixture.Schema.Model("Team");
        long now = fixture.Engine.Now;
        var seen = await fixture.Store.Committer.RunAsync(new WriteAction<bool[]>(transaction =>
        {
            Moment moment = new(now, new IdSource(new Random(1).NextBytes), ada.Auth);
            WriteScope scope = new(schema, transaction, fixture.Store.Events, ada, moment);
            RuleCheck check = new(scope, schema.Table("Team"), schema.Policies.Of(team).For(Operation.Update, ada, now));
            StoredRow mine = Row(tenant: 1), theirs = Row(tenant: 2);
            return new[]
            {
                check.MayStart(mine, out bool[] allowing), check.MayEnd(mine, mine.Values, allowing), check.Sees(mine),
                check.MayStart(theirs, out _), check.MayEnd(theirs, mine.Values, allowing), check.Sees(theirs),
            };
        }), CancellationToken.None);
        Assert.Equal([true, true, true, false, false, false], seen.Value);

        StoredRow Row(long tenant)
        {
            Value[] values = new Value[team.Fields.Length];
            values[team.Field("id")!.Ordinal] = Value.From(1L);
            values[team.Field("name")!.Ordinal] = Value.From("A");
            values[team.TenantField!.Ordinal] = Value.From(tenant);
            return new StoredRow(1, 1, values);
        }
    }
}
