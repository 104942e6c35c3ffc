using Plinth.Cli.Settings;

namespace Plinth.Tests.Cli;

public sealed class Settings_come_from_four_sources : IDisposable
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("plinth-settings-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Later_sources_win_and_each_value_shows_where_it_stands()
    {
        Write("plinth.yaml", "server:\n  port: 1000\n  host: 127.0.0.1\nlimits:\n  bodyBytes: 2MB\n  jsonDepth: 40\n  parameters: 50\n");
        Write("plinth.staging.yaml", "server.port: 2000\nlimits:\n  jsonDepth: 41\n  parameters: 51\n");
        Write(".env", "PLINTH_ENV=staging\nPLINTH_LIMITS__JSON_DEPTH=42\nPLINTH_LIMITS__PARAMETERS='52'\n");
        ResolvedSettings settings = Good(new() { ["PLINTH_LIMITS__PARAMETERS"] = "53" }, new() { ["limits.includes"] = new("7", "--set") });

        Assert.Equal("staging", settings.Environment);
        Assert.Equal(new("2000", "plinth.staging.yaml:1:1"), settings.Of(SettingKeys.Port));
        Assert.Equal(new("2MB", "plinth.yaml:5:3"), settings.Of(SettingKeys.Find("limits.bodyBytes")!));
        Assert.Equal(new("42", "environment PLINTH_LIMITS__JSON_DEPTH"), settings.Of(SettingKeys.Find("limits.jsonDepth")!));
        Assert.Equal("53", settings.Of(SettingKeys.Find("limits.parameters")!).Text);
        Assert.Equal(new("7", "--set"), settings.Of(SettingKeys.Find("limits.includes")!));
        Assert.Equal("default", settings.Of(SettingKeys.LogLevel).Origin);
        Assert.Equal(2 << 20, settings.Limits().BodyBytes);
        Assert.Equal(42, settings.Limits().JsonDepth);
    }

    [Fact]
    public void Every_problem_of_every_source_is_reported_at_once()
    {
        Write("plinth.yaml", "server:\n  prot: 1\n  port: high\nops:\n  token: ${NOT_SET_ANYWHERE}\n");
        var problems = Bad(new() { ["PLINTH_SERVER__HOTS"] = "x", ["PLINTH_ENV"] = "moon",
            ["PLINTH_OPS__TOKEN_FILE"] = "/does/not/exist" });
        string all = string.Join('\n', problems);
        Assert.Contains("plinth.yaml:2:3: unknown setting 'server.prot' (did you mean 'server.port'?)", all, StringComparison.Ordinal);
        Assert.Contains("plinth.yaml:3:3: server.port: 'high' is not acceptable (expected an integer from 0 to 65535)", all,
            StringComparison.Ordinal);
        Assert.Contains("${NOT_SET_ANYWHERE}", all, StringComparison.Ordinal);
        Assert.Contains("PLINTH_SERVER__HOTS: unknown setting (did you mean 'PLINTH_SERVER__HOST'?)", all, StringComparison.Ordinal);
        Assert.Contains("unknown environment 'moon'", all, StringComparison.Ordinal);
        Assert.Contains("PLINTH_OPS__TOKEN_FILE: names a file that does not exist", all, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_is_not_shown_even_when_it_is_refused()
    {
        Write("plinth.yaml", "cors:\n  origins: [https://a.example, ftp://b]\nops:\n  token: hunter2hunter2\n");
        var problems = Bad([]);
        Assert.DoesNotContain("hunter2", string.Join('\n', problems), StringComparison.Ordinal);
        Assert.Contains("cors.origins", string.Join('\n', problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_may_come_from_a_file_and_a_reference_from_the_environment()
    {
        string file = Path.Combine(_folder.FullName, "token");
        File.WriteAllText(file, "from-a-file\n");
        Write("plinth.yaml", "cors:\n  origins: https://${HOST_NAME}\n");
        ResolvedSettings settings = Good(new() { ["PLINTH_OPS__TOKEN_FILE"] = file, ["HOST_NAME"] = "app.example" }, []);
        Assert.Equal("from-a-file", settings.Text(SettingKeys.OpsToken));
        Assert.Equal("https://app.example", Assert.Single(settings.List(SettingKeys.CorsOrigins)));
    }

    [Theory]
    [InlineData("server: [1")]
    [InlineData("- a\n- b")]
    [InlineData("server: &x {port: 1}\nops: *x")]
    [InlineData("just text")]
    [InlineData("server:\n\tport: 1")]
    public void A_file_that_is_no_mapping_of_sections_is_a_problem_with_a_place(string yaml)
    {
        Write("plinth.yaml", yaml);
        Assert.All(Bad([]), p => Assert.StartsWith("plinth.yaml:", p.Origin, StringComparison.Ordinal));
    }

    [Fact]
    public void Noise_in_the_settings_file_is_a_problem_and_never_a_crash()
    {
        const string Characters = "&*!|>%@`{}[],:?-#'\"\\ \t\n\r~x0ab1\u0085\uFEFF";
        int seed = Counts.Seed();
        Random random = new(seed);
        int problems = 0, count = Counts.Of(2_000, 100_000);
        for (int i = 0; i < count; i++)
        {
            string noise = string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => Characters[random.Next(Characters.Length)]));
            Write("plinth.yaml", random.Next(2) == 0 ? noise : "server:\n  port: " + noise);
            List<SettingProblem> found = [];
            string file = Path.Combine(_folder.FullName, "plinth.yaml");
            Exception? crash = Record.Exception(() => SettingsFile.Read(file, "plinth.yaml", [], found));
            Assert.True(crash is null, $"seed {seed}: {crash?.GetType().Name} over {System.Text.Json.JsonSerializer.Serialize(noise)}");
            if (found.Count > 0) problems++;
        }
        Assert.InRange(problems, count / 5, count);
    }

    [Fact]
    public void Every_default_is_acceptable_and_every_setting_has_words_and_a_variable_of_its_own()
    {
        ResolvedSettings settings = Good([], []);
        Plinth.Text.Limits limits = settings.Limits();
        // The one limit that the machine decides.
        Assert.InRange(limits.CacheBytes, 32L << 20, 1L << 30);
        Assert.Equal(Plinth.Text.Limits.Default with { CacheBytes = limits.CacheBytes }, limits);
        Assert.Equal(SettingKeys.All.Length, SettingKeys.All.Select(k => k.Variable).Distinct().Count());
        Assert.All(SettingKeys.All, k => Assert.EndsWith(".", k.Doc, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_limit_is_a_setting_and_moves_only_itself()
    {
        foreach (LimitKey limit in LimitKeys.All)
        {
            Plinth.Text.Limits moved = limit.With(Plinth.Text.Limits.Default, 3);
            Assert.NotEqual(Plinth.Text.Limits.Default, moved);
            Assert.Equal(Plinth.Text.Limits.Default, limit.With(
                moved, long.Parse(limit.Key.Default, System.Globalization.CultureInfo.InvariantCulture)));
        }
        // Two bounds have a section of their own: cache.bytes and idempotency.hours.
        Assert.Equal(typeof(Plinth.Text.Limits).GetProperties().Count(p => p.CanWrite) - 2, LimitKeys.All.Length);
        ResolvedSettings settings = Good(new() { ["PLINTH_IDEMPOTENCY__HOURS"] = "3", ["PLINTH_CACHE__RECORDS"] = "off" }, []);
        Assert.Equal((3, 0L), (settings.Limits().IdempotencyHours, settings.Limits().CacheBytes));
    }

    [Fact]
    public void No_setting_and_no_limit_is_read_by_nobody()
    {
        string[] sources = [.. Directory.EnumerateFiles(Path.Combine(Plinth.Cases.Corpus.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(f => Path.GetFileName(f) is not ("SettingKeys.cs" or "Limits.cs")).Select(File.ReadAllText)];
        IEnumerable<string> settings =
            typeof(SettingKeys).GetFields().Where(f => f.FieldType == typeof(SettingKey)).Select(f => "SettingKeys." + f.Name);
        IEnumerable<string> limits = typeof(Plinth.Text.Limits).GetProperties().Where(p => p.CanWrite).Select(p => "." + p.Name);
        string[] unread = [.. settings.Concat(limits).Where(name => !sources.Any(s => System.Text.RegularExpressions.Regex.IsMatch(
            s, System.Text.RegularExpressions.Regex.Escape(name) + @"\b")))];
        Assert.Empty(unread);
    }

    void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder.FullName, name), text);

    ResolvedSettings Good(Dictionary<string, string> environment, Dictionary<string, SettingValue> flags)
    {
        var (settings, problems) = ResolvedSettings.Resolve(_folder.FullName, environment, flags);
        Assert.Empty(problems);
        return Assert.IsType<ResolvedSettings>(settings);
    }

    System.Collections.Immutable.ImmutableArray<SettingProblem> Bad(Dictionary<string, string> environment)
    {
        var (settings, problems) = ResolvedSettings.Resolve(_folder.FullName, environment, new Dictionary<string, SettingValue>());
        Assert.Null(settings);
        Assert.NotEmpty(problems);
        return problems;
    }
}
