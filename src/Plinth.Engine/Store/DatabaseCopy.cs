namespace Plinth.Store;

/// <summary>Another server that follows the database's own: what it shows is as the database was a moment ago. Only to be read.</summary>
/// <param name="name">For metrics and messages, without user and password.</param>
/// <param name="lend">Lends a connection, as <c>Database.ReadAsync</c> does.</param>
sealed class DatabaseCopy(string name, Func<ReadLane, CancellationToken, ValueTask<ReadLease>> lend)
{
    public string Name => name;

    public ValueTask<ReadLease> ReadAsync(ReadLane lane, CancellationToken cancel) => lend(lane, cancel);
}
