using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>
/// Where a <see cref="RecordRun"/> takes from what is not at hand, all of it of one snapshot: a database in the process at once, another
/// one when it was asked.
/// </summary>
interface IRecordSource
{
    /// <summary>Something was not there and has to be fetched first: what the run has made so far is of no use.</summary>
    bool Lacks { get; }

    /// <summary>The keys of the list are those of records that the caller may see.</summary>
    bool IsRuled { get; }

    /// <summary>The key of the next record of the list; false when there is none.</summary>
    /// <param name="limit">Most keys that will be asked for.</param>
    /// <param name="key">What was found.</param>
    bool NextKey(long limit, out RecordKey key);

    /// <summary>A record by its key, whoever may see it; null when there is none.</summary>
    CachedRecord? Load(RecordLevel level, in RecordKey key);

    /// <summary>Adds the keys of the first records that one parent leads to.</summary>
    /// <param name="include">The relation, to many.</param>
    /// <param name="link">The parent's values of the fields that lead there.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="keys">Where to.</param>
    void AddChildren(RecordInclude include, Value[] link, long limit, KeyList keys);

    /// <summary>How many records the whole list has.</summary>
    long Count();
}
