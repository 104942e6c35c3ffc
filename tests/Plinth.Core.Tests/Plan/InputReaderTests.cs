using System.Text;
using Plinth.Text;

namespace Plinth.Plan;

public sealed class InputReaderTests
{
    const string Whole = """{"email":"a@b.co","firstName":"Ada"}""";

    [Theory]
    [InlineData("""{"email":"a@b.co","firstName":"Ada","scoore":1}""", "scoore", "did you mean 'score'?")]
    [InlineData("""{"email":"a@b.co","firstName":"Ada","owner":{"id":"x"}}""", "owner", "give its key instead: ownerId")]
    [InlineData("""{"email":"a@b.co","firstName":"Ada","secret":"x"}""", "secret", "is not a field")]
    [InlineData("""{"email":"a@b.co","firstName":"Ada","\ud800":"x"}""", "\uFFFD", "is not a field")]
    public void An_unknown_field_is_named_with_the_nearest_known_one(string body, string field, string says)
    {
        Fault fault = Refused(body);
        Assert.Equal("validation_failed", fault.Code);
        FaultDetail detail = Assert.Single(fault.Details);
        Assert.Equal((field, "unknown_field"), (detail.Field, detail.Code));
        Assert.Contains(says, detail.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"createdAt":"2020-01-01T00:00:00Z"}""", null)]
    [InlineData("""{"secret":"x"}""", null)]
    [InlineData("""{"shout":"HI"}""", "is computed")]
    [InlineData("""{"revision":3}""", "is set by the server")]
    [InlineData("""{"updatedAt":"2020-01-01T00:00:00Z"}""", "is set by the server")]
    public void The_server_itself_writes_what_callers_may_not_but_not_what_follows_from_the_rest(string more, string? refusal)
    {
        string body = Whole[..^1] + "," + more[1..];
        Assert.Equal(refusal, WriteSample.Create(body, asServer: true).Fault?.Details[0].Message);
        Assert.NotNull(WriteSample.Create(body).Fault);
    }

    [Fact]
    public void A_server_only_field_is_never_suggested()
    {
        Assert.Equal("is not a field", Refused("""{"email":"a@b.co","firstName":"Ada","secre":"x"}""").Details[0].Message);
    }

    [Fact]
    public void Everything_that_is_wrong_is_told_at_once()
    {
        Fault fault = Refused("""{"email":"nobody","firstName":"Adalbert","score":101,"big":"x","createdAt":"2020-01-01T00:00:00Z"}""");
        Assert.Equal("validation_failed", fault.Code);
        Assert.Equal("5 fields are not acceptable", fault.Message);
        Assert.Equal(
            ["big:type", "createdAt:readonly", "email:email", "firstName:length", "score:range"],
            fault.Details.Select(d => $"{d.Field}:{d.Code}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("""{"email":1}""", "email:type")]
    [InlineData("""{"score":"7"}""", "score:type")]
    [InlineData("""{"score":1.5}""", "score:type")]
    [InlineData("""{"score":2147483648}""", "score:type")]
    [InlineData("""{"score":1e999}""", "score:type")]
    [InlineData("""{"ratio":1e999}""", "ratio:type")]
    [InlineData("""{"score":{"a":[1]}}""", "score:type")]
    [InlineData("""{"score":[[1]]}""", "score:type")]
    [InlineData("""{"firstName":"a\u0000b"}""", "firstName:type")]
    [InlineData("""{"firstName":"a\ud800b"}""", "firstName:type")]
    [InlineData("""{"firstName":null}""", "firstName:required")]
    [InlineData("""{"firstName":"Bo","firstName":"Al"}""", "firstName:duplicate")]
    [InlineData("""{"revision":3}""", "revision:readonly")]
    [InlineData("""{"updatedAt":"2020-01-01T00:00:00Z"}""", "updatedAt:readonly")]
    [InlineData("""{"shout":"HI"}""", "shout:readonly")]
    [InlineData("""{"tags":"one"}""", "tags:type")]
    [InlineData("""{"tags":["a",1]}""", "tags[1]:type")]
    [InlineData("""{"tags":["a",null]}""", "tags[1]:type")]
    [InlineData("""{"tags":["a","b","c"]}""", "tags:length")]
    [InlineData("""{"address":"here"}""", "address:type")]
    [InlineData("""{"address":{"city":"X"}}""", "address.street:required")]
    [InlineData("""{"address":{"street":5}}""", "address.street:type")]
    [InlineData("""{"notes":[{"text":"x"}]}""", "notes[0].type:required")]
    [InlineData("""{"notes":[{"type":"Paragraph","text":"x"},{"type":"Nope"}]}""", "notes[1].type:one_of")]
    [InlineData("""{"notes":[{"type":"Paragraph","text":""}]}""", "notes[0].text:length")]
    [InlineData("""{"notes":[{"type":"Paragraph","text":"x","type":"CallLog"}]}""", "notes[0].type:duplicate")]
    [InlineData("""{"extra":{"a":1,"a":2}}""", "extra:type")]
    [InlineData("""{"extra":{"a":"\u0000"}}""", "extra:type")]
    [InlineData("""{"extra":[1e999]}""", "extra:type")]
    [InlineData("""{"stage":"open!"}""", "stage:type")]
    [InlineData("""{"price":"1.234"}""", "price:type")]
    [InlineData("""{"price":"0.00"}""", "price:range")]
    [InlineData("""{"ratio":0.2}""", "ratio:range")]
    [InlineData("""{"currency":"EUX"}""", "currency:iso4217")]
    [InlineData("""{"zip":"12345\n"}""", "zip:regex")]
    [InlineData("""{"score":13}""", ":check")]
    public void What_is_no_value_of_the_field_is_named_by_its_place(string members, string problem)
    {
        string filler = string.Concat(
            members.Contains("\"email\"", StringComparison.Ordinal) ? "" : ",\"email\":\"a@b.co\"",
            members.Contains("\"firstName\"", StringComparison.Ordinal) ? "" : ",\"firstName\":\"Ada\"");
        Fault fault = Refused(members[..^1] + filler + "}");
        Assert.Equal("validation_failed", fault.Code);
        Assert.Contains(problem, fault.Details.Select(d => $"{d.Field}:{d.Code}"));
        Assert.DoesNotContain(fault.Details, d => d.Field is "email" && d.Code is "required");
    }

    [Fact]
    public void An_unknown_member_of_an_embedded_value_is_named_by_its_path()
    {
        Fault fault = Refused("""
            {"email":"a@b.co","firstName":"Ada","address":{"street":"s","town":"x"},"notes":[{"type":"Paragraph","text":"x","x":1}]}
            """);
        Assert.Equal("validation_failed", fault.Code);
        Assert.Equal(["address.town", "notes[0].x"], fault.Details.Select(d => d.Field));
    }

    [Fact]
    public void Numbers_of_64_bits_and_decimals_are_taken_as_strings_and_as_numbers()
    {
        var (row, fault) = WriteSample.Create("""{"email":"a@b.co","firstName":"Ada","big":"9007199254740993","price":"12.5"}""");
        Assert.Null(fault);
        Assert.Equal((9007199254740993, 1250), (row.Of("big").Int, row.Of("price").DecimalUnits));
        (row, fault) = WriteSample.Create("""{"email":"a@b.co","firstName":"Ada","big":9007199254740993,"price":12.50}""");
        Assert.Null(fault);
        Assert.Equal((9007199254740993, 1250), (row.Of("big").Int, row.Of("price").DecimalUnits));
    }

    [Fact]
    public void Lists_embedded_values_and_unions_are_kept_in_their_canonical_form()
    {
        var (row, fault) = WriteSample.Create("""
            {"email":"a@b.co","firstName":"Ada","tags":[ " a ", "\u00e9" ],"address":{ "street" : "s" },
             "notes":[{"text":"x","type":"Paragraph"},{"type":"CallLog","at":"2020-01-01T01:00:00+01:00"}],"extra":{ "b" : [1, 2.50] }}
            """);
        Assert.Null(fault);
        Assert.Equal("""["a","é"]""", row.JsonOf("tags"));
        Assert.Equal("""{"street":"s","city":null}""", row.JsonOf("address"));
        const string notes = """[{"type":"Paragraph","text":"x"},{"type":"CallLog","at":"2020-01-01T00:00:00""";
        Assert.StartsWith(notes, row.JsonOf("notes"), StringComparison.Ordinal);
        Assert.Equal("""{"b":[1,2.50]}""", row.JsonOf("extra"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"email\":}")]
    [InlineData("{} {}")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{\"email\":\"\u0001\"}")]
    [InlineData("{\"score\":01}")]
    [InlineData("{\"score\":NaN}")]
    [InlineData("{\"extra\":{\"a\":[}}")]
    [InlineData("{\"nope\":{\"a\":[}}")]
    public void What_is_not_a_JSON_object_is_a_malformed_body(string body) => Assert.Equal("malformed_body", Refused(body).Code);

    [Fact]
    public void A_malformed_body_names_the_line_and_the_byte()
    {
        Assert.Equal("the body is not well-formed JSON at line 2, byte 11", Refused("{\n  \"email\":}").Message + "");
    }

    [Theory]
    [InlineData("extra")]
    [InlineData("score")]
    [InlineData("nope")]
    public void A_body_nested_beyond_the_limit_is_refused_wherever_it_nests(string field)
    {
        string deep = $$"""{"email":"a@b.co","firstName":"Ada","{{field}}":{{new string('[', 40)}}{{new string(']', 40)}}}""";
        Assert.Equal("limit_exceeded", Refused(deep).Code);
        string fine = $$"""{"email":"a@b.co","firstName":"Ada","extra":{{new string('[', 20)}}{{new string(']', 20)}}}""";
        Assert.Null(WriteSample.Create(fine).Fault);
    }

    [Fact]
    public void Noise_never_crashes_the_reader()
    {
        const int seed = 20240611;
        Random random = new(seed);
        byte[] sound = Encoding.UTF8.GetBytes("""
            {"email":"a@b.co","firstName":"Ada","tags":["a"],"notes":[{"type":"Paragraph","text":"x"}],"extra":{"a":[1]},
             "address":{"street":"s"}}
            """);
        int refused = 0;
        for (int round = 0; round < 3000; round++)
        {
            byte[] bytes = [.. sound];
            for (int flips = random.Next(1, 5); flips > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            ValueReader reader = WriteSample.Reader();
            var input = InputReader.Read(bytes, WriteSample.Shape, InputMode.Create, reader, Limits.Default);
            if (input.IsOk) Deciding.Complete(WriteSample.Shape, input.Value, reader);
            if (!input.IsOk || !reader.Problems.None) refused++;
        }
        Assert.True(refused > 2000, $"seed {seed}: only {refused} of 3000 damaged bodies were refused");
    }

    [Fact]
    public void An_array_of_records_names_the_position_of_each_problem()
    {
        ValueReader reader = WriteSample.Reader();
        byte[] body = Encoding.UTF8.GetBytes($$"""[{{Whole}}, {"email":"x","firstName":"Ada"}, 7, {"emial":"a@b.co"}]""");
        int read = 0;
        var done = InputReader.ReadMany(body, WriteSample.Shape, reader, Limits.Default, input =>
        {
            read++;
            Deciding.Complete(WriteSample.Shape, input, reader);
        });
        Assert.True(done.IsOk);
        Assert.Equal(3, read);
        Assert.Equal(
            ["[1].email:email", "[2]:type", "[3].emial:unknown_field", "[3].email:required", "[3].firstName:required"],
            reader.Problems.ToFault()!.Details.Select(d => $"{d.Field}:{d.Code}"));
    }

    static Fault Refused(string body) => WriteSample.Create(body).Fault ?? throw new Xunit.Sdk.XunitException($"accepted: {body}");
}
