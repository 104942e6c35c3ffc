using Plinth.Schema;

namespace Plinth.Language;

public class SchemaReaderTests
{
    [Fact]
    public void The_schema_of_the_contract_is_read_whole()
    {
        AppSchema schema = Schemas.Load(Schemas.Crm);
        Model contact = schema.Model("Contact");
        Assert.Equal("crm", schema.Name);
        Assert.Equal("A customer relationship backend.", schema.Doc);
        Assert.Equal("contacts", contact.Table);
        Assert.Equal(["id"], contact.Key.ToArray());
        Assert.Equal(
            ["createdAt", "updatedAt", "id", "email", "firstName", "lastName", "displayName", "phone", "score", "tags",
                "notes", "address", "revision", "secret", "companyId", "ownerId", "deletedAt"],
            contact.Fields.Select(f => f.Name));
        Assert.Equal(Enumerable.Range(0, contact.Fields.Length), contact.Fields.Select(f => f.Ordinal));
        Assert.True(contact.Field("companyId") is { IsNullable: true, IsImplied: true, Column: "company_id" });
        Assert.IsType<ClaimDefault>(contact.Field("ownerId")?.Default);
        Assert.Equal(["ownerId", "email"], contact.Uniques.Single().Fields.ToArray());
        Assert.Equal([new IndexedField("companyId", false), new IndexedField("score", true)], contact.Indexes.Single().Fields.ToArray());
        Relation deals = contact.Relation("deals")!;
        Assert.True(deals is { IsOwning: false, IsToOne: false, Target: "Deal", Inverse: "contact", OnDelete: ReferentialAction.Cascade });
        Assert.Equal(["id"], deals.Fields.ToArray());
        Assert.Equal(["contactId"], deals.References.ToArray());
        Assert.Equal(6, contact.Rules.Length);
        Assert.Equal("owner.id == before.owner.id", contact.Rules[2].After?.Text);
    }
}
