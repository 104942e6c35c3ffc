using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Plinth.Cli.Policies;

/// <summary>One test of a <c>*.policy.test</c> file: records that are there, who asks, and what comes of it.</summary>
sealed record PolicyTest(string Title, int Line, ImmutableArray<PolicyStep> Steps);

/// <summary>One line of a test.</summary>
abstract record PolicyStep
{
    private protected PolicyStep(int line, string text) => (Line, Text) = (line, text);

    /// <summary>Where it stands, from 1.</summary>
    public int Line { get; }

    /// <summary>As it stands there.</summary>
    public string Text { get; }
}

/// <summary><c>tenant 7</c>: whose the records are that follow.</summary>
sealed record TenantStep(int Line, string Text, string Tenant) : PolicyStep(Line, Text);

/// <summary><c>given Deal {"id":1} {"id":2}</c>: records, made by the product itself.</summary>
sealed record GivenStep(int Line, string Text, string Model, ImmutableArray<string> Records) : PolicyStep(Line, Text);

/// <summary><c>as {"id":7}</c>, <c>as admin</c>, <c>as nobody</c>.</summary>
sealed record AsStep(int Line, string Text, string Identity) : PolicyStep(Line, Text);

/// <summary><c>expect [no] operation Model …</c></summary>
/// <param name="IsRefusal">It says <c>no</c>: the rules must refuse it.</param>
/// <param name="Words">Keys; behind <c>shows</c> or <c>hides</c>, fields.</param>
/// <param name="Json">The body, where the operation takes one.</param>
sealed record ExpectStep(
    int Line, string Text, bool IsRefusal, string Operation, string Model, ImmutableArray<string> Words, string? Json)
        : PolicyStep(Line, Text);

/// <summary>
/// Reads <c>policies/*.policy.test</c>: <c>test "title"</c> begins a test, each line of it is one step. A comment begins with <c>#</c> at
/// the start of a line; JSON may go on over lines that begin with white space and a brace.
/// </summary>
sealed class PolicyTestFile
{
    static readonly string[] s_operations = ["list", "get", "create", "update", "delete", "restore", "purge"];

    readonly List<string> _problems = [];
    readonly string _path;

    PolicyTestFile(string path) => _path = path;

    /// <returns>The tests; and every line that is none of the language, as a sentence with its place.</returns>
    public static (ImmutableArray<PolicyTest> Tests, ImmutableArray<string> Problems) Read(string path, string text)
    {
        PolicyTestFile file = new(path);
        return (file.Tests(text), [.. file._problems]);
    }

    ImmutableArray<PolicyTest> Tests(string text)
    {
        List<(string Title, int Line, List<PolicyStep> Steps)> tests = [];
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            int number = i + 1;
            if (line.Length == 0 || line[0] == '#') continue;
            while (i + 1 < lines.Length && lines[i + 1].TrimStart().StartsWith('{')) line += " " + lines[++i].Trim();
            string[] words = line.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries);
            string rest = words.Length > 1 ? words[1].Trim() : "";
            if (words[0] == "test") tests.Add((rest.Trim('"'), number, []));
            else if (tests.Count == 0) Problem(number, "a file begins with: test \"what is tested\"");
            else if (Step(number, line, words[0], rest) is { } step) tests[^1].Steps.Add(step);
        }
        foreach (var test in tests.Where(static t => !t.Steps.Exists(static s => s is ExpectStep)))
            Problem(test.Line, "the test expects nothing");
        return [.. tests.Select(static t => new PolicyTest(t.Title, t.Line, [.. t.Steps]))];
    }

    PolicyStep? Step(int line, string text, string word, string rest)
    {
        if (rest.Length == 0) return Problem(line, $"'{word}' of what?");
        switch (word)
        {
            case "tenant": return new TenantStep(line, text, rest);
            case "as": return new AsStep(line, text, rest);
            case "given":
                string[] parts = rest.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries);
                return parts.Length == 2 && Documents(parts[1]) is { IsEmpty: false } records ? new GivenStep(line, text, parts[0], records)
                    : Problem(line, "given takes a model and records, as in: given Deal {\"id\":1}");
            case "expect": return Expect(line, text, rest);
            default: return Problem(line, $"'{word}' is no step; there are test, tenant, given, as and expect");
        }
    }

    ExpectStep? Expect(int line, string text, string rest)
    {
        int brace = rest.IndexOf('{', StringComparison.Ordinal);
        string? json = brace < 0 ? null : rest[brace..];
        List<string> words = [.. (brace < 0 ? rest : rest[..brace]).Split([' ', ',', '\t'], StringSplitOptions.RemoveEmptyEntries)];
        bool isRefusal = words.Count > 0 && words[0] == "no";
        if (isRefusal) words.RemoveAt(0);
        if (words.Count < 2 || !s_operations.Contains(words[0]))
        {
            Problem(line, $"expect takes an operation ({string.Join(", ", s_operations)}) and a model");
            return null;
        }
        bool takesBody = words[0] is "create" or "update";
        if (takesBody != json is not null || (json is not null && Documents(json) is not [_]))
        {
            Problem(line, takesBody ? $"{words[0]} takes the JSON of one record" : $"{words[0]} takes no body");
            return null;
        }
        if (words.Count == 2 && words[0] is not ("list" or "create"))
        {
            Problem(line, $"{words[0]} takes the key of a record");
            return null;
        }
        return new ExpectStep(line, text, isRefusal, words[0], words[1], [.. words[2..]], json);
    }

    PolicyStep? Problem(int line, string message)
    {
        _problems.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{_path}:{line}: {message}"));
        return null;
    }

    /// <summary>Objects one after the other; empty when they are not.</summary>
    static ImmutableArray<string> Documents(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Utf8JsonReader json = new(utf8, new JsonReaderOptions { AllowMultipleValues = true });
        List<string> documents = [];
        try
        {
            while (json.Read())
            {
                if (json.TokenType != JsonTokenType.StartObject) return [];
                int from = (int)json.TokenStartIndex;
                json.Skip();
                documents.Add(Encoding.UTF8.GetString(utf8.AsSpan(from, (int)json.BytesConsumed - from)));
            }
            return [.. documents];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
