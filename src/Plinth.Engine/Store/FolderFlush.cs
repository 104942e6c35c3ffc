using System.Runtime.InteropServices;

namespace Plinth.Store;

/// <summary>
/// Makes the names of a folder durable: a file that was flushed is lost all the same when the power goes before the folder that names it
/// (or names it anew, after a rename) is on disk.
/// </summary>
static partial class FolderFlush
{
    /// <summary>Returns when the folder's entries are on disk. Windows writes them through by itself.</summary>
    /// <exception cref="IOException">The folder cannot be opened or flushed.</exception>
    public static void Run(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        int handle = Open(folder, flags: 0);
        if (handle < 0) throw new IOException($"The folder {folder} cannot be opened ({Marshal.GetLastPInvokeError()}).");
        try
        {
            if (Sync(handle) != 0) throw new IOException($"The folder {folder} cannot be flushed ({Marshal.GetLastPInvokeError()}).");
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int handle);
}
