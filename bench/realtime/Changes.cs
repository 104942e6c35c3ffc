using System.Text;
using System.Text.Json;

namespace Plinth.RealtimeLoad;

/// <summary>
/// Changes at a steady rate, each of which the sockets of one query are told of. Every change carries a number, its stamp, by which the
/// frames of it are known. What is timed begins when the request is sent and ends when the frame has been read, so the commit itself, and
/// the load program's own delay, are in it.
/// </summary>
sealed class Changes
{
    const int Connections = 64;

    /// <summary>The board of the record by which the read model is probed; nobody follows it.</summary>
    const int ProbeBoard = 1000;

    static readonly double s_probeEvery = 25, s_lookEvery = 2;

    readonly Settings _settings;
    readonly Poll _poll;
    readonly Random _random = new(7);
    readonly Stack<HttpConnection> _idle = new();
    readonly HttpConnection _probe;
    readonly double[] _sentAt, _answeredAt;
    readonly byte[] _told;
    readonly List<double> _latencies = [], _afterAnswer = [], _probes = [];
    int _sent, _answered, _late, _probed;
    double _probeSentAt, _lookAt;
    bool _isProbing;
    string? _refused;

    public Changes(Settings settings, Poll poll, Rooms rooms)
    {
        (_settings, _poll) = (settings, poll);
        int room = settings.ChangesPerSecond * (settings.Windows * settings.Seconds + 120);
        (_sentAt, _answeredAt, _told) = (new double[room], new double[room], new byte[room]);
        for (int i = 0; i < Connections; i++)
        {
            HttpConnection connection = new(settings.Port);
            poll.Watch(connection);
            _idle.Push(connection);
        }
        _probe = new HttpConnection(settings.Port);
        poll.Watch(_probe);
        rooms.Changed = Told;
    }

    /// <summary>Runs for so long, waits until everything was told, and says how it went.</summary>
    public ChangeReport Run(double seconds)
    {
        (int first, double begin) = (_sent, Clock.Milliseconds);
        double processor = Clock.Processor(_settings.Pid), own = Clock.Processor(Environment.ProcessId);
        _latencies.Clear();
        _afterAnswer.Clear();
        _probes.Clear();
        _late = 0;
        double end = begin + seconds * 1000;
        for (double now = begin; now < end; now = Clock.Milliseconds)
        {
            int due = first + (int)((now - begin) * _settings.ChangesPerSecond / 1000);
            while (_sent < due && _idle.Count > 0) Change();
            if (_sent < due) _late++;
            Probe(now);
            _poll.Turn(1);
            Require();
        }
        double took = (Clock.Milliseconds - begin) / 1000;
        processor = Clock.Processor(_settings.Pid) - processor;
        own = Clock.Processor(Environment.ProcessId) - own;
        int changes = _sent - first;
        Settle(first);
        return new ChangeReport(
            changes / took, Clock.Percentiles(_latencies, 0.5, 0.95, 0.99, 1), Clock.Percentiles(_afterAnswer, 0.5, 0.95, 0.99, 1),
            Clock.Percentiles(_probes, 0.5, 0.95, 0.99, 1), _probes.Count, _latencies.Count, _late, processor / (took * 10),
            own / (took * 10));
    }

    /// <summary>Every change was answered, and told to each socket that follows its record, once.</summary>
    void Settle(int first)
    {
        double until = Clock.Milliseconds + 20_000;
        while (_answered < _sent || _isProbing || !IsTold())
        {
            if (Clock.Milliseconds > until)
                throw new IOException($"of {_sent - first} changes not all were told {_settings.SocketsEach} times");
            if (_isProbing) Probe(Clock.Milliseconds);
            _poll.Turn(2);
            Require();
        }
        bool IsTold()
        {
            for (int i = first; i < _sent; i++)
            {
                if (_told[i] > _settings.SocketsEach) throw new IOException($"change {i} was told {_told[i]} times");
                if (_told[i] < _settings.SocketsEach) return false;
            }
            return true;
        }
    }

    void Change()
    {
        HttpConnection connection = _idle.Pop();
        int stamp = _sent++;
        int cards = _settings.Shapes.Length * _settings.Teams.Length * _settings.CardsEach;
        _sentAt[stamp] = Clock.Milliseconds;
        connection.Send("PATCH", $"/api/cards/{1 + _random.Next(cards)}", _settings.Editor,
            $$"""{"stamp":{{stamp}},"amount":{{_random.Next(10_000)}}}""", (status, body) =>
            {
                if (status is not (200 or 204)) _refused ??= $"a change was answered {status}: {Encoding.UTF8.GetString(body)}";
                _answeredAt[stamp] = Clock.Milliseconds;
                _answered++;
                _idle.Push(connection);
            });
    }

    void Told(int stamp)
    {
        double now = Clock.Milliseconds;
        _told[stamp]++;
        _latencies.Add(now - _sentAt[stamp]);
        // Who follows may be told before who has written is answered.
        _afterAnswer.Add(_answeredAt[stamp] == 0 ? 0 : now - _answeredAt[stamp]);
    }

    /// <summary>Changes a record, and asks its total until that has the change.</summary>
    void Probe(double now)
    {
        if (!_isProbing && now - _probeSentAt >= s_probeEvery)
        {
            (_isProbing, _probeSentAt, _lookAt) = (true, now, double.MaxValue);
            int value = ++_probed;
            _probe.Send("PATCH", "/api/cards/1000000", _settings.Editor, $$"""{"stamp":{{value}}}""", (status, body) =>
            {
                if (status is not (200 or 204)) _refused ??= $"a probe was answered {status}: {Encoding.UTF8.GetString(body)}";
                _lookAt = Clock.Milliseconds;
            });
        }
        if (!_isProbing || now < _lookAt) return;
        _lookAt = double.MaxValue;
        _probe.Send("GET", $"/api/board_totals/{ProbeBoard}", null, "", (status, body) =>
        {
            if (status != 200) _refused ??= $"the read model answered {status}: {Encoding.UTF8.GetString(body)}";
            else if (Total(body) == _probed) Done();
            else _lookAt = Clock.Milliseconds + s_lookEvery;
        });

        void Done()
        {
            _isProbing = false;
            _probes.Add(Clock.Milliseconds - _probeSentAt);
        }
    }

    static int Total(ReadOnlySpan<byte> body)
    {
        Utf8JsonReader reader = new(body);
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        return document.RootElement.GetProperty("stamps").GetInt32();
    }

    void Require()
    {
        if (_refused is not null) throw new IOException(_refused);
    }
}

/// <param name="PerSecond">Changes that were sent.</param>
/// <param name="FromSent">Milliseconds from sending a change to having read a frame of it: median, 95 and 99 of a hundred, most.</param>
/// <param name="FromAnswer">The same from when the change was answered, 0 where the frame came first.</param>
/// <param name="ReadModel">Milliseconds from sending a change to an answer of the projection that has it.</param>
/// <param name="Probes">How many of those.</param>
/// <param name="Frames">Frames that were read.</param>
/// <param name="Late">Turns in which a change waited for a free connection.</param>
/// <param name="ServerPercent">Of one core.</param>
/// <param name="LoadPercent">The same of this program.</param>
sealed record ChangeReport(
    double PerSecond, double[] FromSent, double[] FromAnswer, double[] ReadModel, int Probes, int Frames, int Late, double ServerPercent,
    double LoadPercent);
