using Plinth.Language;

namespace Plinth.Sql;

public class RuleAdviceTests
{
    const string Start = "auth { id Int  role String? }\n";

    static string[] Advice(string model) => [.. RuleAdvice.Of(Schemas.Load(Start + model)).Select(d => d.Code)];

    [Theory]
    [InlineData("@@allow(\"read\", auth.role == \"a\" && auth.role == \"b\")", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"read\", n == 1 && n == 2)", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"read\", false && n == 2)", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"read\", true || n == 2)", RuleAdvice.AlwaysTrue)]
    [InlineData("@@allow(\"list\", n == auth.id)", RuleAdvice.NoIndex)]
    [InlineData("@@allow(\"list\", n in [auth.id, 3])", RuleAdvice.NoIndex)]
    [InlineData("s String @unique  @@allow(\"get\", n == auth.id)", RuleAdvice.UniqueTells)]
    public void A_rule_that_is_hardly_meant_is_told(string members, string code) =>
        Assert.Equal([code], Advice($"model A {{ id Int @id  n Int  {members} }}"));

    [Theory]
    [InlineData("@@allow(\"list\", n == auth.id)  @@index([n])")]
    [InlineData("@@allow(\"list\", id == auth.id)")]
    [InlineData("@@allow(\"list\", n == auth.id || n == 3)  @@allow(\"get\", true)")]
    [InlineData("@@allow(\"read\", true)")]
    [InlineData("s String @unique  @@allow(\"get\", auth.role == \"a\")")]
    public void One_that_is_well_is_not(string members) => Assert.Empty(Advice($"model A {{ id Int @id  n Int  {members} }}"));

    [Fact]
    public void A_unique_key_within_a_tenant_tells_nothing_of_another() => Assert.Empty(RuleAdvice.Of(Schemas.Load(
        "app x { tenancy = row }\nauth { id Int  tenantId Int? }\n"
        + "model A { id Int @id  n Int  s String @unique  @@index([n])  @@allow(\"read\", n == auth.id) }")));
}
