using System.Diagnostics;
using Plinth.Cases;

namespace Plinth.Realtime;

/// <summary>Packages of npm for tests with real clients, installed once into <c>artifacts/npm</c>.</summary>
static class NpmPackages
{
    static readonly SemaphoreSlim s_installing = new(1, 1);

    /// <param name="name">Of the folder.</param>
    /// <param name="packages">With their versions.</param>
    /// <returns>The folder that holds them.</returns>
    public static async Task<string> InstallAsync(string name, params string[] packages)
    {
        string folder = Path.Combine(Corpus.Root, "artifacts", "npm", name);
        string done = Path.Combine(folder, ".installed"), wanted = string.Join(' ', packages);
        await s_installing.WaitAsync();
        try
        {
            if (File.Exists(done) && await File.ReadAllTextAsync(done) == wanted) return folder;
            Directory.CreateDirectory(folder);
            ProcessStartInfo npm = new(
                "npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder, .. packages])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            };
            using Process process = Process.Start(npm) ?? throw new InvalidOperationException("npm did not start");
            Task<string> errors = process.StandardError.ReadToEndAsync();
            _ = process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(4));
            if (process.ExitCode != 0) throw new InvalidOperationException("npm could not install " + wanted + ": " + await errors);
            await File.WriteAllTextAsync(done, wanted);
            return folder;
        }
        finally
        {
            s_installing.Release();
        }
    }
}
