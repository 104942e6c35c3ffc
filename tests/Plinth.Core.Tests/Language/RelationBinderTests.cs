using Plinth.Schema;

namespace Plinth.Language;

public class RelationBinderTests
{
    static Relation Side(AppSchema schema, string model, string name) =>
        schema.Model(model).Relation(name) ?? throw new InvalidOperationException($"{model} has no relation {name}");

    /// <summary>What both sides of a relation promise: they mirror one another.</summary>
    static void Mirrors(AppSchema schema)
    {
        foreach (Relation side in schema.Models.SelectMany(m => m.Relations))
        {
            Assert.Equal(side.Fields.Length, side.References.Length);
            Assert.All(side.Fields, f => Assert.NotNull(schema.Model(side.Model).Field(f)));
            Assert.All(side.References, f => Assert.NotNull(schema.Model(side.Target).Field(f)));
            if (side.Inverse is null) continue;
            Relation other = Side(schema, side.Target, side.Inverse);
            Assert.Equal(side.Name, other.Inverse);
            Assert.Equal(side.Fields.ToArray(), other.References.ToArray());
            Assert.NotEqual(side.IsOwning, other.IsOwning);
        }
    }

    static AppSchema Load(string text)
    {
        AppSchema schema = Schemas.Load(text);
        Mirrors(schema);
        return schema;
    }

    [Fact]
    public void A_self_relation_has_a_parent_and_children()
    {
        AppSchema schema = Load("""
            model Category { id Int @id  parent Category? @relation(onDelete: cascade)  children Category[]  @@allow("read", true) }
            """);
        Assert.True(Side(schema, "Category", "parent") is { IsOwning: true, IsToOne: true, IsOptional: true, Inverse: "children" });
        Assert.True(Side(schema, "Category", "children") is { IsOwning: false, IsToOne: false, OnDelete: ReferentialAction.Cascade });
        Assert.True(schema.Model("Category").Field("parentId") is { IsNullable: true, Type.Name: "Int" });
    }

    [Theory]
    [InlineData("user User @unique")]
    [InlineData("userId Uuid @unique  user User")]
    [InlineData("user User @relation(onDelete: cascade)  @@unique([user])")]
    public void The_other_end_of_a_unique_key_is_one_record(string owner)
    {
        AppSchema schema = Load($$"""
            model User { id Uuid @id  profile Profile?  @@allow("read", true) }
            model Profile { id Uuid @id  {{owner}}  @@allow("read", true) }
            """);
        Assert.True(Side(schema, "User", "profile") is { IsOwning: false, IsToOne: true, IsOptional: true, Inverse: "user" });
        Assert.True(Side(schema, "Profile", "user") is { IsOwning: true, IsToOne: true, IsOptional: false, Inverse: "profile" });
        Assert.Null(schema.Model("User").Field("profileId"));
    }

    [Fact]
    public void A_key_that_is_written_out_says_which_side_holds_it()
    {
        AppSchema schema = Load("""
            model User { code String @id  profile Profile?  @@allow("read", true) }
            model Profile { id Int @id  userCode String @unique  user User  @@allow("read", true) }
            """);
        Assert.True(Side(schema, "User", "profile") is { IsOwning: false, IsToOne: true });
    }

    [Fact]
    public void A_key_may_be_a_relation()
    {
        AppSchema schema = Load("""
            model User { id Uuid @id  profile Profile?  @@allow("read", true) }
            model Profile { user User  city String  @@id([user])  @@allow("read", true) }
            model Photo { id Int @id  profile Profile  @@allow("read", true) }
            """);
        Assert.Equal(["userId"], schema.Model("Profile").Key.ToArray());
        Assert.Equal(["profileUserId"], Side(schema, "Photo", "profile").Fields.ToArray());
        Assert.True(Side(schema, "User", "profile").IsToOne);
    }

    [Fact]
    public void Two_to_one_relations_that_do_not_belong_together_stay_two()
    {
        AppSchema schema = Load("""
            model Company { id Int @id  contact Contact?  @@allow("read", true) }
            model Contact { id Int @id  company Company?  @@allow("read", true) }
            """);
        Assert.All(schema.Models, m => Assert.True(Assert.Single(m.Relations) is { IsOwning: true, Inverse: null }));
    }

