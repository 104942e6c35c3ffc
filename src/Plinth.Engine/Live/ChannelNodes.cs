using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Plinth.Runtime;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>
/// The other nodes, as channels know them. Each says every second that it is there; one that has not said so for
/// <see cref="Limits.ChannelLeaseSeconds"/> has gone, with its members. Who hears of a node for the first time, or begins to listen again,
/// asks for its members; and so does who knows others of it than it says that it has, since what is told may be lost with a connection.
/// </summary>
sealed class ChannelNodes : IAsyncDisposable
{
    /// <summary>Beats in a row that tell of other members than are known, before they are asked for: some may be on their way.</summary>
    const int StrayBeats = 3, StrayBeatsMax = 60;

    /// <summary>Beats until the question has been answered: the first may have been on its way when it was asked.</summary>
    const int AnswerBeats = 2;

    readonly string _own = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
    readonly ConcurrentDictionary<string, long> _heardAt = new(StringComparer.Ordinal);
    readonly Dictionary<string, Stray> _strays = new(StringComparer.Ordinal); // of the thread that hears
    readonly ChannelHub _hub;
    readonly TimeProvider _time;
    readonly NoticeSeal _seal;
    readonly Bus? _bus;
    long _beatAt;

    /// <param name="engine">Whose database joins the nodes.</param>
    /// <param name="hub">The channels of this node.</param>
    public ChannelNodes(Engine engine, ChannelHub hub)
    {
        (_hub, _time, _seal) = (hub, engine.Time, new NoticeSeal(engine.Derive("channels between nodes")));
        _beatAt = _time.GetTimestamp();
        _bus = engine.Store.Database.OpenBus("plinth_channels", Limits.ChannelNotices, Hear, Ask);
    }

    /// <summary>Other nodes that are there.</summary>
    public int Count => _heardAt.Count;

    /// <summary>False when too much waits to be told; then it is not. After the end nothing is told, and nobody misses it.</summary>
    public bool TryTell(NoticeKind kind, string room = "", ChannelMember? member = null, byte[]? body = null, long given = 0)
    {
        if (_bus is null) return true;
        ChannelNotice notice = new(kind, _own)
        {
            To = room, Member = member?.Id ?? "", User = member?.User, Order = member?.Order ?? 0, Slot = member?.Slot ?? 0, Given = given,
            Body = body ?? member?.Presence ?? [],
        };
        return _seal.Close(notice.Write()) is not { } text || _bus.TrySend(text);
    }

    /// <summary>Says that this node is there, and looks which others have not said so for too long.</summary>
    public void Beat()
    {
        TryTell(NoticeKind.Beat, member: new ChannelMember(RollOf(""), null, [], 0, ""));
        // Who was asleep itself has heard nobody, and judges nobody for it.
        bool wasAsleep = _time.GetElapsedTime(_beatAt).TotalSeconds > Limits.ChannelLeaseSeconds / 2.0;
        _beatAt = _time.GetTimestamp();
        foreach (var (node, at) in _heardAt)
        {
            if (wasAsleep) _heardAt.TryUpdate(node, _beatAt, at);
            else if (_time.GetElapsedTime(at).TotalSeconds > Limits.ChannelLeaseSeconds && _heardAt.TryRemove(node, out _)) Lose(node);
        }
    }

    public async ValueTask DisposeAsync()
    {
        TryTell(NoticeKind.Gone);
        if (_bus is not null) await _bus.DisposeAsync().ConfigureAwait(false);
        _seal.Dispose();
    }

    /// <summary>Others tell who is there; what they have missed of this node, they are told.</summary>
    void Ask()
    {
        TryTell(NoticeKind.Ask);
        TellAll();
    }

    void Lose(string node)
    {
        foreach (ChannelRoom room in _hub.Rooms) room.LeaveAll(node);
    }

    void Hear(string text)
    {
        try
        {
            if (_seal.Open(text) is { } json) Take(ChannelNotice.Read(json));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            // A node of another version tells what this one does not know; or it was disposed of while a text was on its way.
        }
    }

