using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Plan;

public sealed class DecidingTests
{
    const string Whole = """{"email":" Ada@B.co ","firstName":"Ada"}""";

    [Fact]
    public void A_create_fills_defaults_normalises_and_computes()
    {
        var (row, fault) = WriteSample.Create(Whole);
        Assert.Null(fault);
        Assert.Equal("ada@b.co", row.Of("email").String);
        Assert.Equal("ADA", row.Of("shout").String);
        Assert.Equal(7, row.Of("score").Int);
        Assert.Equal("open", row.Of("stage").String);
        Assert.Equal("[]", row.JsonOf("tags"));
        Assert.Equal(WriteSample.Now, row.Of("createdAt").Ticks);
        Assert.Equal(WriteSample.Now, row.Of("updatedAt").Ticks);
        Assert.Equal(1, row.Of("revision").Int);
        Assert.Equal('7', row.Of("id").Uuid.ToString()[14]);
        Assert.True(row.Of("address").IsNull && row.Of("ownerId").IsNull);
    }

    [Fact]
    public void A_default_from_a_claim_takes_the_type_of_the_field()
    {
        Value auth = Value.FromMap(new ValueMap([new("id", Value.From("0190163d-8694-739b-aea5-966c26f8ad91"))]));
        var (row, fault) = WriteSample.Create(Whole, auth);
        Assert.Null(fault);
        Assert.Equal(ValueKind.Uuid, row.Of("ownerId").Kind);
    }

