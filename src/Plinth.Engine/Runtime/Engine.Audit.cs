using System.Globalization;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>The log for auditors: every event of every model, without what nobody may read out of it.</summary>
sealed partial class Engine
{
    /// <summary>
    /// Events, newest first unless asked otherwise, for administrators and auditors (the option <see cref="EngineOptions.AuditRoles"/>).
    /// Values that are secret in the log are named as redacted; fields that the caller may not read, or only in some records, and all
    /// values of models that the caller cannot read at all, are not shown.
    /// </summary>
    /// <returns><c>{items, page}</c>; a page may be short, or empty, while <c>page.next</c> says that it goes on.</returns>
    public async ValueTask<Result<ReadReply>> AuditAsync(Caller caller, AuditRequest request, CancellationToken cancel)
    {
        Snapshot snapshot = Current;
        if (AuditRefusal(caller) is { } refused) return refused;
        int limit = request.Limit ?? snapshot.Schema.Defaults.PageSize;
        if (limit < 1 || limit > snapshot.Schema.Defaults.MaxPageSize)
        {
            return Faults.MalformedParameter.Says(string.Create(CultureInfo.InvariantCulture,
                $"limit: {limit} is not from 1 to {snapshot.Schema.Defaults.MaxPageSize}"));
        }
        long position = Position;
        using ReadLease lease = await Store.Database.ReadAsync(cancel);
        lease.Connection.BeginRead();
        if ((await ScopeAsync(lease.Connection, snapshot, caller, request, cancel)).Failed(out Fault? fault, out AuditScope? scope))
            return fault;
        var found = await AuditPageAsync(lease.Connection, snapshot, caller, request, scope, limit, cancel);
        if (found.Failed(out fault, out AuditPage? page)) return fault;
        AuditWriter writer = new(snapshot, snapshot.Former(lease.Connection, "").Names, caller, Now);
        ByteOutput body = new();
        writer.WritePage(body, page, limit);
        return new ReadReply(body) { Position = position };
    }

    /// <summary>
    /// How many events of each model and kind, and by whom, there are among the newest <see cref="Limits.AuditStatistics"/> of a time.
    /// </summary>
    /// <returns><c>{events, from, to, whole, next, models, actors}</c>; <c>next</c> is the <c>to</c> to count on with.</returns>
    public async ValueTask<Result<ReadReply>> AuditStatisticsAsync(Caller caller, AuditRequest request, CancellationToken cancel)
    {
        Snapshot snapshot = Current;
        if (AuditRefusal(caller) is { } refused) return refused;
        long position = Position;
        using ReadLease lease = await Store.Database.ReadAsync(cancel);
        Connection connection = lease.Connection;
        connection.BeginRead();
        if ((await ScopeAsync(connection, snapshot, caller, request, cancel)).Failed(out Fault? fault, out AuditScope? scope)) return fault;
        AuditStatistics statistics = new();
        using (Statement counts = AuditEvents.Counts(connection, scope, Limits.AuditStatistics))
        {
            await counts.OpenAsync(cancel);
            while (counts.Step()) statistics.Add(counts, scope.Tenant);
        }
        (long First, long Last) times = default;
        using (Statement ends = AuditEvents.Times(connection, statistics.Ends.First, statistics.Ends.Last))
        {
            await ends.OpenAsync(cancel);
            while (ends.Step()) times = times.First == 0 ? (ends.ColumnInt64(0), ends.ColumnInt64(0)) : (times.First, ends.ColumnInt64(0));
        }
        ByteOutput body = new();
        statistics.Write(body, times, Limits.AuditStatistics);
        return new ReadReply(body) { Position = position };
    }

    /// <summary>Events as sinks get them: JSON each, as the product itself may see them, secrets named and not shown.</summary>
    public async ValueTask<List<byte[]>> AuditTextsAsync(IReadOnlyList<LogEvent> events, CancellationToken cancel)
    {
        Snapshot snapshot = Current;
        using ReadLease lease = await Store.Database.ReadAsync(cancel);
        AuditWriter writer = new(snapshot, snapshot.Former(lease.Connection, "").Names, Caller.System, Now);
        List<byte[]> texts = new(events.Count);
        using ByteOutput body = new();
        foreach (LogEvent happened in events)
        {
            body.Clear();
            writer.Write(body, happened);
            texts.Add(body.ToArray());
        }
        return texts;
    }

    /// <summary>Null for those who may audit. A key of a program may not: its scopes are about models.</summary>
    public Fault? AuditRefusal(Caller caller)
    {
        if (caller.IsSystem) return null;
        if (caller.IsAnonymous) return Faults.Unauthorized.Says("to audit needs an identity");
        return HasRole(caller, _options.AuditRoles) ? null : Faults.Forbidden.Says(
            "auditing is for administrators and auditors", "audit.roles names the roles that may");
    }

