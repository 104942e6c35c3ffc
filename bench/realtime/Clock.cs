using System.Diagnostics;

namespace Plinth.RealtimeLoad;

/// <summary>Time that has passed, and processor time of a process.</summary>
static class Clock
{
    public static double Milliseconds => Stopwatch.GetTimestamp() * 1000.0 / Stopwatch.Frequency;

    /// <summary>Processor milliseconds of a process, all its threads together; in steps of ten.</summary>
    public static double Processor(int pid)
    {
        string text = File.ReadAllText($"/proc/{pid}/stat");
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11]) + long.Parse(fields[12])) * 10.0;
    }

    public static double[] Percentiles(List<double> values, params double[] shares)
    {
        double[] sorted = [.. values.Order()];
        return [.. shares.Select(share => sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))])];
    }
}
