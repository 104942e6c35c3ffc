using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Who has read what, of models with <c>@@audit</c>.</summary>
sealed partial class Engine
{
    /// <summary>
    /// Nothing audited is shown before it is durable who was shown it: an answer whose note cannot be written is not given.
    /// </summary>
    async ValueTask<Result<ReadReply>> NotedAsync(
        Snapshot snapshot, Caller caller, ReadRequest request, ReadReply reply, CancellationToken cancel)
    {
        // A program that only looks (an export beside a running server) writes nothing; whoever runs it has the file.
        if (Store.Database.Options.ReadOnly) return reply;
        if (snapshot.Reads.Plan(caller, request, Now).Failed(out _, out PlannedRead? read)) return reply;
        if (ReadNotes.Of(read.Plan.Shape, request, caller, reply.Body.WrittenMemory) is not { Count: > 0 } notes) return reply;
        Result<Done> written = await Store.Committer.RunAsync(ReadLog.Append(Store.Database.Dialect, notes), cancel);
        if (written.IsOk) return reply;
        reply.Dispose();
        return written.Fault;
    }

    /// <summary>
    /// Readings of models with <c>@@audit</c>, newest first, for administrators and auditors (<see cref="EngineOptions.AuditRoles"/>).
    /// </summary>
    public async ValueTask<Result<ReadReply>> AuditReadsAsync(Caller caller, AuditRequest request, CancellationToken cancel)
    {
        Snapshot snapshot = Current;
        AppSchema schema = snapshot.Schema;
        if (AuditRefusal(caller) is { } refused) return refused;
        int limit = request.Limit ?? schema.Defaults.PageSize;
        if (limit < 1 || limit > schema.Defaults.MaxPageSize)
        {
            return Faults.MalformedParameter.Says(
                FormattableString.Invariant($"limit: {limit} is not from 1 to {schema.Defaults.MaxPageSize}"));
        }
        string? tenant = request.Tenant;
        if (schema.IsTenanted && !caller.IsSystem)
        {
            if (tenant is not null)
                return Faults.UnknownParameter.Says("unknown parameter 'tenant'", "everybody sees the readings of their own tenant");
            tenant = TenantText(schema, caller.Tenant);
        }
        Model? model = request.Model is { } name ? schema.FindModel(name) ?? schema.FindRoute(name) : null;
        if (request.Model is not null && model is null)
        {
            return Faults.UnknownModel.Says(
                $"there is no model '{request.Model}'", Names.DidYouMean(request.Model, schema.Models.Select(static m => m.Name)));
        }
        string? record = null;
        if (model is not null && !request.Key.IsEmpty)
        {
            if (model.Tenant is not null && caller.Tenant.IsNull) return KeyValues.NeedsTenant(model);
            // A key that is none is that of no record.
            record = KeyValues.Bind(model, request.Key, new Value[model.Key.Length]) is null
                ? RecordId(model, caller.Tenant, request.Key) : "";
        }
        if (Instant(request.From, "from").Failed(out Fault? fault, out long? from) && fault is not null) return fault;
        if (Instant(request.To, "to").Failed(out fault, out long? to) && fault is not null) return fault;
        ReadScope scope = new(model?.Name, record, request.Actor, tenant, from, to, request.After);
        using ReadLease lease = await Store.Database.ReadAsync(cancel);
        using Statement select = ReadLog.Page(lease.Connection, scope, limit + 1);
        await select.OpenAsync(cancel);
        List<ReadNote> notes = [];
        while (select.Step()) notes.Add(ReadLog.ReadOne(select));
        ByteOutput body = new();
        AuditWriter.WriteReadings(body, schema, notes, limit, caller);
        return new ReadReply(body) { Position = Position };
    }

    static Result<long?> Instant(string? text, string name)
    {
        if (text is null) return (long?)null;
        if (DateTimeType.It.TryParse(text, out Value at)) return at.Ticks;
        const string Why = "is not an instant as in RFC 3339, such as 2026-01-31T08:30:00Z";
        return Faults.MalformedParameter.Says($"{name}: {Why}", new FaultDetail(name, Faults.MalformedParameter.Code, Why));
    }
}
