using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Plinth.Store;
using Plinth.Text;
using Xunit.Sdk;

namespace Plinth.Cases;

/// <summary>
/// Plays a case of <c>cases/rest</c> from top to bottom against a running server: each request must be answered as the reply after it
/// says, and at the next request, or at the end, no event may have been written that an events section did not name.
/// </summary>
sealed class RestStory(CaseFile file, CaseHost host)
{
    static readonly string[] s_prelude = ["schema", "limits", "settings"];
    static readonly string[] s_steps =
        ["rows", "caller", "now", "request", "reply", "events", "stored", "openapi", "refused", "sql", "memory"];

    readonly JsonMatch _match = new();
    string _caller = "null";
    long _position;
    CaseResponse? _response;
    Fault? _refusal;
    bool _started;
    string _request = "";

    public static void CheckSections(CaseFile file) => file.AllowOnly([.. s_prelude, .. s_steps]);

    /// <summary>Plays it; what does not hold fails with the place in the file.</summary>
    public async Task PlayAsync(CancellationToken cancel)
    {
        foreach (CaseSection section in file.Sections)
        {
            if (section.Name != "refused") NoMoreRefusals();
            switch (section.Name)
            {
                case "schema": await SchemaAsync(section, cancel); break;
                case "refused": Refused(section); break;
                case "rows": await RowsAsync(section, cancel); break;
                case "caller": _caller = section.Content; break;
                case "now": host.SetNow(DateTimeOffset.Parse(section.Content, CultureInfo.InvariantCulture)); break;
                case "request": await RequestAsync(section, cancel); break;
                case "reply": Reply(section); break;
                case "events": Events(section); break;
                case "stored": Stored(section); break;
                case "sql": Sql(section); break;
                case "memory": Memory(section); break;
                case "openapi": await OpenApiAsync(section, cancel); break;
            }
        }
        NoMoreEvents();
        NoMoreReplies();
        NoMoreRefusals();
    }

    /// <summary>The first schema was there at the start; a later one is what an edit makes of it.</summary>
    async Task SchemaAsync(CaseSection section, CancellationToken cancel)
    {
        if (_started) _refusal = await host.ApplyAsync(section, cancel);
        _started = true;
    }

    /// <summary>Lines that the refusal must say, each somewhere in its message, details or hint.</summary>
    void Refused(CaseSection section)
    {
        if (_refusal is not { } fault) throw new XunitException($"{file.Path}:{section.Line}: the schema was not refused");
        _refusal = null;
        string said = $"{fault.Code}: {fault.Message} {string.Join(' ', fault.Details.Select(d => d.Message))} {fault.Hint}";
        foreach (string line in section.Lines.Where(l => !said.Contains(l, StringComparison.Ordinal)))
            Fail(section, $"the refusal does not say '{line}': {said}");
        if (!section.Lines.Any()) Fail(section, $"the section says what the refusal must say: {said}");
    }

    void NoMoreRefusals()
    {
        if (_refusal is { } fault) Assert.Fail($"{file.Path}: the schema was refused: {fault.Code}: {fault.Message} {fault.Hint}");
    }

    async Task RowsAsync(CaseSection section, CancellationToken cancel)
    {
        foreach (string record in Json.Documents(section.Content))
        {
            if (await host.InsertAsync(section.Arguments, record, cancel) is { } refusal)
                Fail(section, $"the row {record} was refused: {refusal}");
        }
        _position = host.Position();
    }

    async Task RequestAsync(CaseSection section, CancellationToken cancel)
    {
        NoMoreEvents();
        NoMoreReplies();
        // What is counted together follows the records: a case asks for it when it has.
        await host.CaughtUpAsync();
        _request = _match.Expand(section.Content);
        _response = await host.SendAsync(HttpText.Request(_request), _caller, cancel);
    }

