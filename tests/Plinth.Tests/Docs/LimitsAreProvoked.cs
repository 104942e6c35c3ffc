using System.Text.RegularExpressions;
using Plinth.Cases;
using Plinth.Http;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Tests.Docs;

/// <summary>Every bound has a test that runs into it. A new one is missing here until it has.</summary>
public sealed partial class LimitsAreProvoked
{
    /// <summary>Bound → a test class, or a case, that sets it and goes beyond.</summary>
    static readonly Dictionary<string, string> s_limits = new(StringComparer.Ordinal)
    {
        ["BodyBytes"] = "BadInputTests",
        ["BulkBytes"] = "BulkBodyTests",
        ["RecordBytes"] = "BulkBodyTests",
        ["JsonDepth"] = "cases/rest/faults/limit-exceeded.case",
        ["Parameters"] = "cases/rest/faults/limit-exceeded.case",
        ["FilterBytes"] = "ReadRefusalTests",
        ["ExpressionNodes"] = "cases/rest/limits/reads.case",
        ["ExpressionDepth"] = "cases/rest/limits/reads.case",
        ["ExpressionCost"] = "RefusedWritesTests",
        ["ExpressionEstimate"] = "ExpressionCostTests",
        ["YamlNodes"] = "YamlNotationTests",
        ["YamlAliases"] = "YamlNotationTests",
        ["IncludeDepth"] = "ReadRefusalTests",
        ["Includes"] = "ReadRefusalTests",
        ["IncludePage"] = "cases/rest/limits/reads.case",
        ["IncludedRows"] = "cases/rest/limits/reads.case",
        ["Hops"] = "ReadRefusalTests",
        ["SortKeys"] = "ReadRefusalTests",
        ["Offset"] = "ReadRefusalTests",
        ["AsOfChanges"] = "PastTests",
        ["WriteRows"] = "RefusedWritesTests",
        ["BulkRows"] = "BatchTests",
        ["IdempotencyHours"] = "KeptAnswersTests",
        ["Groups"] = "cases/rest/limits/reads.case",
        ["BatchOperations"] = "BatchTests",
        ["WriteQueue"] = "CommitterTests",
        ["TenantQueue"] = "FairnessTests",
        ["GroupCommands"] = "CommitterTests",
        ["RequestMs"] = "PipelineTests",
        ["StatementMs"] = "CommitterFailureTests",
        ["CacheBytes"] = "RecordCacheTests",
        ["ChannelMessageBytes"] = "ChannelTests",
        ["ChannelPresenceBytes"] = "ChannelTests",
        ["ChannelMembers"] = "ChannelTests",
        ["Channels"] = "ChannelTests",
        ["PublicBytes"] = "PublicFilesTests",
        ["SlowMs"] = "SlowReadsTests",
        ["LiveRows"] = "RealtimeTests",
        ["LiveQueries"] = "RealtimeTests",
        ["LiveMissed"] = "RealtimeTests",
        ["Statements"] = "DriverTests",
        ["Plans"] = "ReadPlannerTests",
        ["ShapePlans"] = "ReadPlannerTests",
        ["Folds"] = "KeptRulesTests",
        ["ClaimPatterns"] = "KeptRulesTests",
        ["Views"] = "KeptRulesTests",
        ["WriteTexts"] = "WriteStatementsTests",
        ["Descriptions"] = "DescriptionTests",
        ["Tokens"] = "ApiTokenTests",
        ["AnswerBytes"] = "KeptAnswersTests",
        ["SchemaBytes"] = "SchemaLimitsTests",
        ["SchemaDepth"] = "SchemaLimitsTests",
        ["SchemaBlocks"] = "SchemaLimitsTests",
        ["SchemaFields"] = "SchemaLimitsTests",
        ["SchemaFindings"] = "SchemaLimitsTests",
    };

