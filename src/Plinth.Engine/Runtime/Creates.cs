using System.Collections.Immutable;
using System.Globalization;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Creates in the writer's turn. The record was decided before; here it is held against the rules, inserted behind its guards, and told to
/// the log. What the guards refused is diagnosed afterwards, for that record alone.
/// </summary>
static class Creates
{
    public static Result<Written> One(WriteScope scope, WritePlan plan)
    {
        Input input = plan.Input ?? throw new InvalidOperationException("a create without a body");
        var inserted = Insert(scope, plan.Shape, plan.Rules, plan.Fields, input, new SentInsert(scope.Sent, scope.Joined));
        if (inserted.Failed(out Fault? fault, out StoredRow? stored)) return fault;
        return scope.Shown(plan, WriteOutcome.Created, stored);
    }

    /// <summary>
    /// Lets the insert of a create that nothing refuses before it go ahead, where it can with those of others. None when something does, or
    /// the database has to say.
    /// </summary>
    public static SentInsert Ahead(WriteScope scope, WritePlan plan)
    {
        RecordTable table = scope.Table(plan.Model);
        Input input = plan.Input ?? throw new InvalidOperationException("a create without a body");
        if (!MayGoAhead(scope, table, plan.Rules, input)) return SentInsert.None;
        if (scope.Transaction.IsShared)
        {
            bool areNew = table.HasNewKey(input);
            SentInserts shared = scope.Transaction.Share(areNew ? table.NewKeys : table, () => new SentInserts(table, areNew));
            return shared.TryJoin(input.Values) ? new SentInsert(null, shared) : SentInsert.None;
        }

        Statement own = table.Inserting(scope.Transaction, input.Values);
        own.Send();
        return new SentInsert(own, null);
    }

    static bool MayGoAhead(WriteScope scope, RecordTable table, CallerRules rules, Input input) =>
        new RuleCheck(scope, table, rules).MayCreate(new StoredRow(0, 1, input.Values))
        && References.AreReadable(scope, table, input.Values, input.Given);

    /// <summary>All or nothing; what is wrong is told of every record, by its position.</summary>
    public static Result<Written> Many(WriteScope scope, WritePlan plan)
    {
        if (CreatesTogether.Of(scope, plan.Shape, plan.Rules, plan.Fields) is { } together) return ManyTogether(scope, plan, together);
        ImmutableArray<ShownRow?>.Builder records = ImmutableArray.CreateBuilder<ShownRow?>(plan.Inputs.Length);
        Fault? first = null;
        for (int i = 0; i < plan.Inputs.Length && !IsToldEnough(first); i++)
        {
            var inserted = Insert(scope, plan.Shape, plan.Rules, plan.Fields, plan.Inputs[i]);
            if (inserted.IsOk) records.Add(Shown(scope, plan, inserted.Value));
            else first = Also(first, i, inserted.Fault);
        }
        if (first is not null) return first;
        return new Written(WriteOutcome.Many, plan.Model) { Records = records.ToImmutable() };
    }

    static Result<Written> ManyTogether(WriteScope scope, WritePlan plan, CreatesTogether together)
    {
        Fault? first = null;
        List<StoredRow> inserted = new(plan.Inputs.Length);
        for (int from = 0; from < plan.Inputs.Length && !IsToldEnough(first); from += CreatesTogether.RowsMax)
        {
            int count = Math.Min(CreatesTogether.RowsMax, plan.Inputs.Length - from);
            first = together.Insert(plan.Inputs.AsSpan(from, count), from, first, inserted);
        }
        if (first is not null) return first;
        ImmutableArray<ShownRow?>.Builder records = ImmutableArray.CreateBuilder<ShownRow?>(inserted.Count);
        foreach (StoredRow stored in inserted)
        {
            scope.Created(plan.Model, stored.Values);
            records.Add(Shown(scope, plan, stored));
        }
        return new Written(WriteOutcome.Many, plan.Model) { Records = records.MoveToImmutable() };
    }

    static ShownRow? Shown(WriteScope scope, WritePlan plan, StoredRow stored)
    {
        RecordTable table = scope.Table(plan.Model);
        if (!new RuleCheck(scope, table, plan.Read).Sees(stored)) return null;
        return new ShownRow(stored.Values, new FieldCheck(scope, table, plan.Fields).Hidden(stored));
    }

    /// <summary>What is wrong with many, by the number of each; the first of them says what the whole is refused for.</summary>
    public static Fault Also(Fault? first, long number, Fault fault)
    {
        Fault at = Problems.At(string.Create(CultureInfo.InvariantCulture, $"[{number}]"), fault);
        return first is null ? at : first with { Details = [.. first.Details, .. at.Details] };
    }

