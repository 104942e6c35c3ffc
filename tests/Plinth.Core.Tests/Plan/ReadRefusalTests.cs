using System.Text;
using Plinth.Language;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>What a read may not ask, each refusal with its place: nothing that a request says is ever ignored.</summary>
public class ReadRefusalTests
{
    static readonly AppSchema s_schema = Schemas.Load("""
        app test { defaults { pageSize = 20  maxPageSize = 100 } }
        auth { id Int }
        enum Stage { open won lost }
        type Address { street String }
        model Author { id Int @id   name String   books Book[]   @@allow("all", true) }
        model Book {
          id Int @id   title String   year Int?   price Decimal(8, 2)?   done Boolean   tags String[]   place Address?   stage Stage?
          author Author @relation
          @@fulltext([title])
          @@allow("all", true)
        }
        """);

    static readonly Caller s_user = new(Value.FromMap(new ValueMap([KeyValuePair.Create("id", Value.From(7L))])), "7");

    static readonly ReadRequest s_list = new() { Model = "Book", Kind = ReadKind.List };

    static readonly ReadRequest s_get = new() { Model = "Book", Kind = ReadKind.Get, Key = ["1"] };

    static readonly ReadRequest s_aggregate =
        new() { Model = "Book", Kind = ReadKind.Aggregate, Aggregate = new AggregateRequest([], Count: true, []) };

    static ReadPlanner Planner(Limits limits) => new(
        new Policies(s_schema, limits), limits, Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef"),
        static text => text.Any(char.IsLetter) ? Value.From(text) : null);

    static Fault Refused(ReadRequest request, Limits? limits = null)
    {
        Fault? fault = Planner(limits ?? Limits.Default).Plan(s_user, request, now: 0).Fault;
        Assert.NotNull(fault);
        return fault;
    }

    static ReadRequest Short(string field, string op, string text) =>
        s_list with { ShortFilters = [new ShortFilter(field, op, text)] };

    static ReadRequest Grouped(params string[] groupBy) =>
        s_aggregate with { Aggregate = new AggregateRequest([.. groupBy], Count: true, []) };

    static ReadRequest Terms(params (string Function, string Field)[] terms) => s_aggregate with
    {
        Aggregate = new AggregateRequest([], Count: false, [.. terms.Select(t => new AggregateTerm(t.Function, t.Field))]),
    };

    static ReadRequest Included(Func<IncludeRequest, IncludeRequest> change) =>
        s_list with { Model = "Author", Include = [change(new IncludeRequest("books"))] };

