namespace Plinth.Log;

public sealed class LogEndsTests
{
    readonly StillClock _clock = new();

    [Fact]
    public void A_position_is_as_old_as_the_last_look_that_it_has_seen_the_end_of()
    {
        LogEnds ends = new(_clock);
        Assert.Equal(TimeSpan.MaxValue, ends.AgeOf(100));
        Look(ends, 10);
        Advance(2);
        Look(ends, 20);
        Advance(3);
        Assert.Equal(TimeSpan.MaxValue, ends.AgeOf(9));
        Assert.Equal(TimeSpan.FromSeconds(5), ends.AgeOf(10));
        Assert.Equal(TimeSpan.FromSeconds(5), ends.AgeOf(19));
        Assert.Equal(TimeSpan.FromSeconds(3), ends.AgeOf(20));
        Assert.Equal(TimeSpan.FromSeconds(3), ends.AgeOf(99));
        // The same end, seen later: nothing has happened meanwhile.
        Look(ends, 20);
        Assert.Equal(TimeSpan.Zero, ends.AgeOf(20));
        Assert.Equal(TimeSpan.FromSeconds(5), ends.AgeOf(19));
        // One that comes late, of a look that began earlier or found less, says nothing new.
        ends.Note(_clock.GetTimestamp() - 1, 30);
        Advance(1);
        Look(ends, 15);
        Assert.Equal(TimeSpan.FromSeconds(6), ends.AgeOf(19));
        Assert.Equal(TimeSpan.FromSeconds(1), ends.AgeOf(30));
    }

    [Fact]
    public void Many_looks_of_a_long_time_are_few_and_never_make_a_position_younger_than_it_is()
    {
        LogEnds ends = new(_clock);
        Random random = new(7);
        List<(long At, long Position)> all = [];
        for (long position = 1; position <= 40_000; position++)
        {
            Look(ends, position);
            all.Add((_clock.GetTimestamp(), position));
            Advance(random.Next(100) == 0 ? 20 : random.NextDouble() / 10);
        }

        for (int i = 0; i < all.Count; i += 97)
        {
            double truth = _clock.GetElapsedTime(all[i].At).TotalSeconds, age = ends.AgeOf(all[i].Position).TotalSeconds;
            Assert.True(age >= truth, $"{all[i].Position} is {truth} s old and was said to be {age}");
            // A day is remembered, to a part of the age.
            if (truth is < 3600 and > 1) Assert.InRange(age, truth, truth * 1.2 + 21);
        }
    }

    [Fact]
    public void Looks_of_longer_ago_than_are_kept_are_let_go_and_what_only_they_told_is_not_known()
    {
        LogEnds ends = new(_clock);
        // Each as much nearer to the next as thinning leaves them: none of them is one too many, but all together are.
        double[] pauses = [.. Enumerable.Range(0, 600).Select(static i => Math.Max(0.06, Math.Pow(1.04, 600 - i) / 20))];
        for (int i = 0; i < pauses.Length; i++)
        {
            Look(ends, i + 1);
            Advance(pauses[i]);
        }

        Assert.Equal(TimeSpan.MaxValue, ends.AgeOf(1));
        Assert.InRange(ends.AgeOf(600).TotalSeconds, 0.059, 0.061);
        Assert.InRange(ends.AgeOf(500).TotalSeconds, pauses[499..].Sum() - 0.01, pauses[499..].Sum() * 1.1);
    }

    void Look(LogEnds ends, long position) => ends.Note(_clock.GetTimestamp(), position);

    void Advance(double seconds) => _clock.Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>A clock that moves when it is told to.</summary>
    sealed class StillClock : TimeProvider
    {
        long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan by) => _ticks += by.Ticks;
    }
}
