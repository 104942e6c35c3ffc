using Plinth.Schema;
using Plinth.Text;

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

    [Fact]
    public void Several_files_are_one_schema_in_any_order()
    {
        SourceText enums = new("schema/enums.plinth", "enum Role { admin sales }\r\n");
        SourceText models = new("schema/models.plinth",
            "\uFEFFmodel User {\tid Int @id\r\n role Role @default(sales)\r\n@@allow(\"read\", true) }");
        foreach (SourceText[] order in (SourceText[][])[[enums, models], [models, enums]])
        {
            SchemaReading reading = SchemaReader.Read(order);
            Assert.Empty(reading.Diagnostics);
            Assert.Equal("sales", Assert.IsType<LiteralDefault>(reading.Schema?.Model("User").Field("role")?.Default).Value.String);
        }
        SchemaReading twice = SchemaReader.Read([enums, models, new SourceText("schema/z.plinth", "enum Role { x }")]);
        Diagnostic finding = Assert.Single(twice.Diagnostics);
        Assert.Equal("schema/z.plinth:1:6", finding.Place);
        Assert.Equal("the first is at schema/enums.plinth:1:6", finding.Hint);
    }

    [Theory]
    [InlineData("c\u0430t", "U+0430 (looks like 'a')")]
    [InlineData("cat\u200B", "U+200B (invisible)")]
    [InlineData("\uFF43at", "U+FF43 (looks like 'c')")]
    [InlineData("stra\u00DFe", "U+00DF ('\u00DF')")]
    [InlineData(";", "';'")]
    [InlineData("\0", "U+0000 (invisible)")]
    public void A_character_that_is_not_what_it_seems_is_named(string name, string described)
    {
        SchemaReading reading = Schemas.Read($"model A {{ id Int @id  {name} String  @@allow(\"read\", true) }}");
        Assert.Contains(reading.Diagnostics, d => d.Code == Codes.UnexpectedCharacter && d.Message == $"{described} cannot stand here");
    }

    [Fact]
    public void Half_a_surrogate_pair_is_named() => Assert.Contains(
        Schemas.Read("model A { id Int @id  a\uD800 String }").Diagnostics,
        d => d.Message == "U+D800 (half of a surrogate pair) cannot stand here");

    [Fact]
    public void Limits_are_named()
    {
        string big = new(' ', Limits.Default.SchemaBytes + 1);
        Assert.Contains("limits.schemaBytes", Assert.Single(Schemas.Read(big).Diagnostics).Message, StringComparison.Ordinal);

        string deep = $"model A {{ id Int @id  @@allow(\"read\", {new string('(', 200)}true{new string(')', 200)}) }}";
        Assert.Contains(Schemas.Read(deep).Diagnostics, d =>
            d.Code == Codes.LimitExceeded && d.Message.Contains("limits.schemaDepth", StringComparison.Ordinal));

        string settings = $"app a {{ {string.Concat(Enumerable.Repeat("defaults { ", 200))}{new string('}', 201)}";
        Assert.Contains(Schemas.Read(settings).Diagnostics, d => d.Message.Contains("limits.schemaDepth", StringComparison.Ordinal));

        string column = $"model A {{ id Int @id  {string.Concat(Enumerable.Repeat("aB", 25))} Int  @@allow(\"read\", true) }}";
        Assert.Contains("limits.nameLength", Assert.Single(Schemas.Read(column).Diagnostics).Message, StringComparison.Ordinal);

        string many = string.Concat(Enumerable.Range(0, Limits.Default.SchemaBlocks + 1).Select(i => $"enum E{i} {{ a }}\n"));
        Assert.Contains("limits.schemaBlocks", Assert.Single(Schemas.Read(many).Diagnostics).Message, StringComparison.Ordinal);

        string wide = $"type T {{ {string.Concat(Enumerable.Range(0, Limits.Default.SchemaFields + 1).Select(i => $"f{i} Int "))} }}";
        Assert.Contains("limits.schemaFields", Assert.Single(Schemas.Read(wide).Diagnostics).Message, StringComparison.Ordinal);

        string wrong = string.Concat(Enumerable.Range(0, 600).Select(i => $"model M{i} {{ id Nope{i} @id  @@allow(\"read\", true) }}\n"));
        SchemaReading reading = Schemas.Read(wrong);
        Assert.Equal(Limits.Default.SchemaFindings + 1, reading.Diagnostics.Length);
        Assert.Single(reading.Diagnostics, d => d.Code == "too_many_findings");
    }

    [Fact]
    public void A_mixin_that_is_reached_twice_is_there_once_and_many_ways_cost_nothing()
    {
        string mixins = string.Concat(Enumerable.Range(1, 60).Select(i =>
            $"mixin A{i} {{ use A{i - 1}  use B{i - 1} }}  mixin B{i} {{ use B{i - 1}  use A{i - 1} }}\n"));
        string model = "model M { id Int @id  use A60  use B60  @@allow(\"read\", true) }";
        AppSchema schema = Schemas.Load($"mixin A0 {{ a Int }}  mixin B0 {{ b Int }}\n{mixins}{model}");
        Assert.Equal(["id", "a", "b"], schema.Model("M").Fields.Select(f => f.Name));

        string chain = string.Concat(Enumerable.Range(1, 4000).Select(i => $"mixin C{i} {{ use C{i - 1} }}\n"));
        Diagnostic tooDeep = Schemas.Read($"mixin C0 {{ c Int }}\n{chain}").Diagnostics[0];
        Assert.Contains("limits.schemaDepth", tooDeep.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_could_not_be_read_is_not_missing_as_well() => Assert.Equal(
        ["2:3 expected_type", "4:3 unexpected_token", "7:23 unclosed", "10:33 unclosed"],
        Schemas.Places("""
            model A {
              id
              x Int @id
              + y Int
              @@allow("read", x > 3 && id == 4)
            }
            model B { b Int @check( b > 3
              @@allow("read", true)
            }
            model C { c String @id @default("c)
              @@allow("read", c == "x")
            }
            """));

    [Theory]
    [InlineData("n Int @default(5)", "5")]
    [InlineData("n Int @default(-5)", "-5")]
    [InlineData("n BigInt @default(\"9007199254740993\")", "\"9007199254740993\"")]
    [InlineData("n Decimal(6, 2) @default(1.5)", "\"1.50\"")]
    [InlineData("n Float @default(1.5e3)", "1500")]
    [InlineData("n Boolean @default(true)", "true")]
    [InlineData("n String @default(\"a\\n\\u00e9\\\"\")", "\"a\\n\u00e9\\\"\"")]
    [InlineData("n Int @default(100) @range(0, 100)", "100")]
    [InlineData("n Decimal(6, 2) @default(0.5) @range(min: 0.5)", "\"0.50\"")]
    [InlineData("n String @default(\"\\U0001F600\") @length(1, 1)", "\"\U0001F600\"")]
    [InlineData("n String @default(\"M\") @oneOf([\"S\", \"M\"])", "\"M\"")]
    [InlineData("n String @default(r\"\\d\")", "\"\\\\d\"")]
    [InlineData("n DateTime @default(\"2024-01-02T03:04:05Z\")", "\"2024-01-02T03:04:05.000Z\"")]
    [InlineData("n String[] @default([\"a\", \"b\"])", "[\"a\",\"b\"]")]
    [InlineData("n Int[] @default([])", "[]")]
    [InlineData("n Json @default({ \"a\": [1, null] })", "{\"a\":[1,null]}")]
    public void A_default_is_a_value_of_its_field(string member, string json)
    {
        AppSchema schema = Schemas.Load($"model A {{ id Int @id  {member}  @@allow(\"read\", true) }}");
        Assert.IsType<LiteralDefault>(schema.Model("A").Field("n")?.Default);
        string printed = System.Text.Encoding.UTF8.GetString(SchemaJson.Write(schema)).Replace(" ", "", StringComparison.Ordinal);
        Assert.Contains($"\"kind\":\"literal\",\"value\":{json}}}", printed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("n Int @default(2147483648)", "type_mismatch")]
    [InlineData("n Int @default(1.5)", "type_mismatch")]
    [InlineData("n Decimal(4, 2) @default(123.45)", "type_mismatch")]
    [InlineData("n DateTime @default(\"yesterday\")", "type_mismatch")]
    [InlineData("n Uuid @default(cuid())", "type_mismatch")]
    [InlineData("n Int @default(autoincrement())", "bad_argument")]
    [InlineData("n Int @default(auth.id)", "unknown_claim")]
    [InlineData("n Boolean @default(yes)", "type_mismatch")]
    [InlineData("n Int[] @default([1, \"x\"])", "type_mismatch")]
    [InlineData("n String @default(\"\\q\")", "bad_argument")]
    [InlineData("n Int @range(5, 3)", "bad_argument")]
    [InlineData("n Int @range", "missing_argument")]
    [InlineData("n String[] @trim", "attribute_type")]
    [InlineData("n String @regex(\"a[\")", "bad_pattern")]
    [InlineData("n String @regex(\"[^\")", "bad_pattern")]
    [InlineData("n String @regex(\"a)\")", "bad_pattern")]
    [InlineData("n Json @unique", "attribute_type")]
    [InlineData("n Int? @version", "conflicting_attributes")]
    [InlineData("n Int @default(101) @range(0, 100)", "conflicting_attributes")]
    [InlineData("n Decimal(6, 2) @range(min: 0.5) @default(0.49)", "conflicting_attributes")]
    [InlineData("n Float @default(-1.5) @range(min: -1)", "conflicting_attributes")]
    [InlineData("n String @default(\"abc\") @length(max: 2)", "conflicting_attributes")]
    [InlineData("n String @default(\"XL\") @oneOf([\"S\", \"M\"])", "conflicting_attributes")]
    [InlineData("n Int @computed(id + 1) @readonly", "no_effect")]
    [InlineData("n Int @computed(m + 1)  m Int @computed(id + 1)", "cycle")]
    [InlineData("n Int @computed(m.size())  m Int", "type_mismatch")]
    [InlineData("n Int @check(n > auth.level)", "unknown_name")]
    [InlineData("n Int  @@check(n >)", "syntax")]
    [InlineData("n Int  @@index([n], where: m > 3)", "unknown_name")]
    [InlineData("n Int  @@index([n], using: hash)", "not_available")]
    [InlineData("n Int  @@fulltext([n])", "attribute_type")]
    [InlineData("n Int  @@allow(\"restore\", true)", "no_effect")]
    [InlineData("n Int  @@allow(\"delete\", true, after: n > 3)", "no_effect")]
    [InlineData("n Int  @@allow(\"update\", before.n > 3)", "unknown_name")]
    [InlineData("n Int  @@allow(\"update\")", "missing_argument")]
    [InlineData("n Int @index  @@index([n])", "no_effect")]
    [InlineData("n Int @renamedFrom(\"id\")", "name_collision")]
    [InlineData("n Int  _x Int", "reserved_name")]
    [InlineData("n Int  m Int @map(\"N\")", "name_collision")]
    [InlineData("n Int  deletedAt DateTime?  @@softDelete", "name_collision")]
    [InlineData("n Int  @@map(\"plinth_events\")", "reserved_name")]
    [InlineData("n Int  @@route(\"batch\")", "reserved_name")]
    public void A_mistake_is_one_finding(string member, string code)
    {
        SchemaReading reading = Schemas.Read($"model A {{ id Int @id  {member}  @@allow(\"read\", true) }}");
        Assert.Null(reading.Schema);
        Assert.Equal([code], reading.Diagnostics.Select(d => d.Code));
    }

    [Fact]
    public void A_block_comment_in_an_expression_keeps_its_places() => Assert.Equal(
        ["2:35 unknown_name"],
        Schemas.Places("""
            model A { id Int @id
              @@allow("read", /* who */ id == nobody) }
            """));

    [Fact]
    public void A_condition_is_kept_without_its_layout()
    {
        AppSchema schema = Schemas.Load("""
            model A { id Int @id
              @@allow("read",   id==3   // three
                && !( id in [ 1,-2 ] ) /* never */ ) }
            """);
        Assert.Equal("id == 3 && !(id in [1, -2])", schema.Model("A").Rules[0].When?.Text);
    }
}
