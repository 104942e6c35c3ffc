namespace Plinth.Store;

/// <summary>When an acknowledged write survives the loss of power.</summary>
enum Durability
{
    /// <summary>Always: the log of the database is flushed before the answer.</summary>
    Full,

    /// <summary>After the next checkpoint: a crash of the process loses nothing, a loss of power may lose the last writes.</summary>
    Normal,

    /// <summary>Never promised: for tests that show that the check for <see cref="Full"/> can fail, and for throw-away data.</summary>
    Off,
}

/// <summary>How a database is opened.</summary>
sealed record StoreOptions
{
    /// <summary>The folder that holds the database, its keys and its lock; created when absent.</summary>
    public required string Folder { get; init; }

    /// <summary>The database library to load; null takes the system's where it is new enough, else the bundled one.</summary>
    public string? LibraryPath { get; init; }

    public Durability Durability { get; init; } = Durability.Full;

    /// <summary>Open for reading only: no lock is taken, nothing is created.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Most connections that read at the same time.</summary>
    public int ReadersMax { get; init; } = 16;

    /// <summary>How long one read may hold its snapshot. Longer ones would keep the write-ahead log from being reused.</summary>
    public TimeSpan ReadTimeMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Prepared statements kept per connection.</summary>
    public int StatementsKeptMax { get; init; } = 512;

    /// <summary>
    /// Bytes of the file that readers map into memory; what lies beyond is read with a system call and a copy. The map takes addresses, not
    /// memory: its pages are those of the system's own cache. The library itself stops at 2 GB.
    /// </summary>
    public long MappedBytesMax { get; init; } = 2L << 30;

    /// <summary>Bytes of pages that the writer keeps; each reader keeps an eighth of it.</summary>
    public int PageCacheBytes { get; init; } = 16 << 20;

    /// <summary>Bytes of write-ahead log after which the writer checkpoints, between groups.</summary>
    public int CheckpointBytes { get; init; } = 16 << 20;

    /// <summary>Most pages that the file may have; null for the database's own bound. A smaller one makes a quota.</summary>
    public long? PagesMax { get; init; }

    /// <summary>The file of the database inside <see cref="Folder"/>.</summary>
    public string File => Path.Combine(Folder, "data.db");
}
