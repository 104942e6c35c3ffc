using System.Text;

namespace Plinth.Realtime;

public sealed class OutboxTests
{
    [Fact]
    public async Task A_frame_for_an_idle_connection_is_written_by_whoever_adds_it()
    {
        Outbox outbox = new(bytesMax: 1000);
        List<string> written = [];
        outbox.WriteAtOnce(frame =>
        {
            written.Add(Encoding.UTF8.GetString(frame.Bytes.Span));
            return ValueTask.CompletedTask;
        });
        Assert.True(outbox.TryAdd(Frame("one")));
        Assert.True(outbox.TryAdd(Frame("two")));
        Assert.Equal(["one", "two"], written);
        outbox.Close(Frame("last"), drops: false);
        Assert.Equal(["last"], await TakeAsync(outbox));
        outbox.Sent(4);
        Assert.Null(await outbox.TakeAsync(CancellationToken.None));
    }

    [Fact]
    public async Task While_a_frame_is_on_its_way_others_wait_in_order_and_within_the_bound()
    {
        Outbox outbox = new(bytesMax: 10);
        TaskCompletionSource sent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        outbox.WriteAtOnce(_ => new ValueTask(sent.Task));
        Assert.True(outbox.TryAdd(Frame("aaaa")));
        Assert.True(outbox.TryAdd(Frame("bbb")));
        Assert.True(outbox.TryAdd(Frame("ccc")));
        // What is on its way counts as well.
        Assert.False(outbox.TryAdd(Frame("d")));
        ValueTask<IReadOnlyList<OutFrame>?> taking = outbox.TakeAsync(CancellationToken.None);
        Assert.False(taking.IsCompleted);
        sent.SetResult();
        Assert.Equal(["bbb", "ccc"], Texts(await taking));
        // Whoever has taken frames writes them before anyone else writes.
        Assert.True(outbox.TryAdd(Frame("eeee")));
        outbox.Sent(6);
        Assert.Equal(["eeee"], await TakeAsync(outbox));
    }

    [Fact]
    public async Task A_write_that_fails_is_the_readers_and_not_of_who_tells_thousands()
    {
        foreach (bool isLate in new[] { false, true })
        {
            Outbox outbox = new(bytesMax: 1000);
            outbox.WriteAtOnce(_ => isLate ? ValueTask.FromException(new IOException("gone")) : throw new ObjectDisposedException("it"));
            Assert.True(outbox.TryAdd(Frame("one")));
            IOException told = await Assert.ThrowsAsync<IOException>(async () => await outbox.TakeAsync(CancellationToken.None));
            Assert.NotNull(told.InnerException);
        }
    }

    [Fact]
    public async Task The_end_waits_for_what_is_on_its_way()
    {
        Outbox outbox = new(bytesMax: 1000);
        TaskCompletionSource sent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        outbox.WriteAtOnce(_ => new ValueTask(sent.Task));
        outbox.TryAdd(Frame("one"));
        outbox.TryAdd(Frame("two"));
        outbox.Close(Frame("last"), drops: true);
        Assert.True(outbox.TryAdd(Frame("late")));
        ValueTask<IReadOnlyList<OutFrame>?> taking = outbox.TakeAsync(CancellationToken.None);
        Assert.False(taking.IsCompleted);
        sent.SetResult();
        Assert.Equal(["last"], Texts(await taking));
    }

    static OutFrame Frame(string text) => new(Encoding.UTF8.GetBytes(text));

    static async Task<string[]> TakeAsync(Outbox outbox) => Texts(await outbox.TakeAsync(CancellationToken.None));

    static string[] Texts(IReadOnlyList<OutFrame>? frames) =>
        [.. (frames ?? []).Select(static frame => Encoding.UTF8.GetString(frame.Bytes.Span))];
}
