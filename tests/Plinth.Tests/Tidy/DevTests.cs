using System.Diagnostics;
using Plinth.Cases;
using Plinth.Store;

namespace Plinth.Tidy;

/// <summary>What <c>./dev</c> says of test projects that end in every way there is, with a stand-in for <c>dotnet</c>.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class DevTests : IDisposable
{
    const string Core = "Plinth.Core.Tests", All = "Plinth.Tests", Postgres = "Plinth.Tests@postgres";

    readonly TempFolder _folder = new();

    public DevTests()
    {
        foreach (string folder in new[] { "tests/" + Core, "tests/" + All, "src/Plinth.Core", "stand-in", "ends" })
            Directory.CreateDirectory(_folder.File(folder));
        File.Copy(Path.Combine(Corpus.Root, "dev"), _folder.File("dev"));
        foreach (string file in new[] { "Directory.Build.props", "Directory.Packages.props" }) File.WriteAllText(_folder.File(file), "");
        string dotnet = _folder.File("stand-in/dotnet");
        File.WriteAllText(dotnet, """
            #!/usr/bin/env bash
            name=$(basename "$2")${PLINTH_TEST_DATABASE:+@$PLINTH_TEST_DATABASE}
            if [ "$1" = build ]; then [ -e "ends/$name" ]; exit; fi
            cat "ends/$name"
            if [ -e "ends/$name.waits" ]; then echo $$ > "ends/$name.waits"; sleep 600; fi
            exit "$(cat "ends/$name.code")"

            """);
        File.SetUnixFileMode(dotnet, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        const string passed = "Passed!  - Failed:     0, Passed:  ";
        Ends(Core, 0, passed + "1500, Skipped:     0, Total:  1500, Duration: 9 m - Plinth.Core.Tests.dll (net10.0)");
        Ends(All, 0, passed + "  70, Skipped:     0, Total:    70, Duration: 9 m - Plinth.Tests.dll (net10.0)");
        Ends(Postgres, 0, passed + "   8, Skipped:     0, Total:     8, Duration: 9 m - Plinth.Tests.dll (net10.0)");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_soak_that_ends_well_says_so_of_every_project()
    {
        string report = Soak(exitCode: 0, last: "1578 passed, 0 failed");
        Assert.Contains("\nPlinth.Core.Tests: 1500 passed, 0 failed\n", report, StringComparison.Ordinal);
        Assert.Contains("\nPlinth.Tests: 70 passed, 0 failed\n", report, StringComparison.Ordinal);
        Assert.Contains("\nPlinth.Tests@postgres: 8 passed, 0 failed\n", report, StringComparison.Ordinal);
        Assert.Contains("\n1578 passed, 0 failed\n\nEnded ", report, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(134, "")]
    [InlineData(1, "Data collector 'Blame' message: The specified inactivity time of 1 hour has elapsed.")]
    [InlineData(0, "")]
    [InlineData(137, "Passed!  - Failed:     0, Passed:    60, Skipped:     0, Total:    60, Duration: 9 m - Plinth.Tests.dll (net10.0)")]
    [InlineData(1, "The active test run was aborted. Reason: Test host process crashed\n"
        + "Failed!  - Failed:     1, Passed:    60, Skipped:     0, Total:    61, Duration: 9 m - Plinth.Tests.dll (net10.0)")]
    public void A_project_that_died_fails_the_soak_and_is_named_and_the_others_run_all_the_same(int code, string said)
    {
        Ends(All, code, said);
        int passed = 1508 + (said.Contains("Passed:", StringComparison.Ordinal) ? 60 : 0);
        int failed = said.Contains("Failed:     1", StringComparison.Ordinal) ? 2 : 1;
        string report = Soak(exitCode: 1, last: $"{passed} passed, {failed} failed");
        Assert.Contains($"\nPlinth.Tests: died, hung or was stopped (exit code {code})", report, StringComparison.Ordinal);
        Assert.Contains("\nPlinth.Tests@postgres: 8 passed, 0 failed\n", report, StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_that_failed_is_named_in_the_report()
    {
        Ends(Postgres, 1, """
              Failed Plinth.Log.ReplayTests.Random_histories [3 s]
              Error Message:
               seed 5: it differs
            Failed!  - Failed:     1, Passed:     7, Skipped:     0, Total:     8, Duration: 9 m - Plinth.Tests.dll (net10.0)
            """);
        string report = Soak(exitCode: 1, last: "1577 passed, 1 failed");
        Assert.Contains("- failed: Plinth.Log.ReplayTests.Random_histories [3 s]\n", report, StringComparison.Ordinal);
        Assert.DoesNotContain("died", report, StringComparison.Ordinal);
    }

    [Fact]
    public void A_project_that_does_not_build_fails_the_soak()
    {
        File.Delete(_folder.File("ends/" + All));
        string report = Soak(exitCode: 1, last: "1500 passed, 1 failed");
        Assert.Contains("\nPlinth.Tests: does not build\n", report, StringComparison.Ordinal);
    }

    [Fact]
    public void A_soak_that_is_stopped_says_so_at_once_and_leaves_nothing_running()
    {
        string waits = _folder.File($"ends/{All}.waits");
        File.WriteAllText(waits, "");
        using Process dev = Start(_folder.File("report.md"));
        Assert.True(SpinWait.SpinUntil(() => int.TryParse(File.ReadAllText(waits), out _), s_bound), "it does not begin");
        using Process test = Process.GetProcessById(int.Parse(File.ReadAllText(waits), null));
        using Process stop = Process.Start("bash", ["-c", $"kill {dev.Id}"]);
        Assert.True(dev.WaitForExit(s_bound) && test.WaitForExit(s_bound), "it does not end");
        Assert.Equal(1, dev.ExitCode);
        Assert.EndsWith("\nStopped before its end: what would have followed is missing.\n", File.ReadAllText(_folder.File("report.md")),
            StringComparison.Ordinal);
    }

    static readonly TimeSpan s_bound = TimeSpan.FromMinutes(2);

    void Ends(string project, int code, string said)
    {
        File.WriteAllText(_folder.File($"ends/{project}"), said + "\n");
        File.WriteAllText(_folder.File($"ends/{project}.code"), $"{code}");
    }

    /// <summary>The report of a soak that ends with the code and the line.</summary>
    string Soak(int exitCode, string last)
    {
        string report = _folder.File("report.md");
        using Process dev = Start(report);
        Task<string> warnings = dev.StandardError.ReadToEndAsync();
        string[] said = dev.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(dev.WaitForExit(s_bound), "it does not end");
        Assert.Equal((last, exitCode), (said[^2], dev.ExitCode));
        Assert.True(warnings.IsCompleted || warnings.Wait(s_bound));
        return File.ReadAllText(report);
    }

    Process Start(string report)
    {
        ProcessStartInfo start = new("bash", [_folder.File("dev"), "soak"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = _folder.File("stand-in") + ":" + Environment.GetEnvironmentVariable("PATH");
        start.Environment["PLINTH_SOAK_REPORT"] = report;
        return Process.Start(start) ?? throw new InvalidOperationException("bash does not start");
    }
}
