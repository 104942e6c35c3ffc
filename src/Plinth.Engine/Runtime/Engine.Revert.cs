using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>A record brought back to what it was: an update like any other, whose body is the past.</summary>
sealed partial class Engine
{
    /// <summary>How often it is decided anew because the record changed meanwhile.</summary>
    const int RevertsMax = 8;

    /// <summary>
    /// Gives a record the values that it had at a moment, or at a version of it: those fields that the caller may read then and now, and
    /// write. It is an update, under the rule and the checks of updates, and an event of its own: nothing is taken back from the log.
    /// </summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="command">Which record, with its preconditions; an update without a body.</param>
    /// <param name="asOf">A time or a position; null where a version is named.</param>
    /// <param name="version">The hidden version, as histories and ETags say it.</param>
    /// <param name="cancel">As in reads and writes.</param>
    /// <returns>The record after; or a fault of reading the past, or of the update.</returns>
    public async ValueTask<Result<WriteReply>> RevertAsync(
        Caller caller, Command command, string? asOf, long? version, CancellationToken cancel)
    {
        bool isPinned = command.IfVersion is not null || command.AnyVersion;
        for (int tried = 1; ; tried++)
        {
            Model model = SeenBy(caller, Current.Schema.Model(command.Model));
            ReadRequest read = new() { Model = command.Model, Kind = ReadKind.Get, Key = command.Key };
            if ((await ReadAsync(caller, read, cancel)).Failed(out Fault? fault, out ReadReply? now)) return fault;
            using (now)
            {
                string? moment = asOf ?? PositionOf(model, caller.Tenant, command.Key, version ?? 0, cancel);
                if (moment is null) return Faults.MalformedParameter.Says("version: the log knows no such version of the record");
                if ((await ReadAsync(caller, read with { AsOf = moment }, cancel)).Failed(out fault, out ReadReply? was)) return fault;
                byte[] body;
                using (was) body = Differing(model, now.Body.ToArray(), was.Body.ToArray());
                Command update = command with
                {
                    Kind = CommandKind.Update,
                    Body = body,
                    ReplacesValues = true,
                    IfVersion = isPinned ? command.IfVersion : now.Version,
                };
                Result<WriteReply> written = await WriteAsync(caller, update, cancel);
                bool changedMeanwhile = !isPinned && written.Fault is { } refused && refused.Kind == Faults.PreconditionFailed;
                if (!changedMeanwhile) return written;
            }
            if (tried == RevertsMax) return Faults.VersionConflict.Says("the record kept changing while it was to be reverted");
        }
    }

    /// <summary>The last position at which a record had a version; null when it never had.</summary>
    string? PositionOf(Model model, in Value tenant, ImmutableArray<string> key, long version, CancellationToken cancel)
    {
        using ReadLease lease = Store.Database.Read(cancel);
        FormerNames former = Current.Former(lease.Connection, model.Name);
        List<LogEvent> history = former.History(lease.Connection, RecordId(model, tenant, key), after: 0, Limits.AsOfChanges);
        int last = history.FindLastIndex(happened => happened.Version == version);
        return last < 0 ? null : history[last].Position.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The members of the record of then that differ from those of now, as far as a patch may name them.</summary>
    static byte[] Differing(Model model, byte[] now, byte[] was)
    {
        using JsonDocument present = JsonDocument.Parse(now), past = JsonDocument.Parse(was);
        using ByteOutput body = new();
        body.Write((byte)'{');
        bool isFirst = true;
        foreach (JsonProperty member in past.RootElement.EnumerateObject())
        {
            bool isPatched = model.Field(member.Name) is { IsCreatable: true, IsImmutable: false, IsVersion: false, IsUnwritable: false }
                && !model.Key.Contains(member.Name, StringComparer.Ordinal);
            if (!isPatched || !present.RootElement.TryGetProperty(member.Name, out JsonElement value)) continue;
            ReadOnlySpan<byte> then = JsonMarshal.GetRawUtf8Value(member.Value);
            if (then.SequenceEqual(JsonMarshal.GetRawUtf8Value(value))) continue;
            if (!isFirst) body.Write((byte)',');
            isFirst = false;
            JsonText.WriteName(body, member.Name);
            body.Write(then);
        }
        body.Write((byte)'}');
        return body.ToArray();
    }
}
