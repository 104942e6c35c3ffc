using System.Globalization;
using Spectre.Console;

namespace Plinth.Cli.Commands;

/// <summary>A bar on standard error while something long runs; nothing where nobody looks.</summary>
static class Progress
{
    /// <param name="total">The value at which it is done; 0 when that is not known.</param>
    /// <param name="work">Gets the function that tells how far it is.</param>
    /// <param name="unit">What is counted: its rate is shown, too.</param>
    public static async Task<T> RunAsync<T>(
        Shell shell, bool noColor, string what, long total, Func<Action<long>, Task<T>> work, string? unit = null)
    {
        if (!shell.IsTerminal) return await work(_ => { });
        long started = shell.Time.GetTimestamp();
        T result = default!; // set by the one task below, or its exception leaves this method
        await shell.Drawing(noColor).Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async bars =>
            {
                ProgressTask bar = bars.AddTask(Markup.Escape(what), maxValue: Math.Max(1, total));
                bar.IsIndeterminate = total == 0;
                result = await work(done =>
                {
                    bar.Value = Math.Min(done, Math.Max(1, total));
                    double seconds = Math.Max(0.001, shell.Time.GetElapsedTime(started).TotalSeconds);
                    if (unit is not null) bar.Description = Markup.Escape(Invariant($"{what}, {done / seconds:N0} {unit}/s"));
                });
                bar.Value = bar.MaxValue;
            });
        return result;
    }

    static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
