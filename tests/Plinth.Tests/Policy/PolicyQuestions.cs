using System.Globalization;
using System.Text.Json.Nodes;
using Plinth.Plan;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>Random questions to one world, each answered by the engine and by the interpreter.</summary>
sealed class PolicyQuestions(PolicyWorld world, Random random)
{
    static readonly string[] s_directions = ["", "-"];

    readonly Dictionary<string, int> _outcomes = [];
    readonly PolicyWorld _world = world;
    readonly Random _random = random;

    /// <summary>How often each kind of question was asked and how it was answered.</summary>
    public IReadOnlyDictionary<string, int> Outcomes => _outcomes;

    NaiveCaller AnyCaller()
    {
        if (_random.Next(8) == 0) return new NaiveCaller(null);
        Dictionary<string, object?> claims = new() { ["id"] = (long)_random.Next(1, 5) };
        if (_random.Next(4) > 0) claims["role"] = _random.Next(2) == 0 ? "a" : "b";
        if (_random.Next(2) == 0) claims["quota"] = (long)_random.Next(4);
        if (_world.Policy.IsTenanted && _random.Next(10) > 0) claims["tenantId"] = (long)_random.Next(1, 3);
        return new NaiveCaller(claims);
    }

    /// <summary>Asks the next one; what differs, as text, or null.</summary>
    public async Task<string?> AskAsync()
    {
        NaiveCaller caller = AnyCaller();
        NaivePolicy naive = new(_world.Policy, _world.Rows, caller);
        RandomModel model = _world.Policy.Models[_random.Next(3)];
        Answer expected, found;
        string question;
        switch (_random.Next(10))
        {
            case 0 or 1 or 2 or 3:
                (question, expected, found) = await ListAsync(naive, caller, model);
                break;
            case 4 or 5:
                (question, expected, found) = await GetAsync(naive, caller, model);
                break;
            case 6:
                (question, expected, found) = await AggregateAsync(naive, caller, model);
                break;
            case 7:
                (question, expected, found) = await UpdateAsync(naive, caller, model);
                break;
            case 8:
                (question, expected, found) = await CreateAsync(naive, caller, model);
                break;
            default:
                (question, expected, found) = await DeleteAsync(naive, caller, model);
                break;
        }
        Count($"{question.Split(' ')[0]} {(found.Fault is null ? "ok" : found.Fault)}");
        string who = caller.Claims is { } claims ? string.Join(", ", claims.Select(c => $"{c.Key}: {c.Value}")) : "nobody";
        // What nests too deeply for a database is refused by name; how often, is asserted.
        if (found.Fault == Faults.MalformedFilter.Code || expected.Admits(found)) return null;
        return $"{question} by {{{who}}}\nexpected {expected}\nfound    {found}\n{await RowsAsync(model)}";
    }

    /// <summary>The rows of both sides, for who looks for the reason.</summary>
    async Task<string> RowsAsync(RandomModel model)
    {
        string text = "";
        foreach (RandomModel each in _world.Policy.Models)
        {
            ReadRequest all = new() { Model = each.Name, Kind = ReadKind.List, Limit = 1000, Trashed = each.IsSoftDelete ? TrashMode.With
                : default };
            Result<ReadReply> stored = await _world.Engine.ReadAsync(Caller.System, all, CancellationToken.None);
            text += $"{each.Name}{(ReferenceEquals(each, model) ? " (asked)" : "")}\n";
            foreach (NaiveRow row in _world.Rows.Where(r => ReferenceEquals(r.Model, each)))
                text += $"  {row.Tenant}{(row.IsTrashed ? " trashed" : "")} {PolicyWorld.Json(row, each.Answered).ToJsonString()}\n";
            text += $"  engine: {System.Text.Encoding.UTF8.GetString(stored.Value.Body.Written)}\n";
            stored.Value.Dispose();
        }
        return text;
    }

    void Count(string what, int by = 1) => _outcomes[what] = _outcomes.GetValueOrDefault(what) + by;

