using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Plinth.Text;

namespace Plinth.Http;

public class HeaderTests
{
    [Fact]
    public void Every_fault_has_a_status_that_fits_its_kind()
    {
        foreach (FaultCode code in Faults.All)
        {
            Assert.True(Statuses.Knows(code), code.Code);
            int status = Statuses.Of(code);
            // The one status above 499 that is a client's doing.
            if (code != Faults.HttpVersionUnsupported) Assert.InRange(status, 400, code.Kind == FaultKind.Ours ? 504 : 499);
        }
    }

    [Theory]
    [InlineData(null, "json")]
    [InlineData("*/*", "json")]
    [InlineData("application/*", "json")]
    [InlineData("application/cbor", "cbor")]
    [InlineData("application/cbor, application/json;q=0.5", "cbor")]
    [InlineData("application/json, application/cbor", "json")]
    [InlineData("application/json;q=0, */*", "cbor")]
    [InlineData("text/html,application/xhtml+xml,*/*;q=0.8", "json")]
    [InlineData("text/html", "not_acceptable")]
    [InlineData("application/json;q=0", "not_acceptable")]
    public void The_answer_has_the_form_that_is_preferred(string? accept, string expected)
    {
        var cbor = Negotiation.AnswerIsCbor(accept is null ? default : new StringValues(accept));
        Assert.Equal(expected, cbor.IsOk ? cbor.Value ? "cbor" : "json" : cbor.Fault.Code);
    }

    [Theory]
    [InlineData("application/json", "Json")]
    [InlineData("application/json; charset=UTF-8", "Json")]
    [InlineData("Application/JSON;charset=\"utf-8\"", "Json")]
    [InlineData("application/json; charset=latin1", "unsupported_media_type")]
    [InlineData("application/merge-patch+json", "MergePatch")]
    [InlineData("application/cbor", "Cbor")]
    [InlineData("application/x-ndjson", "NdJson")]
    [InlineData("application/x-www-form-urlencoded", "unsupported_media_type")]
    [InlineData("", "unsupported_media_type")]
    public void Bodies_have_a_form_that_is_known(string type, string expected)
    {
        var format = Negotiation.Body(type);
        Assert.Equal(expected, format.IsOk ? format.Value.ToString() : format.Fault.Code);
    }

