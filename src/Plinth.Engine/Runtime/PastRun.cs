using System.Globalization;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Runs one read of the past. What changed since is undone in memory; the records concerned are left out of what the table gives, and
/// given to the database as rows of what they were, so that the request's conditions mean the same for both. Lives as long as the request.
/// </summary>
/// <remarks>All in one snapshot: the events undone are exactly those that the tables show the outcome of.</remarks>
sealed class PastRun(
    PastProgram program, PlannedRead read, Connection connection, Snapshot snapshot, LogKeys keys, Limits limits, long now)
{
    /// <summary>Rows of what was that go to the database in any case, where there are so many.</summary>
    const int RowsMin = 32;

    readonly PastMoment _moment = read.Past ?? throw new InvalidOperationException("a read of the past without its moment");
    readonly Model _model = snapshot.Schema.Model(program.Model.Name);
    bool _isGone, _isTooOld;

    ReadShape Shape => program.Plan.Shape;

    ReadSlots Slots => program.Plan.Slots;

    /// <summary>Of a single record, once it is written.</summary>
    public long Version { get; private set; }

    /// <summary>Writes the answer; a fault leaves the output to be thrown away.</summary>
    public async ValueTask<Fault?> WriteAsync(ByteOutput output, CancellationToken cancel)
    {
        // Giving the connection back ends it.
        if (!connection.InTransaction) connection.BeginRead();
        (long head, long first) = await ExtentAsync(cancel);
        if ((await PositionAsync(head, first, cancel)).Failed(out Fault? fault, out long position)) return fault;
        bool isOne = Shape.Kind == ReadKind.Get;
        if (isOne && _model.Tenant is not null && _moment.Tenant.IsNull) return KeyValues.NeedsTenant(_model);
        var found = isOne ? await SinceAsync(RecordId(), position, head, null, cancel) : await SinceAsync(position, head, cancel);
        if (found.Failed(out fault, out PastRecords? since)) return fault;
        return isOne ? await GetAsync(output, since, cancel) : await ListAsync(output, since, cancel);
    }

    async ValueTask<(long Head, long First)> ExtentAsync(CancellationToken cancel)
    {
        using Statement extent = PastEvents.Extent(connection);
        await extent.OpenAsync(cancel);
        extent.Step();
        return (extent.ColumnInt64(0), extent.ColumnInt64(1));
    }

    async ValueTask<Result<long>> PositionAsync(long head, long first, CancellationToken cancel)
    {
        long position;
        if (_moment.Position is { } named)
        {
            if (named > head) return PastMoment.Refused(string.Create(CultureInfo.InvariantCulture, $"the log ends at position {head}"));
            position = named;
        }
        else
        {
            if (_moment.At > now) return PastMoment.Refused("lies in the future");
            position = await CountAsync(PastEvents.PositionAt(connection, _moment.At, head), cancel);
            // As LogStart.Placed says; lists find the place by a statement of its own.
            bool isBegin = first > 1 && position == first - 1;
            if (isBegin && LogStart.Find(connection) is { } begins && begins.Position == position && _moment.At < begins.At) position--;
        }
        return position >= first - 1 ? position : Cut(first - 1);
    }

    /// <summary>
    /// The records of the model that something happened to since the position: what is kept of it, and what came meanwhile.
    /// </summary>
    async ValueTask<Result<PastRecords>> SinceAsync(long position, long head, CancellationToken cancel)
    {
        PastCache.Moment moment = new(_model.Name, Tenant(), position);
        PastRecords? kept = snapshot.Past.Find(moment);
        if (kept?.Head == head) return kept;
        if (kept?.Head > head) kept = null;
        var found = await SinceAsync(null, position, head, kept, cancel);
        if (found.IsOk) snapshot.Past.Keep(moment, found.Value);
        return found;
    }

    async ValueTask<Result<PastRecords>> SinceAsync(
        string? recordId, long position, long head, PastRecords? kept, CancellationToken cancel)
    {
        FormerNames former = snapshot.Former(connection, _model.Name);
        if (head - position > limits.AsOfChanges)
        {
            long changes = 0;
            foreach (PastScope scope in former.Scopes(recordId, Tenant(), position, head))
                changes += await CountAsync(PastEvents.Count(connection, scope, limits.AsOfChanges + 1L), cancel);
            // Of a single record that is told to who may read it, and the log is looked at all the same.
            _isTooOld = changes > limits.AsOfChanges;
            if (_isTooOld && recordId is null) return TooOld();
        }
        // What is kept holds values that were erased since: it is found anew, without them.
        if (kept is not null && await CountAsync(PastEvents.Erased(connection, kept.Head, head), cancel) > 0) kept = null;
        long from = kept?.Head ?? position;
        UndoneEvents undone = new(snapshot.Schema, _model, keys, former, from, kept?.ById);
        EventReader reader = new();
        foreach (PastScope scope in former.Scopes(recordId, Tenant(), from, head))
        {
            using Statement select = PastEvents.Of(connection, scope, _isTooOld ? 0 : limits.AsOfChanges);
            await select.OpenAsync(cancel);
            while (select.Step())
            {
                LogEvent happened = reader.Read(select);
                if (happened.RecordId.Length > 0) undone.Add(happened);
            }
        }
        undone.End();
        _isGone = undone.IsGone;
        PastRecords records = new(_model, head, undone.Records);
        // Of a single record, whether there is anything to complete is asked later.
        if (recordId is null) await CompleteAsync(records.Incomplete(), cancel);
        return records;
    }

    /// <summary>Text form of the tenant whose records are asked about; null for all.</summary>
    string? Tenant() => _model.TenantField is { Type: ScalarFieldType { Scalar: var type } } && !_moment.Tenant.IsNull
        ? type.Format(_moment.Tenant) : null;

    Fault TooOld() => TooOld(_model, limits);

    public static Fault TooOld(Model model, Limits limits) => Faults.AsOfTooOld.Says(
        string.Create(CultureInfo.InvariantCulture, $"more than {limits.AsOfChanges} changes of {model.Name} have happened since"),
        "ask for a later moment; limits.asOfChanges sets the bound");

    /// <summary>Values up to a position are gone.</summary>
    public static Fault Cut(long position) => Faults.AsOfTooOld.Says(string.Create(
        CultureInfo.InvariantCulture, $"the values of the log begin at position {position + 1}: those before were taken away"));

    /// <summary>What no event since has said about a record, its row says.</summary>
    /// <param name="open">The records by their stored keys; null where there is nothing to learn.</param>
    /// <param name="cancel">Stops it.</param>
    async ValueTask CompleteAsync(List<(Value[] Key, UndoneRecord? Record)> open, CancellationToken cancel)
    {
        for (int first = 0; first < open.Count; first += program.KeysPerStatement)
        {
            List<(Value[] Key, UndoneRecord? Record)> some = open.GetRange(first, Math.Min(program.KeysPerStatement, open.Count - first));
            SqlText sql = program.Rows(some.Count);
            using Statement row = connection.Prepare(sql.Text);
            for (int i = 0; i < sql.Parameters.Length; i++) BindKeys(row, i, sql.Parameters[i], some);
            await row.OpenAsync(cancel);
            while (row.Step())
            {
                if (some[(int)row.ColumnInt64(0)].Record is not { } record) continue;
                foreach (Field field in _model.Fields) record.Learn(field.Ordinal, row.ColumnValue(2 + field.Ordinal, field));
                record.IsWhole = true;
            }
        }
        // One that is in the log and not in its table is a fault of ours, which replay finds: it stays as far as it is known.
    }

    void BindKeys(Statement row, int parameter, SqlParameter source, List<(Value[] Key, UndoneRecord? Record)> keys)
    {
        if (source is ArrayParameter array)
        {
            row.BindItems(parameter + 1, array.Kind, [.. keys.Select(of => of.Key[array.Part])]);
            return;
        }
        // Part by part, key by key; those that the text has beyond them are null.
        int parts = _model.StoredKey.Length;
        row.Bind(parameter + 1, parameter / parts < keys.Count ? keys[parameter / parts].Key[parameter % parts] : Value.Null);
    }

    async ValueTask<Fault?> GetAsync(ByteOutput output, PastRecords since, CancellationToken cancel)
    {
        bool isSeen;
        using (Statement present = await OpenAsync(program.Present, read.Values, [], 0, program.Width, cancel))
        {
            isSeen = present.Step();
            if (isSeen && since.Count == 0 && !_isTooOld) return Found(output, present);
        }
        if (isSeen && _isTooOld) return TooOld();
        // Whoever may not read it now, be it there or gone, and whoever asks for one that never was, is answered after the same statements.
        List<(Value[] Key, UndoneRecord? Record)> open = isSeen || _isGone ? since.Incomplete() : [];
        if (!isSeen && open.Count == 0) open.Add((StoredKey(), null));
        await CompleteAsync(open, cancel);
        List<Value[]> was = isSeen || _isGone ? Rows(since) : [];
        if (isSeen && was.Count == 0) return KeyValues.NotFound(_model);
        using Statement past = await OpenAsync(program.Past(1).Sql, read.Values, was, 0, program.Width, cancel);
        return past.Step() ? Found(output, past) : KeyValues.NotFound(_model);
    }

    Fault? Found(ByteOutput output, Statement row)
    {
        Version = row.ColumnInt64(program.Columns.Version);
        program.Writer.Write(output, row, 0);
        output.Write((byte)'}');
        return null;
    }

    async ValueTask<Fault?> ListAsync(ByteOutput output, PastRecords since, CancellationToken cancel)
    {
        Value[] values = [.. read.Values];
        int offset = 0;
        if (Slots.Offset >= 0)
        {
            // Two sources are one list: which records the offset passes over shows when they are joined.
            offset = (int)values[Slots.Offset].Int;
            values[Slots.Offset] = Value.From(0L);
        }
        int wanted = offset + read.Limit + 1;
        PlacedRows present = new(program);
        await PresentAsync(present, since, values, wanted, cancel);
        PlacedRows past = await PastAsync(since, wanted, cancel);
        bool cameFrom = Shape.Start is PageStart.After or PageStart.Before || offset > 0;
        PageWriter.Open(output);
        Page page = Write(output, Joined(present, past, wanted), offset, cameFrom);
        new PageWriter(page, read, snapshot.Reads.Secret).Close(output, await TotalAsync(since, cancel));
        return null;
    }

    bool IsBackward => Shape.Start == PageStart.Before;

    /// <summary>The place that the page starts behind; null when it is an end of the list.</summary>
    Value[]? Boundary => Shape.Start is PageStart.After or PageStart.Before
        ? read.Values[Slots.Boundary..(Slots.Boundary + Shape.Root.Sort.Length)] : null;

    /// <summary>The first rows of both, in the direction that the page is walked.</summary>
    /// <param name="present">As the database gave them, from the page's start on.</param>
    /// <param name="past">All of them, in the order of the list.</param>
    /// <param name="wanted">No more than these.</param>
    List<PlacedRows.Row> Joined(PlacedRows present, PlacedRows past, int wanted)
    {
        List<PlacedRows.Row> joined = new(wanted);
        int step = IsBackward ? -1 : 1, i = 0, j = past.First(Boundary, IsBackward);
        while (joined.Count < wanted)
        {
            bool hasPresent = i < present.Count, hasPast = j >= 0 && j < past.Count;
            if (!hasPresent && !hasPast) break;
            bool takesPresent = hasPresent && (!hasPast || past.Compare(present[i].Place, past[j].Place) * step < 0);
            joined.Add(takesPresent ? present[i++] : past[j]);
            if (!takesPresent) j += step;
        }
        return joined;
    }

    Page Write(ByteOutput output, List<PlacedRows.Row> rows, int offset, bool cameFrom)
    {
        int first = Math.Min(offset, rows.Count), last = Math.Min(first + read.Limit, rows.Count);
        for (int i = first; i < last; i++)
        {
            if (i > first) output.Write((byte)',');
            output.Write(rows[IsBackward ? last - 1 - (i - first) : i].Json);
        }
        bool isEmpty = first == last;
        return Page.Of(
            isEmpty ? null : rows[first].Place, isEmpty ? null : rows[last - 1].Place, IsBackward, cameFrom, goesOn: rows.Count > last);
    }

    /// <summary>
    /// The first records that have not changed since: those that have may stand among them, so more are asked for as needed.
    /// </summary>
    async ValueTask PresentAsync(PlacedRows rows, PastRecords since, Value[] values, int wanted, CancellationToken cancel)
    {
        for (long asked = wanted + Math.Min(since.Count, wanted); ; asked *= 4)
        {
            rows.Clear();
            values[Slots.Limit] = Value.From(asked);
            long seen = 0;
            using Statement row = await OpenAsync(program.Present, values, [], 0, 1, cancel);
            while (rows.Count < wanted && row.Step())
            {
                seen++;
                if (since.Count == 0 || !since.Holds(row, program.Columns.Key)) rows.Add(row);
            }
            if (rows.Count == wanted || seen < asked) return;
        }
    }

    /// <summary>What the list shows of the records that have changed since, as they were, in its order.</summary>
    async ValueTask<PlacedRows> PastAsync(PastRecords since, int wanted, CancellationToken cancel)
    {
        PastList list = new(read);
        if (since.Find(list) is { } known) return known;
        PlacedRows rows = new(program);
        List<Value[]> was = Rows(since, PastFilter.Of(read, limits));
        for (int first = 0; first < was.Count; first += program.RowsPerStatement)
        {
            SqlText sql = program.Past(Math.Min(program.RowsPerStatement, was.Count - first)).Sql;
            using Statement row = await OpenAsync(sql, read.Values, was, first, program.Width, cancel);
            while (row.Step()) rows.Add(row);
            if (since.Remembers) continue;
            rows.Order();
            rows.Trim(Boundary, IsBackward, wanted);
        }
        rows.Order();
        if (since.Remembers) since.Keep(list, rows);
        return rows;
    }

    async ValueTask<long?> TotalAsync(PastRecords since, CancellationToken cancel)
    {
        if (program.Count is not { } count) return null;
        List<Value[]> was = Rows(since, PastFilter.Of(read, limits));
        long total;
        using (Statement all = await OpenAsync(count, read.Values, [], 0, 1, cancel)) total = all.Step() ? all.ColumnInt64(0) : 0;
        List<Value[]> changed = since.Keys();
        for (int first = 0; first < changed.Count; first += program.RowsPerStatement)
        {
            SqlText sql = program.CountKeys(Math.Min(program.RowsPerStatement, changed.Count - first)).Sql;
            using Statement now = await OpenAsync(sql, read.Values, changed, first, _model.StoredKey.Length, cancel);
            total -= now.Step() ? now.ColumnInt64(0) : 0;
        }
        for (int first = 0; first < was.Count; first += program.RowsPerStatement)
        {
            SqlText sql = program.CountPast(Math.Min(program.RowsPerStatement, was.Count - first)).Sql;
            using Statement then = await OpenAsync(sql, read.Values, was, first, program.Width, cancel);
            total += then.Step() ? then.ColumnInt64(0) : 0;
        }
        return total;
    }

    /// <summary>The rows that the database is given: fields, version, what a search finds in them.</summary>
    /// <param name="since">What has changed.</param>
    /// <param name="filter">What it refuses the database need not see; null for all.</param>
    List<Value[]> Rows(PastRecords since, PastFilter? filter = null)
    {
        PastWords? words = _moment.Search is { } search ? new PastWords(program, search) : null;
        List<UndoneRecord> given = [], refused = [];
        foreach (UndoneRecord record in since.Existing) (filter?.Admits(record.Values) == false ? refused : given).Add(record);
        // Filled up with what the filter refuses there too: what runs must not tell whether a hidden record has the values that are
        // asked for.
        int size = given.Count <= RowsMin ? RowsMin : Multiple(given.Count, program.RowsPerStatement);
        given.AddRange(refused.Take(size - given.Count));
        List<Value[]> rows = new(given.Count);
        foreach (UndoneRecord record in given)
        {
            Value[] row = new Value[program.Width];
            record.Values.CopyTo(row, 0);
            row[_model.Fields.Length] = Value.From(record.Version);
            words?.Write(record.Values, row.AsSpan(_model.Fields.Length + 1));
            rows.Add(row);
        }
        return rows;
    }

    static int Multiple(int count, int of) => (count + of - 1) / of * of;

    /// <summary>The record as the log names it, by the key that is asked for.</summary>
    string RecordId() => EventWriter.RecordId(_model, Keyed());

    Value[] StoredKey()
    {
        Value[] row = Keyed();
        return [.. _model.StoredKey.Select(field => row[field.Ordinal])];
    }

    Value[] Keyed()
    {
        Value[] row = new Value[_model.Fields.Length];
        if (_model.TenantField is { } tenant) row[tenant.Ordinal] = _moment.Tenant;
        int slot = Slots.Key;
        foreach (Field field in _model.KeyFields) row[field.Ordinal] = read.Values[slot++];
        return row;
    }

    static async ValueTask<long> CountAsync(Statement statement, CancellationToken cancel)
    {
        using (statement)
        {
            await statement.OpenAsync(cancel);
            return statement.Step() ? statement.ColumnInt64(0) : 0;
        }
    }

    /// <param name="sql">What is asked.</param>
    /// <param name="values">By the slots of the plan.</param>
    /// <param name="rows">Rows behind the plan's slots; those that the text has beyond them are null.</param>
    /// <param name="first">The first of them for this statement.</param>
    /// <param name="width">Values of each.</param>
    /// <param name="cancel">Stops it.</param>
    async ValueTask<Statement> OpenAsync(
        SqlText sql, Value[] values, List<Value[]> rows, int first, int width, CancellationToken cancel)
    {
        Statement statement = connection.Prepare(sql.Text);
        try
        {
            for (int i = 0; i < sql.Parameters.Length; i++)
            {
                statement.Bind(i + 1, sql.Parameters[i] switch
                {
                    ConstantParameter { Value: var constant } => constant,
                    SlotParameter { Slot: var slot } when slot < Slots.Count => values[slot],
                    SlotParameter { Slot: var slot } => Beyond(slot - Slots.Count),
                    _ => throw new InvalidOperationException("a parameter of no known kind"),
                });
            }
            await statement.OpenAsync(cancel);
            return statement;
        }
        catch
        {
            statement.Dispose();
            throw;
        }

        Value Beyond(int at) => first + at / width < rows.Count ? rows[first + at / width][at % width] : Value.Null;
    }
}
