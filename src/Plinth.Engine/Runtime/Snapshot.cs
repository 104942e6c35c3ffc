using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// One schema and all that was made from it: rules, plans, texts. Swapped whole when the schema changes, so that a request sees one
/// schema from its first line to its last; what an old one cached goes with it.
/// </summary>
sealed partial class Snapshot
{
    readonly ConditionalWeakTable<ReadPlan, MadeProgram> _programs = [];
    readonly ConcurrentDictionary<string, FormerNames> _former = new(StringComparer.Ordinal);
    readonly Dialect _dialect;
    readonly Limits _limits;
    readonly ConcurrentDictionary<string, ChannelCheck> _channels = new(StringComparer.Ordinal);

    public Snapshot(AppSchema schema, int version, Dialect dialect, Limits limits, ReadOnlyMemory<byte> cursorSecret)
    {
        (Schema, Version, _dialect, _limits) = (schema, version, dialect, limits);
        AuditsReads = schema.Models.Any(static m => m.AuditsReads);
        Policies = new Policies(schema, limits);
        Reads = new ReadPlanner(Policies, limits, cursorSecret, dialect.SearchValue);
        Writes = new WriteSchema(schema, version, Policies, Reads, Selects, dialect, limits);
    }

    public AppSchema Schema { get; }

    /// <summary>Who reads some of its models is kept.</summary>
    public bool AuditsReads { get; }

    /// <summary>Number of the schema in the log, from 1; the second part of every ETag.</summary>
    public int Version { get; }

    public Policies Policies { get; }

    public ReadPlanner Reads { get; }

    /// <summary>Names of the projections that are known to have been counted: once is enough to know.</summary>
    public ConcurrentDictionary<string, bool> Built { get; } = new(StringComparer.Ordinal);

    /// <summary>Moments of the past that were asked about.</summary>
    public PastCache Past { get; } = new();

    /// <summary>Single records as they were.</summary>
    public RecordsThen Then { get; } = new();

    /// <summary>Where times stand in the log.</summary>
    public TimesThen Times { get; } = new();

    public WriteSchema Writes { get; }

    /// <summary>What a model was called; asked of the log once, for names change with the schema.</summary>
    public FormerNames Former(Connection connection, string model) =>
        _former.TryGetValue(model, out FormerNames? known) ? known : _former.GetOrAdd(model, FormerNames.Of(connection, model));

    /// <summary>The statements and writers of a plan; made at its first use.</summary>
    public Result<ReadProgram> Program(ReadPlan plan) =>
        (_programs.TryGetValue(plan, out MadeProgram? made) ? made : _programs.GetValue(plan, Make)).Result;

    /// <summary>The statements of a channel's rules.</summary>
    public ChannelCheck CheckOf(Channel channel) => _channels.GetOrAdd(
        channel.Name, _ => new ChannelCheck(Schema, Schema.ShapeOf(channel), _dialect, _limits));

    Result<SqlText> Selects(ReadPlan plan) => Program(plan).Failed(out Fault? fault, out ReadProgram? program) ? fault : program.Statement;

    MadeProgram Make(ReadPlan plan) => new(ReadProgram.Of(Schema, plan, _dialect));

    sealed record MadeProgram(Result<ReadProgram> Result);
}
