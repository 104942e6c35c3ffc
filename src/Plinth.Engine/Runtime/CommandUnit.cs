using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Planned commands in the writer's turn, one or an atomic batch: all of them, or nothing. With an idempotency key the key's guard goes
/// first and the answers last, so that whoever repeats the request finds either both or neither.
/// </summary>
sealed class CommandUnit(
    WriteSchema schema,
    Func<WriteSchema> current,
    ImmutableArray<WritePlan> plans,
    EventWriter events,
    AnswerStore answers,
    IdempotencyKey? key)
    : WriteUnit<UnitAnswers>
{
    /// <summary>Position of the last event, once it is committed.</summary>
    public long Position { get; private set; }

    /// <summary>The schema was replaced while the commands waited: they are planned anew.</summary>
    public bool IsOutdated { get; private set; }

    public TimeSpan Ran { get; private set; }

    public int Statements { get; private set; }

    protected internal override Value Tenant => schema.Schema.IsTenanted ? plans[0].Caller.Tenant : Value.Null;

    Statement? _sent;
    SentInserts? _joined;

    readonly LogEvent? _prepared = plans is [var only] ? WriteScope.Prepare(schema, only, events) : null;

    /// <summary>Where nothing can refuse after the first change, there is nothing to go back to.</summary>
    protected internal override bool NeedsSavepoint => key is not null || plans is not [var only] || !EndsWithItsChange(only);

    /// <summary>
    /// A create whose record is complete can be refused by nothing after its guarded insert, an update of a record whose key nobody
    /// follows by nothing after its one statement, as long as the rules are decided in memory, which is before.
    /// </summary>
    bool EndsWithItsChange(WritePlan plan)
    {
        if (!plan.Fields.IsEmpty || schema.Users?.AreOf(plan.Model.Name) == true) return false;
        if (!RuleCheck.IsOwn(plan.Rules.Folded) || !RuleCheck.IsOwn(plan.Read.Folded)) return false;
        return plan.Command.Kind switch
        {
            CommandKind.Create => plan.Shape.Counted.IsEmpty,
            CommandKind.Update => !schema.Table(plan.Model.Name).Statements.IsFollowed,
            _ => false,
        };
    }

    /// <summary>
    /// A create's insert and an update's look at its record: all that follows can be refused by nothing, or is asked in its turn.
    /// </summary>
    protected internal override string? Ahead => NeedsSavepoint ? null
        : plans[0].Command.Kind == CommandKind.Create ? ""
        : $"{plans[0].Model.Table} {string.Join(',', plans[0].Command.Key)}";

    protected internal override void Begin() => (_sent, _joined) = (null, null);

    protected internal override bool Send(WriteTransaction transaction)
    {
        if (!ReferenceEquals(current(), schema)) return false;
        WritePlan plan = plans[0];
        WriteScope scope = new(schema, transaction, events, plan.Caller, plan.Moment);
        try
        {
            if (plan.Command.Kind == CommandKind.Create)
            {
                SentInsert sent = Creates.Ahead(scope, plan);
                (_sent, _joined) = (sent.Own, sent.Shared);
                return sent.IsSent;
            }

            _sent = Updates.Ahead(scope, plan);
            _sent.Send();
            return true;
        }
        catch (ExpressionCostException)
        {
            // Its rules cost too much: it is told so in its turn.
            return false;
        }
    }

    protected internal override void Committed(long position) => Position = position;

    protected internal override Fault Refused(StoreConstraint constraint) => Conflicts.Of(schema.Schema, constraint);

    protected override Result<UnitAnswers> Execute(WriteTransaction transaction)
    {
        if (!ReferenceEquals(current(), schema))
        {
            IsOutdated = true;
            return Faults.NotReady.Says("the schema was replaced");
        }
        long started = Stopwatch.GetTimestamp(), statements = transaction.Connection.StatementsRun;
        var answered = key is null ? RunAll(transaction) : RunOnce(transaction, key);
        Ran = Stopwatch.GetElapsedTime(started);
        Statements = (int)(transaction.Connection.StatementsRun - statements);
        return answered;
    }

    Result<UnitAnswers> RunOnce(WriteTransaction transaction, IdempotencyKey once)
    {
        var taken = answers.Take(transaction, once, plans[0].Moment.Now);
        if (!taken.IsOk) return taken.Fault;
        if (taken.Value is { } replayed) return new UnitAnswers([], replayed);
        var answered = RunAll(transaction);
        if (answered.IsOk) answers.Put(transaction, once, answered.Value.Fresh.Select(Stored));
        return answered;
    }

    Result<UnitAnswers> RunAll(WriteTransaction transaction)
    {
        ImmutableArray<Written>.Builder written = ImmutableArray.CreateBuilder<Written>(plans.Length);
        HashSet<Value>? lostAdministrators = null;
        foreach (WritePlan plan in plans)
        {
            WriteScope scope = new(schema, transaction, events, plan.Caller, plan.Moment)
            {
                Prepared = _prepared,
                Sent = _sent,
                Joined = _joined,
            };
            (_sent, _joined) = (null, null);
            var one = Run(scope, plan);
            if (scope.LostAdministrators is { } lost) (lostAdministrators ??= []).UnionWith(lost);
            if (one.IsOk) written.Add(one.Value);
            else if (plans.Length == 1) return one.Fault;
            else return Problems.At(string.Create(CultureInfo.InvariantCulture, $"[{written.Count}]"), one.Fault);
        }
        if (schema.Users?.Missing(transaction, lostAdministrators) is { } missing) return missing;
        return new UnitAnswers(written.MoveToImmutable(), []);
    }

    StoredAnswer Stored(Written written, int number)
    {
        using ByteOutput? body = written.Body(plans[number].Command.Minimal);
        return new(written.Outcome, written.ShownVersion, written.Key, body?.ToArray(), written.NeedsBodyHash);
    }

    static Result<Written> Run(WriteScope scope, WritePlan plan) => plan.Command.Kind switch
    {
        CommandKind.Create => Creates.One(scope, plan),
        CommandKind.CreateMany => Creates.Many(scope, plan),
        CommandKind.Update => Updates.One(scope, plan),
        CommandKind.UpdateMany => FilteredWrites.Update(scope, plan),
        CommandKind.Upsert => Upserts.One(scope, plan),
        CommandKind.Delete => Deletes.One(scope, plan),
        CommandKind.DeleteMany => FilteredWrites.Delete(scope, plan),
        CommandKind.Restore => Deletes.Restore(scope, plan),
        CommandKind.Purge => Deletes.Purge(scope, plan),
        _ => throw new InvalidOperationException($"no execution of {plan.Command.Kind}"),
    };
}
