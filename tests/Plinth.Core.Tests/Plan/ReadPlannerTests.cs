using System.Collections.Immutable;
using System.Text;
using Plinth.Language;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

public class ReadPlannerTests
{
    static readonly AppSchema s_schema = Schemas.Load("""
        app test { defaults { pageSize = 20  maxPageSize = 100 } }
        auth { id Int   role String? }
        enum Stage { open won lost }
        model Author { id Int @id   name String   books Book[]   secret String? @serverOnly   @@allow("all", true) }
        model Book {
          id Int @id   title String   year Int?   price Decimal(8, 2)?   tags String[]   stage Stage?   author Author @relation
            sequel Book? @relation(name: "sequel")
          prequels Book[] @relation(name: "sequel")
          isbn String? @serverOnly
          @@allow("all", true)
        }
        model Diary { id Int @id   text String   owner Int   @@allow("read", owner == auth.id)
          @@allow("restore", auth.role == "admin")   @@softDelete }
        model Closed { id Int @id }
        """);

    static readonly ReadPlanner s_planner = New();

    static ReadPlanner New(Limits? limits = null) => new(
        new Policies(s_schema, limits ?? Limits.Default), limits ?? Limits.Default,
        Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef"),
        static text => text.Length == 0 ? null : Value.From(text));

    static readonly Caller s_user = new(Value.FromMap(new ValueMap([KeyValuePair.Create("id", Value.From(7L))])), "7");

    static ReadRequest List(string model = "Book") => new() { Model = model, Kind = ReadKind.List };

    static Result<PlannedRead> Plan(ReadRequest request, Caller? caller = null) => s_planner.Plan(caller ?? s_user, request, now: 0);

    static Fault Refused(ReadRequest request, Caller? caller = null)
    {
        Fault? fault = Plan(request, caller).Fault;
        Assert.NotNull(fault);
        return fault;
    }

    static ReadRequest Short(string field, string op, string text) => List() with { ShortFilters = [new ShortFilter(field, op, text)] };

    [Fact]
    public void Unknown_names_are_named_with_the_nearest_that_exists()
    {
        Assert.Equal((Faults.UnknownModel, "did you mean 'Book'?"), Said(List("Bok")));
        Assert.Equal((Faults.UnknownField, "did you mean 'title'?"), Said(List() with { Select = ["titel"] }));
        Assert.Equal((Faults.UnknownField, "did you mean 'title'?"), Said(List() with { Sort = [new SortKey("titel", false)] }));
        Assert.Equal((Faults.UnknownField, "did you mean 'year'?"), Said(Short("yaer", "eq", "1")));
        Assert.Equal((Faults.UnknownField, "did you mean 'author'?"), Said(List() with { Include = [new IncludeRequest("autor")] }));
        Assert.Equal((Faults.UnknownField, "did you mean 'name'?"), Said(Short("author.nmae", "eq", "x")));
        Assert.Equal((Faults.MalformedParameter, "did you mean 'gte'?"), Said(Short("year", "gtee", "1")));
        Assert.Equal((Faults.MalformedParameter, "did you mean 'won'?"), Said(Short("stage", "eq", "wno")));
        Assert.Equal(Faults.UnknownField, Refused(List() with { Filter = "titel == 'a'" }).Kind);

        static (FaultCode, string?) Said(ReadRequest request)
        {
            Fault fault = Refused(request);
            return (fault.Kind, fault.Hint);
        }
    }

    [Theory]
    [InlineData("isbn")]
    [InlineData("author.secret")]
    public void A_field_that_stays_on_the_server_is_as_unknown_as_one_that_is_not_there(string path)
    {
        string unknown = path.Replace("isbn", "zzzz", StringComparison.Ordinal).Replace("secret", "zzzz", StringComparison.Ordinal);
        foreach (Func<string, ReadRequest> use in new Func<string, ReadRequest>[]
        {
            p => Short(p, "eq", "x"),
            p => List() with { Sort = [new SortKey(p, false)] },
            p => List() with { Filter = p + " == 'x'" },
        })
        {
            Assert.Equal(Faults.UnknownField, Refused(use(path)).Kind);
            Assert.Equal(Refused(use(unknown)).Message.Replace("zzzz", "$", StringComparison.Ordinal),
                Refused(use(path)).Message.Replace(path.Split('.')[^1], "$", StringComparison.Ordinal));
        }
        Assert.DoesNotContain(s_schema.Model("Book").Field("isbn"), Plan(List()).Value.Plan.Shape.Root.Fields);
    }

