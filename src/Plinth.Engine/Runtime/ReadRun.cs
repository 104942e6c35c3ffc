using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Runs one planned read on a reading connection and writes its answer. Lives as long as the request.</summary>
sealed class ReadRun(ReadProgram program, PlannedRead read, Connection connection, ReadOnlyMemory<byte> secret, Limits limits)
{
    ReadShape Shape => program.Plan.Shape;

    /// <summary>Writes the answer; a fault leaves the output to be thrown away.</summary>
    /// <param name="output">Receives one JSON document.</param>
    /// <param name="version">Of a single record.</param>
    public Fault? Write(ByteOutput output, out long version)
    {
        version = 0;
        // One statement sees one snapshot by itself; several need a transaction to see the same one.
        bool several = program.Count is not null || !program.Root.Includes.IsEmpty;
        // Giving the connection back ends it.
        if (several) connection.BeginRead();
        return Shape.Kind switch
        {
            ReadKind.Get => Get(output, out version),
            ReadKind.List => List(output),
            // Not null: its kind.
            ReadKind.Aggregate => new AggregateWriter(Shape.Aggregate!, limits).Write(Open(program.Statement), output),
            _ => throw new InvalidOperationException($"no such read: {Shape.Kind}"),
        };
    }

    Fault? Get(ByteOutput output, out long version)
    {
        version = 0;
        LevelProgram root = program.Root;
        using Statement row = Open(program.Statement);
        if (!row.Step()) return KeyValues.NotFound(Shape.Root.Model);
        version = row.ColumnInt64(root.Columns.Version);
        if (root.Includes.IsEmpty)
        {
            root.Writer.Write(output, row, 0);
            output.Write((byte)'}');
            return null;
        }
        using LevelRows rows = new(root);
        rows.Add(row, 0);
        row.Reset();
        if (Include(root, rows) is { } fault) return fault;
        rows.Write(output, 0);
        return null;
    }

    Fault? List(ByteOutput output)
    {
        bool cameFrom = Shape.Start switch
        {
            PageStart.First => false,
            PageStart.Offset => read.Values[program.Plan.Slots.Offset].Int > 0,
            _ => true,
        };
        Page page = new(program.Root.Columns, read.Limit, backward: Shape.Start == PageStart.Before, cameFrom);
        output.Write("{\"items\":["u8);
        Fault? fault = program.Root.Includes.IsEmpty && Shape.Start != PageStart.Before ? Stream(output, page) : Gather(output, page);
        if (fault is not null) return fault;
        output.Write("],\"page\":{\"next\":"u8);
        WriteCursor(output, page.Next);
        output.Write(",\"previous\":"u8);
        WriteCursor(output, page.Previous);
        output.Write(",\"limit\":"u8);
        JsonText.WriteInt(output, read.Limit);
        if (program.Count is not null)
        {
            output.Write(",\"total\":"u8);
            using Statement count = Open(program.Count);
            count.Step();
            JsonText.WriteInt(output, count.ColumnInt64(0));
        }
        output.Write("}}"u8);
        return null;
    }

    /// <summary>Rows that come alone and in order go straight into the answer.</summary>
    Fault? Stream(ByteOutput output, Page page)
    {
        RowWriter writer = program.Root.Writer;
        using Statement row = Open(program.Statement);
        while (row.Step())
        {
            if (!page.Take(row)) break;
            if (page.Count > 1) output.Write((byte)',');
            writer.Write(output, row, 0);
            output.Write((byte)'}');
        }
        return null;
    }

    Fault? Gather(ByteOutput output, Page page)
    {
        using LevelRows rows = new(program.Root);
        using (Statement row = Open(program.Statement))
        {
            while (row.Step() && page.Take(row)) rows.Add(row, 0);
        }
        if (Include(program.Root, rows) is { } fault) return fault;
        bool reversed = Shape.Start == PageStart.Before;
        for (int i = 0; i < rows.Count; i++)
        {
            if (i > 0) output.Write((byte)',');
            rows.Write(output, reversed ? rows.Count - 1 - i : i);
        }
        return null;
    }

    /// <summary>Reads all that the rows include: one statement per relation for all of them, then the same one level down.</summary>
    Fault? Include(LevelProgram level, LevelRows parents)
    {
        for (int i = 0; i < level.Includes.Length; i++)
        {
            IncludeProgram include = level.Includes[i];
            KeyRows keys = parents.Keys(i);
            if (include.IsClosed || keys.Count == 0) continue;
            LevelRows rows = new(include.Level);
            int[] starts = new int[keys.Count + 1];
            parents.Attach(i, new IncludedRows(rows, starts));
            for (int first = 0; first < keys.Count; first += IncludeProgram.ParentsMax)
            {
                int last = Math.Min(keys.Count, first + IncludeProgram.ParentsMax);
                if (ReadIncluded(include, keys, first, last, rows, starts) is { } tooMany) return tooMany;
            }
            if (Include(include.Level, rows) is { } fault) return fault;
        }
        return null;
    }

    Fault? ReadIncluded(IncludeProgram include, KeyRows keys, int first, int last, LevelRows rows, int[] starts)
    {
        var (sql, keyRows) = include.Statement(last - first);
        using Statement row = connection.Prepare(sql.Text);
        Bind(row, sql.Parameters, slot => KeyPart(keys, first, last, slot));
        int key = first;
        while (row.Step())
        {
            int of = first + (int)row.ColumnInt64(0);
            while (key < of) starts[++key] = rows.Count;
            rows.Add(row, 1);
            if (rows.Count > limits.IncludedRows)
            {
                return Faults.TooManyRows.Says(
                    $"{include.Shape.Relation.Name} leads to more than {limits.IncludedRows} records (limits.includedRows)",
                    "ask for fewer parents, or give the relation a limit");
            }
        }
        while (key < last) starts[++key] = rows.Count;
        return null;
    }

    /// <summary>Key rows that are not used stay null, and match nothing.</summary>
    Value KeyPart(KeyRows keys, int first, int last, int slot)
    {
        int at = slot - program.Plan.Slots.Count;
        int key = first + at / keys.Parts;
        return key < last ? keys.Part(key, at % keys.Parts) : Value.Null;
    }

    void WriteCursor(ByteOutput output, Value[]? place)
    {
        if (place is null)
        {
            JsonText.WriteNull(output);
            return;
        }
        output.Write((byte)'"');
        Cursor.Write(secret.Span, read.Binding, place, output);
        output.Write((byte)'"');
    }

    Statement Open(SqlText sql)
    {
        Statement statement = connection.Prepare(sql.Text);
        Bind(statement, sql.Parameters, static slot => throw new InvalidOperationException($"slot {slot} is not of this plan"));
        return statement;
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
                default: throw new InvalidOperationException("a parameter of no known kind");
            }
        }
    }
}
