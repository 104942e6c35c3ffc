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
    public void A_default_from_a_claim_is_the_claim()
    {
        Value auth = Value.FromMap(new ValueMap([new("id", Value.From(Guid.Parse("0190163d-8694-739b-aea5-966c26f8ad91")))]));
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
    [InlineData("^[$]$", "$", true)]
    [InlineData("^\\$$", "$", true)]
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

    [Fact]
    public void A_replacement_takes_defaults_for_what_is_absent_and_keeps_what_is_fixed()
    {
        Value[] before = WriteSample.Create("""{"email":"a@b.co","firstName":"Ada","score":50,"price":"3","tags":["x"]}""").Row;
        string id = before.Of("id").Uuid.ToString();
        var (after, fault) = WriteSample.Replace(before, $$"""{"id":"{{id}}","email":"c@d.co","firstName":"Bo","revision":1}""");
        Assert.Null(fault);
        Assert.Equal((7, "[]", "BO", 2),
            (after.Of("score").Int, after.JsonOf("tags"), after.Of("shout").String, (int)after.Of("revision").Int));
        Assert.True(after.Of("price").IsNull);
        Assert.Equal(before.Of("id"), after.Of("id"));
        Assert.Equal(before.Of("createdAt"), after.Of("createdAt"));
    }

    [Theory]
    [InlineData("""{"email":"c@d.co"}""", "firstName:required")]
    [InlineData("""{"email":null,"firstName":"Bo"}""", "email:required")]
    [InlineData("""{"email":"c@d.co","firstName":"Bo","id":"0190163d-8694-739b-aea5-966c26f8ad91"}""", "id:immutable")]
    [InlineData("""{"email":"c@d.co","firstName":"Bo","createdAt":"2020-01-01T00:00:00Z"}""", "createdAt:readonly")]
    [InlineData("""{"email":"c@d.co","firstName":"Bo","score":"x"}""", "score:type")]
    public void A_replacement_is_held_to_the_same_rules(string body, string problem)
    {
        var (_, fault) = WriteSample.Replace(WriteSample.Create(Whole).Row, body);
        Assert.Equal([problem], fault!.Details.Select(d => $"{d.Field}:{d.Code}"));
    }

    [Theory]
    [InlineData("aggregate", "reserved_id", "name:reserved_id")]
    [InlineData("query", "reserved_id", "name:reserved_id")]
    [InlineData("", "validation_failed", "name:length")]
    [InlineData("fine", null, null)]
    public void A_text_key_must_be_one_that_a_path_can_name(string key, string? code, string? problem)
    {
        var (_, fault) = Decide(Field("name", StringType.It), $$"""{"name":"{{key}}"}""");
        Assert.Equal(code, fault?.Code);
        Assert.Equal(problem, fault?.Details.Select(d => $"{d.Field}:{d.Code}").Single());
    }

    [Theory]
    [InlineData("Int", 2147483648, null)]
    [InlineData("Int", 5, "5")]
    [InlineData("Float", 5, "5")]
    [InlineData("Decimal", 12, "12.00")]
    [InlineData("Decimal", 10000, null)]
    public void A_computed_number_fits_its_field_or_is_refused(string type, long number, string? stored)
    {
        ScalarType scalar = type switch { "Int" => IntType.It, "Float" => FloatType.It, _ => new DecimalType(6, 2) };
        var (row, fault) = Decide(
            Field("name", scalar) with { Computed = new Condition("x", new("s", ""), default) }, "{}", Value.From(number));
        Assert.Equal(stored, fault is null ? scalar.Format(row[0]) : null);
        if (stored is null) Assert.Equal("name:computed", fault!.Details.Select(d => $"{d.Field}:{d.Code}").Single());
    }

    [Theory]
    [InlineData(123456, 3, null)]
    [InlineData(123450, 3, "123.45")]
    [InlineData(5, 0, "5.00")]
    public void A_computed_decimal_is_rescaled_only_where_it_stays_exact(long units, int scale, string? stored)
    {
        DecimalType type = new(6, 2);
        Field field = Field("name", type) with { Computed = new Condition("x", new("s", ""), default) };
        var (row, fault) = Decide(field, "{}", Value.FromDecimal(units, scale));
        Assert.Equal(stored, fault is null ? type.Format(row[0]) : null);
    }

    [Fact]
    public void A_computed_list_is_stored_as_its_JSON()
    {
        Field field = Field("name", StringType.It) with { IsList = true, Computed = new Condition("x", new("s", ""), default) };
        var (row, fault) = Decide(field, "{}", Value.FromList(Value.From("a"), Value.From("\"")));
        Assert.Null(fault);
        Assert.Equal("""["a","\""]""", System.Text.Encoding.UTF8.GetString(row[0].Json));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(86_400_000_000 - 1, 0)]
    [InlineData(-1, -1)]
    [InlineData(-86_400_000_001, -2)]
    public void Today_is_the_day_of_the_moment_also_before_1970(long now, long days)
    {
        var (row, _) = Decide(Field("name", DateType.It) with { Default = new NowDefault() }, "{}", now: now);
        Assert.Equal(days, row[0].Ticks);
    }

    [Fact]
    public void A_random_id_is_of_version_4_and_a_number_waits_for_the_writer()
    {
        var (row, _) = Decide(Field("name", UuidType.It) with { Default = new GeneratedDefault(IdGenerator.Uuid4) }, "{}");
        Assert.Equal('4', row[0].Uuid.ToString()[14]);
        (row, Fault? fault) = Decide(Field("name", IntType.It) with { Default = new AutoincrementDefault() }, "{}");
        Assert.Null(fault);
        Assert.True(row[0].IsNull);
        (row, fault) = Decide(Field("name", IntType.It) with { Default = new AutoincrementDefault() }, """{"name":null}""");
        Assert.Null(fault);
    }

    [Theory]
    [InlineData("""{"name":"s"}""", true)]
    [InlineData("""{"name":"x"}""", false)]
    public void One_of_a_set_is_taken(string body, bool taken)
    {
        Field field = Field("name", StringType.It) with
        {
            Validators = [new OneOfValidator([Value.From("s"), Value.From("m")])],
                Normalisers = [Normaliser.Uppercase, Normaliser.Lowercase],
        };
        Assert.Equal(taken, Decide(field, body).Fault is null);
    }

    [Theory]
    [InlineData(3, 3, "abcd", "must have exactly 3 characters, has 4")]
    [InlineData(3, 5, "ab", "must have 3 to 5 characters, has 2")]
    [InlineData(3, null, "ab", "must have at least 3 characters, has 2")]
    [InlineData(null, 1, "ab", "must have at most 1 characters, has 2")]
    [InlineData(null, 2, "ab", null)]
    public void A_length_says_what_it_wants(int? min, int? max, string text, string? says) =>
        Assert.Equal(says, new LengthCheck(min, max).Problem(Value.From(text)));

    [Theory]
    [InlineData(1, 5, "must be from 1 to 5")]
    [InlineData(1, null, "must be at least 1")]
    [InlineData(null, -1, "must be at most -1")]
    public void A_range_says_what_it_wants(int? min, int? max, string says) =>
        Assert.Equal(says, new RangeCheck(min, max).Problem(Value.From(0)));

    [Fact]
    public void Bytes_are_counted_as_bytes() =>
        Assert.NotNull(new LengthCheck(null, 2).Problem(Value.FromBytes([1, 2, 3])));

    /// <summary>Decides a record of one field, which is the key; an expression gives <paramref name="computed"/>.</summary>
    static (Value[] Row, Fault? Fault) Decide(Field field, string body, Value computed = default, long now = 0)
    {
        Model model = new() { Name = "M", Table = "ms", Route = "ms", Fields = [field], Key = ["name"], Source = new("s", "") };
        AppSchema schema = new("a", new AppDefaults(), null, [], [], [], [model]);
        RecordShapes shapes = new(schema, (_, _, _, _) => _ => computed);
        ValueReader reader = new(shapes, new Moment(now, new IdSource(new Random(1).NextBytes), Value.Null), new Problems());
        var input = InputReader.Read(System.Text.Encoding.UTF8.GetBytes(body), shapes.Model("M"), InputMode.Create, reader, Limits.Default);
        if (!input.IsOk) return ([], input.Fault);
        Deciding.Complete(shapes.Model("M"), input.Value, reader);
        return (input.Value.Values, reader.Problems.ToFault());
    }

    static Field Field(string name, ScalarType type) => new() { Name = name, Column = name, Type = new ScalarFieldType(type) };

    [Theory]
    [InlineData("""{"extra":{"a":1,"a":2}}""", "extra:type")]
    [InlineData("""{"tags":{"a":1}}""", "tags:type")]
    [InlineData("""{"score":{"a":1}}""", "score:type")]
    public void A_patch_of_an_object_is_for_fields_that_hold_one(string patch, string problem)
    {
        var (before, none) = WriteSample.Create(Whole);
        Assert.Null(none);
        FaultDetail detail = Assert.Single(WriteSample.Patch(before, patch).Fault!.Details);
        Assert.Equal(problem, $"{detail.Field}:{detail.Code}");
    }
}
