using System.Collections.Immutable;
using System.Text;
using Plinth.Language;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

public sealed class WritePlannerTests
{
    static readonly AppSchema s_schema = SchemaReader.Read([new SourceText("schema.plinth", """
        auth { id Int }
        model Note {
          id Int @id  text String @length(1, 5)  slug String? @unique @lowercase  kind Kind?  revision Int @version
          @@unique([text, kind], name: "text_kind")  @@unique([kind], where: text == "x")
          @@allow(["read", "create"], true)  @@allow(["update", "delete"], auth.id == 1)
        }
        enum Kind { a b }
        model Doc { id Int @id  text String  @@softDelete  @@allow("read", true)  @@allow("restore", auth != null) }
        """)]).Schema!;

    static readonly WritePlanner s_planner = Planner(Limits.Default);

    static readonly Caller s_owner = new(Value.FromMap(new ValueMap([new("id", Value.From(1))])), "1");

    [Theory]
    [InlineData("Create", "Note", null, """{"id":1,"text":"a"}""", null)]
    [InlineData("Create", "Nope", null, "{}", "unknown_model")]
    [InlineData("Create", "Note", null, "[", "malformed_body")]
    [InlineData("Create", "Note", null, """{"id":1,"text":""}""", "validation_failed")]
    [InlineData("CreateMany", "Note", null, """[{"id":1,"text":"a"}]""", null)]
    [InlineData("CreateMany", "Note", null, """{"id":1,"text":"a"}""", "malformed_body")]
    [InlineData("CreateMany", "Note", null, """[{"id":1,"text":"a"},{}]""", "validation_failed")]
    [InlineData("Update", "Note", "x", "{}", "not_found|malformed_parameter")]
    [InlineData("Update", "Note", "1", """{"text":"b"}""", "unauthorized")]
    [InlineData("Delete", "Note", "1", "", "unauthorized")]
    [InlineData("Upsert", "Note", "1", """{"text":"b"}""", null)]
    [InlineData("Restore", "Note", "1", "", "unknown_parameter")]
    [InlineData("Purge", "Note", "1", "", "unknown_parameter")]
    [InlineData("Restore", "Doc", "1", "", "unauthorized")]
    [InlineData("Purge", "Doc", "1", "", "unauthorized")]
    [InlineData("UpdateMany", "Note", null, "{}", "unauthorized")]
    public void What_an_anonymous_caller_asks_is_planned_or_refused_in_order(
        string kind, string model, string? key, string body, string? code)
    {
        var planned = Plan(Enum.Parse<CommandKind>(kind), model, key, body, Caller.Anonymous());
        if (code is null) Assert.Null(planned.Fault);
        else Assert.Contains(planned.Fault!.Code, code.Split('|'));
    }

    [Fact]
    public void A_filtered_write_needs_a_filter_that_is_one()
    {
        Assert.Equal("filter_required", Plan(CommandKind.UpdateMany, "Note", null, "{}", s_owner).Fault!.Code);
        Assert.Equal("malformed_filter",
            Plan(CommandKind.DeleteMany, "Note", null, "", s_owner, c => c with { Filter = "text ==" }).Fault!.Code);
        var planned = Plan(CommandKind.DeleteMany, "Note", null, "", s_owner, c => c with { Filter = "text == 'a'" });
        PlannedRead read = planned.Value.Target!;
        Assert.Equal(Limits.Default.WriteRows + 1, read.Values[read.Plan.Slots.Limit].Int);
    }

    [Theory]
    [InlineData("slug", "ABC", "abc", null)]
    [InlineData("text_kind", "x,a", "x", null)]
    [InlineData("text,kind", "x,a", "x", null)]
    [InlineData("text,kind", "x", null, "not_found")]
    [InlineData("kind", "a", null, "malformed_parameter")]
    [InlineData("text", "a", null, "malformed_parameter")]
    public void An_upsert_may_name_a_unique_key_that_covers_every_record(string on, string key, string? first, string? code)
    {
        var planned = Plan(CommandKind.Upsert, "Note", key, """{"text":"b"}""", s_owner, c => c with { On = on });
        Assert.Equal(code, planned.Fault?.Code);
        if (first is not null) Assert.Equal(first, planned.Value.KeyValues[0].String);
    }

