using System.Collections.Immutable;
using Plinth.Evolution;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// One model's table as writes use it: rows in and out as values, with their full-text entries. Used on the writer's thread alone.
/// </summary>
sealed class RecordTable
{
    readonly bool _returnsRows;
    readonly bool _locksRows;
    readonly Field[] _searched;
    readonly Field[] _generated;
    readonly ValueKind[] _kinds;
    readonly int[] _scales;

    public RecordTable(AppSchema schema, Model model, Dialect dialect, Limits limits)
    {
        Statements = new WriteStatements(schema, model, dialect, limits);
        (_returnsRows, _locksRows) = (dialect.ReturnsRows, dialect.LocksRows);
        _generated = [.. model.KeyFields.Where(static field => field.Default is GeneratedDefault)];
        _searched = [.. model.FullText.Select(model.Field).OfType<Field>()];
        _kinds = [.. model.Fields.Select(KindOf)];
        _scales = [.. model.Fields.Select(f => f.Type is ScalarFieldType { Scalar: DecimalType type } ? type.Scale : 0)];
    }

    public WriteStatements Statements { get; }

    public Model Model => Statements.Model;

    public StoredRow? Find(WriteTransaction transaction, SqlText select, ReadOnlySpan<Value> slots)
    {
        using Statement statement = transaction.Prepare(select);
        statement.Bind(select, slots);
        return statement.Step() ? Read(statement) : null;
    }

    public StoredRow? Find(WriteTransaction transaction, long row) => Find(transaction, Statements.SelectByRow, [Value.From(row)]);

    /// <summary>The rows found, at most so many.</summary>
    public List<StoredRow> FindAll(WriteTransaction transaction, SqlText select, ReadOnlySpan<Value> slots, int rowsMax)
    {
        using Statement statement = transaction.Prepare(select);
        statement.Bind(select, slots);
        List<StoredRow> rows = [];
        while (rows.Count < rowsMax && statement.Step()) rows.Add(Read(statement));
        return rows;
    }

    /// <summary>The rows found for each of many keys, by one statement, where <see cref="WriteStatements.SelectManyBy"/> is.</summary>
    public List<StoredRow>[] FindAll(WriteTransaction transaction, ImmutableArray<Field> fields, List<Value[]> keys)
    {
        SqlText select = Statements.SelectManyBy(fields) ?? throw new InvalidOperationException("keys are asked for one by one here");
        using Statement statement = transaction.Prepare(select);
        BindItems(statement, select, keys.Count, (key, slot) => keys[key][slot]);
        List<StoredRow>[] found = new List<StoredRow>[keys.Count];
        for (int i = 0; i < found.Length; i++) found[i] = [];
        while (statement.Step()) found[(int)statement.ColumnInt64(0) - 1].Add(Read(statement, first: 1));
        return found;
    }

    /// <summary>The rows of a statement that was sent ahead.</summary>
    public List<StoredRow> FindAll(Statement sent)
    {
        List<StoredRow> rows = [];
        while (sent.Step()) rows.Add(Read(sent));
        return rows;
    }

    /// <summary>The look for a record, to be sent ahead.</summary>
    public Statement Looking(WriteTransaction transaction, ReadOnlySpan<Value> key)
    {
        Statement select = transaction.Prepare(Statements.SelectByKey);
        select.Bind(Statements.SelectByKey, key);
        return select;
    }

    /// <summary>The insert of a row, to be sent ahead.</summary>
    public Statement Inserting(WriteTransaction transaction, Value[] row)
    {
        Statement insert = transaction.Prepare(Statements.Insert);
        insert.Bind(Statements.Insert, row);
        return insert;
    }

    /// <summary>The same on a reading connection.</summary>
    public List<StoredRow> FindAll(Connection connection, SqlText select, ReadOnlySpan<Value> slots, int rowsMax)
    {
        using Statement statement = connection.Prepare(select);
        statement.Bind(select, slots);
        List<StoredRow> rows = [];
        while (rows.Count < rowsMax && statement.Step()) rows.Add(Read(statement));
        return rows;
    }

    /// <summary>The record of a stored key (the tenant's part first), trashed or not.</summary>
    public StoredRow? FindByKey(Connection connection, ReadOnlySpan<Value> key) =>
        FindAll(connection, Statements.SelectBy(Model.StoredKey, locks: false), key, rowsMax: 1) is [var found] ? found : null;