    void Reply(CaseSection section)
    {
        CaseResponse response = _response ?? throw new FormatException($"{file.Path}:{section.Line}: a reply without a request");
        _response = null;
        string[] arguments = section.Arguments.Split(' ');
        string got = $"to {_request.Split('\n')[0]}\nthe answer was {response.Status} {response.Body}";
        if (response.Status.ToString(CultureInfo.InvariantCulture) != arguments[0]) Fail(section, $"expected {arguments[0]}; {got}");
        HttpText expected = HttpText.Reply(section.Content);
        foreach (var (name, value) in expected.Headers)
        {
            if (_match.TextDifference(value, response.Header(name), $"header {name}") is { } difference)
                Fail(section, $"{difference}; {got}");
        }
        string? wrong = arguments.Length > 1 ? Problem(response, arguments[1], expected.Body) : Body(response, expected.Body);
        if (wrong is null) return;
        if (!Golden.Accepts) Fail(section, $"{wrong}; {got}");
        // Only the text of an answer is accepted: its status, its code and its headers are a person's to write.
        string body = arguments.Length > 1 ? string.Join('\n', Details(response))
            : response.Body.StartsWith('{') || response.Body.StartsWith('[') ? _match.Accepted(expected.Body, response.Body)
            : response.Body;
        file = Golden.Accept(file, section, string.Join('\n', expected.Headers.Select(h => $"{h.Key}: {h.Value}").Append(body)).Trim('\n'));
    }

    string? Body(CaseResponse response, string expected)
    {
        if (expected.Length == 0) return response.Body.Length == 0 ? null : "expected no body";
        if (response.Body.Length == 0) return "expected a body, got none";
        if (expected[0] is not ('{' or '[' or '"')) return _match.TextDifference(expected, response.Body, "body");
        return response.Header("Content-Type") is "application/json" or "application/json; charset=utf-8"
            ? _match.Difference(expected, response.Body)
            : $"expected JSON, got {response.Header("Content-Type")}";
    }

    /// <summary>
    /// The shape that every refusal has is checked here, once. The section names what is particular: lines of <c>field code</c> (the
    /// details, in any order; none when there are none), or an object of members.
    /// </summary>
    string? Problem(CaseResponse response, string code, string expected)
    {
        if (response.Header("Content-Type") != "application/problem+json")
            return $"expected a problem, got {response.Header("Content-Type")}";
        const string shape = """{"type":"$text","title":"$text","status":0,"code":"$text","message":"$text","details":"$any","""
            + "\"traceId\":\"$text\",\"requestId\":\"$uuid\"}";
        JsonObject want = JsonNode.Parse(shape)!.AsObject(), have = JsonNode.Parse(response.Body)!.AsObject();
        want["status"] = response.Status;
        want["code"] = code;
        if (Faults.All.FirstOrDefault(f => f.Code == code) is { } known)
        {
            want["title"] = known.Title;
            want["type"] = "/errors/" + code;
        }
        if (have.ContainsKey("hint")) want["hint"] = "$text";
        if (expected.StartsWith('{'))
        {
            foreach (var (name, value) in JsonNode.Parse(expected)!.AsObject()) want[name] = value?.DeepClone();
        }
        if (_match.Difference(want.ToJsonString(), response.Body) is { } difference) return difference;
        if (expected.StartsWith('{')) return null;
        string[] details = [.. Details(response)];
        var lines = expected.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Order(StringComparer.Ordinal);
        return lines.SequenceEqual(details) ? null : "other details than expected: " + string.Join(", ", details);
    }

    /// <summary>The details of a problem as a case writes them: a field (- for none) and a code, in order.</summary>
    static IEnumerable<string> Details(CaseResponse response) => JsonNode.Parse(response.Body)!["details"]!.AsArray()
        .Select(d => $"{(string.IsNullOrEmpty((string?)d!["field"]) ? "-" : (string?)d["field"])} {(string?)d["code"]}")
        .Order(StringComparer.Ordinal);