    [Fact]
    public void The_version_of_a_body_is_its_precondition_and_not_one_for_many()
    {
        Assert.Equal(3, Plan(CommandKind.Update, "Note", "1", """{"revision":3}""", s_owner).Value.BodyVersion);
        Assert.Null(Plan(CommandKind.Update, "Note", "1", """{"revision":null}""", s_owner).Value.BodyVersion);
        Assert.Null(Plan(CommandKind.Update, "Note", "1", "{}", s_owner).Value.BodyVersion);
        Fault fault = Plan(CommandKind.UpdateMany, "Note", null, """{"revision":3}""", s_owner, c => c with { Filter = "true" }).Fault!;
        Assert.Equal(("validation_failed", "revision"), (fault.Code, fault.Details[0].Field));
    }

    [Fact]
    public void A_create_of_too_many_is_refused()
    {
        Command command = new(
            ) { Model = "Note", Kind = CommandKind.CreateMany, Body = """[{"id":1,"text":"a"},{"id":2,"text":"a"}]"""u8.ToArray() };
        var planned = Planner(Limits.Default with { BulkRows = 1 }).Plan(
            Caller.System, command, new Moment(0, new IdSource(new Random(1).NextBytes), default));
        Assert.Equal("too_many_rows", planned.Fault!.Code);
    }

    [Theory]
    [InlineData("Create", null, "{\"id\":1,\"tenantId\":1}", null)]
    [InlineData("Update", "1", "{}", "missing_claim")]
    [InlineData("Delete", "1", "", "missing_claim")]
    [InlineData("DeleteMany", null, "", "missing_claim")]
    public void The_product_itself_finds_no_record_by_its_key_unless_it_says_whose(string kind, string? key, string body, string? code)
    {
        AppSchema schema = Schemas.Load("""
            app x { tenancy = row }
            auth { id Int  tenantId Int? }
            model Team { id Int @id  @@allow("all", true) }
            """);
        WritePlanner planner = Planner(Limits.Default, schema);
        Command command = new()
        {
            Model = "Team", Kind = Enum.Parse<CommandKind>(kind), Body = Encoding.UTF8.GetBytes(body), Key = key is null ? [] : [key],
            Filter = kind == "DeleteMany" ? "true" : null, AsServer = kind == "Create",
        };
        Moment moment = new(0, new IdSource(new Random(1).NextBytes), default);
        Assert.Equal(code, planner.Plan(Caller.System, command, moment).Fault?.Code);
        Assert.Null(planner.Plan(Caller.SystemOf(Value.From(1L)), command, moment).Fault);
    }

    static WritePlanner Planner(Limits limits, AppSchema? of = null)
    {
        AppSchema schema = of ?? s_schema;
        Policies policies = new(schema, limits);
        RecordShapes shapes = new(schema, (_, _, _, _) => _ => Value.True);
        return new(shapes, policies, new ReadPlanner(policies, limits, new byte[32], _ => null), limits);
    }

    static Result<WritePlan> Plan(
        CommandKind kind, string model, string? key, string body, Caller caller, Func<Command, Command>? with = null)
    {
        Command command = new()
        {
            Model = model,
            Kind = kind,
            Body = Encoding.UTF8.GetBytes(body),
            Key = key is null ? [] : key.Split(',').ToImmutableArray(),
        };
        Moment moment = new(WriteSample.Now, new IdSource(new Random(1).NextBytes), caller.Auth);
        return s_planner.Plan(caller, with?.Invoke(command) ?? command, moment);
    }
}
