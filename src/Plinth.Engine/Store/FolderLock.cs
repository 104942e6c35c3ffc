using System.Globalization;

namespace Plinth.Store;

/// <summary>
/// Holds a data folder for one writing process. Two processes that write one embedded database do not corrupt it, but each would keep
/// caches and log positions that the other makes wrong; so the second refuses, and names the first.
/// </summary>
/// <remarks>
/// The lock is on an open file and goes away with the process however it ends. The number of the owner stands in a file beside it,
/// because the locked one cannot be opened by others.
/// </remarks>
sealed class FolderLock : IDisposable
{
    const int WouldBlock = 11;
    const int WouldBlockOnMac = 35;
    const int SharingViolation = unchecked((int)0x80070020);

    readonly FileStream _held;
    readonly string _owner;

    FolderLock(FileStream held, string owner)
    {
        _held = held;
        _owner = owner;
    }

    /// <summary>Makes the folder where it is absent, and takes it.</summary>
    /// <exception cref="StoreException">It cannot be made, or another process holds it.</exception>
    public static FolderLock Make(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException(StoreFailure.ReadOnly, $"The data folder {folder} cannot be made: {e.Message}", inner: e);
        }

        return Take(folder);
    }

    /// <exception cref="StoreException"><see cref="StoreFailure.Unavailable"/> when another process holds the folder.</exception>
    public static FolderLock Take(string folder)
    {
        string path = Path.Combine(folder, "plinth.lock");
        string owner = Path.Combine(folder, "plinth.pid");
        FileStream held;
        try
        {
            held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult is WouldBlock or WouldBlockOnMac or SharingViolation)
        {
            throw new StoreException(
                StoreFailure.Unavailable,
                $"The data folder {folder} is in use by process {ReadOwner(owner)}. Stop it, or name another folder with --data.",
                inner: e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new StoreException(StoreFailure.ReadOnly, $"The data folder {folder} cannot be written: {e.Message}", inner: e);
        }

        try
        {
            File.WriteAllText(owner, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // On a full disk the name of the owner is a nicety; the lock holds without it.
        }

        return new FolderLock(held, owner);
    }

    public void Dispose()
    {
        File.Delete(_owner);
        _held.Dispose();
    }

    static string ReadOwner(string owner)
    {
        try
        {
            return File.ReadAllText(owner).Trim();
        }
        catch (IOException)
        {
            return "unknown";
        }
    }
}