    /// <param name="Fault">Null when it was answered. Of what is expected: any of several, separated by spaces.</param>
    sealed record Answer(string? Fault, JsonNode? Body)
    {
        /// <summary>Of what is expected: this refusal would be as well.</summary>
        public string? Or { get; init; }

        public bool Admits(Answer found) => found.Fault is { } fault
            ? fault == Or || Fault?.Split(' ').Contains(fault) == true
            : Fault is null && JsonNode.DeepEquals(Body, found.Body);

        public override string ToString() => Fault ?? Body?.ToJsonString() ?? "no body";
    }

    static Answer Closed(NaiveCaller caller) => new(caller.Claims is null ? "unauthorized" : "forbidden", null);

    async Task<(string, Answer, Answer)> ListAsync(NaivePolicy naive, NaiveCaller caller, RandomModel model)
    {
        Term? filter = _random.Next(4) > 0 ? _world.Policy.Filter(model) : null;
        string sort = _random.Next(2) == 0 ? "id" : model.Answered.ElementAt(_random.Next(model.Answered.Count()));
        string direction = s_directions[_random.Next(2)];
        RandomRelation? include = _random.Next(3) == 0 ? model.Relations[_random.Next(model.Relations.Count)] : null;
        ReadRequest request = new()
        {
            Model = model.Name,
            Kind = ReadKind.List,
            Filter = filter?.Cel,
            Sort = [new Plan.SortKey(sort, direction == "-")],
            Limit = 1000,
            Include = include is null ? [] : [new IncludeRequest(include.Name)],
        };
        string question = $"list {model.Name} where {filter?.Cel} by {direction}{sort} with {include?.Name}";
        // What was read is kept, where the database is our own, and the same question is then answered from what is kept.
        Answer found = await ReadAsync(caller, request);
        for (int again = _random.Next(4); again > 0 && !TestDatabase.IsPostgres; again--) found = await ReadAsync(caller, request);
        bool unknown = (filter is not null && !Knows(naive, filter, model, [])) || (sort != "id" && naive.IsClosed(model, sort, "read"))
            || (include is not null && naive.IsClosed(model, include));
        if (unknown) return (question, new Answer("unknown_field", null), found);
        if (naive.IsClosed(model, "list")) return (question, Closed(caller), found);
        var seen = naive.Live(model).Where(r => naive.Sees("list", r) && (filter is null || naive.Filter(filter, r) == true)).ToList();
        Count("rows shown", seen.Count);
        Count("rows hidden", naive.Live(model).Count(r => !naive.Sees("list", r)));
        seen.Sort((a, b) => (direction == "-" ? -1 : 1) * Order(naive, a, b, sort));
        JsonArray items = [.. seen.Select(r => (JsonNode)Shown(naive, r, include))];
        return (question, new Answer(null, items), found with { Body = found.Body?["items"]?.DeepClone() });
    }

    static int Order(NaivePolicy naive, NaiveRow a, NaiveRow b, string field)
    {
        int order = Comparer<object?>.Default.Compare(naive.Shown(a, field), naive.Shown(b, field));
        return order != 0 ? order : a.Id.CompareTo(b.Id);
    }

    JsonObject Shown(NaivePolicy naive, NaiveRow row, RandomRelation? include = null)
    {
        JsonObject json = [];
        foreach (string field in row.Model.Answered)
        {
            if (field == "id" || naive.MayDo(row, field, "read")) json[field] = PolicyWorld.Node(row[field]);
            else Count("fields masked");
        }
        if (include is { IsOwning: true }) json[include.Name] = naive.One(row, include, "get") is { } one ? Shown(naive, one) : null;
        else if (include is not null)
            json[include.Name] = new JsonArray([.. naive.Many(row, include).OrderBy(r => r.Id).Select(r => (JsonNode)Shown(naive, r))]);
        return json;
    }

