using Plinth.Schema;

namespace Plinth.Language;

public class PlatformModelsTests
{
    [Fact]
    public void A_schema_that_does_not_speak_of_users_has_none()
    {
        AppSchema schema = Schemas.Load("model Note { id Int @id  @@allow(\"all\", true) }");
        Assert.False(schema.HasUsers);
        Assert.Equal(["Note"], schema.Models.Select(m => m.Name));
    }

    [Theory]
    [InlineData("extend User { }")]
    [InlineData("model Note { id Int @id  owner User @relation  @@allow(\"read\", owner.id == auth.id) }")]
    [InlineData("mixin Owned { owner User @relation @default(auth.id) }  model Note { use Owned  id Int @id  @@allow(\"all\", true) }")]
    public void Users_are_there_when_the_schema_speaks_of_them(string text)
    {
        AppSchema schema = Schemas.Load(text);
        Assert.True(schema.HasUsers);
        foreach (string name in new[] { "User", "Session", "ApiToken", "UserIdentity", "UserFactor", "UserCode", "SignInGuard",
            "SigningKey" }) Assert.NotNull(schema.FindModel(name));
        Assert.Equal(["id", "role", "email"], schema.Auth!.Claims.Select(c => c.Name));
    }

    [Theory]
    [InlineData("auth { id Int }  extend User { }")]
    [InlineData("auth { }  extend User { }")]
    [InlineData("auth { id Uuid  role Int }  extend User { }")]
    [InlineData("auth { id Uuid[] }  extend User { }")]
    public void What_does_not_fit_the_models_of_the_product_is_told_of_the_schema(string text)
    {
        SchemaReading reading = Schemas.Read(text);
        Assert.Null(reading.Schema);
        Assert.All(reading.Diagnostics, d => Assert.Equal("schema.plinth", d.Source.Path));
    }

    [Fact]
    public void A_model_User_of_the_schemas_own_is_the_one_that_is_meant()
    {
        AppSchema schema = Schemas.Load("""
            model User { id Int @id  @@allow("read", true) }
            model Note { id Int @id  owner User @relation  @@allow("read", true) }
            """);
        Assert.False(schema.HasUsers);
        Assert.Equal(2, schema.Models.Length);
    }

    [Fact]
    public void An_extension_adds_fields_rules_and_relations_and_may_give_the_role_a_type()
    {
        AppSchema schema = Schemas.Load("""
            auth { id Uuid  role Role  team String? }
            enum Role { admin editor viewer }
            extend User { role Role @default(viewer)  team String?  notes Note[]  @@index([team]) }
            extend User { @@allow("update", auth.role == "editor") }
            model Note { id Int @id  owner User @relation  @@allow("read", true) }
            """);
        Model user = schema.Model("User");
        Assert.Equal("Role", user.Field("role")!.Type.Name);
        Assert.NotNull(user.Field("team"));
        Assert.Equal("Note", user.Relation("notes")!.Target);
        Assert.Equal(3, user.Rules.Length);
    }

    [Fact]
    public void Administrators_reach_users_only_where_a_role_can_say_so()
    {
        string rule = "extend User { @@allow(\"read\", auth.id == id) }";
        Assert.Contains(Schemas.Load(rule).Model("User").Rules, r => r.Operations.Contains(Operation.Update));
        Assert.DoesNotContain(Schemas.Load("auth { id Uuid }  " + rule).Model("User").Rules, r => r.Operations.Contains(Operation.Update));
    }

    [Fact]
    public void Between_tenants_users_are_shared_and_an_administrator_of_one_does_not_reach_those_of_another()
    {
        AppSchema schema = Schemas.Load("""
            app many { tenancy = row }
            auth { id Uuid  role String  tenantId Uuid? }
            extend User { tenantId Uuid?  @@allow("read", auth.role == "admin" && tenantId == auth.tenantId) }
            model Note { id Int @id  owner User @relation  @@allow("read", owner.id == auth.id) }
            """);
        Assert.Null(schema.Model("User").Tenant);
        Assert.Null(schema.Model("Session").Tenant);
        Assert.NotNull(schema.Model("Note").Tenant);
        Assert.DoesNotContain(schema.Model("User").Rules, r => r.Operations.Contains(Operation.Update));
    }

    [Fact]
    public void A_secret_of_a_user_is_in_no_output_and_no_rule_of_ours_lets_anyone_write()
    {
        AppSchema schema = Schemas.Load("auth { id Uuid }  extend User { }");
        Assert.All(["passwordHash"], name => Assert.True(schema.Model("User").Field(name)!.IsServerOnly));
        Assert.True(schema.Model("Session").Field("refreshHash")!.IsServerOnly);
        Assert.True(schema.Model("ApiToken").Field("hash")!.IsServerOnly);
        Assert.True(schema.Model("SigningKey").Field("sealedKey")!.IsServerOnly);
        foreach (Model model in schema.Models)
        {
            Assert.DoesNotContain(model.Rules, r => r.Operations.Contains(Operation.Create) || r.Operations.Contains(Operation.Update));
        }
    }

    [Theory]
    [InlineData("extend Usr { }", "1:8 unknown_type")]
    [InlineData("extend Note { x Int }  model Note { id Int @id  @@allow(\"all\", true) }", "1:8 unknown_type")]
    [InlineData("extend User { email String }", "1:15 duplicate_name")]
    [InlineData("extend User { }  model Session { id Int @id  @@allow(\"all\", true) }", "1:24 duplicate_name")]
    [InlineData("auth { id Int }  extend User { }", "1:1 unknown_claim")]
    [InlineData("auth { id Uuid  level Int }  extend User { }", "1:17 unknown_claim")]
    [InlineData("auth { id Uuid  level Int }  extend User { level String }", "1:17 type_mismatch")]
    [InlineData("auth { id Uuid  passwordHash String? }  extend User { }", "1:17 type_mismatch")]
    public void What_is_wrong_is_said_where_the_schema_says_it(string text, string expected) =>
        Assert.Contains(expected, Schemas.Places(text));
}