    [Fact]
    public void A_claim_that_a_required_field_needs_is_missed_by_name()
    {
        Field field = new()
        {
            Name = "owner", Column = "owner", Type = new ScalarFieldType(UuidType.It), Default = new ClaimDefault(["org", "id"]),
        };
        Model model = new() { Name = "M", Table = "ms", Route = "ms", Fields = [field], Key = ["owner"], Source = new("s", "") };
        AppSchema schema = new("a", new AppDefaults(), null, [], [], [], [model]);
        RecordShapes shapes = new(schema, (_, _, _, _) => throw new InvalidOperationException());
        ValueReader reader = new(shapes, new Moment(0, new IdSource(new Random(1).NextBytes), Value.Null), new Problems());
        Deciding.Complete(shapes.Model("M"), new Input(new Value[1], new Given[1]), reader);
        Fault fault = reader.Problems.ToFault()!;
        Assert.Equal("missing_claim", fault.Code);
        Assert.Contains("auth.org.id", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Length_counts_code_points_not_units()
    {
        Assert.Null(WriteSample.Create("""{"email":"a@b.co","firstName":"😀😀😀😀😀"}""").Fault);
        Assert.Equal("length", WriteSample.Create("""{"email":"a@b.co","firstName":"😀😀😀😀😀😀"}""").Fault!.Details[0].Code);
    }

    [Theory]
    [InlineData("a@b.co", true)]
    [InlineData("first.last+tag@sub.example.org", true)]
    [InlineData("müller@example.org", true)]
    [InlineData("a@b", false)]
    [InlineData("a..b@c.de", false)]
    [InlineData(".a@c.de", false)]
    [InlineData("a b@c.de", false)]
    [InlineData("a@-c.de", false)]
    [InlineData("a@b@c.de", false)]
    [InlineData("@c.de", false)]
    [InlineData("a@1.2.3.4", false)]
    public void An_address_is_judged_pragmatically(string text, bool accepted) =>
        Assert.Equal(accepted, new EmailCheck().Problem(Value.From(text)) is null);

    [Theory]
    [InlineData(long.MaxValue, 0, false)]
    [InlineData(10, 1, true)]
    [InlineData(101, 2, false)]
    [InlineData(-1, 2, false)]
    [InlineData(100, 2, true)]
    public void A_range_over_decimals_is_exact(long units, int scale, bool inside) =>
        Assert.Equal(inside, new RangeCheck(0, 1).Problem(Value.FromDecimal(units, scale)) is null);

    [Fact]
    public void A_float_written_as_its_bound_is_inside() => Assert.Null(new RangeCheck(null, 0.1m).Problem(Value.From(0.1)));

    [Theory]
    [InlineData("^a$", "a", true)]
    [InlineData("^a$", "a\n", false)]
    [InlineData("^\\d+$", "٣", false)]
    [InlineData("^[\\w-]+$", "a_-9", true)]
    [InlineData("^[\\w-]+$", "é", false)]
    [InlineData("^[[:alpha:]]+$", "abc", true)]
    [InlineData("^[[:alpha:]]+$", "ab1", false)]
    [InlineData("^(?P<y>[0-9]{4})$", "2024", true)]
    [InlineData("^[]a]+$", "]a", true)]
    [InlineData("^[^]$]+$", "a", true)]
    [InlineData("^[$]$", "$", true)]
    [InlineData("^\\$$", "$", true)]
    [InlineData("^[[a]$", "[", true)]
    public void A_pattern_means_what_RE2_means(string pattern, string text, bool matches) =>
        Assert.Equal(matches, new RegexCheck(pattern).Problem(Value.From(text)) is null);

    [Fact]
    public void A_patch_leaves_what_it_does_not_name()
    {
        Value[] before = WriteSample.Create(Whole).Row;
        var (after, fault) = WriteSample.Patch(before, """{"firstName":"Bo","price":"2"}""");
        Assert.Null(fault);
        Assert.Equal("BO", after.Of("shout").String);
        Assert.Equal(2, after.Of("revision").Int);
        Assert.Equal(before.Of("email"), after.Of("email"));
        Assert.Equal(200, after.Of("price").DecimalUnits);
        Assert.Equal("Ada", before.Of("firstName").String);
    }

    [Fact]
    public void A_patch_that_says_nothing_new_changes_nothing_at_all()
    {
        Value[] before = WriteSample.Create(Whole).Row;
        before[WriteSample.Shape.Model!.Field("updatedAt")!.Ordinal] = Value.FromDateTime(5);
        var (after, fault) = WriteSample.Patch(before, """{"firstName":"Ada","email":"ADA@b.co","tags":[]}""");
        Assert.Null(fault);
        Assert.Equal(before, after);
    }

    [Theory]
    [InlineData("""{"id":"0190163d-8694-739b-aea5-966c26f8ad91"}""", "id:immutable")]
    [InlineData("""{"email":null}""", "email:required")]
    [InlineData("""{"score":-1}""", "score:range")]
    [InlineData("""{"score":13}""", ":check")]
    public void A_patch_is_held_to_the_same_rules(string body, string problem)
    {
        var (_, fault) = WriteSample.Patch(WriteSample.Create(Whole).Row, body);
        Assert.Equal(problem, $"{fault!.Details[0].Field}:{fault.Details[0].Code}");
    }

    [Fact]
    public void Objects_merge_member_by_member()
    {
        var (before, _) = WriteSample.Create("""
            {"email":"a@b.co","firstName":"Ada","address":{"street":"s","city":"c"},"extra":{"a":{"x":1,"y":2},"b":[1],"c":3}}
            """);
        var (after, fault) = WriteSample.Patch(before, """
            {"address":{"city":null},"extra":{"a":{"y":null,"z":{"n":null,"m":1}},"b":{"k":1},"d":null,"e":5}}
            """);
        Assert.Null(fault);
        Assert.Equal("""{"street":"s","city":null}""", after.JsonOf("address"));
        Assert.Equal("""{"a":{"x":1,"z":{"m":1}},"b":{"k":1},"c":3,"e":5}""", after.JsonOf("extra"));
        Assert.True(WriteSample.Patch(before, """{"address":null}""").Row.Of("address").IsNull);
        Assert.Equal("address.street:required", WriteSample.Patch(before, """{"address":{"street":null}}""").Fault!.Details
            .Select(d => $"{d.Field}:{d.Code}").Single());
    }

    [Fact]
    public void A_merge_into_nothing_must_be_whole()
    {
        Value[] before = WriteSample.Create(Whole).Row;
        Assert.Equal("""{"street":"s","city":null}""", WriteSample.Patch(before, """{"address":{"street":"s"}}""").Row.JsonOf("address"));
        Assert.Equal("address.street", WriteSample.Patch(before, """{"address":{"city":"c"}}""").Fault!.Details.Single().Field);
    }

    [Fact]
    public void Ids_rise_also_when_the_clock_stands_still()
    {
        const int seed = 7;
        IdSource ids = new(new Random(seed).NextBytes);
        HashSet<string> seen = [];
        string last = "";
        for (int i = 0; i < 10_000; i++)
        {
            long now = 1_000_000 - (i % 3 * 1000);
            string id = ids.Next(IdGenerator.Uuid7, now).Uuid.ToString();
            Assert.True(string.CompareOrdinal(last, id) < 0, $"seed {seed}: {last} then {id}");
            Assert.True(seen.Add(id));
            last = id;
        }
    }

    [Theory]
    [InlineData("Cuid", 24)]
    [InlineData("NanoId", 21)]
    public void Generated_ids_are_values_of_their_type(string name, int length)
    {
        IdGenerator generator = Enum.Parse<IdGenerator>(name);
        IdSource ids = new(new Random(3).NextBytes);
        ScalarType type = generator == IdGenerator.Cuid ? CuidType.It : NanoIdType.It;
        for (int i = 0; i < 200; i++)
        {
            Value id = ids.Next(generator, 0);
            Assert.Equal(length, id.String.Length);
            Assert.True(type.TryParse(id.String, out _), id.String);
        }
    }
}
