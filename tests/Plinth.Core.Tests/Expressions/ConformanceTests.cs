using System.Collections.Immutable;
using Plinth.Cases;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>
/// cel-spec's conformance suite, and cel-go's tests of its parser, checker and comprehensions, in an unbound environment. Every case
/// counts but those that name a message type of protocol buffers; the list of those is generated.
/// </summary>
public class ConformanceTests
{
    /// <summary>The suite's deepest expressions nest further than a rule may.</summary>
    static readonly bool s_hasTimeZones = TimeZoneData.Ensure();

    static readonly Limits s_limits = Limits.Default with { ExpressionDepth = 200 };

    [Fact]
    public void Every_case_of_the_conformance_suite_gives_its_result()
    {
        Assert.True(s_hasTimeZones, "the package tzdata is not there and could not be installed");
        AssertAll("conformance", Failure);
    }

    static string? Failure(ConformanceCase c)
    {
        CelEnvironment environment = c.Environment();
        var (expression, diagnostics) = Read(c.Text, environment);
        if (expression is null) return $"refused: {diagnostics[0].Message}";
        if (!c.IsUnchecked && c.Type is { } type && expression.Type.Name != type) return $"is a {expression.Type.Name}, not a {type}";
        if (c.IsCheckedOnly) return null;
        Value value = CompiledExpression.Compile(expression).Evaluate(new EvaluationContext { Inputs = c.Inputs(environment) });
        if (c.Expected is not { } expected) return value.Reason is not null ? null : $"gave {value} without a reason";
        return value.IsNull ? $"failed: {value.Reason}" : IsSame(expected, value) ? null : $"gave {value} ({value.Kind}), not {expected}";
    }

    /// <summary>Of one kind and equal; every NaN is the same.</summary>
    static bool IsSame(Value a, Value b)
    {
        if (a.Kind != b.Kind) return false;
        switch (a.Kind)
        {
            case ValueKind.Double: return a.Double.Equals(b.Double) || a.Double == b.Double;
            case ValueKind.List: return a.List.Length == b.List.Length && a.List.Zip(b.List).All(p => IsSame(p.First, p.Second));
        }
        if (!Maps.Is(a) || !Maps.Is(b)) return a.Equals(b);
        if (Maps.Count(a) != Maps.Count(b)) return false;
        for (int i = 0; i < Maps.Count(a); i++)
        {
            if (!Maps.TryGet(b, Maps.Key(a, i), out Value other) || !IsSame(Maps.Item(a, i), other)) return false;
        }
        return true;
    }

    [Fact]
    public void Every_type_that_the_checking_suite_records_is_found() => AssertAll("checking", c =>
    {
        var (expression, diagnostics) = Read(c.Text, c.Environment());
        // The recorder's own parser did not take the syntax of optionals: nothing is known of the type then.
        if (IsOfRecorder(c)) return CelParser.Parse(c.Text).Root is null ? "does not parse" : null;
        if (c.Type is null) return expression is null ? null : $"is admitted as {expression.Type.Name}; {c.Recorded}";
        if (expression is null) return $"refused: {diagnostics[0].Message}";
        return expression.Type.Name == c.Type ? null : $"is a {expression.Type.Name}, not a {c.Type}";
    });

    [Fact]
    public void Every_tree_of_the_parsing_suite_is_read() => AssertAll("parsing", c =>
    {
        var (root, diagnostics) = CelParser.Parse(new SourceText("case", c.Text), new Span(0, c.Text.Length), s_limits);
        if (c.Tree is { } tree)
            return root is null ? $"refused: {diagnostics[0].Message}" : Difference(tree, CelTree.Of(root)) ?? OtherType(c);
        if (IsOfRecorder(c)) return root is null ? $"refused: {diagnostics[0].Message}" : null;
        // A bound of the recorder, not of the language: read, or refused by a bound of ours.
        bool isBound = c.Recorded!.Contains("recursion", StringComparison.Ordinal);
        if (isBound) return root is null && diagnostics[0].Code is not ("limit_exceeded" or "syntax") ? diagnostics[0].Message : null;
        return root is null ? null : "is read";
    });

    [Fact]
    public void Every_tree_of_the_comprehension_suite_is_read() => AssertAll("comprehension", c =>
    {
        if (c.Tree is not { } tree) return null;
        var (root, diagnostics) = CelParser.Parse(new SourceText("case", c.Text), new Span(0, c.Text.Length), s_limits);
        // What is no macro there is one here: a variable that is none is refused.
        if (root is null) return diagnostics[0].Message.Contains("variable", StringComparison.Ordinal) ? null : diagnostics[0].Message;
        return Difference(tree.Replace(".exists_one(", ".existsOne(", StringComparison.Ordinal), CelTree.Of(root));
    });

    /// <summary>Where the recorder's checker found a type, ours finds the same.</summary>
    static string? OtherType(ConformanceCase c)
    {
        if (c.Type is not { } type) return null;
        var (expression, diagnostics) = Read(c.Text, c.Environment());
        return expression is null ? $"refused: {diagnostics[0].Message}"
            : expression.Type.Name == type ? null : $"is a {expression.Type.Name}, not a {type}";
    }

