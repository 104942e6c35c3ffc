using System.Diagnostics;

namespace Plinth.Realtime;

/// <summary>A real Chromium: Debian's, found or installed, driven by npm's <c>playwright-core</c> in a process of Node.</summary>
static class Browser
{
    static readonly string[] s_paths =
        ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    static readonly Lazy<string> s_executable = new(() => s_paths.FirstOrDefault(File.Exists) ?? Install());

    /// <summary>Runs a script that says on its last line that it is done.</summary>
    /// <param name="name">Of the script's file.</param>
    /// <param name="script">Imports <c>chromium</c> from playwright-core and launches what its first argument names.</param>
    /// <param name="arguments">Those after the first.</param>
    public static async Task RunAsync(string name, string script, params string[] arguments)
    {
        string folder = await NpmPackages.InstallAsync("browser", "playwright-core@1.65.1");
        string file = Path.Combine(folder, name + ".mjs");
        await File.WriteAllTextAsync(file, script);
        ProcessStartInfo start = new("node", [file, s_executable.Value, .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder,
        };
        using Process node = Process.Start(start) ?? throw new InvalidOperationException("node did not start");
        try
        {
            Task<string> output = node.StandardOutput.ReadToEndAsync(), errors = node.StandardError.ReadToEndAsync();
            await node.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(3));
            string said = await output + await errors;
            Assert.True(node.ExitCode == 0 && (await output).TrimEnd().EndsWith("done", StringComparison.Ordinal), said);
        }
        finally
        {
            if (!node.HasExited) node.Kill(entireProcessTree: true);
        }
    }

    static string Install()
    {
        string[] sudo = Environment.UserName == "root" ? [] : ["sudo", "-n"];
        Run([.. sudo, "apt-get", "update", "-qq"]);
        Run([.. sudo, "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends",
            "chromium-headless-shell", "fonts-liberation"]);
        return s_paths.FirstOrDefault(File.Exists) ?? throw new InvalidOperationException("the tests need Chromium, and apt-get has none");
    }

    static void Run(string[] arguments)
    {
        using Process apt = Process.Start(new ProcessStartInfo("env", arguments) { RedirectStandardOutput = true })!; // Started, or throws.
        _ = apt.StandardOutput.ReadToEndAsync();
        if (!apt.WaitForExit(TimeSpan.FromMinutes(5))) throw new TimeoutException("apt-get");
    }
}
