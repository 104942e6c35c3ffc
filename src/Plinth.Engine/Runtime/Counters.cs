using Plinth.Log;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// The numbers of <c>autoincrement()</c>. They are taken in the transaction of the record, so a refused record leaves no gap, and
/// kept apart
/// from the records, so the number of a removed one never comes again: the log knows records by it.
/// </summary>
static class Counters
{
    public const string Table = "plinth_counters";

    const string Take = $"insert into {Table} (model, field, last) values (?1, ?2, ?3) "
        + $"on conflict (model, field) do update set last = {Table}.last + excluded.last returning last";

    const string Raise = $"insert into {Table} (model, field, last) values (?1, ?2, ?3) "
        + $"on conflict (model, field) do update set last = excluded.last where excluded.last > {Table}.last";

    public static void Create(Connection connection, Dialect dialect)
    {
        string integer = dialect.ColumnType(ValueKind.Int), text = dialect.ColumnType(ValueKind.String);
        connection.Execute($"create table if not exists {Table} (model {text} not null, field {text} not null, last {integer} not null, "
            + "primary key (model, field))");
    }

    /// <summary>The first of so many numbers that follow one another.</summary>
    public static long Next(WriteTransaction transaction, string model, string field, int count = 1)
    {
        using Statement take = transaction.Prepare(Take);
        take.BindText(1, model);
        take.BindText(2, field);
        take.BindInt64(3, count);
        long next = take.Step() ? take.ColumnInt64(0) - count + 1 : throw new InvalidOperationException("a counter without a number");
        // A statement that returns rows has written only when it has run to its end.
        if (take.Step()) throw new InvalidOperationException("a counter with two numbers");
        return next;
    }

    /// <summary>A number that came from outside: the counter goes on after it.</summary>
    public static void Pass(WriteTransaction transaction, string model, string field, long number)
    {
        using Statement raise = transaction.Prepare(Raise);
        raise.BindText(1, model);
        raise.BindText(2, field);
        raise.BindInt64(3, number);
        raise.Run();
    }
}
