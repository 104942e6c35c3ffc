using System.Diagnostics;
using System.Globalization;

namespace Plinth.Store.Postgres;

/// <summary>
/// A PostgreSQL server of the test run's own: made in a temporary folder from the machine's binaries (installed where there are none), on a
/// socket of that folder, stopped with the process. What a run that was killed has left behind, the next one stops and removes.
/// </summary>
sealed class PostgresCluster : IDisposable
{
    const string Prefix = "plinth-postgres-";
    const string User = "plinth";

    static readonly Lazy<PostgresCluster> s_shared = new(static () => Start("fsync=off"));

    readonly string _folder;
    readonly string _settings;

    PostgresCluster(string folder, string settings) => (_folder, _settings) = (folder, settings);

    /// <summary>The one of this run, without flushing: what it holds is thrown away.</summary>
    public static PostgresCluster Shared => s_shared.Value;

    public static PostgresCluster Start(string settings)
    {
        PostgresCluster cluster = New(settings);
        AsAccount("initdb", ["-D", cluster.Data, "-U", User, "-A", "trust", "--locale=C", "-E", "UTF8", "--no-sync", "--no-instructions"]);
        cluster.Begin();
        return cluster;
    }

    /// <summary>A server that follows another one, on a port of its own, and may be promoted.</summary>
    public static PostgresCluster Follow(int primaryPort, string settings)
    {
        PostgresCluster cluster = New(settings);
        string port = primaryPort.ToString(CultureInfo.InvariantCulture);
        AsAccount("pg_basebackup", ["-h", "127.0.0.1", "-p", port, "-U", User, "-D", cluster.Data, "-R", "-c", "fast", "--no-sync"]);
        cluster.Begin();
        return cluster;
    }

    static PostgresCluster New(string settings)
    {
        RemoveAbandoned();
        string folder = Path.Combine(
            Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():n}")[..44]);
        Directory.CreateDirectory(folder);
        Give(folder);
        PostgresCluster cluster = new(folder, settings);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => cluster.Dispose();
        return cluster;
    }

    /// <summary>Makes a file one of the server's account.</summary>
    public static void Give(string path)
    {
        if (IsRoot) Run("chown", [Account(), path]);
    }

    /// <summary>A URL over TCP, for servers that listen there.</summary>
    public static string UrlAt(int port, string database = "postgres", string options = "sslmode=disable") =>
        string.Create(CultureInfo.InvariantCulture, $"postgres://{User}@localhost:{port}/{database}?{options}");

    /// <summary>Its socket's folder.</summary>
    public string Folder => _folder;

    /// <summary>Writes a schema of it to a file, as an operator does.</summary>
    public void Dump(string schema, string file) => AsAccount(
        "pg_dump", ["-h", _folder, "-U", User, "-d", "postgres", "-n", schema, "-Fc", "-f", file]);

    /// <summary>Puts back what <see cref="Dump"/> wrote, where there is nothing of the name.</summary>
    public void Restore(string file) => AsAccount("pg_restore", ["-h", _folder, "-U", User, "-d", "postgres", "-1", file]);

    public void Promote() => AsAccount("pg_ctl", ["-D", Data, "-w", "-s", "promote"]);

    /// <summary>
    /// A program of the machine as the server's account, installed with a package where it is not there; it runs until it is killed.
    /// </summary>
    public static Process Serve(string program, string package, string[] arguments)
    {
        if (!File.Exists(program)) Install(package);
        ProcessStartInfo start = IsRoot ? new("runuser", ["-u", Account(), "--", program, .. arguments]) : new(program, arguments);
        (start.RedirectStandardError, start.RedirectStandardOutput) = (true, true);
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start");
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Kill(process);
        return process;
    }

    public static void Kill(Process process)
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
    }

    string Data => Path.Combine(_folder, "data");

    /// <summary>The URL of a database, with further options.</summary>
    public string Url(string database = "postgres", string options = "") =>
        $"postgres://{User}@localhost/{database}?host={Uri.EscapeDataString(_folder)}{options}";

    public void Begin() => AsAccount(
        "pg_ctl",
        ["-D", Data, "-w", "-t", "300", "-s", "-l", Path.Combine(_folder, "log"), "-o",
            $"-k {_folder} -c listen_addresses='' -c max_connections=300 -c shared_buffers=64MB -c jit=off -c {_settings}", "start"]);

    /// <param name="mode"><c>fast</c> ends sessions, <c>immediate</c> leaves recovery to the next start, as a crash does.</param>
    public void Stop(string mode) => AsAccount("pg_ctl", ["-D", Data, "-m", mode, "-w", "-s", "stop"]);

    public void Dispose()
    {
        if (!Directory.Exists(_folder)) return;
        if (File.Exists(Path.Combine(Data, "postmaster.pid"))) Stop("immediate");
        Directory.Delete(_folder, recursive: true);
    }

    static readonly Lock s_removing = new();

    /// <summary>Clusters whose test process is gone.</summary>
    static void RemoveAbandoned()
    {
        lock (s_removing) RemoveAbandonedOnes();
    }

    static void RemoveAbandonedOnes()
    {
        foreach (string folder in Directory.GetDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            string owner = Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
            if (int.TryParse(owner, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && IsRunning(id)) continue;
            try
            {
                new PostgresCluster(folder, "").Dispose();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException or TimeoutException)
            {
                // Another run is at it too: whichever of us is later finds files gone, or a folder that is not empty yet. What is left
                // is for the next one, and nobody's test fails of it.
            }
        }
    }

    static bool IsRunning(int process)
    {
        try
        {
            using Process found = Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    static bool IsRoot => Environment.UserName is "root";

    /// <summary>The server refuses to run as root.</summary>
    static string Account()
    {
        if (!File.ReadLines("/etc/passwd").Any(static line => line.StartsWith("postgres:", StringComparison.Ordinal)))
            Run("useradd", ["--system", "--no-create-home", "postgres"]);
        return "postgres";
    }

    static void AsAccount(string program, string[] arguments)
    {
        string path = Path.Combine(Binaries(), program);
        if (IsRoot) Run("runuser", ["-u", Account(), "--", path, .. arguments]);
        else Run(path, arguments);
    }

    static string Binaries() => Find() ?? Install();

    static string? Find() => !Directory.Exists("/usr/lib/postgresql") ? null
        : Directory.GetDirectories("/usr/lib/postgresql").Select(Version).Where(static v => v >= 15).Order()
            .Select(static v => string.Create(CultureInfo.InvariantCulture, $"/usr/lib/postgresql/{v}/bin"))
            .FirstOrDefault(static bin => File.Exists(bin + "/initdb"));

    static int Version(string folder) =>
        int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int version) ? version : 0;

    static void Install(string package)
    {
        string[] sudo = IsRoot ? [] : ["sudo", "-n"];
        Run("env", [.. sudo, "apt-get", "update", "-qq"]);
        Run("env", [.. sudo, "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", package]);
    }

    static string Install()
    {
        Install("postgresql");
        return Find() ?? throw new InvalidOperationException(
            "the tests need PostgreSQL 15 or later under /usr/lib/postgresql, and apt-get has none");
    }

    static void Run(string program, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            // Not inherited: a server that holds the pipe of its starter's output would keep whoever reads it waiting.
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.Environment["LC_ALL"] = "C";
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start");
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(5))) throw new TimeoutException($"{program} {string.Join(' ', arguments)}");
        if (process.ExitCode == 0) return;
        string told = Task.WhenAll(output, error).Wait(TimeSpan.FromSeconds(5)) ? output.Result + error.Result : "";
        throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {told}");
    }
}