    /// <summary>Whether the statement finds anything.</summary>
    public static bool Any(WriteTransaction transaction, SqlText select, ReadOnlySpan<Value> slots)
    {
        using Statement statement = transaction.Prepare(select);
        statement.Bind(select, slots);
        return statement.Step();
    }

    /// <summary>False when a guard of the insert did not hold, or a unique key is taken.</summary>
    /// <param name="transaction">It becomes part of.</param>
    /// <param name="row">Its values.</param>
    /// <param name="sent">The inserts that it went ahead with.</param>
    /// <param name="identity">Of the row.</param>
    public bool TryInsert(WriteTransaction transaction, Value[] row, in SentInsert sent, out long identity)
    {
        if (sent.Shared is { } shared)
        {
            if (!shared.TryTake(row, out identity)) return false;
        }
        else
        {
            using Statement insert = sent.Own ?? Inserting(transaction, row);
            if (!TryRun(transaction, insert, out identity)) return false;
        }
        WriteTerms(transaction, identity, row);
        return true;
    }

    /// <summary>
    /// Inserts all of the rows by one statement, where <see cref="WriteStatements.InsertMany"/> is; false when one of them was refused,
    /// and then none is there.
    /// </summary>
    /// <param name="transaction">It becomes part of.</param>
    /// <param name="rows">In their order.</param>
    /// <param name="identities">Of each row.</param>
    public bool TryInsertAll(WriteTransaction transaction, ReadOnlySpan<Input> rows, out long[] identities)
    {
        Value[][] values = new Value[rows.Length][];
        bool areNew = true;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = rows[i].Values;
            areNew &= HasNewKey(rows[i]);
        }

        List<long> inserted = new(values.Length);
        using (Statement insert = InsertingAll(transaction, values, areNew))
        {
            while (insert.Step()) inserted.Add(insert.ColumnInt64(0));
        }

        identities = [.. inserted];
        if (identities.Length < values.Length)
        {
            foreach (long identity in identities) Delete(transaction, identity);
            return false;
        }

