using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Plinth.Language;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>One random schema twice: in the engine over a database of its own, and as rows for the interpreter.</summary>
sealed class PolicyWorld : IAsyncDisposable
{
    const int RowsPerModel = 6;

    readonly TempFolder _folder;
    readonly Random _random;

    PolicyWorld(Engine engine, TempFolder folder, RandomPolicy policy, Random random) =>
        (Engine, _folder, Policy, _random) = (engine, folder, policy, random);

    public Engine Engine { get; }

    public RandomPolicy Policy { get; }

    public List<NaiveRow> Rows { get; } = [];

    long[] Tenants => Policy.IsTenanted ? [1, 2] : [0];

    /// <param name="open">The database under test: whichever dialect it speaks, the answers are the same.</param>
    public static async Task<PolicyWorld> OpenAsync(Random random, Func<StoreOptions, TimeProvider, Database> open)
    {
        RandomPolicy policy = new(random);
        SchemaReading reading = SchemaReader.Read([new SourceText("schema.plinth", policy.Schema)]);
        AppSchema schema = reading.Schema ?? throw new InvalidOperationException(
            policy.Schema + "\n" + string.Join("\n", reading.Diagnostics.Select(DiagnosticText.Render)));
        TempFolder folder = new();
        EngineOptions options = new()
        {
            Store = new StoreOptions { Folder = folder.Path, Durability = Durability.Off, ReadTimeMax = TimeSpan.FromMinutes(2) },
            OpenDatabase = open,
            Migrate = true,
            Limits = Limits.Default,
        };
        Result<Engine> engine = await Engine.OpenAsync(options, schema, CancellationToken.None);
        Assert.True(engine.IsOk, $"the database was not opened: {engine.Fault?.Code} {engine.Fault?.Message}");
        PolicyWorld world = new(engine.Value, folder, policy, random);
        await world.FillAsync();
        return world;
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        TestDatabase.Drop(_folder.Path);
        _folder.Dispose();
    }

    async Task FillAsync()
    {
        foreach (long tenant in Tenants)
        {
            List<NaiveRow> rows = [];
            foreach (RandomModel model in Policy.Models)
            {
                for (long id = 1; id <= RowsPerModel; id++)
                {
                    NaiveRow row = new(model, tenant, id);
                    foreach (string field in RandomModel.Fields) row.Values[field] = Value(field);
                    rows.Add(row);
                }
            }
            Rows.AddRange(rows);
            await AsSystemAsync(tenant, rows.Select(r => Command(r.Model, CommandKind.Create, null,
                Json(r, ["id", .. RandomModel.Fields]))));
            foreach (NaiveRow row in rows)
            {
                foreach (RandomRelation relation in row.Model.Relations.Where(r => r.IsOwning && _random.Next(4) > 0))
                    row.Values[relation.Key] = (long)_random.Next(1, RowsPerModel + 1);
            }
            await AsSystemAsync(tenant, rows.Select(r => Command(r.Model, CommandKind.Update, r.Id, Json(r, [.. r.Values.Keys]))));
            foreach (NaiveRow row in rows)
            {
                if (!row.Model.IsSoftDelete || row.IsTrashed || _random.Next(6) > 0) continue;
                await AsSystemAsync(tenant, [Command(row.Model, CommandKind.Delete, row.Id, null)]);
                Remove(row);
            }
        }
    }

    public object? Value(string field) => field switch
    {
        "n" => _random.Next(3) == 0 ? null : (long)_random.Next(4),
        "m" => (long)_random.Next(4),
        "s" => _random.Next(3) == 0 ? null : _random.Next(2) == 0 ? "a" : "b",
        "b" => _random.Next(2) == 0,
        _ => _random.Next(3) == 0 ? null : (long)_random.Next(1, RowsPerModel + 2),
    };

    /// <summary>The row goes, softly or for good, and takes along what its relations say.</summary>
    public void Remove(NaiveRow row)
    {
        bool isSoft = row.Model.IsSoftDelete;
        Queue<NaiveRow> going = new([row]);
        while (going.TryDequeue(out NaiveRow? next))
        {
            if (!Rows.Contains(next) || (isSoft && next.IsTrashed)) continue;
            if (isSoft) next.IsTrashed = true;
            else Rows.Remove(next);
            foreach (NaiveRow child in Rows.Where(r => r.Tenant == next.Tenant && (!isSoft || r.Model.IsSoftDelete)))
            {
                if (child.Model.Relations.Exists(r => r.IsOwning && ReferenceEquals(r.Target, next.Model) && Equals(child[r.Key], next.Id)))
                    going.Enqueue(child);
            }
        }
    }

    public static Command Command(RandomModel model, CommandKind kind, long? id, JsonObject? body) => new()
    {
        Model = model.Name,
        Kind = kind,
        Key = id is { } key ? [key.ToString(CultureInfo.InvariantCulture)] : [],
        Body = body is null ? default : Encoding.UTF8.GetBytes(body.ToJsonString()),
    };

    public static JsonObject Json(NaiveRow row, IEnumerable<string> fields)
    {
        JsonObject json = [];
        foreach (string field in fields) json[field] = Node(row[field]);
        return json;
    }

    public static JsonNode? Node(object? value) => value switch
    {
        null => null,
        long number => number,
        bool truth => truth,
        _ => (string)value,
    };

    public Caller Caller(NaiveCaller caller) => caller.Claims is not { } claims
        ? Plinth.Policy.Caller.Anonymous()
        : new Caller(Plinth.Schema.Value.FromMap(new ValueMap(
            [.. claims.Where(c => c.Value is not null).Select(c => KeyValuePair.Create(c.Key, ValueOf(c.Value)))])), "someone");

    static Value ValueOf(object? claim) => claim is long number ? Plinth.Schema.Value.From(number)
        : Plinth.Schema.Value.From((string)claim!);

    async Task AsSystemAsync(long tenant, IEnumerable<Command> commands)
    {
        Caller caller = Policy.IsTenanted ? Plinth.Policy.Caller.SystemOf(Plinth.Schema.Value.From(tenant)) : Plinth.Policy.Caller.System;
        Result<ImmutableArray<Result<WriteReply>>> done = await Engine.BatchAsync(caller, [.. commands], atomic: true,
            CancellationToken.None);
        Assert.True(done.IsOk, done.Fault?.Message);
        foreach (Result<WriteReply> reply in done.Value) reply.Value.Dispose();
    }
}