    [Fact]
    public void One_record_takes_no_parameter_of_a_list()
    {
        foreach (var (name, request) in new (string, ReadRequest)[]
        {
            ("sort", s_get with { Sort = [new SortKey("id", false)] }),
            ("limit", s_get with { Limit = 1 }),
            ("after", s_get with { After = "x" }),
            ("before", s_get with { Before = "x" }),
            ("offset", s_get with { Offset = 1 }),
            ("count", s_get with { Count = CountMode.Exact }),
            ("search", s_get with { Search = "a" }),
            ("filter", s_get with { Filter = "true" }),
            ("year", s_get with { ShortFilters = [new ShortFilter("year", "eq", "1")] }),
        })
        {
            Fault fault = Refused(request);
            Assert.Equal(Faults.UnknownParameter, fault.Kind);
            Assert.Contains($"'{name}' is not a parameter of one record", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_aggregate_takes_no_parameter_of_a_page()
    {
        foreach (var (name, request) in new (string, ReadRequest)[]
        {
            ("sort", s_aggregate with { Sort = [new SortKey("id", false)] }),
            ("count", s_aggregate with { Count = CountMode.Exact }),
            ("select", s_aggregate with { Select = ["id"] }),
            ("include", s_aggregate with { Include = [new IncludeRequest("author")] }),
            ("asOf", s_aggregate with { AsOf = "1" }),
        })
        {
            Assert.Contains($"'{name}' is not a parameter of aggregate", Refused(request).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_aggregate_groups_by_what_can_be_grouped_and_counts_what_can_be_counted()
    {
        Says("tags holds", Grouped("tags"));
        Says("place holds", Grouped("place"));
        Says("a field is named twice", Grouped("year", "year"));
        Says("a field is named twice", Grouped("author", "authorId"));
        Assert.Equal(Faults.UnknownField, Refused(Grouped("yaer")).Kind);
        Says("an aggregate asks for", Terms());
        Says("'median' is not an aggregate", Terms(("median", "year")), Faults.UnknownParameter);
        Says("sum is not for title", Terms(("sum", "title")));
        Says("avg is not for stage", Terms(("avg", "stage")));
        Says("max is not for tags", Terms(("max", "tags")));
        Assert.Equal(Faults.UnknownField, Refused(Terms(("sum", "yaer"))).Kind);
        Assert.True(Planner(Limits.Default).Plan(s_user, Terms(("max", "stage"), ("max", "stage"), ("min", "title")), now: 0).IsOk);

        static void Says(string text, ReadRequest request, FaultCode? code = null)
        {
            Fault fault = Refused(request);
            Assert.Equal(code ?? Faults.MalformedParameter, fault.Kind);
            Assert.Contains(text, fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_path_leads_over_relations_to_one_record()
    {
        Fault many = Refused(s_list with { Model = "Author", Sort = [new SortKey("books.title", false)] });
        Assert.Equal(Faults.MalformedParameter, many.Kind);
        Assert.Contains("use filter= with exists", many.Message, StringComparison.Ordinal);
        Fault unknown = Refused(Short("autor.name", "eq", "x"));
        Assert.Equal((Faults.UnknownField, "did you mean 'author'?"), (unknown.Kind, unknown.Hint));
    }

    [Fact]
    public void An_include_is_held_to_the_same_rules_at_every_level()
    {
        Assert.Equal(Faults.UnknownField, Refused(Included(i => i with { Filter = "titel == 'x'" })).Kind);
        Assert.Equal(Faults.UnknownField, Refused(Included(i => i with { Select = ["titel"] })).Kind);
        Assert.Equal(Faults.UnknownField, Refused(Included(i => i with { Sort = [new SortKey("titel", false)] })).Kind);
        Assert.Equal(Faults.MalformedParameter, Refused(Included(i => i with { Limit = 0 })).Kind);
        Assert.Equal(Faults.LimitExceeded, Refused(Included(i => i with { Limit = 101 })).Kind);
        Assert.Equal(Faults.UnknownField,
            Refused(Included(i => i with { Include = [new IncludeRequest("nobody") { Filter = "true" }] })).Kind);
        IncludeRequest nested = new("author") { Include = [new IncludeRequest("books") { Filter = "nope" }] };
        Assert.Equal(Faults.UnknownField, Refused(Included(i => i with { Include = [nested] })).Kind);
        nested = new("author") { Include = [new IncludeRequest("books") { Limit = 0 }] };
        Assert.Equal(Faults.MalformedParameter, Refused(Included(i => i with { Include = [nested] })).Kind);
        Fault twice = Refused(s_list with { Include = [new IncludeRequest("author"), new IncludeRequest("author")] });
        Assert.Contains("author is named twice", twice.Message, StringComparison.Ordinal);
        foreach (IncludeRequest single in (IncludeRequest[])
        [
            new("author") { Limit = 1 }, new("author") { Sort = [new SortKey("name", false)] }, new("author") { Filter = "true" },
        ])
        {
            Assert.Contains("leads to one record", Refused(s_list with { Include = [single] }).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("tags", "eq", "x", "holds a list")]
    [InlineData("place", "eq", "x", "holds Address")]
    [InlineData("year", "like", "1", "is for texts")]
    [InlineData("year", "starts", "1", "is for texts")]
    [InlineData("year", "ends", "1", "is for texts")]
    [InlineData("done", "gt", "true", "is not for booleans")]
    [InlineData("done", "lte", "true", "is not for booleans")]
    [InlineData("year", "null", "perhaps", "takes true or false")]
    [InlineData("year", "eq", "many", "takes ")]
    [InlineData("year", "in", "1,many,3", "takes ")]
    [InlineData("stage", "in", "won,wno", "takes one of")]
    public void A_short_filter_is_for_fields_that_can_be_asked_so(string field, string op, string text, string says)
    {
        Fault fault = Refused(Short(field, op, text));
        Assert.Equal(Faults.MalformedParameter, fault.Kind);
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
        Assert.Equal(field, fault.Details[0].Field);
    }

    [Theory]
    [InlineData("year", "null", "true")]
    [InlineData("year", "null", "false")]
    [InlineData("tags", "null", "false")]
    [InlineData("year", "ne", "1")]
    [InlineData("title", "ends", "x")]
    [InlineData("title", "like", "x")]
    [InlineData("done", "ne", "true")]
    [InlineData("done", "in", "true,false")]
    [InlineData("done", "nin", "true")]
    [InlineData("stage", "gte", "won")]
    public void Every_short_operator_is_planned_where_it_makes_sense(string field, string op, string text) =>
        Assert.True(Planner(Limits.Default).Plan(s_user, Short(field, op, text), now: 0).IsOk);

    [Fact]
    public void A_page_has_one_start_and_a_search_has_words()
    {
        Assert.Contains("offset is 0 or more", Refused(s_list with { Offset = -1 }).Message, StringComparison.Ordinal);
        Assert.Contains("only one of", Refused(s_list with { After = "a", Offset = 1 }).Message, StringComparison.Ordinal);
        Assert.Contains("no word", Refused(s_list with { Search = "!!" }).Message, StringComparison.Ordinal);
        Assert.Contains("by a locale",
            Refused(s_list with { Sort = [new SortKey("title", false, "de")] }).Message, StringComparison.Ordinal);
        Assert.Contains("named twice",
            Refused(s_list with { Sort = [new SortKey("title", false), new SortKey("title", true)] }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_bound_of_a_read_is_its_limit_and_names_its_setting()
    {
        Bounded("limits.sortKeys", l => l with { SortKeys = 1 },
            within: s_list with { Sort = [new SortKey("title", false)] },
            beyond: s_list with { Sort = [new SortKey("title", false), new SortKey("year", false)] });
        Bounded("limits.sortKeys", l => l with { SortKeys = 1 }, within: Grouped("year"), beyond: Grouped("year", "stage"));
        Bounded("2 aggregates", l => l with { Parameters = 1 },
            within: Terms(("sum", "year")), beyond: Terms(("sum", "year"), ("avg", "year")));
        Bounded("limits.includes", l => l with { Includes = 1 },
            within: s_list with { Include = [new IncludeRequest("author")] },
            beyond: s_list with { Include = [new IncludeRequest("author") { Include = [new IncludeRequest("books")] }] });
        Bounded("limits.includeDepth", l => l with { IncludeDepth = 1 },
            within: s_list with { Include = [new IncludeRequest("author")] },
            beyond: s_list with
            {
                Include = [new IncludeRequest("author") { Include = [new IncludeRequest("books") { Filter = "true" }] }],
            });
        Bounded("limits.hops", l => l with { Hops = 1 }, within: Short("author.name", "eq", "x"),
            beyond: s_list with { Filter = "author.books.exists(b, b.title == \"x\")" });
        Bounded("limits.hops", l => l with { Hops = 2 },
            within: s_list with { Filter = "author.books.exists(b, b.title == \"x\")" },
            beyond: s_list with { Filter = "author.books.filter(b, b.done).exists(b, b.author.name == \"x\")" });
        Bounded("limits.filterBytes", l => l with { FilterBytes = 12 },
            within: s_list with { Filter = "title == 'a'" }, beyond: s_list with { Filter = "title == 'ab'" });
        Bounded("limits.offset", l => l with { Offset = 5 }, within: s_list with { Offset = 5 }, beyond: s_list with { Offset = 6 });
        Bounded("maxPageSize", l => l, within: s_list with { Limit = 100 }, beyond: s_list with { Limit = 101 });

        static void Bounded(string says, Func<Limits, Limits> with, ReadRequest within, ReadRequest beyond)
        {
            Limits limits = with(Limits.Default);
            Result<PlannedRead> planned = Planner(limits).Plan(s_user, within, now: 0);
            Assert.True(planned.IsOk, planned.Fault?.Message);
            Fault fault = Refused(beyond, limits);
            Assert.Equal(Faults.LimitExceeded, fault.Kind);
            Assert.Contains(says, fault.Message + fault.Hint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_shape_keeps_few_plans_and_makes_the_others_anew()
    {
        // Each pattern of nulls in a cursor's values is a plan of its own: 128 of them, more than are kept.
        AppSchema schema = Schemas.Load("""
            model Row { id Int @id  a Int?  b Int?  c Int?  d Int?  e Int?  f Int?  g Int?  @@allow("all", true) }
            """);
        byte[] secret = Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef");
        ReadPlanner planner = new(new Policies(schema, Limits.Default), Limits.Default, secret, static _ => null);
        ReadRequest list = new() { Model = "Row", Kind = ReadKind.List, Sort = [.. "abcdefg".Select(c => new SortKey($"{c}", false))] };
        byte[] binding = planner.Plan(s_user, list, now: 0).Value.Binding;
        ReadPlan first = After(0);
        Assert.Same(first, After(0));
        Assert.Equal(128, Enumerable.Range(0, 128).Select(After).Distinct().Count());
        Assert.NotSame(first, After(0));

        ReadPlan After(int nulls)
        {
            Value[] values = [.. Enumerable.Range(0, 7).Select(i => (nulls >> i & 1) == 0 ? Value.Null : Value.From(i)), Value.From(1)];
            using ByteOutput cursor = new();
            Cursor.Write(secret, binding, values, cursor);
            return planner.Plan(s_user, list with { After = Encoding.ASCII.GetString(cursor.Written) }, now: 0).Value.Plan;
        }
    }

    [Fact]
    public void The_product_itself_reads_records_of_all_tenants_and_joins_those_of_one()
    {
        AppSchema schema = Schemas.Load("""
            app x { tenancy = row }
            auth { id Int  tenantId Int? }
            model Team { id Int @id  people Person[]  @@allow("all", true) }
            model Person { id Int @id  team Team? @relation  @@allow("all", true) }
            """);
        byte[] secret = Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef");
        ReadPlanner planner = new(new Policies(schema, Limits.Default), Limits.Default, secret, static _ => null);
        ReadRequest alone = new() { Model = "Person", Kind = ReadKind.List };
        ReadRequest joined = alone with { Include = [new IncludeRequest("team")] };
        Assert.True(planner.Plan(Caller.System, alone, now: 0).IsOk);
        Assert.Equal(Faults.MissingClaim, planner.Plan(Caller.System, joined, now: 0).Fault?.Kind);
        Assert.True(planner.Plan(Caller.SystemOf(Value.From(1L)), joined, now: 0).IsOk);
    }

    [Fact]
    public void A_long_request_is_planned_like_a_short_one()
    {
        string filter = string.Join(" || ", Enumerable.Range(0, 60).Select(i => $"year == {i} && title != \"x{i}\""));
        ReadPlanner planner = Planner(Limits.Default);
        ReadRequest request = s_list with { Filter = filter, Select = [.. Enumerable.Repeat("title", 400)] };
        Assert.Same(planner.Plan(s_user, request, now: 0).Value.Plan, planner.Plan(s_user, request, now: 0).Value.Plan);
    }
}
