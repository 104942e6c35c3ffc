namespace Plinth.Realtime;

/// <summary>How many are in, by name, and no more of one than may. Thread-safe; holds nothing of who is not in.</summary>
sealed class Occupancy
{
    readonly Lock _gate = new();
    readonly Dictionary<string, int> _in = new(StringComparer.Ordinal);

    /// <param name="name">Of whom.</param>
    /// <param name="most">How many of that name there may be; 0 for any number.</param>
    /// <returns>False, and nothing is counted, where there are as many already.</returns>
    public bool TryEnter(string name, int most)
    {
        lock (_gate)
        {
            int now = _in.GetValueOrDefault(name);
            if (most > 0 && now >= most) return false;
            _in[name] = now + 1;
            return true;
        }
    }

    public void Leave(string name)
    {
        lock (_gate)
        {
            int left = _in[name] - 1;
            if (left > 0) _in[name] = left;
            else _in.Remove(name);
        }
    }
}
