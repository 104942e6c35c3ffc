namespace Plinth.Log;

/// <summary>
/// Where the end of the log was, and when: by it the age of a copy is known from the position that it shows, whatever the clocks of other
/// machines say. Safe for any number of threads.
/// </summary>
sealed class LogEnds
{
    const int LooksMax = 512;

    /// <summary>Looks that are closer to each other are one.</summary>
    const double LeastSeconds = 0.05;

    /// <summary>Older looks may lie further apart: by this part of their age.</summary>
    const double AgePart = 1.0 / 32;

    readonly TimeProvider _clock;
    readonly Lock _gate = new();
    readonly List<Look> _looks = [];

    public LogEnds(TimeProvider clock) => _clock = clock;

    /// <summary>Whatever was committed before the time is at or before the position.</summary>
    readonly record struct Look(long At, long Position);

    /// <summary>Takes note of a look at the log.</summary>
    /// <param name="at">When it began, by the clock's timestamps.</param>
    /// <param name="position">The end that it found, or what was known to be the end already.</param>
    public void Note(long at, long position)
    {
        lock (_gate)
        {
            if (_looks.Count > 0 && (at <= _looks[^1].At || position < _looks[^1].Position)) return;
            // The later look at the same end proves more; and of two that are close one is enough, which makes a copy seem older at most.
            bool isSame = _looks.Count > 0 && _looks[^1].Position == position;
            bool isClose = _looks.Count > 1 && _clock.GetElapsedTime(_looks[^2].At, _looks[^1].At).TotalSeconds < LeastSeconds;
            if (isSame || isClose) _looks.RemoveAt(_looks.Count - 1);
            _looks.Add(new Look(at, position));
            if (_looks.Count > LooksMax) Thin(at);
        }
    }

    /// <summary>Positions mean something else from now on.</summary>
    public void Clear()
    {
        lock (_gate) _looks.Clear();
    }

    /// <summary>At most how old the state is that a position shows. The largest time where that is not known.</summary>
    public TimeSpan AgeOf(long position)
    {
        lock (_gate)
        {
            for (int i = _looks.Count - 1; i >= 0; i--)
            {
                if (_looks[i].Position <= position) return _clock.GetElapsedTime(_looks[i].At);
            }
        }
        return TimeSpan.MaxValue;
    }

    /// <summary>Lets looks go, so that those of a day fit; of each that goes an older one is left.</summary>
    void Thin(long now)
    {
        long later = now;
        for (int i = _looks.Count - 2; i > 0; i--)
        {
            double apart = _clock.GetElapsedTime(_looks[i].At, later).TotalSeconds;
            double age = _clock.GetElapsedTime(_looks[i].At, now).TotalSeconds;
            if (apart < Math.Max(LeastSeconds, age * AgePart)) _looks.RemoveAt(i);
            else later = _looks[i].At;
        }
        // Looks of longer ago than that are of no use to anyone.
        if (_looks.Count > LooksMax) _looks.RemoveRange(0, _looks.Count - LooksMax);
    }
}
