using System.Text.Json;
using Plinth.Cases;
using Plinth.Cli;

namespace Plinth.Tests.Cli;

/// <summary><c>plinth test</c> and <c>plinth policy</c>, as a person runs them.</summary>
public sealed class PolicyCommandTests : IDisposable
{
    const string Schema = """
        auth { id Int  role Role }
        enum Role { admin sales }
        model Deal {
          id Int @id
          title String
          ownerId Int @default(auth.id)
          margin Int? @allow("read", auth.role == "admin")
          @@index([ownerId])
          @@allow("read", auth != null)
          @@allow("update", ownerId == auth.id && auth.role == "sales", after: ownerId == before.ownerId)
          @@deny("update", title == "closed")
          @@allow("all", auth.role == "admin")
        }
        """;

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("plinth-policy-");

    public PolicyCommandTests() => Write("schema.plinth", Schema);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_policy_tests_of_the_crm_example_hold()
    {
        var (code, said) = await RunAsync("test", Path.Combine(Corpus.Root, "examples/crm"));
        Assert.True(code == ExitCode.Done, said);
        Assert.Contains("0 failed", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_hold_is_told_with_its_place_and_answered_with_1()
    {
        Write("policies/deals.policy.test", """
            test "sales"
              given Deal {"id":1,"title":"a","ownerId":7} {"id":2,"title":"closed","ownerId":7,"margin":3}
              as {"id":7,"role":"sales"}
              expect list Deal 1, 2
              expect get Deal 2 shows title hides margin
              expect update Deal 1 {"title":"b"}
              expect no update Deal 2 {"title":"b"}
              expect no update Deal 1 {"ownerId":8}
              expect no delete Deal 1
              expect no get Deal 1
              expect list Deal 1
              expect get Deal 2 shows margin
              expect delete Deal 1
              expect no update Deal 1 {"title":3}
            test "nobody"
              as nobody
              expect no list Deal
            """);
        var (code, said) = await RunAsync("test");
        Assert.Equal(ExitCode.Found, code);
        foreach (string line in new[]
        {
            "deals.policy.test:10: expected Deal 1 to be hidden, it was answered",
            "deals.policy.test:11: expected to see 1, saw 1, 2",
            "deals.policy.test:12: expected margin to be shown, it was hidden",
            "deals.policy.test:13: expected to delete Deal 1 to be allowed; it was refused: forbidden",
            "deals.policy.test:14: expected the rules to refuse to update Deal 1; it was refused for another reason: validation_failed",
            "2 tests, 12 expectations, 5 failed",
        }) Assert.Contains(line, said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("expect list Deal nothing", "a file begins with: test")]
    [InlineData("test \"x\"\n  exspect list Deal", "'exspect' is no step")]
    [InlineData("test \"x\"\n  expect look Deal 1", "expect takes an operation")]
    [InlineData("test \"x\"\n  expect update Deal 1", "update takes the JSON of one record")]
    [InlineData("test \"x\"\n  expect get Deal", "get takes the key of a record")]
    [InlineData("test \"x\"\n  given Deal 1", "given takes a model and records")]
    [InlineData("test \"x\"\n  as nobody", "the test expects nothing")]
    public async Task A_line_that_is_none_of_the_language_is_wrong_use(string text, string said)
    {
        Write("policies/x.policy.test", text);
        var (code, all) = await RunAsync("test");
        Assert.Equal(ExitCode.WrongUse, code);
        Assert.Contains(said, all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_policy_tests_there_is_nothing_to_run() => Assert.Equal(ExitCode.WrongUse, (await RunAsync("test")).Code);

    [Fact]
    public async Task The_matrix_is_made_by_running_the_rules()
    {
        var (code, text) = await RunAsync("policy", "matrix");
        Assert.Equal(ExitCode.Done, code);
        string[] lines = text.Split('\n');
        Assert.Contains("  nobody            -        -        -        -        -        ", lines);
        Assert.Contains("  sales             all      all      -        own      -        ", lines);
        Assert.Contains("  admin             all      all      all      some     all      ", lines);
        Assert.Contains("rules were seen both ways", text, StringComparison.Ordinal);
        Assert.Contains("\"role\":\"sales\"", (await RunAsync("policy", "matrix", "--json")).Said, StringComparison.Ordinal);
        Assert.StartsWith("<!doctype html>", (await RunAsync("policy", "matrix", "--html")).Said, StringComparison.Ordinal);
    }

    /// <summary>Branches of rules: each term with the ways in which it came out, those of <c>after:</c> too.</summary>
    [Fact]
    public async Task The_matrix_says_how_each_term_of_each_rule_came_out()
    {
        Write("schema.plinth", """
            auth { id Int  role Role  team String? }
            enum Role { admin sales }
            model Deal {
              id Int @id
              ownerId Int?
              stage Int @default(0)
              team String?
              notes Note[]
              @@allow("update", ownerId == auth.id && (stage < 5 || auth.role == "admin"), after: stage >= before.stage)
              @@allow("read", team == auth.team)
              @@allow("delete", stage > 3 && stage < 2)
              @@deny("delete", notes.exists(n, n.id == 1))
            }
            model Note { id Int @id  deal Deal @relation  @@allow("read", true) }
            """);
        string json = (await RunAsync("policy", "matrix", "--json")).Said;
        JsonElement[] rules = [.. JsonDocument.Parse(json).RootElement.GetProperty("rules").EnumerateArray()];
        static string Ways(JsonElement term) =>
            string.Join(' ', term.GetProperty("seen").EnumerateArray().Select(static s => s.GetString()));
        string Seen(int rule) => string.Join("; ", rules[rule].GetProperty("terms").EnumerateArray().Select(static t =>
            $"{t.GetProperty("term").GetString()}: {Ways(t)}"));
        Assert.Equal("ownerId == auth.id: true false unknown; stage < 5: true false; auth.role == \"admin\": true false unknown; "
            + "after: stage >= before.stage: true false", Seen(0));
        Assert.Equal("team == auth.team: true false unknown", Seen(1));
        Assert.Equal("stage > 3: true false; stage < 2: true false", Seen(2));
        Assert.Equal("never true", rules[2].GetProperty("seen").GetString());
        Assert.Equal("notes.exists(n, n.id == 1): looks at other records", Seen(3));
        string text = (await RunAsync("policy", "matrix")).Said;
        Assert.Contains("2 of 5 rules were seen both ways, 7 of 8 terms", text, StringComparison.Ordinal);
        Assert.Contains("    stage > 3: true, false", text, StringComparison.Ordinal);
        string html = (await RunAsync("policy", "matrix", "--html")).Said;
        Assert.Contains("<td>stage &lt; 5<td>true, false", html, StringComparison.Ordinal);
        // A record that bears what the caller's claim says is his own.
        Assert.Contains("  sales             own      own      -        own      some     ", text.Split('\n'));
    }

    [Fact]
    public async Task An_explanation_names_rule_term_and_whether_values_are_there_and_no_value()
    {
        Write("seeds/Deal.json", """[{"id":1,"title":"a secret","ownerId":8},{"id":2,"title":"closed","ownerId":7}]""");
        Assert.Equal(ExitCode.Done, (await RunAsync("db", "seed")).Code);
        var (code, refused) = await RunAsync("policy", "explain", "update", "Deal", "1", "--as", """{"id":7,"role":"sales"}""");
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("schema.plinth:10:3: @@allow ownerId == auth.id && auth.role == \"sales\"", refused, StringComparison.Ordinal);
        Assert.Contains("ownerId == auth.id: false (auth.id is there, ownerId is there)", refused, StringComparison.Ordinal);
        Assert.Contains("refused: no rule that allows it is true", refused, StringComparison.Ordinal);
        Assert.DoesNotContain("a secret", refused, StringComparison.Ordinal);
        string denied = (await RunAsync("policy", "explain", "update", "deals", "2", "--as", "admin")).Said;
        Assert.Contains("refused by schema.plinth:11:3", denied, StringComparison.Ordinal);
        string nobody = (await RunAsync("policy", "explain", "list", "Deal")).Said;
        Assert.Contains("refused", nobody, StringComparison.Ordinal);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("policy", "explain", "look", "Deal")).Code);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("policy", "explain", "list", "Deal", "--as", "{\"role\":\"x\"}")).Code);
    }

    void Write(string path, string text)
    {
        string file = Path.Combine(_folder.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    Task<Ran> RunAsync(params string[] args) => Ran.OfAsync(_folder.FullName, args);
}