    [Fact]
    public void Bounds_are_held_and_named()
    {
        Assert.Equal(Faults.LimitExceeded, Refused(List() with { Limit = 101 }).Kind);
        Assert.True(Plan(List() with { Limit = 100 }).IsOk);
        Assert.Equal(Faults.MalformedParameter, Refused(List() with { Limit = 0 }).Kind);
        Assert.Equal(Faults.LimitExceeded, Refused(List() with { Offset = 10_001 }).Kind);
        Assert.True(Plan(List() with { Offset = 10_000 }).IsOk);
        Assert.Equal(Faults.LimitExceeded, Refused(List() with { Offset = 10_001 }).Kind);
        Assert.Equal(Faults.LimitExceeded, Refused(Short("sequel.sequel.sequel.sequel.sequel.sequel.title", "eq", "x")).Kind);
        Assert.True(Plan(Short("sequel.sequel.sequel.sequel.sequel.title", "eq", "x")).IsOk);
        Assert.Equal(Faults.LimitExceeded, Refused(List() with { Filter = "sequel.sequel.sequel.sequel.sequel.sequel.title == 'x'" }).Kind);
        Assert.Equal(Faults.LimitExceeded, Refused(List() with { Include = [Nested(6)] }).Kind);
        Assert.True(Plan(List() with { Include = [Nested(5)] }).IsOk);
        Assert.Equal(Faults.LimitExceeded, Refused(List() with { Filter = "title == '" + new string('x', 9000) + "'" }).Kind);

        static IncludeRequest Nested(int levels) => new("sequel") { Include = levels == 1 ? [] : [Nested(levels - 1)] };
    }

    [Fact]
    public void Parameters_that_do_not_fit_are_refused_and_not_ignored()
    {
        ReadRequest get = new() { Model = "Book", Kind = ReadKind.Get, Key = ["1"] };
        Assert.Equal(Faults.UnknownParameter, Refused(get with { Sort = [new SortKey("title", false)] }).Kind);
        Assert.Equal(Faults.UnknownParameter, Refused(get with { Filter = "true" }).Kind);
        Assert.Equal(Faults.UnknownParameter, Refused(get with { Limit = 1 }).Kind);
        Assert.Equal(Faults.MalformedParameter, Refused(List() with { After = "a", Before = "b" }).Kind);
        Assert.Equal(Faults.MalformedParameter, Refused(List() with { Search = "a" }).Kind);
        Assert.Equal(Faults.MalformedParameter, Refused(List() with { Trashed = TrashMode.Only }).Kind);
        Assert.Equal(Faults.MalformedParameter, Refused(List() with { Sort = [new SortKey("tags", false)] }).Kind);
        Assert.Equal(
            Faults.MalformedParameter, Refused(List() with { Sort = [new SortKey("title", false), new SortKey("title", true)] }).Kind);
        Assert.Equal(Faults.MalformedParameter, Refused(List() with { Include = [new IncludeRequest("author") { Limit = 1 }] }).Kind);
        Assert.Equal(Faults.MalformedParameter, Refused(Short("title", "null", "maybe")).Kind);
        Assert.Equal(Faults.MalformedParameter, Refused(Short("year", "like", "1")).Kind);
        Assert.Equal(Faults.MalformedParameter, Refused(Short("year", "eq", "many")).Kind);
        Assert.Equal(Faults.MalformedParameter, Refused(Short("tags", "eq", "a")).Kind);
        Assert.Equal(Faults.MalformedFilter, Refused(List() with { Filter = "year" }).Kind);
        Assert.Equal(Faults.MalformedFilter, Refused(List() with { Filter = "title ==" }).Kind);
    }

