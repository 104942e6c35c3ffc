using System.Globalization;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>Rules over relations stay with the index, however many there are.</summary>
public class RelationRulesTests
{
    [Fact]
    public async Task Two_hundred_rules_over_a_relation_are_one_statement_that_seeks_by_an_index_in_each()
    {
        string rules = string.Join("\n  ", Enumerable.Range(0, 200).Select(static i => string.Create(
            CultureInfo.InvariantCulture, $"@@allow(\"read\", members.exists(m, m.level == {i} && m.userId == auth.id))")));
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(
            "auth { id Int }\n"
            + "model Doc { id Int @id  text String  members Member[]\n  " + rules + "\n}\n"
            + "model Member { id Int @id  userId Int  level Int  doc Doc @relation  @@index([doc, userId, level])\n"
            + "  @@allow(\"all\", true) }");
        Caller caller = new(Value.FromMap(new ValueMap([new("id", Value.From(7))])), "7");
        Snapshot snapshot = fixture.Engine.Current;
        ReadRequest list = new() { Model = "Doc", Kind = ReadKind.List };
        ReadProgram program = snapshot.Program(snapshot.Reads.Plan(caller, list, fixture.Engine.Now).Value.Plan).Value;
        List<string> steps = [];
        using (ReadLease lease = await fixture.Engine.Store.Database.ReadAsync(CancellationToken.None))
        using (Statement explained = lease.Connection.Prepare("explain query plan " + program.Statement.Text))
        {
            while (explained.Step()) steps.Add(explained.ColumnText(3));
        }
        string[] inner = [.. steps.Where(static s => s.Contains(" t", StringComparison.Ordinal)
            && !s.Contains(" t0", StringComparison.Ordinal))];
        Assert.Equal(200, inner.Length);
        Assert.All(inner, static step => Assert.Contains("INDEX", step, StringComparison.Ordinal));
        Assert.All(inner, static step => Assert.StartsWith("SEARCH", step, StringComparison.Ordinal));
        // One statement, whatever the rules: none asks per row.
        Result<ReadReply> answered = await fixture.Engine.ReadAsync(caller, list, CancellationToken.None);
        Assert.Equal(1, answered.Value.Timings.Statements);
        answered.Value.Dispose();
    }
}