    /// <summary>No name of the condition is of what the caller may not read, whatever the record.</summary>
    static bool Knows(NaivePolicy naive, Term term, RandomModel root, Dictionary<string, RandomModel> variables)
    {
        bool Sub(Term inner) => Knows(naive, inner, root, variables);
        switch (term)
        {
            case Place place:
                RandomModel at = place.Variable.Length == 0 ? root : variables[place.Variable];
                foreach (RandomRelation hop in place.Hops)
                {
                    if (naive.IsClosed(at, hop)) return false;
                    at = hop.Target;
                }
                return place.Field is "" or "id" || !naive.IsClosed(at, place.Field, "read");
            case Compare compare: return Sub(compare.Left) && Sub(compare.Right);
            case NullTest test: return Sub(test.Of);
            case OneOf one: return Sub(one.Item);
            case Negation not: return Sub(not.Operand);
            case Both both: return Sub(both.Left) && Sub(both.Right);
            case Each each:
                RandomModel from = each.From.Variable.Length == 0 ? root : variables[each.From.Variable];
                return !naive.IsClosed(from, each.Many)
                    && Knows(naive, each.Body, root, new(variables) { [each.Variable] = each.Many.Target });
            default: return true;
        }
    }

    NaiveRow? Find(NaivePolicy naive, RandomModel model, long id) => naive.Live(model).FirstOrDefault(r => r.Id == id);

    async Task<(string, Answer, Answer)> GetAsync(NaivePolicy naive, NaiveCaller caller, RandomModel model)
    {
        long id = _random.Next(1, 8);
        string key = id.ToString(CultureInfo.InvariantCulture);
        Answer found = await ReadAsync(caller, new ReadRequest { Model = model.Name, Kind = ReadKind.Get, Key = [key] });
        string question = $"get {model.Name} {key}";
        if (naive.IsClosed(model, "get")) return (question, Closed(caller), found);
        if (Find(naive, model, id) is not { } row || !naive.Sees("get", row)) return (question, new Answer("not_found", null), found);
        return (question, new Answer(null, Shown(naive, row)), found);
    }

    async Task<(string, Answer, Answer)> AggregateAsync(NaivePolicy naive, NaiveCaller caller, RandomModel model)
    {
        Term filter = _world.Policy.Filter(model);
        string group = _random.Next(2) == 0 ? "s" : "b";
        ReadRequest request = new()
        {
            Model = model.Name,
            Kind = ReadKind.Aggregate,
            Filter = filter.Cel,
            Aggregate = new AggregateRequest([group], true, [new("sum", "m"), new("max", "n")]),
        };
        string question = $"aggregate {model.Name} by {group} where {filter.Cel}";
        Answer found = await ReadAsync(caller, request);
        bool unknown = !Knows(naive, filter, model, []) || new[] { group, "m", "n" }.Any(f => naive.IsClosed(model, f, "read"));
        if (unknown) return (question, new Answer("unknown_field", null), found);
        if (naive.IsClosed(model, "list")) return (question, Closed(caller), found);
        var seen = naive.Live(model).Where(r => naive.Sees("list", r) && naive.Filter(filter, r) == true);
        JsonArray groups = [];
        foreach (var rows in seen.GroupBy(r => naive.Shown(r, group)).OrderBy(g => g.Key, Comparer<object?>.Default))
        {
            long[] sums = [.. rows.Select(r => naive.Shown(r, "m")).OfType<long>()],
                most = [.. rows.Select(r => naive.Shown(r, "n")).OfType<long>()];
            groups.Add((JsonNode)new JsonObject
            {
                [group] = PolicyWorld.Node(rows.Key),
                ["count"] = rows.Count(),
                ["sum"] = new JsonObject { ["m"] = sums.Length == 0 ? null : sums.Sum() },
                ["max"] = new JsonObject { ["n"] = most.Length == 0 ? null : most.Max() },
            });
        }
        return (question, new Answer(null, groups), found with { Body = found.Body?["groups"]?.DeepClone() });
    }