    [Fact]
    public void A_key_of_the_wrong_form_is_of_no_record()
    {
        ReadRequest get = new() { Model = "Book", Kind = ReadKind.Get };
        Assert.Equal(Faults.NotFound, Refused(get with { Key = ["x"] }).Kind);
        Assert.Equal(Faults.NotFound, Refused(get with { Key = ["1", "2"] }).Kind);
        Assert.True(Plan(get with { Key = ["1"] }).IsOk);
    }

    [Fact]
    public void Requests_that_differ_in_values_only_share_a_plan()
    {
        ReadPlan plan = Plan(
            Short("year", "gte", "1970") with { Filter = "price > decimal('1.50') && title == 'a'", Limit = 5 }).Value.Plan;
        Assert.Same(
            plan, Plan(Short("year", "gte", "1980") with { Filter = "price > decimal('2.75') && title == 'b'", Limit = 9 }).Value.Plan);
        Assert.NotSame(
            plan, Plan(Short("year", "gt", "1970") with { Filter = "price > decimal('1.50') && title == 'a'", Limit = 5 }).Value.Plan);
        Assert.NotSame(
            plan, Plan(Short("year", "gte", "1970") with { Filter = "price > decimal('1.50') && title != 'a'", Limit = 5 }).Value.Plan);
    }

    [Fact]
    public void Lists_of_values_share_a_plan_when_their_lengths_round_up_to_the_same()
    {
        Assert.Same(Plan(Short("year", "in", "1,2,3")).Value.Plan, Plan(Short("year", "in", "4,5,6,7")).Value.Plan);
        Assert.NotSame(Plan(Short("year", "in", "1,2,3")).Value.Plan, Plan(Short("year", "in", "1,2,3,4,5")).Value.Plan);
        Assert.Equal([1, 2, 3, 3], Plan(Short("year", "in", "1,2,3")).Value.Values.AsSpan(0, 4).ToArray().Select(v => v.Int));
    }

    [Fact]
    public void Names_that_run_together_are_told_apart()
    {
        Assert.NotSame(
            Plan(List() with { Select = ["title", "year"], Sort = [] }).Value.Plan,
            Plan(List() with { Select = ["title"], Sort = [new SortKey("year", false)] }).Value.Plan);
        Assert.Equal(Faults.UnknownField, Refused(List() with { Select = ["title\u0001 year"] }).Kind);
    }

    [Fact]
    public void A_filter_that_reads_the_caller_takes_the_callers_values()
    {
        ReadRequest request = List("Diary") with { Filter = "owner == auth.id" };
        Caller other = new(Value.FromMap(new ValueMap([KeyValuePair.Create("id", Value.From(8L))])), "8");
        PlannedRead first = Plan(request).Value, second = Plan(request, other).Value;
        Assert.Same(first.Plan, second.Plan);
        Assert.Contains(Value.From(7L), first.Values);
        Assert.DoesNotContain(Value.From(7L), second.Values);
    }

    [Fact]
    public void What_no_row_could_make_readable_is_refused_before_anything_runs()
    {
        Assert.Equal(Faults.Unauthorized, Refused(List("Diary"), Caller.Anonymous()).Kind);
        Assert.Equal(Faults.Forbidden, Refused(List("Closed")).Kind);
        Assert.Equal(Faults.Forbidden, Refused(List("Diary") with { Trashed = TrashMode.Only }).Kind);
        Assert.True(Plan(List("Diary")).IsOk);
        Assert.True(Plan(List("Closed"), Caller.System).IsOk);
    }

    [Fact]
    public void The_key_is_appended_to_the_sort_unless_the_terms_hold_it_already()
    {
        Assert.Equal(["title-", "id-"], Terms([new SortKey("title", true)]));
        Assert.Equal(["id"], Terms([]));
        Assert.Equal(["id-"], Terms([new SortKey("id", true)]));
        Assert.Equal(["id", "title"], Terms([new SortKey("id", false), new SortKey("title", false)]));

        static IEnumerable<string> Terms(ImmutableArray<SortKey> sort) => Plan(List() with { Sort = sort }).Value.Plan.Shape.Root.Sort
            .Select(t => t.Path.Field.Name + (t.Descending ? "-" : ""));
    }

