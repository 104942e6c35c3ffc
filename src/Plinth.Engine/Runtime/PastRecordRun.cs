using System.Globalization;
using Plinth.Expressions;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Runs one read of a record as it was: two small statements, on one way to the database where that is a way off, and where what the
/// record is now is at hand, one. Lives as long as the request.
/// </summary>
/// <remarks>
/// Without a transaction: the row is read first, and says how far the log goes in its snapshot; of the events, read after it, only those up
/// to there are undone, which are exactly those that the row shows the outcome of. Nothing but an erasure, a purge or retention changes
/// them afterwards, and that is seen: then both are read again, in one snapshot.
/// </remarks>
/// <param name="program">What is run.</param>
/// <param name="read">The request.</param>
/// <param name="snapshot">The schema.</param>
/// <param name="store">Whose log.</param>
/// <param name="limits">How far it looks back.</param>
/// <param name="caller">Who asks, when, and the values of the request's plan.</param>
/// <param name="cache">What is now; null where the answer is not the database's own, and nothing may be learnt from it.</param>
sealed class PastRecordRun(
    PastRecordProgram program, PlannedRead read, Snapshot snapshot, EventStore store, Limits limits, EvaluationContext caller,
    RecordCache? cache)
{
    readonly PastMoment _moment = read.Past ?? throw new InvalidOperationException("a read of the past without its moment");
    readonly Value[] _row = KeyedRow(program.Model, read);
    readonly long _forgotten = snapshot.Then.Forgotten;
    long _position;
    Fault? _fault;

    /// <summary>Of the record then, once it is written.</summary>
    public long Version { get; private set; }

    /// <summary>The fault of an answer that is one; meant once <see cref="TryWriteAsync"/> is true.</summary>
    public Fault? Fault => _fault;

    /// <summary>Writes the answer, or has the fault. False when so much has happened since that it must be counted first.</summary>
    /// <param name="connection">Whose database.</param>
    /// <param name="atHand">The record as it is, where it is at hand and the caller may see it, for a position.</param>
    /// <param name="head">The log goes this far at least, and what is at hand is no older.</param>
    /// <param name="output">Where to.</param>
    /// <param name="cancel">Stops it.</param>
    public async ValueTask<bool> TryWriteAsync(
        Connection connection, Func<long, CachedRecord?> atHand, long head, ByteOutput output, CancellationToken cancel)
    {
        if (program.Model.Tenant is not null && _moment.Tenant.IsNull) return Refuse(KeyValues.NeedsTenant(program.Model));
        if (_moment.Position is null && _moment.At > caller.NowMicroseconds) return Refuse(PastMoment.Refused("lies in the future"));
        _position = _moment.Position ?? await PositionAsync(connection, cancel);
        if (head - _position > limits.AsOfChanges) return false;
        // What is at hand must be no older than the moment.
        CachedRecord? now = _position <= head ? atHand(_position) : null;
        if (now is not null && await FromNowAsync(connection, now, output, cancel)) return true;
        if (await FromRowAsync(connection, output, cancel)) return true;
        connection.BeginRead();
        return await FromRowAsync(connection, output, cancel)
            ? true : throw new InvalidOperationException("events of one snapshot changed while they were read");
    }

    bool Refuse(Fault fault)
    {
        _fault = fault;
        return true;
    }

    async ValueTask<long> PositionAsync(Connection connection, CancellationToken cancel)
    {
        if (snapshot.Times.Find(_moment.At) is { } known) return known;
        using Statement select = PastEvents.PositionAt(connection, _moment.At);
        await select.OpenAsync(cancel);
        select.Step();
        long position = LogStart.Placed(select.ColumnInt64(0), _moment.At, select.ColumnTextOrNull(2));
        snapshot.Times.Keep(_moment.At, position, head: select.ColumnInt64(1));
        return position;
    }

    /// <summary>
    /// The record is at hand, so its events alone are asked for: where they only changed it, and the last made it what is at hand, they are
    /// all that has happened to it since. False where that is not so.
    /// </summary>
    async ValueTask<bool> FromNowAsync(Connection connection, CachedRecord now, ByteOutput output, CancellationToken cancel)
    {
        Since since = await EventsAsync(connection, null, cancel);
        if (!since.IsAllUpdates || since.Count > limits.AsOfChanges || since.Cut > _position) return false;
        if (since.Count > 0 && since.LastVersion != now.Version) return false;
        CachedRecord was = now;
        if (since.Undone is { } undone)
        {
            RecordLevel whole = program.Whole ?? throw new InvalidOperationException("a record at hand that is not answered whole");
            Value[] values = now.Values(whole.Model, FieldSet.Of(whole.Shape.Fields));
            foreach (Field field in whole.Shape.Fields) undone.Learn(field.Ordinal, values[field.Ordinal]);
            was = program.Keep(undone.Values, undone.Version, snapshot.Version);
        }
        bool isThere = since.Undone is not { } record || program.IsLive(record.Values);
        Remember(isThere ? was : null);
        bool isSeen = isThere && (since.Undone is not { } then || program.Sees(then.Values, caller));
        if (!isSeen) return Refuse(KeyValues.NotFound(program.Model));
        Version = was.Version;
        output.Write(was.Json);
        return true;
    }

    async ValueTask<bool> FromRowAsync(Connection connection, ByteOutput output, CancellationToken cancel)
    {
        long asked = store.Tail.Clock.GetTimestamp();
        using Statement row = connection.Prepare(program.Row);
        int part = 0;
        foreach (Field field in program.Model.StoredKey) row.Bind(++part, _row[field.Ordinal]);
        if (connection.SendsAhead) row.Send();
        else await row.OpenAsync(cancel);
        Since since = await EventsAsync(connection, row, cancel);
        if (since.IsTorn) return false;
        if (_position > since.Head)
            return Refuse(PastMoment.Refused(string.Create(CultureInfo.InvariantCulture, $"the log ends at position {since.Head}")));
        if (_position < since.Cut) return Refuse(PastRun.Cut(since.Cut));
        if (cache is not null) store.Log.Cut.See(since.Cut, asked);
        Value[]? now = program.ReadRow(row);
        long version = now is null ? 0 : row.ColumnInt64(PastRecordProgram.VersionColumn);
        bool mayNow = now is not null && program.Sees(now, caller);
        bool isSeen = mayNow && program.IsLive(now!); // Not null where it is seen; and so below.
        if (since.Count > limits.AsOfChanges)
            return Refuse(isSeen ? PastRun.TooOld(program.Model, limits) : KeyValues.NotFound(program.Model));
        UndoneRecord was = since.Undone ?? Unchanged(now, version);
        if (now is not null && was is { IsKnown: true, IsWhole: false })
        {
            foreach (Field field in program.Model.Fields) was.Learn(field.Ordinal, now[field.Ordinal]);
        }
        bool isThere = was.IsKnown && program.IsLive(was.Values);
        if (isSeen) Learn(now!, version, isThere ? was : null, since.Head);
        bool mayThen = isThere && (now is null || mayNow) && program.Sees(was.Values, caller);
        if (!mayThen) return Refuse(KeyValues.NotFound(program.Model));
        Version = was.Version;
        program.Write(output, was.Values, now, caller);
        return true;
    }

    static UndoneRecord Unchanged(Value[]? now, long version)
    {
        if (now is null) return UndoneRecord.Absent;
        UndoneRecord same = new(now.Length, version) { IsWhole = true };
        for (int i = 0; i < now.Length; i++) same.Learn(i, now[i]);
        return same;
    }

    /// <summary>What the caller may see is at hand for the next; what is hidden is looked for each time, like what never was.</summary>
    void Learn(Value[] now, long version, UndoneRecord? was, long head)
    {
        if (cache is not { IsOn: true } || program.Whole is null) return;
        if (program.IsLive(now)) cache.FillExactly(Key(), head, program.Keep(now, version, snapshot.Version));
        Remember(was is null ? null : program.Keep(was.Values, was.Version, snapshot.Version));
    }

    void Remember(CachedRecord? was)
    {
        if (cache is not null) snapshot.Then.Keep(Key(), _position, was, _forgotten);
    }

    RecordKey Key() => RecordKey.OfStored(program.Model.Name, [.. program.Model.StoredKey.Select(field => _row[field.Ordinal])]);

    /// <summary>The record's events since, undone.</summary>
    /// <param name="connection">Whose log.</param>
    /// <param name="row">Sent already, where the row is asked for too: it says up to where.</param>
    /// <param name="cancel">Stops it.</param>
    async ValueTask<Since> EventsAsync(Connection connection, Statement? row, CancellationToken cancel)
    {
        string recordId = EventWriter.RecordId(program.Model, _row);
        FormerNames former = snapshot.Former(connection, program.Model.Name);
        UndoneEvents undone = new(snapshot.Schema, program.Model, store.Keys, former, _position);
        Since since = new() { Head = long.MaxValue };
        EventReader reader = new();
        foreach (PastScope scope in former.Scopes(recordId, null, _position, long.MaxValue))
        {
            using Statement select = PastEvents.OfTheRecord(connection, scope, limits.AsOfChanges + 1L - since.Count);
            await select.OpenAsync(cancel);
            if (row is not null && since.Head == long.MaxValue) await StandAsync(row, since, cancel);
            while (select.Step())
            {
                since.Take(reader.Read(select), select.ColumnInt64(PastEvents.CutColumn), undone);
            }
        }
        undone.End();
        since.Undone = undone.Records.GetValueOrDefault(recordId);
        return since;
    }

    static async ValueTask StandAsync(Statement row, Since since, CancellationToken cancel)
    {
        await row.OpenAsync(cancel);
        row.Step();
        since.Head = row.ColumnInt64(PastRecordProgram.PositionColumn);
        since.Cut = since.FirstCut = row.ColumnInt64(PastRecordProgram.CutColumn);
    }

    static Value[] KeyedRow(Model model, PlannedRead read)
    {
        Value[] row = new Value[model.Fields.Length];
        if (model.TenantField is { } tenant && read.Past is { } moment) row[tenant.Ordinal] = moment.Tenant;
        int slot = read.Plan.Slots.Key;
        foreach (Field field in model.KeyFields) row[field.Ordinal] = read.Values[slot++];
        return row;
    }

    /// <summary>What the events said.</summary>
    sealed class Since
    {
        /// <summary>The log in the snapshot of the row ends here.</summary>
        public long Head { get; set; }

        /// <summary>Values up to here are gone; and when the row was read.</summary>
        public long Cut { get; set; }

        public long FirstCut { get; set; }

        public int Count { get; private set; }

        public long LastVersion { get; private set; }

        /// <summary>The record as far as they said what it was; null where nothing happened to it.</summary>
        public UndoneRecord? Undone { get; set; }

        /// <summary>The record was there all the time, and is known.</summary>
        public bool IsAllUpdates { get; private set; } = true;

        /// <summary>Values that the row's snapshot had are gone from the events: they belong to different moments.</summary>
        public bool IsTorn { get; private set; }

        public void Take(LogEvent happened, long cut, UndoneEvents undone)
        {
            Cut = Math.Max(Cut, cut);
            bool takesAway = happened.Kind is EventKinds.Erased or EventKinds.Purged;
            if (happened.Position > Head)
            {
                IsTorn |= takesAway;
                return;
            }
            IsTorn |= happened.Data is null && Cut > FirstCut;
            IsAllUpdates &= happened is { Kind: EventKinds.Updated, Data: not null };
            Count++;
            LastVersion = happened.Version;
            undone.Add(happened);
        }
    }
}
