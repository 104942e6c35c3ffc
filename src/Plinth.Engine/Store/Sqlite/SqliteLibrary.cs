using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Plinth.Store.Sqlite;

/// <summary>
/// The one copy of the library in this process. Two copies that open one file corrupt it, because POSIX locks belong to the process and
/// closing a file in one copy drops the locks of the other (seen: "database disk image is malformed"). So every consumer's import goes
/// through one resolver, which gives the same handle to all, and the loaded images are counted at start-up.
/// </summary>
static class SqliteLibrary
{
    /// <summary>The oldest library of the system that is preferred to the bundled one.</summary>
    const int SystemVersionMin = 3_040_000;

    /// <summary>The oldest that our SQL runs on.</summary>
    const int VersionMin = 3_035_000;

    static readonly Lock s_gate = new();
    static string? s_source;
    static nint s_handle;

    /// <summary>"SQLite 3.40.1 (libsqlite3.so.0)"; null before the first use.</summary>
    public static string? Version { get; private set; }

    /// <summary>Tables may be STRICT, and <c>-&gt;&gt;</c> and the math functions are there.</summary>
    public static bool HasStrictTables => raw.sqlite3_libversion_number() >= 3_037_000;

    /// <summary>Loads the library once; later calls only check that they ask for the same.</summary>
    /// <param name="path">The library named by a setting; null chooses the system's, or the bundled one where that is too old.</param>
    /// <exception cref="StoreException">It cannot be loaded, is too old, or another one is loaded already.</exception>
    public static void Use(string? path)
    {
        lock (s_gate)
        {
            if (Version is not null)
            {
                if (path is null || string.Equals(path, s_source, StringComparison.Ordinal)) return;
                throw Unavailable($"The database library {path} cannot be loaded: this process already runs {Version}.");
            }

            s_handle = path is null ? System() : Named(path);
            Assembly provider = typeof(SQLite3Provider_e_sqlite3).Assembly;
            NativeLibrary.SetDllImportResolver(provider, static (name, _, _) =>
                string.Equals(name, "e_sqlite3", StringComparison.Ordinal) ? s_handle : 0);
            raw.SetProvider(new SQLite3Provider_e_sqlite3());
            raw.FreezeProvider();
            raw.sqlite3_initialize();
            SqliteFunctions.TakeFrom(s_handle != 0 ? s_handle : NativeLibrary.Load("e_sqlite3", provider, null));
            RequireSound();
            Version = $"SQLite {raw.sqlite3_libversion().utf8_to_string()} ({s_source ?? "bundled"})";
        }
    }

    static nint Named(string path)
    {
        if (!NativeLibrary.TryLoad(path, out nint handle)) throw Unavailable($"The database library {path} cannot be loaded.");
        s_source = path;
        return handle;
    }

    /// <summary>Zero, so that the runtime finds the bundled one, when the system has none that is new enough.</summary>
    static nint System()
    {
        string name = OperatingSystem.IsMacOS() ? "libsqlite3.dylib" : "libsqlite3.so.0";
        if (OperatingSystem.IsWindows() || !NativeLibrary.TryLoad(name, out nint handle)) return 0;
        if (VersionOf(handle) >= SystemVersionMin)
        {
            s_source = name;
            return handle;
        }

        NativeLibrary.Free(handle);
        return 0;
    }

    static unsafe int VersionOf(nint handle) =>
        NativeLibrary.TryGetExport(handle, "sqlite3_libversion_number", out nint function)
            ? ((delegate* unmanaged<int>)function)()
            : 0;

    static void RequireSound()
    {
        if (raw.sqlite3_libversion_number() < VersionMin)
        {
            throw Unavailable($"The database library is {raw.sqlite3_libversion().utf8_to_string()}; 3.35 is the oldest that works.");
        }

        if (raw.sqlite3_threadsafe() == 0) throw Unavailable("The database library was built without threads.");
        string[] images = LoadedImages();
        if (images.Length > 1)
        {
            throw Unavailable($"More than one database library is loaded, which would damage data: {string.Join(", ", images)}.");
        }
    }

    /// <summary>Paths of the images of the library mapped into this process; empty where the system does not tell.</summary>
    internal static string[] LoadedImages()
    {
        if (!OperatingSystem.IsLinux()) return [];
        return
        [
            .. File.ReadLines("/proc/self/maps")
                .Select(static line => line[(line.LastIndexOf(' ') + 1)..])
                .Where(static path => IsImage(Path.GetFileName(path)))
                .Distinct(StringComparer.Ordinal),
        ];
    }

    static bool IsImage(string file) =>
        file.Contains("sqlite3", StringComparison.Ordinal) && file.Contains(".so", StringComparison.Ordinal);

    static StoreException Unavailable(string message) => new(StoreFailure.Unavailable, message);
}