    static string? Difference(string expected, string actual) => expected == actual ? null : $"expected\n{expected}\nfound\n{actual}";

    /// <summary>The recording program had the syntax switched off; cel-spec has it.</summary>
    static bool IsOfRecorder(ConformanceCase c) =>
        c.Recorded?.Split("; ").All(e => e.StartsWith("unsupported syntax", StringComparison.Ordinal)) == true;

    /// <summary>
    /// Of comprehensions the suite records the expression and its tree alone. What each gives here stands in a file that was read by a
    /// person against cel-go's tests: true, refused, an error.
    /// </summary>
    [Fact]
    public void Every_comprehension_gives_what_was_reviewed()
    {
        List<string> lines = [];
        foreach (ConformanceCase c in ConformanceCase.Of("comprehension"))
        {
            CelEnvironment environment = c.Environment() with { Variables = s_comprehended };
            var (expression, diagnostics) = Read(c.Text, environment);
            string outcome;
            if (expression is null)
            {
                outcome = $"refused: {diagnostics[0].Message}";
            }
            else
            {
                Value value = CompiledExpression.Compile(expression).Evaluate(new EvaluationContext { Inputs = s_inputs });
                outcome = value.IsNull ? $"error: {value.Reason}" : value.ToString();
            }
            lines.Add($"{string.Join(' ', c.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))} => {outcome}");
        }
        Golden.FileHolds("cases/expressions/conformance/comprehension.outcomes", string.Join('\n', lines) + "\n");
    }

    /// <summary>The suite does not say what m, x and y are: m is a map to lists, x a list of texts and y one of their positions.</summary>
    static readonly ImmutableArray<(string Name, CelType Type)> s_comprehended =
        [("m", CelType.Dyn), ("x", CelType.Dyn), ("y", CelType.Dyn)];

    static readonly Value[] s_inputs =
    [
        Value.FromMap(new ValueMap([new("legacy-solo", Value.FromList(Value.From(1L))), new("other", Value.FromList())])),
        Value.FromList(Value.From("howdy"), Value.From("hello")),
        Value.FromMap(new ValueMap([new("hello", Value.From("howdy"))])),
    ];

    [Fact]
    public void What_is_left_out_names_protocol_buffers_and_nothing_else_is()
    {
        string[] lines = File.ReadAllLines(Path.Combine(Corpus.Root, "cases/expressions/conformance/excluded.tsv"));
        Dictionary<string, string[]> words = new(StringComparer.Ordinal)
        {
            ["message"] = ["TestAllTypes", "TestRequired", "google.protobuf.", "google.expr.", "Proto2Message", "\"wrapper\"",
                "\"wellKnown\""],
            ["extension"] = ["proto.hasExt", "proto.getExt", "_ext", "repeated_test_all_types", "ExtensionScopedMessage"],
            ["enum"] = ["GlobalEnum"],
        };
        Assert.All(lines, line =>
        {
            string[] parts = line.Split('\t');
            Assert.Contains(words[parts[2]], w => parts[3].Contains(w, StringComparison.Ordinal));
            // CEL's own types are left out only where one is made as a message.
            if (parts[3] is TypeValue.Timestamp or TypeValue.Duration) Assert.Contains(parts[3] + "{", parts[4], StringComparison.Ordinal);
        });
    }

    [Fact]
    public void The_counts_in_the_documentation_are_true()
    {
        string status = File.ReadAllText(Path.Combine(Corpus.Root, "docs/status.md"));
        string[] excluded = File.ReadAllLines(Path.Combine(Corpus.Root, "cases/expressions/conformance/excluded.tsv"));
        foreach (string suite in (string[])["conformance", "parsing", "checking", "comprehension"])
        {
            string[][] left = [.. excluded.Select(l => l.Split('\t')).Where(p => p[0] == suite)];
            int Of(string kind) => left.Count(p => p[2] == kind);
            int passing = ConformanceCase.Of(suite).Count;
            Assert.Equal(left.Length, Of("message") + Of("extension") + Of("enum"));
            string counted = $"| {suite}: of {passing + left.Length} cases {passing} pass; {Of("message")} name a message type, "
                + $"{Of("extension")} an extension, {Of("enum")} an enum type |";
            Assert.Contains(counted, status, StringComparison.Ordinal);
        }
    }

    static (CheckedExpression? Expression, ImmutableArray<Diagnostic> Diagnostics) Read(string text, CelEnvironment environment) =>
        CheckedExpression.Read(new SourceText("case", text), new Span(0, text.Length), ExpressionScope.Unbound(environment),
            expected: null, s_limits);

    static void AssertAll(string suite, Func<ConformanceCase, string?> failure)
    {
        IReadOnlyList<ConformanceCase> cases = ConformanceCase.Of(suite);
        List<string> failures = [];
        foreach (ConformanceCase c in cases)
        {
            string? failed;
            try
            {
                failed = failure(c);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                failed = e.ToString();
            }
            if (failed is not null) failures.Add($"{c.Name}: {c.Text}\n    {failed}");
        }
        Assert.True(failures.Count == 0, $"{failures.Count} of {cases.Count} fail\n{string.Join('\n', failures)}");
    }
}