        // Numbers are given in the order of the rows, in whatever order they are told.
        if (!TableShape.IsRowKey(Model)) Array.Sort(identities);
        WriteTerms(transaction, identities, values);
        return true;
    }

    /// <summary>What the inserts of records with new keys join by; those of others join by the table.</summary>
    public object NewKeys { get; } = new();

    /// <summary>The record's key was made for it here, and nothing else of it is unique: no other record can be in its way.</summary>
    public bool HasNewKey(Input input)
    {
        if (Statements.InsertManyNew is null) return false;
        foreach (Field field in _generated)
        {
            if (input.Given[field.Ordinal] == Given.Nothing) return true;
        }
        return false;
    }

    /// <summary>The insert of rows, where <see cref="WriteStatements.InsertMany"/> is.</summary>
    /// <param name="transaction">It becomes part of.</param>
    /// <param name="rows">In their order.</param>
    /// <param name="areNew">All of them have new keys (<see cref="HasNewKey"/>).</param>
    public Statement InsertingAll(WriteTransaction transaction, IReadOnlyList<Value[]> rows, bool areNew)
    {
        SqlText text = (areNew ? Statements.InsertManyNew : Statements.InsertMany)
            ?? throw new InvalidOperationException("rows go one by one here");
        Statement insert = transaction.Prepare(text);
        BindItems(insert, text, rows.Count, (row, slot) => rows[row][slot]);
        return insert;
    }

    /// <summary>The stored key of a row.</summary>
    public RecordKey KeyOf(Value[] row)
    {
        ImmutableArray<Field> key = Model.StoredKey;
        if (key is [var only]) return RecordKey.OfStored(Model.Name, [row[only.Ordinal]]);
        Value[] values = new Value[key.Length];
        for (int i = 0; i < values.Length; i++) values[i] = row[key[i].Ordinal];
        return RecordKey.OfStored(Model.Name, values);
    }

    /// <summary>The same of a row that an insert of many answers.</summary>
    public RecordKey InsertedKey(Statement inserted)
    {
        ImmutableArray<Field> key = Model.StoredKey;
        Value[] values = new Value[key.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = inserted.ColumnValue(i + 1, _kinds[key[i].Ordinal], _scales[key[i].Ordinal]);
        return RecordKey.OfStored(Model.Name, values);
    }

    bool TryRun(WriteTransaction transaction, Statement insert, out long identity)
    {
        if (_returnsRows)
        {
            bool isThere = insert.Step();
            identity = isThere ? insert.ColumnInt64(0) : 0;
            return isThere;
        }
        insert.Run();
        identity = transaction.Connection.LastRow;
        return transaction.Connection.RowsConcerned > 0;
    }

    /// <summary>Writes the fields that differ; the version goes up by one.</summary>
    public void Update(WriteTransaction transaction, StoredRow stored, Value[] after)
    {
        Span<bool> changed = stackalloc bool[Model.Fields.Length];
        for (int i = 0; i < changed.Length; i++) changed[i] = stored.Values[i] != after[i];
        SqlText update = Statements.Update(changed);
        Value[] slots = [.. after, Value.From(stored.Row), Value.From(stored.Version)];
        using (Statement statement = transaction.Prepare(update))
        {
            statement.Bind(update, slots);
            // Where rows are locked when they are read, nothing can have come between.
            statement.RunLater();
            if (!_locksRows && transaction.Connection.RowsConcerned == 0)
            {
                throw new InvalidOperationException(
                    $"a row of {Model.Name} changed between being read and written in one turn of the writer");
            }
        }
        if (!Model.FullText.IsEmpty && TermsDiffer(changed))
        {
            RemoveTerms(transaction, stored.Row);
            WriteTerms(transaction, stored.Row, after);
        }
    }

    public void Delete(WriteTransaction transaction, StoredRow stored)
    {
        Delete(transaction, stored.Row);
        RemoveTerms(transaction, stored.Row);
    }

    void Delete(WriteTransaction transaction, long identity)
    {
        using Statement delete = transaction.Prepare(Statements.Delete);
        delete.BindInt64(1, identity);
        delete.RunLater();
    }

    void WriteTerms(WriteTransaction transaction, long[] identities, Value[][] rows)
    {
        if (Statements.InsertManyTerms is not { } insert) return;
        using Statement statement = transaction.Prepare(insert);
        BindItems(statement, insert, rows.Length, (row, slot) => slot == 0
            ? Value.From(identities[row])
            : Value.From(FullTextTerms.Of(rows[row][_searched[slot - 1].Ordinal])));
        statement.RunLater();
    }

    /// <summary>Binds what a statement for many takes: by the number of the item, from 0, and the slot.</summary>
    static void BindItems(Statement statement, SqlText sql, int items, Func<int, int, Value> value)
    {
        for (int i = 0; i < sql.Parameters.Length; i++)
        {
            if (sql.Parameters[i] is not SlotParameter { Slot: var slot, Kind: var kind })
                throw new InvalidOperationException($"no source of a parameter: {sql.Parameters[i]}");
            Value[] values = new Value[items];
            for (int item = 0; item < items; item++) values[item] = value(item, slot);
            statement.BindItems(i + 1, kind, values);
        }
    }

    void WriteTerms(WriteTransaction transaction, long identity, Value[] row)
    {
        if (Statements.InsertTerms is not { } insert) return;
        using Statement statement = transaction.Prepare(insert);
        statement.BindInt64(1, identity);
        for (int i = 0; i < _searched.Length; i++)
        {
            statement.BindText(i + 2, FullTextTerms.Of(row[_searched[i].Ordinal]));
        }
        statement.RunLater();
    }

    void RemoveTerms(WriteTransaction transaction, long identity)
    {
        if (Statements.DeleteTerms is not { } delete) return;
        using Statement statement = transaction.Prepare(delete);
        statement.BindInt64(1, identity);
        statement.RunLater();
    }

    StoredRow Read(Statement statement, int first = 0)
    {
        Value[] values = new Value[_kinds.Length];
        for (int i = 0; i < values.Length; i++) values[i] = statement.ColumnValue(first + i + 2, _kinds[i], _scales[i]);
        return new(statement.ColumnInt64(first), statement.ColumnInt64(first + 1), values);
    }

    /// <summary>A column of any statement as the value of a field.</summary>
    public static Value Column(Statement statement, int column, Field field) =>
        statement.ColumnValue(column, KindOf(field), field.Type is ScalarFieldType { Scalar: DecimalType type } ? type.Scale : 0);

    bool TermsDiffer(ReadOnlySpan<bool> changed)
    {
        foreach (Field field in _searched)
        {
            if (changed[field.Ordinal]) return true;
        }
        return false;
    }

    static ValueKind KindOf(Field field) => field switch
    {
        { IsJsonStored: true } => ValueKind.Json,
        { Type: ScalarFieldType { Scalar: var scalar } } => scalar.Kind,
        _ => ValueKind.String,
    };
}
