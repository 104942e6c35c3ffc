using System.Diagnostics;
using System.Globalization;

namespace Plinth.Store.Postgres;

/// <summary>
/// A file system of some megabytes for files of a server, which can be filled to the last byte: one of its own in memory, or, where nothing
/// may be mounted (in a container), the one for shared memory, which is small there.
/// </summary>
sealed class SmallDisk : IDisposable
{
    const long LargestBytes = 256L << 20;

    readonly string _mount;
    readonly bool _isOwn;

    SmallDisk(string mount, bool isOwn)
    {
        (_mount, _isOwn) = (mount, isOwn);
        Folder = Path.Combine(mount, "plinth-" + Guid.NewGuid().ToString("n"));
        Directory.CreateDirectory(Folder);
        PostgresCluster.Give(Folder);
    }

    /// <summary>The server's own.</summary>
    public string Folder { get; }

    string Filler => Folder + ".filler";

    public static SmallDisk Make()
    {
        string mount = Path.Combine(Path.GetTempPath(), "plinth-disk-" + Guid.NewGuid().ToString("n"));
        Directory.CreateDirectory(mount);
        if (TryRun("mount", "-t", "tmpfs", "-o", "size=48m,mode=755", "plinth", mount)) return new SmallDisk(mount, isOwn: true);
        Directory.Delete(mount);
        const string Shared = "/dev/shm";
        if (Directory.Exists(Shared) && new DriveInfo(Shared).TotalSize <= LargestBytes) return new SmallDisk(Shared, isOwn: false);
        throw new InvalidOperationException(
            "this test fills a small file system: let it mount one (as root, or by sudo), or run it where /dev/shm is small");
    }

    /// <summary>Leaves no byte.</summary>
    public void Fill()
    {
        using FileStream filler = new(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] page = new byte[1 << 12];
        try
        {
            while (true) filler.Write(page);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    public void Free() => File.Delete(Filler);

    public void Dispose()
    {
        File.Delete(Filler);
        if (!_isOwn)
        {
            Directory.Delete(Folder, recursive: true);
            return;
        }

        TryRun("umount", "-l", _mount);
        Directory.Delete(_mount);
    }

    static bool TryRun(string program, params string[] arguments)
    {
        string[] sudo = Environment.UserName is "root" ? [] : ["sudo", "-n"];
        ProcessStartInfo start = new("env", [.. sudo, program, .. arguments]) { RedirectStandardError = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException(
            string.Create(CultureInfo.InvariantCulture, $"{program} does not start"));
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