    static readonly Dictionary<string, string> s_server = new(StringComparer.Ordinal)
    {
        ["ConnectionsMax"] = "EarlyRefusalTests",
        ["HeaderBytes"] = "EarlyRefusalTests",
        ["HeadersMax"] = "EarlyRefusalTests",
        ["RequestLineBytes"] = "EarlyRefusalTests",
        ["HeaderSeconds"] = "EarlyRefusalTests",
        ["IdleSeconds"] = "EarlyRefusalTests",
        ["RateEntries"] = "ListenerLimitsTests",
        ["DrainDelay"] = "DescriptionTests",
        ["DrainBound"] = "ListenerLimitsTests",
    };

    static readonly Dictionary<string, string> s_realtime = new(StringComparer.Ordinal)
    {
        ["ConnectionsMax"] = "RealtimeTests",
        ["ConnectionsPerAddressMax"] = "RealtimeTests",
        ["SubscriptionsMax"] = "RealtimeTests",
        ["FrameBytes"] = "RealtimeTests",
        ["QueueBytes"] = "RealtimeTests",
        ["FramesPerSecondMax"] = "RealtimeTests",
        ["PublishesPerSecondMax"] = "ChannelTests",
        ["HeartbeatSeconds"] = "RealtimeTests",
    };

    static readonly Dictionary<string, string> s_store = new(StringComparer.Ordinal)
    {
        ["ReadersMax"] = "DriverTests",
        ["ReadTimeMax"] = "DriverTests",
        ["StatementsKeptMax"] = "DriverTests",
        ["CheckpointBytes"] = "DatabaseFileTests",
        ["PagesMax"] = "DatabaseFileTests",
    };

    /// <summary>Sizes of caches: more of them is faster, and nothing is refused.</summary>
    static readonly string[] s_caches = ["MappedBytesMax", "PageCacheBytes"];

    [Fact]
    public void Each_is_set_by_the_test_that_provokes_it()
    {
        List<string> wrong = [];
        Look(typeof(Limits), s_limits, _ => true, wrong);
        Look(typeof(ServerOptions), s_server, name => Bound().IsMatch(name), wrong);
        Look(typeof(RealtimeOptions), s_realtime, _ => true, wrong);
        Look(typeof(StoreOptions), s_store, name => Bound().IsMatch(name) && !s_caches.Contains(name), wrong);
        Assert.Empty(wrong);
    }

    static void Look(Type options, Dictionary<string, string> tests, Func<string, bool> isBound, List<string> wrong)
    {
        string[] bounds = [.. options.GetProperties().Where(p => p.CanWrite && isBound(p.Name)).Select(p => p.Name)];
        Assert.NotEmpty(bounds);
        wrong.AddRange(bounds.Except(tests.Keys).Select(name => $"{options.Name}.{name} has no test that provokes it"));
        wrong.AddRange(tests.Keys.Except(bounds).Select(name => $"{options.Name}.{name} is no bound any more"));
        foreach (var (name, test) in tests)
        {
            if (!Sets(name, test)) wrong.Add($"{test} does not set {options.Name}.{name}");
        }
    }

    static bool Sets(string name, string test)
    {
        if (test.EndsWith(".case", StringComparison.Ordinal))
        {
            string setting = char.ToLowerInvariant(name[0]) + name[1..];
            return Corpus.Read(test).Find("limits")?.Lines.Any(l => l.StartsWith(setting + " ", StringComparison.Ordinal)) ?? false;
        }
        string property = name is "Statements" ? "StatementsKeptMax" : name is "Tokens" ? "TokensKept" : name;
        return Directory.EnumerateFiles(Path.Combine(Corpus.Root, "tests"), test + ".cs", SearchOption.AllDirectories)
            .Any(file => Regex.IsMatch(File.ReadAllText(file), $@"\b{property} = "));
    }

    [GeneratedRegex("(Max|Bytes|Seconds|Entries|Delay|Bound)$")]
    private static partial Regex Bound();
}