    [Theory]
    [InlineData("\"3.1\"", "3")]
    [InlineData("\"3.1-c\"", "3")]
    [InlineData("\"3.1-0011223344556677-c\"", "3")]
    [InlineData("\"3\"", "3")]
    [InlineData("*", "any")]
    [InlineData("W/\"3.1\"", "0")]
    [InlineData("nonsense", "malformed_header")]
    [InlineData("\"\"", "malformed_header")]
    [InlineData("\"x\"", "malformed_header")]
    [InlineData("\"3.1\", \"4.1\"", "malformed_header")]
    [InlineData("\"99999999999999999999\"", "malformed_header")]
    [InlineData("\"", "malformed_header")]
    public void A_precondition_is_the_version_part_of_a_tag(string header, string expected)
    {
        var precondition = EntityTag.Precondition(header);
        Assert.Equal(expected, !precondition.IsOk ? precondition.Fault.Code : precondition.Value.Any ? "any"
            : precondition.Value.Version!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Tags_tell_versions_forms_and_bodies_apart()
    {
        Assert.Equal("\"3.2\"", EntityTag.Of(3, 2, cbor: false));
        Assert.Equal("\"3.2-c\"", EntityTag.Of(3, 2, cbor: true));
        Assert.NotEqual(EntityTag.Of(3, 2, cbor: false, "a"u8), EntityTag.Of(3, 2, cbor: false, "b"u8));
        Assert.True(EntityTag.Matches("\"1.1\", W/\"3.2\"", "\"3.2\""));
        Assert.True(EntityTag.Matches("*", "\"3.2\""));
        Assert.False(EntityTag.Matches("\"3.2-c\"", "\"3.2\""));
    }

    [Fact]
    public void A_bucket_gives_its_burst_then_its_rate()
    {
        Bucket bucket = new();
        const long Interval = 100;
        for (int i = 0; i < 5; i++)
        {
            Assert.True(bucket.TryTake(1000, Interval, 5, out long remaining, out _));
            Assert.Equal(4 - i, remaining);
        }
        Assert.False(bucket.TryTake(1000, Interval, 5, out _, out long wait));
        Assert.Equal(100, wait);
        Assert.False(bucket.TryTake(1099, Interval, 5, out _, out _));
        Assert.True(bucket.TryTake(1100, Interval, 5, out _, out _));
        Assert.False(bucket.IsFull(1100));
        Assert.True(bucket.IsFull(1600));
    }

    [Fact]
    public void A_flood_of_addresses_shares_one_budget_instead_of_taking_memory()
    {
        RateLimiter limiter = new("address", new RateLimit(0.001, 1), entriesMax: 100, TimeProvider.System);
        int taken = 0;
        for (int i = 0; i < 10_000; i++)
        {
            if (limiter.TryTake("address " + i, out _)) taken++;
        }
        Assert.Equal(100, limiter.Count);
        Assert.Equal(101, taken);
    }

    [Theory]
    [InlineData("203.0.113.7", "X-Forwarded-For", "198.51.100.1", "203.0.113.7")] // not a proxy: not believed
    [InlineData("10.0.0.1", "X-Forwarded-For", "198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "X-Forwarded-For", "6.6.6.6, 198.51.100.1, 10.0.0.9", "198.51.100.1")] // left of the client may be invented
    [InlineData("10.0.0.1", "X-Forwarded-For", "nonsense", "10.0.0.1")]
    [InlineData("::ffff:10.0.0.1", "X-Forwarded-For", "198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "Forwarded", "for=198.51.100.1;proto=https;by=10.0.0.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "Forwarded", "for=\"[2001:db8::1]:4711\"", "2001:db8::1")]
    [InlineData("10.0.0.1", "Forwarded", "for=_hidden, for=198.51.100.1:80", "198.51.100.1")]
    [InlineData("10.0.0.1", "Forwarded", "for=198.51.100.1, for=unknown", "10.0.0.1")]
    public void Forwarded_addresses_are_believed_from_trusted_proxies_only(string remote, string header, string value, string expected)
    {
        ClientAddress addresses = new([IPNetwork.Parse("10.0.0.0/8")]);
        HeaderDictionary headers = new() { [header] = value };
        Assert.Equal(expected, addresses.Of(IPAddress.Parse(remote), headers).ToString());
    }

    [Theory]
    [InlineData("/api/notes", "Collection", "")]
    [InlineData("/api/n%6ftes", "Collection", "")]
    [InlineData("/api/notes/", "None", "")]
    [InlineData("/api/notes/1", "Item", "1")]
    [InlineData("/api/notes/a%2Fb", "Item", "a%2Fb")]
    [InlineData("/api/seats/A%2CB,7", "Item", "A%2CB,7")]
    [InlineData("/api/notes/query", "Query", "")]
    [InlineData("/api/notes/aggregate", "Aggregate", "")]
    [InlineData("/api/notes/1/restore", "Restore", "1")]
    [InlineData("/api/notes/1/history", "History", "1")]
    [InlineData("/api/notes/1/other", "None", "")]
    [InlineData("/api/notes/1/restore/", "None", "")]
    [InlineData("/api/notes//restore", "None", "")]
    [InlineData("/api/batch", "Batch", "")]
    [InlineData("/api/", "None", "")]
    [InlineData("/API/notes", "None", "")]
    [InlineData("/healthz", "Ready", "")]
    [InlineData("/errors/conflict", "Error", "conflict")]
    [InlineData("", "None", "")]
    [InlineData("http://localhost:1/api/notes/1?x", "Item", "1")]
    public void Paths_lead_to_their_routes(string target, string endpoint, string key)
    {
        RouteMatch match = new RouteTable(SampleSchema.Schema).Match(Target.Of(target).Path);
        Assert.Equal((endpoint, key), (match.Route.Endpoint.ToString(), match.RawKey.ToString()));
    }

    [Fact]
    public void A_composite_key_is_split_before_it_is_decoded()
    {
        Assert.Equal<string>(["A,B", "7"], Rest.KeyText.Parse(SampleSchema.Seat, "A%2CB,7").Value);
        Assert.Equal("/api/seats/A%2CB,7", new RouteTable(SampleSchema.Schema).Of(SampleSchema.Seat).PathOf(["A,B", "7"]));
        Assert.Equal("malformed_parameter", Rest.KeyText.Parse(SampleSchema.Seat, "A").Fault!.Code);
        Assert.Equal("malformed_parameter", Rest.KeyText.Parse(SampleSchema.Seat, "A,%ff").Fault!.Code);
        Assert.Equal<string>(["a,b"], Rest.KeyText.Parse(SampleSchema.Note, "a,b").Value);
    }

    [Theory]
    [InlineData("cors", "*", true)]
    [InlineData("cors", "https://a.example/path", false)]
    public void Options_that_are_unsafe_together_are_refused(string what, string origin, bool credentials)
    {
        ServerOptions options = new() { Mode = ServerMode.Serve, Version = "test", CorsOrigins = [origin], CorsCredentials = credentials };
        Assert.Contains(what, options.Refusal(), StringComparison.Ordinal);
        Assert.Null((options with { CorsOrigins = ["https://a.example"] }).Refusal());
        Assert.NotNull((options with { CorsOrigins = [], DevelopmentIdentity = Schema.Value.FromMap(Schema.ValueMap.Empty) }).Refusal());
    }
}
