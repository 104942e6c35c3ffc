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
    [InlineData("@@allow(\"read\", n > 5 && n < 6)", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"read\", n >= 5 && 5 > n)", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"read\", n in [1, 2] && n > 2)", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"read\", n == 3 && (n != 3 && auth != null))", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"read\", t == null && t == \"x\")", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"read\", t == null && t != null)", RuleAdvice.NeverTrue)]
    [InlineData("@@deny(\"read\", up.b && !up.b)", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"read\", (n > 5 && n < 3) || auth.role == \"a\" && auth.role == \"b\")", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"read\", down.exists(d, d.n < 1 && d.n > 1))", RuleAdvice.NeverTrue)]
    [InlineData("@@allow(\"update\", n == 1, after: n == 1 && n == 2)", RuleAdvice.NeverTrue)]
    [InlineData("@@deny(\"read\", t == null || t != null)", RuleAdvice.AlwaysTrue)]
    [InlineData("@@allow(\"list\", n == auth.id)", RuleAdvice.NoIndex)]
    [InlineData("@@allow(\"list\", n in [auth.id, 3])", RuleAdvice.NoIndex)]
    [InlineData("s String @unique  @@allow(\"read, create\", n == auth.id)  @@index([n])", RuleAdvice.UniqueTells)]
    [InlineData("s String @unique  @@allow(\"get\", n == 1)  @@allow(\"all\", auth.role == \"a\")  @@deny(\"read\", n == 2)",
        RuleAdvice.UniqueTells)]
    public void A_rule_that_is_hardly_meant_is_told(string members, string code) =>
        Assert.Equal([code], Advice($"model A {{ {Fields} {members} }}"));

    const string Fields = "id Int @id  n Int  t String?  f Float?  j Json?  b Boolean @default(false)  "
        + "up A? @relation(name: \"t\")  down A[] @relation(name: \"t\")";

    [Theory]
    [InlineData("@@allow(\"list\", n == auth.id)  @@index([n])")]
    [InlineData("@@allow(\"list\", id == auth.id)")]
    [InlineData("@@allow(\"list\", n == auth.id || n == 3)  @@allow(\"get\", true)")]
    [InlineData("@@allow(\"read\", true)")]
    [InlineData("s String @unique  @@allow(\"get\", auth.role == \"a\")")]
    [InlineData("s String @unique  @@allow(\"get\", n == auth.id)")]
    [InlineData("s String @unique  @@allow(\"get\", n == 1)  @@allow(\"all\", auth.role == \"a\")")]
    [InlineData("@@allow(\"get\", n > 5 && n < 7)")]
    [InlineData("@@allow(\"get\", f > 5.0 && f < 5.5)")]
    [InlineData("@@allow(\"get\", j.x > 5 && j.x < 6)")]
    [InlineData("@@allow(\"get\", t != \"a\" && t != \"b\")")]
    [InlineData("@@allow(\"get\", n == 1 && up.n == 2 && up.up.n == 3)")]
    [InlineData("@@allow(\"get\", n == 1 || n == 2)")]
    [InlineData("@@allow(\"get\", n in [1, 2] && n in [2, 3])")]
    [InlineData("@@allow(\"get\", t.substring(0, 1) == \"a\" && t.substring(1, 2) == \"b\")")]
    [InlineData("@@allow(\"get\", down.exists(d, d.n == 1) && down.exists(d, d.n == 2))")]
    [InlineData("@@allow(\"get\", auth.role == \"a\" || auth.role != \"a\")")]
    [InlineData("@@allow(\"update\", n == 1, after: n == 2 && before.n == 1)  @@allow(\"get\", true)")]
    [InlineData("s String  @@unique([n, s])  @@deny(\"all\", n != auth.id && auth.role != \"a\")  @@allow(\"all\", true)")]
    public void One_that_is_well_is_not(string members) => Assert.Empty(Advice($"model A {{ {Fields} {members} }}"));

    [Fact]
    public void A_unique_key_within_a_tenant_tells_nothing_of_another() => Assert.Empty(RuleAdvice.Of(Schemas.Load(
        "app x { tenancy = row }\nauth { id Int  tenantId Int? }\n"
        + "model A { id Int @id  n Int  s String @unique  @@index([n])  @@allow(\"read\", n == auth.id) }")));
}
