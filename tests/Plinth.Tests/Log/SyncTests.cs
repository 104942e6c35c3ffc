using System.Diagnostics;
using System.Text.RegularExpressions;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// <c>kill -9</c> says nothing about the loss of power: what is in the system's cache survives it. So the system calls are watched: between
/// the last write of a commit to the write-ahead log and the reply there must be a flush of that file that began after the write.
/// </summary>
public sealed partial class SyncTests
{
    [Fact]
    public async Task Every_reply_follows_a_flush_of_the_log_that_began_after_its_commit()
    {
        List<string> calls = await WatchAsync(Durability.Full);
        (int replies, int unflushed) = Judge(calls);
        Assert.Equal(40, replies);
        Assert.Equal(0, unflushed);
    }

    [Fact]
    public async Task The_same_check_fails_where_nothing_is_flushed()
    {
        List<string> calls = await WatchAsync(Durability.Off);
        (int replies, int unflushed) = Judge(calls);
        Assert.Equal(40, replies);
        Assert.Equal(40, unflushed);
    }

    [Theory]
    [InlineData("write", 1)]
    [InlineData("write sync", 0)]
    [InlineData("sync write", 1)]
    [InlineData("begin write end", 1)]
    [InlineData("write begin end", 0)]
    [InlineData("write begin", 1)]
    [InlineData("write sync other", 0)]
    [InlineData("write othersync", 1)]
    public void The_check_itself_knows_a_late_an_early_and_an_unfinished_flush(string story, int unflushed)
    {
        Dictionary<string, string> lines = new()
        {
            ["write"] = "7 pwrite64(21</d/data.db-wal>, \"x\"..., 4096, 32) = 4096",
            ["other"] = "7 pwrite64(20</d/data.db>, \"x\"..., 4096, 0) = 4096",
            ["sync"] = "7 fdatasync(21</d/data.db-wal>) = 0",
            ["othersync"] = "7 fdatasync(20</d/data.db>) = 0",
            ["begin"] = "7 fdatasync(21</d/data.db-wal> <unfinished ...>",
            ["end"] = "7 <... fdatasync resumed>) = 0",
        };
        List<string> calls = [.. story.Split(' ').Select(word => lines[word]), "8 write(1<pipe:[1]>, \"ack\\n\", 4) = 4"];
        Assert.Equal((1, unflushed), Judge(calls));
    }

    /// <summary>Replies, and those of them that no flush went before.</summary>
    static (int Replies, int Unflushed) Judge(List<string> calls)
    {
        int replies = 0, unflushed = 0;
        bool isDirty = false, isClean = false;
        HashSet<string> flushing = [];
        foreach (string call in calls)
        {
            string thread = call[..call.IndexOf(' ', StringComparison.Ordinal)];
            if (LogWrite().IsMatch(call))
            {
                // A flush that began before this write promises nothing about it.
                (isDirty, isClean) = (true, false);
                flushing.Clear();
            }
            else if (LogFlush().IsMatch(call))
            {
                if (call.Contains("<unfinished", StringComparison.Ordinal)) flushing.Add(thread);
                else isClean = true;
            }
            else if (call.Contains("<... fdatasync resumed>", StringComparison.Ordinal)
                || call.Contains("<... fsync resumed>", StringComparison.Ordinal))
            {
                isClean |= flushing.Remove(thread);
            }
            else if (call.Contains("\"ack\\n\"", StringComparison.Ordinal) && !call.Contains("resumed>", StringComparison.Ordinal))
            {
                replies++;
                if (!isDirty || !isClean) unflushed++;
                (isDirty, isClean) = (false, false);
            }
        }

        return (replies, unflushed);
    }

    static async Task<List<string>> WatchAsync(Durability durability)
    {
        await Strace.InstallAsync();
        using TempFolder folder = new();
        string trace = folder.File("trace");
        using Process process = StoreProcess.Start(
            ["strace", "-f", "-y", "-qq", "-s", "16", "-e", "trace=fdatasync,fsync,pwrite64,write", "-o", trace],
            "store-sync", folder.Path, durability.ToString());
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        using CancellationTokenSource bound = new(TimeSpan.FromMinutes(2));
        await process.WaitForExitAsync(bound.Token);
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(40, (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        return [.. await File.ReadAllLinesAsync(trace)];
    }

    [GeneratedRegex(@" pwrite64\(\d+<[^>]*data\.db-wal>")]
    private static partial Regex LogWrite();

    [GeneratedRegex(@" f(data)?sync\(\d+<[^>]*data\.db-wal>")]
    private static partial Regex LogFlush();
}
