namespace Plinth.Live;

/// <summary>One step that brings a client's list from one state to the next; applied in order, each to what the one before left.</summary>
readonly record struct LiveStep(LiveKind Kind, LiveItem Item, LiveItem? Before);

/// <summary>The steps between two states of an ordered list: few, because what keeps its order is not moved.</summary>
static class LiveDiff
{
    public static List<LiveStep> Between(IReadOnlyList<LiveItem> from, IReadOnlyList<LiveItem> to)
    {
        List<LiveStep> steps = [];
        Dictionary<string, int> target = new(to.Count, StringComparer.Ordinal);
        for (int i = 0; i < to.Count; i++) target.Add(to[i].Key, i);
        Dictionary<string, LiveItem> known = new(from.Count, StringComparer.Ordinal);
        List<int> kept = [];
        foreach (LiveItem item in from)
        {
            known.Add(item.Key, item);
            if (target.TryGetValue(item.Key, out int at)) kept.Add(at);
            else steps.Add(new LiveStep(LiveKind.Leave, item, null));
        }

        HashSet<int> still = Ascending(kept);
        // From the end on, so that what an item stands before is in its place already.
        for (int i = to.Count - 1; i >= 0; i--)
        {
            LiveItem item = to[i];
            LiveItem? before = i + 1 < to.Count ? to[i + 1] : null;
            if (!known.TryGetValue(item.Key, out LiveItem? old)) steps.Add(new LiveStep(LiveKind.Enter, item, before));
            else if (!still.Contains(i)) steps.Add(new LiveStep(LiveKind.Move, item, before));
            else if (!item.Shows(old)) steps.Add(new LiveStep(LiveKind.Update, item, null));
        }

        return steps;
    }

    /// <summary>The members of a longest ascending subsequence of different numbers.</summary>
    static HashSet<int> Ascending(List<int> numbers)
    {
        List<int> tails = [];
        int[] previous = new int[numbers.Count];
        for (int i = 0; i < numbers.Count; i++)
        {
            int low = 0, high = tails.Count;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (numbers[tails[middle]] < numbers[i]) low = middle + 1;
                else high = middle;
            }

            previous[i] = low > 0 ? tails[low - 1] : -1;
            if (low == tails.Count) tails.Add(i);
            else tails[low] = i;
        }

        HashSet<int> members = [];
        for (int i = tails.Count > 0 ? tails[^1] : -1; i >= 0; i = previous[i]) members.Add(numbers[i]);
        return members;
    }
}
