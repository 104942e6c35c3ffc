namespace Plinth.Runtime;

/// <summary>How new the answer to a read must be.</summary>
/// <param name="AgeMax">So old it may be, and then a copy of the database may answer; null: not older than the database.</param>
/// <param name="Position">Whatever is committed up to here it must have seen.</param>
readonly record struct Freshness(TimeSpan? AgeMax, long Position);
