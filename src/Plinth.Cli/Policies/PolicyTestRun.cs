using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Plinth.Cli.Hosting;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cli.Policies;

/// <summary>Plays one policy test on an engine of its own, from its first step to its last.</summary>
sealed class PolicyTestRun(Engine engine, string path)
{
    static readonly FaultCode[] s_refusals = [Faults.Forbidden, Faults.Unauthorized, Faults.NotFound, Faults.MissingClaim];

    readonly List<string> _failures = [];
    Caller _caller = Caller.Anonymous();
    Caller _maker = Caller.System;

    /// <summary>Expectations that were looked at.</summary>
    public int Expectations { get; private set; }

    AppSchema Schema => engine.Current.Schema;

    /// <returns>What did not hold, each as a sentence with its place; a step that cannot be taken ends the test.</returns>
    public async Task<ImmutableArray<string>> PlayAsync(PolicyTest test, CancellationToken cancel)
    {
        foreach (PolicyStep step in test.Steps)
        {
            string? problem = step switch
            {
                TenantStep tenant => Tenant(tenant),
                AsStep identity => As(identity),
                GivenStep given => await GivenAsync(given, cancel),
                ExpectStep expect => await ExpectAsync(expect, cancel),
                _ => throw new InvalidOperationException($"no such step: {step}"),
            };
            if (problem is null) continue;
            _failures.Add(string.Create(CultureInfo.InvariantCulture,
                $"{path}:{step.Line}: {problem}\n  test \"{test.Title}\"\n  {step.Text}"));
            if (step is not ExpectStep) break;
        }
        return [.. _failures];
    }

    string? Tenant(TenantStep step)
    {
        if (Commands.TenantOption.Tenant(Schema, step.Tenant) is not { } tenant) return $"'{step.Tenant}' names no tenant";
        _maker = Caller.SystemOf(tenant);
        return null;
    }

    string? As(AsStep step)
    {
        if (step.Identity == "nobody")
        {
            _caller = Caller.Anonymous();
            return null;
        }
        var (claims, problem) = DevelopmentIdentity.Read(Schema, step.Identity);
        if (problem is null) _caller = new Caller(claims, claims.Map.TryGet("id", out Value id) ? id.ToString() : "someone");
        return problem;
    }

    async Task<string?> GivenAsync(GivenStep step, CancellationToken cancel)
    {
        if (Unknown(step.Model) is { } unknown) return unknown;
        Model model = Schema.Model(step.Model);
        foreach (string record in step.Records)
        {
            Command command = new() { Model = model.Name, Kind = CommandKind.Create, Body = Encoding.UTF8.GetBytes(record) };
            Result<WriteReply> made = await engine.WriteAsync(model.Tenant is null ? Caller.System : _maker, command, cancel);
            if (made.Failed(out Fault? fault, out WriteReply? reply)) return $"the record cannot be: {Said(fault)}";
            reply.Dispose();
        }
        return null;
    }

    async Task<string?> ExpectAsync(ExpectStep step, CancellationToken cancel)
    {
        Expectations++;
        if (Unknown(step.Model) is { } unknown) return unknown;
        return step.Operation switch
        {
            "list" => await ListAsync(step, cancel),
            "get" => await GetAsync(step, cancel),
            _ => await WriteAsync(step, cancel),
        };
    }

    async Task<string?> ListAsync(ExpectStep step, CancellationToken cancel)
    {
        ReadRequest request = new() { Model = step.Model, Kind = ReadKind.List, Limit = Schema.Defaults.MaxPageSize };
        Result<ReadReply> read = await engine.ReadAsync(_caller, request, cancel);
        if (read.Failed(out Fault? fault, out ReadReply? reply)) return Refused(step, fault, "the list");
        using (reply)
        {
            if (step.IsRefusal) return "expected the list to be refused, it was answered";
            using JsonDocument document = JsonDocument.Parse(reply.Body.WrittenMemory);
            string[] found = [.. document.RootElement.GetProperty("items").EnumerateArray().Select(KeyOf).Order(StringComparer.Ordinal)];
            string[] wanted = [.. step.Words.Where(static w => w != "nothing").Order(StringComparer.Ordinal)];
            return found.SequenceEqual(wanted) ? null : $"expected to see {Words(wanted)}, saw {Words(found)}";
        }
        string KeyOf(JsonElement item) => string.Join(',', Schema.Model(step.Model).Key.Select(k => item.GetProperty(k).ToString()));
    }

    async Task<string?> GetAsync(ExpectStep step, CancellationToken cancel)
    {
        ReadRequest request = new() { Model = step.Model, Kind = ReadKind.Get, Key = [.. step.Words[0].Split(',')] };
        Result<ReadReply> read = await engine.ReadAsync(_caller, request, cancel);
        if (read.Failed(out Fault? fault, out ReadReply? reply)) return Refused(step, fault, $"{step.Model} {step.Words[0]}");
        using (reply)
        {
            if (step.IsRefusal) return $"expected {step.Model} {step.Words[0]} to be hidden, it was answered";
            using JsonDocument document = JsonDocument.Parse(reply.Body.WrittenMemory);
            bool shows = true;
            foreach (string word in step.Words[1..])
            {
                if (word is "shows" or "hides") shows = word == "shows";
                else if (Schema.Model(step.Model).Field(word) is null) return $"{step.Model} has no field '{word}'";
                else if (document.RootElement.TryGetProperty(word, out _) != shows)
                    return $"expected {word} to be {(shows ? "shown, it was hidden" : "hidden, it was shown")}";
            }
            return null;
        }
    }

    async Task<string?> WriteAsync(ExpectStep step, CancellationToken cancel)
    {
        Command command = new()
        {
            Model = step.Model,
            Kind = Enum.Parse<CommandKind>(step.Operation, ignoreCase: true),
            Key = step.Operation == "create" ? [] : [.. step.Words[0].Split(',')],
            Body = step.Json is null ? default : Encoding.UTF8.GetBytes(step.Json),
            AnyVersion = step.Operation == "update",
        };
        Result<WriteReply> written = await engine.WriteAsync(_caller, command, cancel);
        string what = $"to {step.Operation} {step.Model}{(step.Words.IsEmpty ? "" : " " + step.Words[0])}";
        if (written.Failed(out Fault? fault, out WriteReply? reply)) return Refused(step, fault, what);
        reply.Dispose();
        return step.IsRefusal ? $"expected {what} to be refused, it was done" : null;
    }

    static string? Refused(ExpectStep step, Fault fault, string what)
    {
        bool isPolicy = s_refusals.Contains(fault.Kind);
        if (step.IsRefusal && isPolicy) return null;
        return step.IsRefusal ? $"expected the rules to refuse {what}; it was refused for another reason: {Said(fault)}"
            : $"expected {what} to be allowed; it was refused: {Said(fault)}";
    }

    string? Unknown(string model) => Schema.FindModel(model) is not null ? null
        : $"no model '{model}'" + (Names.DidYouMean(model, Schema.Models.Select(static m => m.Name)) is { } hint ? $", {hint}" : "");

    static string Words(string[] keys) => keys.Length == 0 ? "nothing" : string.Join(", ", keys);

    static string Said(Fault fault) => $"{fault.Code}: {fault.Message}"
        + string.Concat(fault.Details.Select(d => $"; {d.Field}: {d.Message}"));
}