    /// <summary>Fields that a body gives, with their values.</summary>
    Dictionary<string, object?> Body(RandomModel model)
    {
        Dictionary<string, object?> body = [];
        string[] fields = [.. model.Answered.Skip(1)];
        for (int i = _random.Next(1, 3); i > 0; i--)
        {
            string field = fields[_random.Next(fields.Length)];
            body[field] = _world.Value(field);
        }
        return body;
    }

    /// <summary>What is wrong with a body whatever the record: null when nothing is.</summary>
    static Answer? Unwritable(NaivePolicy naive, NaiveCaller caller, RandomModel model, IEnumerable<string> fields)
    {
        string[] closed = [.. fields.Where(f => naive.IsClosed(model, f, "write"))];
        if (closed.Any(f => !naive.IsClosed(model, f, "read"))) return Closed(caller);
        return closed.Length > 0 ? new Answer("validation_failed", null) : null;
    }

    static bool Refers(NaivePolicy naive, RandomModel model, string field, object? value)
    {
        if (value is not long key || model.Relations.Find(r => r.IsOwning && r.Key == field) is not { } relation) return true;
        return naive.Live(relation.Target).Any(r => r.Id == key && naive.Sees("get", r));
    }

    async Task<(string, Answer, Answer)> UpdateAsync(NaivePolicy naive, NaiveCaller caller, RandomModel model)
    {
        long id = _random.Next(1, 8);
        Dictionary<string, object?> body = Body(model);
        JsonObject json = [];
        foreach (var (field, value) in body) json[field] = PolicyWorld.Node(value);
        string question = string.Create(CultureInfo.InvariantCulture, $"update {model.Name} {id} {json.ToJsonString()}");
        Answer expected = Updated(naive, caller, model, id, body);
        return (question, expected, await WriteAsync(caller, PolicyWorld.Command(model, CommandKind.Update, id, json)));
    }

    Answer Updated(NaivePolicy naive, NaiveCaller caller, RandomModel model, long id, Dictionary<string, object?> body)
    {
        if (naive.IsClosed(model, "update")) return Closed(caller);
        if (Unwritable(naive, caller, model, body.Keys) is { } unwritable) return unwritable;
        if (Find(naive, model, id) is not { } row || !naive.Sees("get", row)) return new Answer("not_found", null);
        List<string> wrong = [];
        var (started, starts) = naive.Start("update", row);
        if (!started || body.Keys.Any(f => !naive.MayDo(row, f, "write"))) wrong.Add("forbidden");
        bool isGuess = body.Keys.Any(f => !naive.MayDo(row, f, "read")), changes = body.Any(b => !Equals(row[b.Key], b.Value));
        // Where nothing changes there is no state after: a rule that could never hold after it counts as a rule, or does not.
        if (!changes && !isGuess)
            return wrong.Count > 0 ? new Answer("forbidden", null)
                : After(naive, row) with { Or = naive.End("update", row, starts) ? null : "forbidden" };
        if (body.Any(b => !Equals(row[b.Key], b.Value) && !Itself(row, b.Key, b.Value) && !Refers(naive, model, b.Key, b.Value)))
            wrong.Add("unknown_reference forbidden");
        Dictionary<string, object?> before = new(row.Values);
        foreach (var (field, value) in body) row.Values[field] = value;
        if (!naive.End("update", row, starts) || body.Keys.Any(f => naive.IsDenied(row, f))) wrong.Add("forbidden");
        if (wrong.Count == 0) return After(naive, row);
        foreach (var (field, _) in body) row.Values[field] = before.GetValueOrDefault(field);
        return new Answer(string.Join(' ', wrong), null);
    }

    static bool Itself(NaiveRow row, string field, object? value) =>
        Equals(value, row.Id) && row.Model.Relations.Exists(r => r.IsOwning && r.Key == field && ReferenceEquals(r.Target, row.Model));

