using Spectre.Console;

namespace Plinth.Cli.Commands;

/// <summary>A bar on standard error while something long runs; nothing where nobody looks.</summary>
static class Progress
{
    /// <param name="total">The value at which it is done; 0 when that is not known.</param>
    /// <param name="work">Gets the function that tells how far it is.</param>
    public static async Task<T> RunAsync<T>(Shell shell, bool noColor, string what, long total, Func<Action<long>, Task<T>> work)
    {
        if (!shell.IsTerminal) return await work(_ => { });
        T result = default!; // set by the one task below, or its exception leaves this method
        await shell.Drawing(noColor).Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async bars =>
            {
                ProgressTask bar = bars.AddTask(Markup.Escape(what), maxValue: Math.Max(1, total));
                bar.IsIndeterminate = total == 0;
                result = await work(done => bar.Value = Math.Min(done, Math.Max(1, total)));
                bar.Value = bar.MaxValue;
            });
        return result;
    }
}
