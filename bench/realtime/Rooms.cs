using System.Buffers.Text;
using System.Text;

namespace Plinth.RealtimeLoad;

/// <summary>
/// All sockets of the load and what they have been told: each follows one board as one team, by one of a hundred queries, and later the
/// wall that everybody follows.
/// </summary>
sealed class Rooms
{
    readonly Settings _settings;
    readonly LiveConnection[] _sockets;
    int _snapshots;
    string? _unexpected;

    public Rooms(Settings settings, Poll poll)
    {
        _settings = settings;
        _sockets = new LiveConnection[settings.Sockets];
        for (int i = 0; i < _sockets.Length; i++)
        {
            _sockets[i] = new LiveConnection(i, settings.Port, "/realtime", settings.Teams[TeamOf(i)], Told);
            if (i < Queries) _sockets[i].Kept = [];
            poll.Watch(_sockets[i]);
        }
    }

    /// <summary>Different queries, counting rights.</summary>
    public int Queries => _settings.Shapes.Length * _settings.Teams.Length;

    /// <summary>Told the stamp in a change.</summary>
    public Action<int>? Changed { get; set; }

    /// <summary>The last frame of the wall, for the peer to send as many bytes.</summary>
    public byte[] WallFrame { get; private set; } = [];

    public int WallCount { get; set; }

    public int WallStamp { get; set; }

    int BoardOf(int socket) => socket % Queries % _settings.Shapes.Length;

    int TeamOf(int socket) => socket % Queries / _settings.Shapes.Length;

    /// <summary>All follow their board.</summary>
    public void FollowBoards(Poll poll) =>
        Follow(poll, i => $$"""{"type":"subscribe","id":"b","query":{{_settings.Shapes[BoardOf(i)].Query}}}""");

    /// <summary>All follow the wall.</summary>
    public void FollowWall(Poll poll) => Follow(poll, _ => """{"type":"subscribe","id":"w","query":{"model":"Wall"}}""");

    void Follow(Poll poll, Func<int, string> frame)
    {
        _snapshots = 0;
        for (int i = 0; i < _sockets.Length; i++)
        {
            _sockets[i].Send(frame(i));
            if (i % 100 == 0) poll.Turn(0);
        }
        double until = Clock.Milliseconds + 60_000;
        while (_snapshots < _sockets.Length)
        {
            poll.Turn(10);
            Require();
            if (Clock.Milliseconds > until) throw new IOException($"{_snapshots} of {_sockets.Length} sockets got their items");
        }
    }

    /// <summary>Throws when any socket was told what it should not be.</summary>
    public void Require()
    {
        if (_unexpected is not null) throw new IOException(_unexpected);
    }

    void Told(LiveConnection socket, ReadOnlySpan<byte> frame)
    {
        bool isWall = frame.IndexOf("\"id\":\"w\""u8) >= 0;
        if (frame.StartsWith("{\"type\":\"change\""u8))
        {
            int stamp = Stamp(frame);
            if (!isWall)
            {
                socket.Kept?.Add(frame.ToArray());
                Changed?.Invoke(stamp);
                return;
            }
            if (stamp != WallStamp) return;
            if (WallFrame.Length != frame.Length) WallFrame = frame.ToArray();
            WallCount++;
            return;
        }
        int wanted = isWall ? 1 : _settings.CardsEach;
        if (!frame.StartsWith("{\"type\":\"snapshot\""u8) || Items(frame) != wanted)
        {
            _unexpected ??= $"socket {socket.Number} was told {Encoding.UTF8.GetString(frame)}";
            return;
        }
        if (!isWall) socket.Kept?.Add(frame.ToArray());
        _snapshots++;
    }

    static int Items(ReadOnlySpan<byte> frame) => frame.Count("\"stamp\":"u8);

    static int Stamp(ReadOnlySpan<byte> frame)
    {
        int at = frame.IndexOf("\"stamp\":"u8);
        return at >= 0 && Utf8Parser.TryParse(frame[(at + 8)..], out int stamp, out _) ? stamp : -1;
    }

    /// <summary>Of one socket for each query: what its frames come to is what a fresh list answers.</summary>
    public async Task<int> CompareAsync()
    {
        using HttpClient http = new() { BaseAddress = new Uri($"http://127.0.0.1:{_settings.Port}") };
        foreach (LiveConnection socket in _sockets.AsSpan(0, Math.Min(Queries, _sockets.Length)).ToArray())
        {
            using HttpRequestMessage request = new(HttpMethod.Get, _settings.Shapes[BoardOf(socket.Number)].Path);
            request.Headers.Add("Authorization", "Bearer " + _settings.Teams[TeamOf(socket.Number)]);
            using HttpResponseMessage answer = await http.SendAsync(request);
            string body = await answer.Content.ReadAsStringAsync();
            if (!answer.IsSuccessStatusCode) throw new IOException($"{request.RequestUri}: {body}");
            string told = Materialised.Of(socket.Kept!), fresh = Materialised.OfList(body); // Kept for these sockets.
            if (told != fresh) throw new IOException($"socket {socket.Number} has\n{told}\nbut a fresh list\n{fresh}");
        }
        return Queries;
    }
}