    public static bool IsToldEnough(Fault? fault) => fault is not null && fault.Details.Length >= Problems.ToldMax;

    /// <summary>Numbers, checks, inserts and logs one decided record.</summary>
    /// <param name="scope">The command.</param>
    /// <param name="shape">What the record is made of.</param>
    /// <param name="rules">Of the caller, for creates.</param>
    /// <param name="fields">Which the caller may write.</param>
    /// <param name="input">The record.</param>
    /// <param name="sent">Its insert, when it went ahead.</param>
    public static Result<StoredRow> Insert(
        WriteScope scope, RecordShape shape, CallerRules rules, FieldWrites fields, Input input, SentInsert sent = default)
    {
        var inserted = InsertUnlogged(scope, shape, rules, fields, input, sent);
        if (inserted.IsOk) scope.Created(scope.Table(shape.Name).Model, inserted.Value.Values);
        return inserted;
    }

    /// <summary>The same for whoever tells the log of many when all are there.</summary>
    public static Result<StoredRow> InsertUnlogged(
        WriteScope scope, RecordShape shape, CallerRules rules, FieldWrites fields, Input input, SentInsert sent)
    {
        RecordTable table = scope.Table(shape.Name);
        Value[] row = input.Values;
        if (shape.Counted.Length > 0 && Number(scope, shape, input) is { } unacceptable) return unacceptable;
        StoredRow proposed = new(0, 1, row);
        RuleCheck check = new(scope, table, rules);
        bool own = RuleCheck.IsOwn(rules.Folded);
        // What went ahead was held against all of this before it did.
        if (own && !sent.IsSent && !check.MayCreate(proposed)) return check.Refused($"to create this {shape.Name}");
        FieldCheck written = new(scope, table, fields);
        bool ownFields = written.IsOwn;
        if (ownFields && written.Refused(input.Given, proposed) is { } closed) return closed;
        if (!sent.IsSent && References.CheckReadable(scope, table, row, input.Given) is { } unknown) return unknown;
        if (!table.TryInsert(scope.Transaction, row, sent, out long identity)) return Diagnose(scope, table, input);
        StoredRow stored = proposed with { Row = identity };
        if (!own && !check.MayCreate(stored)) return check.Refused($"to create this {shape.Name}");
        if (!ownFields && written.Refused(input.Given, stored) is { } refused) return refused;
        return stored;
    }

    /// <summary>Why the insert did nothing: a reference that leads nowhere, or a key that is taken.</summary>
    static Fault Diagnose(WriteScope scope, RecordTable table, Input input)
    {
        Value[] row = input.Values;
        // A look would be a way to the server for each of a group that was refused, while all others wait.
        if (table.HasNewKey(input) && References.OnlyUnknown(table, row) is { } certain) return certain;
        if (References.Check(scope, table, row, before: null, given: null) is { } unknown) return unknown;
        Model model = table.Model;
        SqlText byKey = table.Statements.SelectByKey;
        if (table.Find(scope.Transaction, byKey, [.. model.StoredKey.Select(f => row[f.Ordinal])]) is not null) return Conflicts.Key(model);
        if (Conflicts.Find(scope, table, row, identity: null, changed: null) is { } conflict) return conflict;

        // Where others write, what stood in its way may have gone before it was looked for: run again, it has its place.
        if (scope.Transaction.Connection.IsShared)
            throw new StoreException(StoreFailure.Conflict, $"What stood in the way of a record of {model.Name} has gone.");
        throw new InvalidOperationException($"an insert into {model.Name} did nothing, and nothing stands in its way");
    }

    /// <summary>Each tenant counts for itself: gaps in its numbers would tell how busy the others are.</summary>
    public static string CounterOf(Model model, FieldShape field, Value[] row) =>
        model.TenantField is { } tenant ? $"{field.Name} of {EventWriter.Part(tenant, row)}" : field.Name;

    /// <summary>Gives counted fields their numbers, and computes what waited for them.</summary>
    static Fault? Number(WriteScope scope, RecordShape shape, Input input)
    {
        bool waited = WritePlanner.NeedsNumber(shape, input);
        Model model = scope.Table(shape.Name).Model;
        foreach (FieldShape field in shape.Counted)
        {
            ref Value value = ref input.Values[field.Index];
            string counter = CounterOf(model, field, input.Values);
            if (value.IsNull) value = Value.From(Counters.Next(scope.Transaction, shape.Name, counter));
            else Counters.Pass(scope.Transaction, shape.Name, counter, value.Int);
        }
        if (!waited) return null;
        Problems problems = new();
        Deciding.Derive(shape, input.Values, problems);
        return problems.ToFault();
    }
}
