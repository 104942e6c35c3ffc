namespace Plinth.Store;

/// <summary>Another server that follows the database's own: what it shows is as the database was a moment ago. Only to be read.</summary>
/// <param name="name">For metrics and messages, without user and password.</param>
/// <param name="lend">Lends a connection, as <see cref="Database.Read"/> does.</param>
sealed class DatabaseCopy(string name, Func<CancellationToken, ReadLease> lend)
{
    public string Name => name;

    public ReadLease Read(CancellationToken cancel) => lend(cancel);
}