    async ValueTask<Result<AuditScope>> ScopeAsync(
        Connection connection, Snapshot snapshot, Caller caller, AuditRequest request, CancellationToken cancel)
    {
        string? tenant = request.Tenant;
        if (snapshot.Schema.IsTenanted && !caller.IsSystem)
        {
            // Whoever belongs to a tenant looks at its log and at no other; without a tenant there is nothing.
            if (tenant is not null)
                return Faults.UnknownParameter.Says("unknown parameter 'tenant'", "everybody sees the log of their own tenant");
            tenant = TenantText(snapshot.Schema, caller.Tenant);
        }
        var first = await BoundAsync(connection, request.From, "from", before: true, cancel);
        if (first.Failed(out Fault? fault, out long? from)) return fault;
        var last = await BoundAsync(connection, request.To, "to", before: false, cancel);
        if (last.Failed(out fault, out long? to)) return fault;
        long after = from ?? 0, upTo = to ?? long.MaxValue;
        if (request.After is { } passed && request.OldestFirst) after = Math.Max(after, passed);
        else if (request.After is not null) upTo = Math.Min(upTo, request.After.Value - 1);
        return new AuditScope
        {
            Actor = request.Actor,
            Kind = request.Operation,
            Tenant = tenant,
            After = after,
            UpTo = upTo,
            IsDescending = !request.OldestFirst,
        };
    }

    static string TenantText(AppSchema schema, in Value tenant) =>
        !tenant.IsNull && schema.Models.FirstOrDefault(static m => m.Tenant is not null)?.TenantField is
            { Type: ScalarFieldType { Scalar: var type } } ? type.Format(tenant) : "";

    /// <summary>The position of a time or of a position; null where none is given.</summary>
    /// <param name="before">The last position before it, else the last that is not after it.</param>
    static async ValueTask<Result<long?>> BoundAsync(
        Connection connection, string? text, string name, bool before, CancellationToken cancel)
    {
        if (text is null) return (long?)null;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long position))
            return before ? position - 1 : position;
        if (!DateTimeType.It.TryParse(text, out Value at))
        {
            const string Why = "is neither a position of the log nor an instant as in RFC 3339, such as 2026-01-31T08:30:00Z";
            return Faults.MalformedParameter.Says($"{name}: {Why}", new FaultDetail(name, Faults.MalformedParameter.Code, Why));
        }
        long head = EventLog.ReadHead(connection).Position;
        using Statement select = PastEvents.PositionAt(connection, before ? at.Ticks - 1 : at.Ticks, head);
        await select.OpenAsync(cancel);
        select.Step();
        return select.ColumnInt64(0);
    }

    /// <summary>One page: under all the names that a model had, where one is asked about.</summary>
    static async ValueTask<Result<AuditPage>> AuditPageAsync(
        Connection connection, Snapshot snapshot, Caller caller, AuditRequest request, AuditScope scope, int limit,
        CancellationToken cancel)
    {
        if (request.Model is null) return await AuditEvents.PageAsync(connection, scope, limit, cancel);
        AppSchema schema = snapshot.Schema;
        if ((schema.FindModel(request.Model) ?? schema.FindRoute(request.Model)) is not { } model)
        {
            return Faults.UnknownModel.Says(
                $"there is no model '{request.Model}'", Names.DidYouMean(request.Model, schema.Models.Select(static m => m.Name)));
        }
        string? record = null;
        if (!request.Key.IsEmpty)
        {
            // A key that is none is that of no record; and so is one without its tenant.
            if (KeyValues.Bind(model, request.Key, new Value[model.Key.Length]) is not null) return new AuditPage([], null);
            if (model.Tenant is not null && caller.Tenant.IsNull) return KeyValues.NeedsTenant(model);
            record = RecordId(model, caller.Tenant, request.Key);
        }
        IEnumerable<PastScope> spans = snapshot.Former(connection, model.Name).Scopes(record, null, scope.After, scope.UpTo);
        AuditPage whole = new([], null);
        foreach (PastScope span in scope.IsDescending ? spans.Reverse() : spans)
        {
            AuditScope part = scope with { Model = span.Model, RecordId = span.RecordId, After = span.After, UpTo = span.UpTo };
            AuditPage page = await AuditEvents.PageAsync(connection, part, limit - whole.Events.Count, cancel);
            whole.Events.AddRange(page.Events);
            if (page.GoesOnAt is not null) return whole with { GoesOnAt = page.GoesOnAt };
            if (whole.Events.Count == limit) return whole with { GoesOnAt = whole.Events[^1].Position };
        }
        return whole;
    }
}
