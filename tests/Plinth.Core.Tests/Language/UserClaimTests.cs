using Plinth.Text;

namespace Plinth.Language;

/// <summary>Whoever may change themselves must not be able to change what rules know them by, unless the schema says so.</summary>
public class UserClaimTests
{
    const string Kept = "role == before.role && tenantId == before.tenantId && isStaff == before.isStaff";

    const string Head = "auth { id Uuid  role Role  tenantId Uuid?  isStaff Boolean? }\nenum Role { admin editor user }\n"
        + "extend User { role Role @default(user)  tenantId Uuid?  isStaff Boolean?  nickname String?\n";

    [Theory]
    [InlineData("""@@allow("update", id == auth.id)""", "email, role, tenantId, isStaff")]
    [InlineData("""@@allow("all", id == auth.id)""", "email, role, tenantId, isStaff")]
    [InlineData("""@@allow("update", auth != null)""", "email, role, tenantId, isStaff")]
    [InlineData("""@@allow("update", true)""", "email, role, tenantId, isStaff")]
    [InlineData("""@@allow("update", id == auth.id || auth.role == "admin")""", "email, role, tenantId, isStaff")]
    [InlineData("""@@allow("update", auth.role == "user")""", "email, role, tenantId, isStaff")]
    [InlineData("""@@allow("update", tenantId == auth.tenantId && id == auth.id)""", "email, role, tenantId, isStaff")]
    [InlineData("""@@allow("update", role == "user" && id == auth.id)""", "email, role, tenantId, isStaff")]
    [InlineData("""@@allow("update", id == auth.id, after: role == before.role && before.email != "x")""", "email, tenantId, isStaff")]
    [InlineData("""@@allow("create", true)""", "email, role, tenantId, isStaff")]
    [InlineData("""@@allow("create", auth == null && role == "user")""", "email, tenantId, isStaff")]
    public void A_rule_that_leaves_them_open_is_refused_by_name(string rule, string fields)
    {
        SchemaReading reading = Read(rule);
        Diagnostic found = Assert.Single(reading.Diagnostics);
        Assert.Equal(Codes.OpenClaims, found.Code);
        Assert.EndsWith(": " + fields, found.Message, StringComparison.Ordinal);
        Assert.NotNull(found.Hint);
        Assert.StartsWith("schema.plinth:4:", found.Place, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""@@allow("read", true)""")]
    [InlineData("""@@allow("update", auth.role == "admin")""")]
    [InlineData("""@@allow("update", auth.role in ["admin", "editor"])""")]
    [InlineData("""@@allow("all", auth.isStaff)""")]
    [InlineData("""@@allow("update", auth.role == "admin" && tenantId == auth.tenantId)""")]
    [InlineData("""@@allow("update", (auth.role == "admin" || auth.isStaff) && id != auth.id)""")]
    [InlineData("""@@allow("update", id == auth.id, after: email == before.email && "KEPT")""")]
    [InlineData("""@@allow("create", role == "user" && tenantId == null && isStaff == null && email.endsWith("@x.org"))""")]
    [InlineData("""@@deny("update", id == auth.id)""")]
    public void One_that_is_for_more_than_ordinary_users_or_says_what_becomes_of_them_is_well(string rule) =>
        Assert.DoesNotContain(
            Read(rule.Replace("\"KEPT\"", Kept, StringComparison.Ordinal)).Diagnostics, static d => d.Code == Codes.OpenClaims);

    /// <summary>Rules of the fields themselves are an answer too, and so is that nobody gives them.</summary>
    [Fact]
    public void A_field_with_rules_for_writing_or_without_input_is_not_open()
    {
        SchemaReading reading = SchemaReader.Read([new SourceText("schema.plinth", """
            auth { id Uuid  role Role  level Int? }
            enum Role { admin user }
            extend User {
              role Role @default(user) @allow("write", auth.role == "admin")
              level Int? @readonly
              @@allow("update", id == auth.id, after: email == before.email)
            }
            """)]);
        Assert.Empty(reading.Diagnostics);
    }

    static SchemaReading Read(string rule) => SchemaReader.Read([new SourceText("schema.plinth", Head + "  " + rule + " }\n")]);
}
