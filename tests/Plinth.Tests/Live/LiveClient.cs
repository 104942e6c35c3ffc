using System.Text.Json;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>A client of a hub, which makes its list of the frames and compares it with a fresh query.</summary>
sealed class LiveClient(Engine engine, LiveHub hub, Caller caller, ReadRequest request, int seed)
{
    readonly Lock _gate = new();
    LiveSubscription? _subscription;
    int _epoch;
    bool _isFirst;
    Exception? _failure;

    public Materialised List { get; } = new("id");

    /// <summary>Times that it came back and was told what it had missed, or that it was nothing.</summary>
    public int Continued { get; private set; }

    public void Connect()
    {
        int epoch = ++_epoch;
        int snapshots = List.Snapshots;
        _isFirst = snapshots > 0;
        Result<LiveSubscription> begun = hub.Subscribe(caller, request, List.Position, frame => Take(frame, epoch));
        if (begun.IsOk) _subscription = begun.Value;
        else Assert.Contains(begun.Fault.Code, new[] { "unauthorized", "forbidden", "unknown_field" });
    }

    public void Disconnect()
    {
        lock (_gate) _epoch++;
        _subscription?.Dispose();
        _subscription = null;
    }

    public async Task RequireEqualAsync()
    {
        if (_subscription is null) return;
        string[] expected = [], found = [];
        bool isTold = false;
        for (int tries = 0; tries < 400; tries++)
        {
            Result<ReadReply> fresh = await engine.ReadAsync(caller, request with { IsLive = true }, CancellationToken.None);
            using (ReadReply reply = fresh.Value)
            {
                using JsonDocument page = JsonDocument.Parse(reply.Body.WrittenMemory);
                expected = [.. page.RootElement.GetProperty("items").EnumerateArray().Select(static i => i.GetRawText())];
            }
            lock (_gate)
            {
                if (_failure is not null) throw new InvalidOperationException($"seed {seed}", _failure);
                found = [.. List.Items];
                // An empty list that was never told is no answer: its first run may still be on the way.
                isTold = List.Snapshots > 0;
            }
            if (isTold && expected.SequenceEqual(found)) return;
            await Task.Delay(10);
        }
        Assert.Fail($"seed {seed}: {request.Model} {request.Filter} sort {string.Join(',', request.Sort)} limit {request.Limit} "
            + $"for {caller.Subject}:\n{string.Join('\n', expected)}\nis, and the client has{(isTold ? "" : ", never told,")}\n"
            + string.Join('\n', found));
    }

    void Take(LiveFrame frame, int epoch)
    {
        lock (_gate)
        {
            if (epoch != _epoch) return;
            try
            {
                Assert.Null(frame.Ended);
                using JsonDocument document = JsonDocument.Parse(frame.For("1"u8.ToArray()));
                if (_isFirst && document.RootElement.GetProperty("type").ValueEquals("change")) Continued++;
                _isFirst = false;
                List.Apply(document.RootElement);
            }
            catch (Exception e)
            {
                // Whoever delivers does not expect it.
                _failure ??= e;
            }
        }
    }
}
