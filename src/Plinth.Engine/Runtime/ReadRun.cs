using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Runs one planned read on a reading connection and writes its answer. Lives as long as the request.</summary>
/// <remarks>
/// It waits once per statement, never per row: an embedded database answers in place and the wait is none, a remote one sends its rows
/// meanwhile.
/// </remarks>
/// <param name="program">What is run.</param>
/// <param name="read">The request's values.</param>
/// <param name="connection">Its statements run on.</param>
/// <param name="secret">That cursors are authenticated with.</param>
/// <param name="limits">That bound it.</param>
/// <param name="keeper">Takes the records that are read; null where they are not to be kept.</param>
sealed class ReadRun(
    ReadProgram program, PlannedRead read, Connection connection, ReadOnlyMemory<byte> secret, Limits limits, RecordKeeper? keeper = null)
{
    ReadShape Shape => program.Plan.Shape;

    /// <summary>The transaction is of this read alone, and what is included is the last that is read in it.</summary>
    bool _isOwn;

    /// <summary>Of a single record, once it is written.</summary>
    public long Version { get; private set; }

    /// <summary>Writes the answer, one JSON document; a fault leaves the output to be thrown away.</summary>
    public async ValueTask<Fault?> WriteAsync(ByteOutput output, CancellationToken cancel)
    {
        // One statement sees one snapshot by itself; several need a transaction to see the same one.
        bool several = program.Count is not null || !program.Root.Includes.IsEmpty;
        // Giving the connection back ends it, if nothing has before.
        if (several && !connection.InTransaction)
        {
            connection.BeginRead();
            _isOwn = program.Count is null;
        }

        return Shape.Kind switch
        {
            ReadKind.Get => await GetAsync(output, cancel),
            ReadKind.List => await ListAsync(output, cancel),
            // Not null: its kind.
            ReadKind.Aggregate => new AggregateWriter(Shape.Aggregate!, limits).Write(await OpenAsync(program.Statement, cancel), output),
            _ => throw new InvalidOperationException($"no such read: {Shape.Kind}"),
        };
    }

    async ValueTask<Fault?> GetAsync(ByteOutput output, CancellationToken cancel)
    {
        LevelProgram root = program.Root;
        using Statement row = await OpenAsync(program.Statement, cancel);
        if (!row.Step()) return KeyValues.NotFound(Shape.Root.Model);
        Version = row.ColumnInt64(root.Columns.Version);
        if (root.Includes.IsEmpty)
        {
            root.Writer.Write(output, row, 0);
            output.Write((byte)'}');
            return null;
        }
        using LevelRows rows = new(root, keeper);
        rows.Add(row, 0);
        row.Reset();
        if (await IncludeAsync(root, rows, cancel) is { } fault) return fault;
        rows.Write(output, 0);
        return null;
    }

    async ValueTask<Fault?> ListAsync(ByteOutput output, CancellationToken cancel)
    {
        Page page = PageOf(program, read);
        PageWriter.Open(output);
        Fault? fault = program.Root.Includes.IsEmpty && Shape.Start != PageStart.Before
            ? await StreamAsync(output, page, cancel)
            : await GatherAsync(output, page, cancel);
        if (fault is not null) return fault;
        new PageWriter(page, read, secret).Close(output, program.Count is { } count ? await CountAsync(count, cancel) : null);
        keeper?.End();
        return null;
    }

    /// <summary>The page that a list asks for, none of whose rows has come.</summary>
    public static Page PageOf(ReadProgram program, PlannedRead read)
    {
        PageStart start = program.Plan.Shape.Start;
        bool cameFrom = start switch
        {
            PageStart.First => false,
            PageStart.Offset => read.Values[program.Plan.Slots.Offset].Int > 0,
            _ => true,
        };
        return new Page(program.Root.Columns, read.Limit, backward: start == PageStart.Before, cameFrom);
    }

    /// <summary>Writes a page whose rows are there already, from its start on, and which includes nothing.</summary>
    public static void WritePage(ReadProgram program, PlannedRead read, ReadOnlyMemory<byte> secret, Statement rows, ByteOutput output)
    {
        LevelProgram root = program.Root;
        Page page = PageOf(program, read);
        PageWriter.Open(output);
        while (rows.Step() && page.Take(rows))
        {
            if (page.Count > 1) output.Write((byte)',');
            root.Writer.Write(output, rows, 0);
            output.Write((byte)'}');
        }
        new PageWriter(page, read, secret).Close(output, total: null);
    }

    /// <summary>
    /// The records of a list one by one, each with its key and its place. The caller has begun the transaction whose snapshot they are of.
    /// </summary>
    /// <param name="isWhole">More records than the limit are a fault, not another page.</param>
    /// <param name="cancel">Stops the statement that runs.</param>
    public async ValueTask<Result<List<ReadItem>>> ItemsAsync(bool isWhole, CancellationToken cancel)
    {
        LevelProgram root = program.Root;
        ImmutableArray<Field> key = Shape.Root.Model.KeyFields;
        int[] keyColumns = [.. key.Select(k => Shape.Root.Fields.IndexOf(k))];
        using LevelRows rows = new(root, keeper: null);
        List<ReadItem> items = [];
        using (Statement row = await OpenAsync(program.Statement, cancel))
        {
            while (row.Step())
            {
                if (rows.Count == read.Limit && isWhole) return TooManyLive(limits);
                if (rows.Count == read.Limit) break;
                rows.Add(row, 0);
                Value[] parts = [.. key.Select((field, i) => row.ColumnValue(keyColumns[i], field))];
                Value[] place = [.. root.Columns.Sort.Select(at => Place(row, at, root.Columns.Paths[at].Field))];
                items.Add(new ReadItem(parts, place, []));
            }
        }
        if (await IncludeAsync(root, rows, cancel) is { } fault) return fault;
        using ByteOutput json = new(1024);
        for (int i = 0; i < items.Count; i++)
        {
            json.Clear();
            rows.Write(json, i);
            items[i] = items[i] with { Json = json.ToArray() };
        }
        return items;

        static Value Place(Statement row, int column, Field field) => row.ColumnValue(column, field.StoredKind, field.Scale);
    }

    public static Fault TooManyLive(Limits limits) => Faults.TooManyRows.Says(
        $"the query finds more than {limits.LiveRows} records (limits.liveRows)", "narrow the filter, or ask for a window with limit");

    async ValueTask<long> CountAsync(SqlText count, CancellationToken cancel)
    {
        using Statement statement = await OpenAsync(count, cancel);
        statement.Step();
        return statement.ColumnInt64(0);
    }

    SqlText List =>
        keeper is { PositionColumn: >= 0 } ? program.KeptStatementFor(read.Values) : program.StatementFor(read.Values);

    /// <summary>Rows that come alone and in order go straight into the answer.</summary>
    async ValueTask<Fault?> StreamAsync(ByteOutput output, Page page, CancellationToken cancel)
    {
        LevelProgram root = program.Root;
        using Statement row = await OpenAsync(List, cancel);
        while (row.Step())
        {
            if (!page.Take(row)) break;
            keeper?.See(row);
            if (page.Count > 1) output.Write((byte)',');
            int start = output.Length;
            root.Writer.Write(output, row, 0);
            if (root.Records is { } records) keeper?.Take(records, row, 0, root.Columns.Version, output.Written[start..]);
            output.Write((byte)'}');
        }
        return null;
    }

    async ValueTask<Fault?> GatherAsync(ByteOutput output, Page page, CancellationToken cancel)
    {
        using LevelRows rows = new(program.Root, keeper);
        using (Statement row = await OpenAsync(List, cancel))
        {
            while (row.Step() && page.Take(row))
            {
                keeper?.See(row);
                rows.Add(row, 0);
            }
        }
        if (await IncludeAsync(program.Root, rows, cancel) is { } fault) return fault;
        bool reversed = Shape.Start == PageStart.Before;
        for (int i = 0; i < rows.Count; i++)
        {
            if (i > 0) output.Write((byte)',');
            rows.Write(output, reversed ? rows.Count - 1 - i : i);
        }
        return null;
    }

    /// <summary>
    /// Reads all that the rows include: one statement per relation for all of them, then the same one level down. Where statements can be
    /// sent ahead, those of one level go together.
    /// </summary>
    async ValueTask<Fault?> IncludeAsync(LevelProgram level, LevelRows parents, CancellationToken cancel)
    {
        Statement?[] sent = Send(level, parents);
        try
        {
            // Further down, other branches may follow.
            if (_isOwn && ReferenceEquals(level, program.Root) && IsLast(level, parents, sent)) connection.EndRead();
            return await IncludeAsync(level, parents, sent, cancel);
        }
        finally
        {
            foreach (Statement? statement in sent) statement?.Dispose();
        }
    }

    /// <summary>Sends the statements of one level ahead, where that spares a way.</summary>
    /// <param name="level">Whose relations.</param>
    /// <param name="parents">What they start at.</param>
    /// <returns>By relation, for the caller to dispose; null where it is not sent.</returns>
    public Statement?[] Send(LevelProgram level, LevelRows parents)
    {
        if (!connection.SendsAhead) return [];
        Statement?[] sent = new Statement?[level.Includes.Length];
        for (int i = 0; i < sent.Length; i++)
        {
            KeyRows keys = parents.Keys(i);
            if (level.Includes[i].IsClosed || keys.Count is 0 or > IncludeProgram.ParentsMax) continue;
            sent[i] = Prepare(level.Includes[i], keys, 0, keys.Count);
            sent[i]!.Send(); // Set in the line before.
        }
        return sent;
    }

    /// <summary>Something was sent, and nothing follows it.</summary>
    public static bool IsLast(LevelProgram level, LevelRows parents, Statement?[] sent)
    {
        bool isAny = false;
        for (int i = 0; i < sent.Length; i++)
        {
            IncludeProgram include = level.Includes[i];
            if (include.IsClosed || parents.Keys(i).Count == 0) continue;
            if (sent[i] is null || !include.Level.Includes.IsEmpty) return false;
            isAny = true;
        }
        return isAny;
    }

    /// <summary>The same with the statements of this level sent, as far as they are.</summary>
    public async ValueTask<Fault?> IncludeAsync(LevelProgram level, LevelRows parents, Statement?[] sent, CancellationToken cancel)
    {
        for (int i = 0; i < level.Includes.Length; i++)
        {
            IncludeProgram include = level.Includes[i];
            KeyRows keys = parents.Keys(i);
            if (include.IsClosed || keys.Count == 0) continue;
            LevelRows rows = new(include.Level, keeper);
            IncludedRows included = new(rows, new int[keys.Count], new int[keys.Count]);
            parents.Attach(i, included);
            for (int first = 0; first < keys.Count; first += IncludeProgram.ParentsMax)
            {
                int last = Math.Min(keys.Count, first + IncludeProgram.ParentsMax);
                using Statement statement = (sent.Length > 0 ? sent[i] : null) ?? Prepare(include, keys, first, last);
                await statement.OpenAsync(cancel);
                if (ReadIncluded(include, statement, first, included) is { } tooMany) return tooMany;
            }
            if (await IncludeAsync(include.Level, rows, cancel) is { } fault) return fault;
        }
        return null;
    }

    Statement Prepare(IncludeProgram include, KeyRows keys, int first, int last)
    {
        long limit = include.Shape.Single ? 0 : read.Values[program.Plan.Slots.IncludeLimits + include.Shape.Number].Int;
        SqlText sql = include.Statement(last - first, limit).Sql;
        Statement statement = connection.Prepare(sql.Text);
        for (int i = 0; i < sql.Parameters.Length; i++)
        {
            if (sql.Parameters[i] is not ArrayParameter { Part: var part, Kind: var kind }) continue;
            Value[] values = new Value[last - first];
            for (int key = first; key < last; key++) values[key - first] = keys.Part(key, part);
            statement.BindItems(i + 1, kind, values);
        }
        Bind(statement, sql.Parameters, slot => KeyPart(keys, first, last, slot));
        return statement;
    }

    /// <summary>The rows of one key follow one another; in which order the keys come, nothing promises.</summary>
    Fault? ReadIncluded(IncludeProgram include, Statement row, int first, IncludedRows included)
    {
        (LevelRows rows, int[] starts, int[] ends) = included;
        int of = -1;
        while (row.Step())
        {
            int key = first + (int)row.ColumnInt64(0);
            if (key != of)
            {
                if (ends[key] > 0) throw new InvalidOperationException("the rows of one key do not follow one another");
                (of, starts[key]) = (key, rows.Count);
            }
            rows.Add(row, 1);
            ends[key] = rows.Count;
            if (rows.Count > limits.IncludedRows) return TooManyIncluded(include.Shape, limits);
        }
        return null;
    }

    public static Fault TooManyIncluded(IncludeShape include, Limits limits) => Faults.TooManyRows.Says(
        $"{include.Relation.Name} leads to more than {limits.IncludedRows} records (limits.includedRows)",
        "ask for fewer parents, or give the relation a limit");

    /// <summary>Key rows that are not used stay null, and match nothing.</summary>
    Value KeyPart(KeyRows keys, int first, int last, int slot)
    {
        int at = slot - program.Plan.Slots.Count;
        int key = first + at / keys.Parts;
        return key < last ? keys.Part(key, at % keys.Parts) : Value.Null;
    }

    async ValueTask<Statement> OpenAsync(SqlText sql, CancellationToken cancel)
    {
        Statement statement = connection.Prepare(sql.Text);
        try
        {
            Bind(statement, sql.Parameters, static slot => throw new InvalidOperationException($"slot {slot} is not of this plan"));
            await statement.OpenAsync(cancel);
            return statement;
        }
        catch
        {
            statement.Dispose();
            throw;
        }
    }

    void Bind(Statement statement, ImmutableArray<SqlParameter> parameters, Func<int, Value> beyond)
    {
        Value[] values = read.Values;
        for (int i = 0; i < parameters.Length; i++)
        {
            switch (parameters[i])
            {
                case SlotParameter { Slot: var slot }: statement.Bind(i + 1, slot < values.Length ? values[slot] : beyond(slot)); break;
                case ConstantParameter { Value: var value }: statement.Bind(i + 1, value); break;
                case ArrayParameter: break;
                default: throw new InvalidOperationException("a parameter of no known kind");
            }
        }
    }
}

/// <summary>One record of a list.</summary>
/// <param name="Key">The parts of its key.</param>
/// <param name="Place">The values of the sort terms.</param>
/// <param name="Json">The record as it is answered, with what it includes.</param>
readonly record struct ReadItem(Value[] Key, Value[] Place, byte[] Json);
