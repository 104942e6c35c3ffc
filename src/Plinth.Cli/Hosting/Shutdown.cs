using System.Runtime.InteropServices;

namespace Plinth.Cli.Hosting;

/// <summary>SIGINT and SIGTERM ask for an orderly end; a second one ends the process as it would have.</summary>
sealed class Shutdown : IDisposable
{
    readonly CancellationTokenSource _asked;
    readonly PosixSignalRegistration _interrupt;
    readonly PosixSignalRegistration _terminate;

    public Shutdown(CancellationToken cancel)
    {
        _asked = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Ask);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ask);
    }

    /// <summary>Cancelled when the process is asked to end.</summary>
    public CancellationToken Asked => _asked.Token;

    /// <summary>Completes when the process is asked to end.</summary>
    public async Task WaitAsync()
    {
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = _asked.Token.Register(ended.SetResult);
        await ended.Task;
    }

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _asked.Dispose();
    }

    void Ask(PosixSignalContext signal)
    {
        if (_asked.IsCancellationRequested) return;
        signal.Cancel = true;
        _asked.Cancel();
    }
}
