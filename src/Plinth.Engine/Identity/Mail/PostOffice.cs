using System.Threading.Channels;

namespace Plinth.Identity.Mail;

/// <summary>
/// Work that no answer waits for, and least of all its duration: whether there is anyone to write to is found out here, behind a reply
/// that is the same for everybody. Bounded; a letter that does not leave is tried again twice, then told to the log.
/// </summary>
sealed class PostOffice : IAsyncDisposable
{
    const int WaitingMax = 1000, TriesMax = 3;

    readonly Channel<Func<CancellationToken, ValueTask<Letter?>>> _orders =
        Channel.CreateBounded<Func<CancellationToken, ValueTask<Letter?>>>(WaitingMax);
    readonly Mailer _mailer;
    readonly Action<string> _warn;
    readonly CancellationTokenSource _stop = new();
    readonly Task _worker;

    public PostOffice(Mailer mailer, Action<string> warn)
    {
        (_mailer, _warn) = (mailer, warn);
        _worker = WorkAsync();
    }

    /// <summary>Takes an order for later: what makes the letter, or finds that none is due. False when too many wait.</summary>
    public bool TryOrder(Func<CancellationToken, ValueTask<Letter?>> letter) => _orders.Writer.TryWrite(letter);

    /// <summary>Delivers what was ordered, for as long as five seconds, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _orders.Writer.TryComplete();
        _stop.CancelAfter(TimeSpan.FromSeconds(5));
        await _worker.ConfigureAwait(false);
        _stop.Dispose();
    }

    async Task WorkAsync()
    {
        try
        {
            await foreach (var order in _orders.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false)) await DeliverAsync(order)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _warn("mail was still waiting when the server stopped");
        }
    }

    async Task DeliverAsync(Func<CancellationToken, ValueTask<Letter?>> order)
    {
        try
        {
            if (await order(_stop.Token).ConfigureAwait(false) is not { } letter) return;
            for (int tries = 1; ; tries++)
            {
                try
                {
                    await _mailer.SendAsync(letter, _stop.Token).ConfigureAwait(false);
                    return;
                }
                catch (MailException e) when (tries < TriesMax && !e.IsFinal)
                {
                    await Task.Delay(TimeSpan.FromSeconds(tries), _stop.Token).ConfigureAwait(false);
                }
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // One letter that cannot be made or sent must not end the office; it is not lost silently.
            _warn($"a mail did not leave: {e.Message}");
        }
    }
}
