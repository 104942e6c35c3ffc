using Microsoft.Extensions.Logging;

namespace Plinth.Http;

/// <summary>Kestrel's own log, from warnings on, joined to ours. Its messages are about connections; what they format is its own.</summary>
sealed class KestrelLog(ServiceLog log, EarlyRefusals refusals) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => categoryName == EarlyRefusals.LogCategory ? refusals : this;

    public void AddProvider(ILoggerProvider provider) => throw new InvalidOperationException("there is one log, and it is given at start");

    public bool IsEnabled(LogLevel logLevel) =>
        logLevel is >= LogLevel.Warning and < LogLevel.None
            && log.IsOn(logLevel == LogLevel.Warning ? LogLevelMin.Warning : LogLevelMin.Error);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
        string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        string message = formatter(state, null);
        LogLevelMin level = logLevel == LogLevel.Warning ? LogLevelMin.Warning : LogLevelMin.Error;
        if (exception is null) log.Event(level, message);
        else log.Event(level, message, ("error", ServiceLog.Describe(exception)));
    }

    public void Dispose()
    {
    }
}