    Answer After(NaivePolicy naive, NaiveRow row) => new(null, naive.Sees("get", row) ? Shown(naive, row) : null);

    async Task<(string, Answer, Answer)> CreateAsync(NaivePolicy naive, NaiveCaller caller, RandomModel model)
    {
        long id = _random.Next(5, 12);
        Dictionary<string, object?> body = Body(model);
        JsonObject json = new() { ["id"] = id };
        foreach (var (field, value) in body) json[field] = PolicyWorld.Node(value);
        string question = $"create {model.Name} {json.ToJsonString()}";
        Answer expected = Created(naive, caller, model, id, body);
        return (question, expected, await WriteAsync(caller, PolicyWorld.Command(model, CommandKind.Create, null, json)));
    }

    Answer Created(NaivePolicy naive, NaiveCaller caller, RandomModel model, long id, Dictionary<string, object?> body)
    {
        if (naive.IsClosed(model, "create")) return Closed(caller);
        if (Unwritable(naive, caller, model, body.Keys) is { } unwritable) return unwritable;
        long tenant = _world.Policy.IsTenanted ? (long)caller["tenantId"]! : 0;
        NaiveRow row = new(model, tenant, id) { Values = { ["m"] = 0L, ["b"] = false } };
        foreach (var (field, value) in body) row.Values[field] = value;
        List<string> wrong = [];
        if (_world.Rows.Exists(r => ReferenceEquals(r.Model, model) && r.Tenant == tenant && r.Id == id)) wrong.Add("conflict");
        // What rules say of a record that points nowhere is nobody's business: it is refused for one reason or the other.
        if (body.Any(b => !Refers(naive, model, b.Key, b.Value) && !Itself(row, b.Key, b.Value))) wrong.Add("unknown_reference forbidden");
        _world.Rows.Add(row);
        if (!naive.Allows("create", row, row) || body.Keys.Any(f => !naive.MayDo(row, f, "write"))) wrong.Add("forbidden");
        if (wrong.Count == 0) return After(naive, row);
        _world.Rows.Remove(row);
        return new Answer(string.Join(' ', wrong), null);
    }

    async Task<(string, Answer, Answer)> DeleteAsync(NaivePolicy naive, NaiveCaller caller, RandomModel model)
    {
        long id = _random.Next(1, 12);
        string question = string.Create(CultureInfo.InvariantCulture, $"delete {model.Name} {id}");
        Answer expected = Deleted(naive, caller, model, id);
        return (question, expected, await WriteAsync(caller, PolicyWorld.Command(model, CommandKind.Delete, id, null)));
    }

    Answer Deleted(NaivePolicy naive, NaiveCaller caller, RandomModel model, long id)
    {
        if (naive.IsClosed(model, "delete")) return Closed(caller);
        if (Find(naive, model, id) is not { } row || !naive.Sees("get", row)) return new Answer("not_found", null);
        if (!naive.Sees("delete", row)) return new Answer("forbidden", null);
        _world.Remove(row);
        return new Answer(null, null);
    }

    async Task<Answer> ReadAsync(NaiveCaller caller, ReadRequest request)
    {
        Result<ReadReply> answered = await _world.Engine.ReadAsync(_world.Caller(caller), request, CancellationToken.None);
        if (answered.Failed(out Fault? fault, out ReadReply? reply)) return new Answer(fault.Code, null);
        using (reply) return new Answer(null, JsonNode.Parse(reply.Body.Written.ToArray()));
    }

    async Task<Answer> WriteAsync(NaiveCaller caller, Command command)
    {
        Result<WriteReply> answered = await _world.Engine.WriteAsync(_world.Caller(caller), command, CancellationToken.None);
        if (answered.Failed(out Fault? fault, out WriteReply? reply)) return new Answer(fault.Code, null);
        using (reply) return new Answer(null, reply.Body is { Length: > 0 } body ? JsonNode.Parse(body.Written.ToArray()) : null);
    }
}