    [Fact]
    public void Names_pair_the_sides_of_several_relations()
    {
        AppSchema schema = Load("""
            model User {
              id Int @id
              written Post[] @relation(name: "author")
              edited Post[] @relation("editor")
              @@allow("read", true)
            }
            model Post {
              id Int @id
              author User @relation(name: "author", onDelete: cascade)
              editor User? @relation(name: "editor", onDelete: setNull)
              @@allow("read", true)
            }
            """);
        Assert.Equal("author", Side(schema, "User", "written").Inverse);
        Assert.Equal("editor", Side(schema, "User", "edited").Inverse);
    }

    [Fact]
    public void A_composite_key_may_share_a_field_with_the_relation()
    {
        AppSchema schema = Load("""
            model Project { orgId Int  number Int  tasks Task[]  @@id([orgId, number])  @@allow("read", true) }
            model Task {
              orgId Int  number Int  projectNumber Int
              project Project @relation(fields: [orgId, projectNumber], references: [orgId, number], onDelete: cascade)
              @@id([orgId, number])
              @@allow("read", true)
            }
            """);
        Assert.Equal(["orgId", "projectNumber"], Side(schema, "Task", "project").Fields.ToArray());
        Assert.DoesNotContain(schema.Model("Task").Fields, f => f.IsImplied);
    }

    [Fact]
    public void A_relation_may_refer_to_a_unique_field()
    {
        AppSchema schema = Load("""
            model Country { id Int @id  code String @unique  cities City[]  @@allow("read", true) }
            model City { id Int @id  country Country @relation(references: [code], onUpdate: cascade)  @@allow("read", true) }
            """);
        Assert.Equal(["countryCode"], Side(schema, "City", "country").Fields.ToArray());
        Assert.Equal(ReferentialAction.Cascade, Side(schema, "Country", "cities").OnUpdate);
        Assert.Equal("String", schema.Model("City").Field("countryCode")?.Type.Name);
    }

    [Fact]
    public void What_stands_on_a_relation_goes_to_its_key_field()
    {
        Field key = Schemas.Load("""
            auth { id Uuid }
            model User { id Uuid @id  @@allow("read", true) }
            model Note {
              id Int @id
              owner User @relation @default(auth.id) @immutable @map("owner_key") @renamedFrom("author")
              @@allow("read", true)
            }
            """).Model("Note").Field("ownerId")!;
        Assert.True(key is { IsImmutable: true, Column: "owner_key", RenamedFrom: "authorId", Default: ClaimDefault });
    }

    [Theory]
    [InlineData("a A @relation(references: [name])", "bad_relation")]
    [InlineData("a A @relation(fields: [x, y])", "bad_relation")]
    [InlineData("a A @relation(fields: [nope])", "unknown_field")]
    [InlineData("a A @relation(onUpdate: cascade)", "no_effect")]
    [InlineData("aId Int?  a A", "bad_relation")]
    [InlineData("aId Int  a A?", "bad_relation")]
    [InlineData("aId Int @default(3)  a A @default(4)", "misplaced_attribute")]
    [InlineData("a A @email", "misplaced_attribute")]
    [InlineData("a A[] @relation(onDelete: cascade)  b A", "misplaced_attribute missing_other_side")]
    [InlineData("a A @relation(name: \"nobody\")", "no_effect")]
    [InlineData("a A  a_id Int", "name_collision")]
    public void A_relation_that_cannot_hold_is_refused(string member, string codes)
    {
        string text = $$"""
            model A { id Int @id  name String  @@allow("read", true) }
            model B { id Int @id  x Int  y Int  {{member}}  @@allow("read", true) }
            """;
        Assert.Equal(codes.Split(' ').Order(), Schemas.Read(text).Diagnostics.Select(d => d.Code).Order());
    }

    [Fact]
    public void Trashed_records_can_be_referred_to_by_their_key_only() => Assert.Equal(
        ["2:49 bad_relation"],
        Schemas.Places("""
            model A { id Int @id  code String @unique  @@softDelete  @@allow("read", true) }
            model B { id Int @id  a A @relation(references: [code])  @@allow("read", true) }
            """));

    [Fact]
    public void Keys_that_need_one_another_are_found() => Assert.Equal(
        ["2:7 cycle"],
        Schemas.Places("""
            model A { b B  @@id([b])  @@allow("read", true) }
            model B { a A  @@id([a])  @@allow("read", true) }
            """));
}
