namespace Plinth.Store;

/// <summary>
/// Short texts between the processes of one database, told at once and kept nowhere: whoever does not listen at that moment never hears of
/// them. Every process hears all of them, its own too, each sender's in order.
/// </summary>
abstract class Bus : IAsyncDisposable
{
    /// <summary>Characters (ASCII) of one text.</summary>
    public const int TextMax = 7900;

    /// <summary>Sends without waiting. False when too many wait already; then it is not sent.</summary>
    public abstract bool TrySend(string text);

    /// <summary>Sends what waits, for a moment, and closes.</summary>
    public abstract ValueTask DisposeAsync();
}