    [Fact]
    public void A_cursor_belongs_to_its_model_sort_and_filter()
    {
        PlannedRead read = Plan(List() with { Sort = [new SortKey("year", false)] }).Value;
        using ByteOutput text = new();
        Cursor.Write(s_planner.Secret.Span, read.Binding, [Value.From(1970L), Value.From(3L)], text);
        string cursor = Encoding.ASCII.GetString(text.Written);
        ReadRequest next = List() with { Sort = [new SortKey("year", false)], After = cursor };
        Assert.True(Plan(next).IsOk);
        Assert.True(Plan(next with { Limit = 3, Select = ["title"] }).IsOk);
        Assert.Equal(Faults.MalformedCursor, Refused(next with { Sort = [new SortKey("year", true)] }).Kind);
        Assert.Equal(Faults.MalformedCursor, Refused(next with { Filter = "year > 1" }).Kind);
        Assert.Equal(Faults.MalformedCursor, Refused(next with { ShortFilters = [new ShortFilter("year", "eq", "1")] }).Kind);
        Assert.Equal(Faults.MalformedCursor, Refused(next with { Sort = [] }).Kind);
        Assert.Equal(Faults.MalformedCursor, Refused(List("Author") with { After = cursor }).Kind);
    }

    [Fact]
    public void Null_boundaries_have_plans_of_their_own()
    {
        ReadRequest request = List() with { Sort = [new SortKey("year", false)] };
        ReadPlan WithBoundary(Value year)
        {
            using ByteOutput text = new();
            Cursor.Write(s_planner.Secret.Span, Plan(request).Value.Binding, [year, Value.From(3L)], text);
            return Plan(request with { After = Encoding.ASCII.GetString(text.Written) }).Value.Plan;
        }

        Assert.Same(WithBoundary(Value.From(1L)), WithBoundary(Value.From(2L)));
        Assert.NotSame(WithBoundary(Value.From(1L)), WithBoundary(Value.Null));
    }

    [Fact]
    public void Plans_of_one_shape_are_kept_up_to_their_limit_and_remain_right_beyond_it()
    {
        ReadRequest request = List() with { Sort = [new SortKey("year", false)] };
        byte[] binding = Plan(request).Value.Binding;
        ReadRequest After(Value year)
        {
            using ByteOutput text = new();
            Cursor.Write(s_planner.Secret.Span, binding, [year, Value.From(3L)], text);
            return request with { After = Encoding.ASCII.GetString(text.Written) };
        }
        ReadPlan[] Plans(Limits limits)
        {
            ReadPlanner planner = New(limits);
            Value[] years = [Value.From(1L), Value.Null, Value.From(1L), Value.Null];
            return [.. years.Select(year => planner.Plan(s_user, After(year), now: 0).Value.Plan)];
        }

        Assert.Equal(2, Plans(new Limits { ShapePlans = 2 }).Distinct().Count());
        ReadPlan[] anew = Plans(new Limits { ShapePlans = 1 });
        Assert.Equal(4, anew.Distinct().Count());
        Assert.Equal([false, true, false, true], anew.Select(p => p.NullBoundary[0]));
    }

    [Fact]
    public void Shapes_are_kept_up_to_their_limit_and_remain_right_beyond_it()
    {
        ReadPlanner planner = New(new Limits { Plans = 4 });
        string[] names = ["id", "title", "year", "price", "stage"];
        for (int round = 0; round < 3; round++)
        {
            foreach (string name in names)
            {
                foreach (string second in names)
                {
                    PlannedRead read = planner.Plan(s_user, List() with { Select = [name, second] }, now: 0).Value;
                    Assert.Equal(names.Where(n => n == name || n == second || n == "id").ToHashSet(), read.Plan.Shape.Root.Fields.Select(
                        f => f.Name).ToHashSet());
                }
            }
        }
    }
}
