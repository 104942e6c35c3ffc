using System.Diagnostics;
using Plinth.Cases;

namespace Plinth.Auth;

/// <summary>Packages of npm on the other side of a test: installed once into <c>artifacts/npm</c>, without their scripts.</summary>
static class NpmPackage
{
    static readonly SemaphoreSlim s_installing = new(1, 1);

    /// <summary>The folder in which node finds the package.</summary>
    public static async Task<string> InstallAsync(string name, string version)
    {
        string folder = Path.Combine(Corpus.Root, "artifacts", "npm", $"{name}-{version}"), done = Path.Combine(folder, ".installed");
        await s_installing.WaitAsync();
        try
        {
            for (int tries = 0; !File.Exists(done); tries++)
            {
                Directory.CreateDirectory(folder);
                ProcessStartInfo npm = new("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder,
                    $"{name}@{version}"]) { RedirectStandardOutput = true, RedirectStandardError = true };
                using Process process = Process.Start(npm) ?? throw new InvalidOperationException("npm did not start");
                Task<string> errors = process.StandardError.ReadToEndAsync();
                _ = process.StandardOutput.ReadToEndAsync();
                using CancellationTokenSource bound = new(TimeSpan.FromMinutes(4));
                try
                {
                    await process.WaitForExitAsync(bound.Token);
                }
                catch (OperationCanceledException)
                {
                    process.Kill(entireProcessTree: true);
                }
                if (process.HasExited && process.ExitCode == 0) await File.WriteAllTextAsync(done, "");
                else if (tries == 1) throw new InvalidOperationException($"npm could not install {name}: " + await errors);
            }
            return folder;
        }
        finally
        {
            s_installing.Release();
        }
    }

    /// <summary>Runs a module that imports the package; gives what it writes once it is done.</summary>
    public static async Task<string> RunAsync(string folder, string file, string script, params string[] arguments)
    {
        using Process process = await StartAsync(folder, file, script, arguments);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
        return process.ExitCode == 0 ? output
            : throw new InvalidOperationException($"{file} ended with {process.ExitCode}: {await errors}");
    }

    public static async Task<Process> StartAsync(string folder, string file, string script, params string[] arguments)
    {
        // A name of its own for each run: two at once must not write one file.
        string path = Path.Combine(folder, $"{Guid.NewGuid():n}-{file}");
        await File.WriteAllTextAsync(path, script);
        ProcessStartInfo start = new("node", [path, .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = folder,
        };
        return Process.Start(start) ?? throw new InvalidOperationException("node did not start");
    }
}
