namespace Plinth.Store;

/// <summary>What a read is like: those that take long must not hold up those that do not.</summary>
enum ReadLane
{
    /// <summary>Short by its form, such as a record by its key. Connections are kept free for these.</summary>
    Short,

    /// <summary>Nothing is known against it.</summary>
    Usual,

    /// <summary>Reads of its plan have taken long. These share a few connections.</summary>
    Slow,
}
