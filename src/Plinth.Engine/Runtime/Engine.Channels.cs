using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

// Channels: what is stored of them is nothing, but their rules are rules like all others.
sealed partial class Engine
{
    /// <summary>The channel that a client names.</summary>
    /// <param name="caller">Who: a channel of a schema with tenants is one of theirs.</param>
    /// <param name="name">Of the declared channel.</param>
    /// <param name="parameters">As JSON; empty for none.</param>
    public Result<ChannelPlace> Place(Caller caller, string name, ReadOnlySpan<byte> parameters)
    {
        Snapshot snapshot = Current;
        if (snapshot.Schema.FindChannel(name) is not { } channel)
        {
            string shown = name.Length <= 80 ? name : name[..80] + "…";
            return Faults.UnknownChannel.Says(
                $"there is no channel '{shown}'", Names.DidYouMean(name, snapshot.Schema.Channels.Select(static c => c.Name)));
        }
        Result<Value[]> row = ChannelInput.Parameters(
            snapshot.Writes.Shapes, channel, parameters, MomentOf(caller), caller.Tenant, Limits);
        return row.IsOk ? new ChannelPlace(channel, row.Value) : row.Fault;
    }

    /// <summary>Null when the caller may; else why not.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="place">The channel.</param>
    /// <param name="operation"><see cref="Channel.Join"/> or <see cref="Channel.Publish"/>.</param>
    /// <param name="cancel">The caller has gone.</param>
    public async ValueTask<Fault?> RefusalAsync(Caller caller, ChannelPlace place, Operation operation, CancellationToken cancel)
    {
        Snapshot snapshot = Current;
        if (!ReferenceEquals(snapshot.Schema.FindChannel(place.Channel.Name), place.Channel))
            return Faults.NotReady.Says("the schema is being replaced") with { RetryAfterSeconds = 1 };
        string what = operation == Channel.Join ? "to join this channel" : "to publish here";
        try
        {
            long now = Now;
            CallerRules rules = snapshot.Policies.Of(place.Channel).For(operation, caller, now);
            if (rules.Refusal(caller, what) is { } refused) return refused;
            if (rules.Outcome == RuleOutcome.Always) return null;
            bool allows = rules.Folded.IsOwn
                ? rules.Sees(Policies.Context(caller, now, Limits, place.Row))
                : await AsksAsync(snapshot, place, rules, cancel).ConfigureAwait(false);
            return allows ? null
                : Faults.Forbidden.Says(rules.Folded.Message ?? $"no rule allows this caller {what}");
        }
        catch (ExpressionCostException dear)
        {
            return dear.ToFault();
        }
        catch (StoreException e) when (e.ToFault() is { } fault)
        {
            return fault;
        }
    }

    /// <summary>What is published or shown, read against what the channel declares.</summary>
    public Result<byte[]> Payload(Caller caller, string? type, ReadOnlySpan<byte> json) =>
        ChannelInput.Payload(Current.Writes.Shapes, type, json, MomentOf(caller), Limits);

    /// <summary>The models whose records decide who may be in a channel.</summary>
    public HashSet<string> Watched(Channel channel)
    {
        Snapshot snapshot = Current;
        Model shape = snapshot.Schema.ShapeOf(channel);
        HopCollector hops = new();
        foreach (AccessRule rule in channel.Rules)
        {
            if (rule.When is { } when && rule.Operations.Contains(Channel.Join))
                hops.Visit(CheckedExpression.Of(when, ExpressionScope.Rule(snapshot.Schema, shape)).Root);
        }
        return hops.Models;
    }

    sealed class HopCollector : NodeVisitor
    {
        public HashSet<string> Models { get; } = new(StringComparer.Ordinal);

        public override void Visit(CheckedNode node)
        {
            if (node is HopNode hop) Models.Add(hop.Relation.Target);
            base.Visit(node);
        }
    }

    /// <summary>A secret that all nodes of these data share.</summary>
    public byte[] Derive(string purpose) => Store.Keys.Derive(purpose);

    async ValueTask<bool> AsksAsync(Snapshot snapshot, ChannelPlace place, CallerRules rules, CancellationToken cancel)
    {
        Value[] slots = [.. place.Row, .. rules.Values];
        SqlText select = snapshot.CheckOf(place.Channel).Of(rules.Folded.Predicate);
        using ReadLease lease = await Store.Database.ReadAsync(cancel).ConfigureAwait(false);
        using Statement statement = lease.Connection.Prepare(select);
        statement.Bind(select, slots);
        await statement.OpenAsync(cancel).ConfigureAwait(false);
        return statement.Step();
    }

    Moment MomentOf(Caller caller) => new(Now, s_ids, caller.Auth);

    static readonly IdSource s_ids = new(System.Security.Cryptography.RandomNumberGenerator.Fill);
}
