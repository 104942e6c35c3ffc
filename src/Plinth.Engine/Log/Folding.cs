using System.Globalization;
using System.Security.Cryptography;
using Plinth.Schema;

namespace Plinth.Log;

/// <summary>
/// Folds events in several lanes at once: those of one record stay in one lane and in order, and those of whole models go through all of
/// them. So a log of one model keeps all processors busy as well as a log of many.
/// </summary>
sealed class Folding
{
    const int LanesMax = 16;

    readonly Reducer[] _lanes;
    readonly List<LogEvent>[] _parts;
    readonly string?[] _wrong;

    public Folding(AppSchema schema, LogKeys keys, NameHistory names)
    {
        int lanes = Math.Clamp(Environment.ProcessorCount, 1, LanesMax);
        _lanes = [.. Enumerable.Range(0, lanes).Select(_ => new Reducer(schema, keys, names))];
        _parts = [.. _lanes.Select(static _ => new List<LogEvent>())];
        _wrong = new string?[lanes];
    }

    /// <summary>Takes the next events; the first that cannot be folded as a sentence, which ends it all.</summary>
    public string? Apply(List<LogEvent> page)
    {
        foreach (List<LogEvent> part in _parts) part.Clear();
        foreach (LogEvent happened in page)
        {
            if (happened.RecordId.Length > 0) _parts[LaneOf(happened.RecordId)].Add(happened);
            else foreach (List<LogEvent> part in _parts) part.Add(happened);
        }

        Array.Clear(_wrong);
        long[] at = new long[_lanes.Length];
        Parallel.For(0, _lanes.Length, lane =>
        {
            Action<LogEvent> apply = _lanes[lane].Apply;
            foreach (LogEvent happened in _parts[lane])
            {
                at[lane] = happened.Position;
                _wrong[lane] = Unreadable(happened, apply);
                if (_wrong[lane] is not null) return;
            }
        });
        int first = -1;
        for (int lane = 0; lane < _lanes.Length; lane++)
        {
            if (_wrong[lane] is not null && (first < 0 || at[lane] < at[first])) first = lane;
        }

        return first < 0 ? null : _wrong[first];
    }

    /// <summary>A record that is there before the first event.</summary>
    public void Seed(Model model, string recordId, Value[] values, long version, bool isKnown) =>
        _lanes[LaneOf(recordId)].Seed(model, recordId, values, version, isKnown);

    public ReplayedRow? Find(Model model, string recordId) => _lanes[LaneOf(recordId)].Rows(model).GetValueOrDefault(recordId);

    public int Count(Model model) => _lanes.Sum(lane => lane.Rows(model).Count);

    /// <summary>Records that no row of the table was held against.</summary>
    public IEnumerable<string> Unseen(Model model) =>
        _lanes.SelectMany(lane => lane.Rows(model)).Where(static row => !row.Value.IsSeen).Select(static row => row.Key);

    /// <summary>Does something with an event; why it could not, as a sentence.</summary>
    public static string? Unreadable(LogEvent happened, Action<LogEvent> act)
    {
        try
        {
            act(happened);
            return null;
        }
        catch (InvalidDataException e)
        {
            return e.Message;
        }
        catch (CryptographicException)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"position {happened.Position}: a sealed value does not open with the key of its name; ")
                + "is the key file the one of this database?";
        }
    }

    int LaneOf(string recordId) => (int)((uint)string.GetHashCode(recordId, StringComparison.Ordinal) % (uint)_lanes.Length);
}