    void Events(CaseSection section)
    {
        CaseEvent[] events = [.. host.EventsAfter(_position)];
        string got = string.Join('\n', events.Select(e => $"  {e.Kind} {e.Model} {e.Data}"));
        string[] lines = [.. section.Lines];
        if (Golden.Accepts && !lines.Select(Named).SequenceEqual(events.Select(e => $"{e.Kind} {e.Model}")))
        {
            file = Golden.Accept(file, section, string.Join('\n', events.Select(e => $"{e.Kind} {e.Model}")));
            lines = [.. events.Select(e => $"{e.Kind} {e.Model}")];
        }
        if (lines.Length != events.Length) Fail(section, $"expected {lines.Length} events, got {events.Length}:\n{got}");
        for (int i = 0; i < lines.Length; i++)
        {
            string[] parts = lines[i].Split(' ', 3);
            if (parts[0] != events[i].Kind || parts[1] != events[i].Model) Fail(section, $"event {i + 1} is not '{lines[i]}':\n{got}");
            if (parts.Length == 3 && _match.Difference(parts[2], events[i].Data) is { } difference)
                Fail(section, $"event {i + 1}: {difference}:\n{got}");
        }
        _position = host.Position();
    }

    /// <summary>Kind and model of an event's line.</summary>
    static string Named(string line) => string.Join(' ', line.Split(' ', 3).Take(2));

    void NoMoreEvents()
    {
        CaseEvent[] events = [.. host.EventsAfter(_position)];
        if (events.Length > 0)
            Assert.Fail($"{file.Path}: events that no section names, after {_request}:\n"
                + string.Join('\n', events.Select(e => $"  {e.Kind} {e.Model} {e.Data}")));
    }

    void NoMoreReplies()
    {
        if (_response is not null) throw new FormatException($"{file.Path}: no reply says what is expected of: {_request}");
    }

    /// <summary>First line: a statement; the others: the rows it must give, columns joined by |.</summary>
    void Stored(CaseSection section)
    {
        if (!IsOfThisDatabase(section)) return;
        string[] lines = section.Content.Split('\n');
        string rows;
        try
        {
            rows = string.Join('\n', host.Query(lines[0]));
        }
        catch (StoreException refusal)
        {
            rows = refusal.Message;
        }
        if (rows != string.Join('\n', lines[1..])) Fail(section, $"the rows are:\n{rows}");
    }

    /// <summary>What is said of one database holds for that one alone.</summary>
    bool IsOfThisDatabase(CaseSection section)
    {
        if (section.Arguments is not ("" or "sqlite" or "postgres"))
            throw new FormatException($"{file.Path}:{section.Line}: no such dialect: {section.Arguments}");
        return section.Arguments.Length == 0 || section.Arguments == TestDatabase.Dialect.Name;
    }

    /// <summary>The statements of the last request's plan.</summary>
    void Sql(CaseSection section)
    {
        if (!IsOfThisDatabase(section)) return;
        string statements = string.Join('\n', host.Statements(HttpText.Request(_request), _caller));
        file = Golden.Holds(file, section, statements);
    }

    /// <summary>Lines of <c>row => true</c>, <c>false</c> or <c>unknown</c>: the rule to list, evaluated without a database.</summary>
    void Memory(CaseSection section)
    {
        foreach (string line in section.Lines)
        {
            int arrow = line.LastIndexOf("=>", StringComparison.Ordinal);
            string truth = host.Decide(section.Arguments, line[..arrow], _caller);
            if (truth != line[(arrow + 2)..].Trim()) Fail(section, $"{line}: the rule is {truth}");
        }
    }

    /// <summary>First line: a path into the document (<c>$.a.b</c>); the others: what stands there.</summary>
    async Task OpenApiAsync(CaseSection section, CancellationToken cancel)
    {
        CaseResponse response = await host.SendAsync(HttpText.Request("GET /openapi.json"), _caller, cancel);
        string[] lines = section.Content.Split('\n', 2);
        using JsonDocument document = JsonDocument.Parse(response.Body);
        JsonElement at = document.RootElement;
        foreach (string name in lines[0].Split('.')[1..])
        {
            if (!at.TryGetProperty(name, out at)) Fail(section, $"the document has no '{name}' in {lines[0]}");
        }
        if (_match.Difference(lines[1], at.GetRawText()) is { } difference) Fail(section, difference);
    }

    void Fail(CaseSection section, string message) => Assert.Fail($"{file.Path}:{section.Line}: {message}");
}
