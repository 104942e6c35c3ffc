using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Plinth.Runtime;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class AuditEventsTests
{
    static readonly string?[] s_models = [null, "Note", "Task"], s_records = [null, "2"], s_people = [null, "u1"], s_tenants = [null, "t1"];

    static readonly string?[] s_kinds = [null, EventKinds.Created, EventKinds.Updated, EventKinds.Deleted];

    /// <summary>Whichever index a question walks, and whatever is left to ask of what it passes.</summary>
    [Fact]
    public async Task Every_question_finds_what_a_look_at_each_event_finds()
    {
        using LogFixture fixture = new();
        List<LogEvent> all = await WriteAsync(fixture, events: 120);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        foreach (AuditScope scope in Scopes())
        {
            List<long> expected = [.. all.Where(e => IsMeant(scope, e)).Select(static e => e.Position)];
            if (scope.IsDescending) expected.Reverse();
            AuditPage page = await AuditEvents.PageAsync(lease.Connection, scope, limit: 200, CancellationToken.None);
            Assert.Equal((scope, string.Join(' ', expected)), (scope, string.Join(' ', page.Events.Select(static e => e.Position))));
            Assert.Null(page.GoesOnAt);
        }
    }

    /// <summary>What the statistics say of a stretch is what is in it, and the next stretch begins where it ends.</summary>
    [Fact]
    public async Task Statistics_of_all_stretches_are_those_of_the_whole()
    {
        using LogFixture fixture = new();
        List<LogEvent> all = await WriteAsync(fixture, events: 120);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        foreach (string? actor in s_people)
        {
            foreach (string? tenant in s_tenants)
            {
                AuditScope scope = new() { Actor = actor, Tenant = tenant, UpTo = 115 };
                LogEvent[] meant = [.. all.Where(e => IsMeant(scope, e))];
                List<string> told = [];
                string? next = "115";
                for (int stretches = 0; next is not null; stretches++)
                {
                    Assert.InRange(stretches, 0, 120);
                    scope = scope with { UpTo = long.Parse(next, CultureInfo.InvariantCulture) };
                    JsonElement counted = Counted(lease.Connection, scope, eventsMax: 7);
                    foreach (JsonElement line in counted.GetProperty("models").EnumerateArray())
                    {
                        told.AddRange(Enumerable.Repeat(
                            $"{line.GetProperty("model")} {line.GetProperty("kind")}", line.GetProperty("events").GetInt32()));
                    }
                    Assert.Equal(
                        counted.GetProperty("events").GetInt32(),
                        counted.GetProperty("actors").EnumerateArray().Sum(static line => line.GetProperty("events").GetInt32()));
                    next = counted.GetProperty("next").GetString();
                    Assert.Equal(next is null, counted.GetProperty("whole").GetBoolean());
                }
                string[] expected = [.. meant.Select(static e => $"{e.Model} {e.Kind}").Order(StringComparer.Ordinal)];
                Assert.Equal(expected, told.Order(StringComparer.Ordinal));
            }
        }
    }

    static JsonElement Counted(Connection connection, AuditScope scope, int eventsMax)
    {
        AuditStatistics statistics = new();
        using (Statement counts = AuditEvents.Counts(connection, scope, eventsMax))
        {
            while (counts.Step()) statistics.Add(counts, scope.Tenant);
        }
        using ByteOutput body = new();
        statistics.Write(body, default, eventsMax);
        return JsonDocument.Parse(body.Written.ToArray()).RootElement;
    }

    static IEnumerable<AuditScope> Scopes() =>
        from model in s_models
        from record in s_records
        from actor in s_people
        from kind in s_kinds
        from tenant in s_tenants
        where model is not null || record is null
        select new AuditScope
        {
            Model = model, RecordId = record, Actor = actor, Kind = kind, Tenant = tenant, After = 5, UpTo = 115,
            IsDescending = (model, kind) is ("Note", not null),
        };

    static bool IsMeant(AuditScope scope, LogEvent happened) =>
        happened.Position > scope.After && happened.Position <= scope.UpTo && (scope.Model ?? happened.Model) == happened.Model
        && (scope.RecordId ?? happened.RecordId) == happened.RecordId && (scope.Actor ?? happened.Actor) == happened.Actor
        && (scope.Kind ?? happened.Kind) == happened.Kind && (scope.Tenant ?? happened.TenantId) == happened.TenantId;

    static async Task<List<LogEvent>> WriteAsync(LogFixture fixture, int events)
    {
        Random random = new(events);
        byte[] data = "{}"u8.ToArray();
        Result<Done> written = await fixture.Store.Committer.RunAsync(new WriteAction<Done>(transaction =>
        {
            for (int i = 0; i < events; i++)
            {
                transaction.Append(new LogEvent
                {
                    EventId = Guid.CreateVersion7(), Model = s_models[random.Next(1, 3)]!, RecordId = random.Next(4).ToString("d", null),
                    Version = 1, Kind = s_kinds[random.Next(1, 4)]!, Data = data, Digest = SHA256.HashData(data),
                    Actor = random.Next(3) == 0 ? null : "u" + random.Next(3), TenantId = random.Next(3) == 0 ? null : "t" + random.Next(3),
                    SchemaVersion = 1,
                });
            }
            return Done.It;
        }), CancellationToken.None);
        Assert.True(written.IsOk, written.Fault?.Message);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        return EventLog.Read(lease.Connection, 0, int.MaxValue);
    }
}
