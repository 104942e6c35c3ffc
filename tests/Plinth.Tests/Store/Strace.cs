using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Plinth.Store;

/// <summary>The program that watches system calls, and kills at them.</summary>
static partial class Strace
{
    /// <summary>The test brings its tool: without it there is no telling, and a test that tells nothing must not pass.</summary>
    public static async Task InstallAsync()
    {
        if (Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(path => File.Exists(Path.Combine(path, "strace")))) return;
        foreach (string[] step in new string[][] { ["update", "-qq"], ["install", "-y", "-qq", "strace"] })
        {
            // Started, or throws.
            using Process apt = Process.Start(new ProcessStartInfo("apt-get", step) { RedirectStandardOutput = true })!;
            await apt.StandardOutput.ReadToEndAsync();
            await apt.WaitForExitAsync();
            Assert.True(apt.ExitCode == 0, "strace is not installed and could not be: install it, this test reads system calls");
        }
    }

    /// <summary>
    /// Runs a process once for each of its calls that change something about the files, and kills it there; the last run lives.
    /// </summary>
    /// <param name="files">Calls about others do not count.</param>
    /// <param name="run">Starts the process under the given program, in a state of the files that is the same each time.</param>
    /// <param name="look">Looks at what a run has left.</param>
    public static async Task KillAtEachStepAsync(string[] files, Func<IReadOnlyList<string>, Process> run, Action<string> look)
    {
        await InstallAsync();
        using TempFolder folder = new();
        string trace = folder.File("trace");
        List<string> steps = [];
        Dictionary<string, int> seen = new(StringComparer.Ordinal);
        Assert.Equal(0, await EndAsync(run(Under(trace, $"trace={Changes}", files))));
        foreach (string line in await File.ReadAllLinesAsync(trace))
        {
            Match call = Call().Match(line);
            if (!call.Success) continue;
            string name = call.Groups[1].Value;
            seen[name] = seen.GetValueOrDefault(name) + 1;
            steps.Add(string.Create(CultureInfo.InvariantCulture, $"inject={name}:signal=KILL:when={seen[name]}"));
        }

        foreach (string step in steps)
        {
            Assert.NotEqual(0, await EndAsync(run(Under(trace, step, files))));
            look(step);
        }

        Assert.Equal(0, await EndAsync(run([])));
        look("lived");
    }

    static IReadOnlyList<string> Under(string trace, string what, string[] files) =>
        ["strace", "-f", "-qq", "-o", trace, "-e", what, .. files.SelectMany(file => (string[])["-P", file])];

    static async Task<int> EndAsync(Process process)
    {
        using (process)
        {
            await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
    }

    const string Changes = "rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,fsync,fdatasync,ftruncate,write,pwrite64,"
        + "copy_file_range,sendfile,chmod,fchmod";

    [GeneratedRegex(@"^\d+ +(\w+)\(")]
    private static partial Regex Call();
}
