using Plinth.Log;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// The inserts of one model that the commands of a group have, as one statement: a row of a set costs the database, and the way to it, less
/// than a statement. Each command finds its row in the answer by its key, or finds that it was refused, as it would alone.
/// </summary>
/// <param name="table">Of the model.</param>
/// <param name="areNew">Nothing can hold the keys of those that join (<see cref="RecordTable.HasNewKey"/>).</param>
sealed class SentInserts(RecordTable table, bool areNew) : SharedStatement
{
    readonly List<Value[]> _rows = [];
    readonly HashSet<RecordKey> _keys = [];
    WriteTransaction? _transaction;
    Statement? _statement;
    Dictionary<RecordKey, long>? _identities;

    /// <summary>False when a row of this key is there already: which of the two was inserted could not be told.</summary>
    public bool TryJoin(Value[] row)
    {
        if (!_keys.Add(table.KeyOf(row))) return false;
        _rows.Add(row);
        return true;
    }

    /// <summary>The identity of a row that joined; false when it was refused.</summary>
    public bool TryTake(Value[] row, out long identity) => (_identities ??= Take()).TryGetValue(table.KeyOf(row), out identity);

    protected internal override void Send(WriteTransaction transaction)
    {
        _transaction = transaction;
        _statement = table.InsertingAll(transaction, _rows, areNew);
        _statement.Send();
    }

    Dictionary<RecordKey, long> Take()
    {
        if (_statement is not { } sent || _transaction is not { } transaction) throw new InvalidOperationException("nothing was sent");
        Dictionary<RecordKey, long> identities = new(_rows.Count);
        using (sent)
        {
            while (sent.Step()) identities.Add(table.InsertedKey(sent), sent.ColumnInt64(0));
        }

        transaction.SharedRows += identities.Count;
        return identities;
    }
}