    void Take(ChannelNotice told)
    {
        if (told.Node == _own) return;
        if (told.Kind == NoticeKind.Gone)
        {
            _strays.Remove(told.Node);
            if (_heardAt.TryRemove(told.Node, out _)) Lose(told.Node);
            return;
        }
        if (told.Kind is NoticeKind.Enter or NoticeKind.Leave) _strays.GetValueOrDefault(told.Node)?.Unseen?.Remove(told.Member);
        bool isNew = !_heardAt.ContainsKey(told.Node);
        _heardAt[told.Node] = _time.GetTimestamp();
        if (isNew) TryTell(NoticeKind.Ask, told.Node);
        switch (told.Kind)
        {
            case NoticeKind.Publish: _hub.Find(told.To)?.Publish(told.Member, told.User, told.Body); break;
            case NoticeKind.Enter:
                _hub.Enter(told.To, new ChannelMember(told.Member, told.User, told.Body, told.Order, told.Node, told.Slot), told.Given);
                break;
            case NoticeKind.Slot: _hub.Find(told.To)?.Seat(told.Node, told.Member, told.Slot); break;
            case NoticeKind.Leave: _hub.Find(told.To)?.Leave(told.Member); break;
            // A node of an earlier version does not say it.
            case NoticeKind.Beat when told.Member.Length > 0: Compare(told.Node, told.Member); break;
            case NoticeKind.Ask when told.To.Length == 0 || told.To == _own: TellAll(); break;
            default: break;
        }
    }

    /// <summary>
    /// What a node says of its members against what is known of them. Where it goes on to differ, they are asked for, and who is not told
    /// of then has gone; ever more seldom, should that not help. Who was there all the time has not been away for a moment: a leader that
    /// is forgotten would end the channel, or hand it on.
    /// </summary>
    void Compare(string node, string roll)
    {
        if (roll == RollOf(node))
        {
            _strays.Remove(node);
            return;
        }
        if (!_strays.TryGetValue(node, out Stray? stray))
        {
            foreach (string gone in _strays.Keys.Where(known => !_heardAt.ContainsKey(known)).ToList()) _strays.Remove(gone);
            _strays.Add(node, stray = new Stray());
        }
        stray.Beats++;
        if (stray.Unseen is { } unseen)
        {
            if (stray.Beats < AnswerBeats) return;
            List<(ChannelRoom Room, ChannelMember Member)> gone = [.. MembersOf(node).Where(known => unseen.Contains(known.Member.Id))];
            foreach (var (room, member) in gone) room.Leave(member.Id);
            (stray.Unseen, stray.Beats) = (null, 0);
        }
        else if (stray.Beats >= stray.AskAt)
        {
            stray.Unseen = [.. MembersOf(node).Select(static known => known.Member.Id)];
            (stray.Beats, stray.AskAt) = (0, Math.Min(stray.AskAt * 2, StrayBeatsMax));
            TryTell(NoticeKind.Ask, node);
        }
    }

    IEnumerable<(ChannelRoom Room, ChannelMember Member)> MembersOf(string node) =>
        _hub.Rooms.SelectMany(room => room.Of(node).Select(member => (room, member)));

    /// <summary>What the members of a node come to, whatever their order.</summary>
    string RollOf(string node)
    {
        ulong marks = 0;
        int count = 0;
        foreach (var (room, member) in MembersOf(node)) (marks, count) = (unchecked(marks + member.MarkIn(room.Id)), count + 1);
        return string.Create(CultureInfo.InvariantCulture, $"{count}.{marks:x}");
    }

    void TellAll()
    {
        foreach (var (room, member) in MembersOf("")) TryTell(NoticeKind.Enter, room.Id, member, given: room.Given);
    }

    /// <summary>A node that says of its members what is not known here.</summary>
    sealed class Stray
    {
        /// <summary>In a row; since it was asked, once it was.</summary>
        public int Beats { get; set; }

        public int AskAt { get; set; } = StrayBeats;

        /// <summary>Once it was asked: the members that are known here and that it has not told of since.</summary>
        public HashSet<string>? Unseen { get; set; }
    }
}
