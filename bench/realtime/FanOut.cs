using System.Text;

namespace Plinth.RealtimeLoad;

/// <summary>One change that everybody is told of, against a broadcast of as many bytes by Kestrel alone; in turns.</summary>
sealed class FanOut
{
    readonly Settings _settings;
    readonly Poll _poll;
    readonly Rooms _rooms;
    readonly HttpConnection _plinth, _bare;
    readonly List<LiveConnection> _bareSockets = [];
    int _bareCount, _stamp;

    public FanOut(Settings settings, Poll poll, Rooms rooms)
    {
        (_settings, _poll, _rooms) = (settings, poll, rooms);
        _plinth = new HttpConnection(settings.Port);
        _bare = new HttpConnection(settings.BarePort);
        poll.Watch(_plinth);
        poll.Watch(_bare);
        for (int i = 0; i < settings.Sockets; i++)
        {
            LiveConnection socket = new(i, settings.BarePort, "/socket", null, (_, _) => _bareCount++);
            _bareSockets.Add(socket);
            poll.Watch(socket);
        }
    }

    public FanOutReport Run()
    {
        List<double> plinth = [], bare = [];
        double plinthProcessor = 0, bareProcessor = 0;
        // Both have run hot before they are measured.
        for (int i = 0; i < Math.Max(5, _settings.FanOuts / 3); i++)
        {
            Plinth();
            Bare();
        }
        plinthProcessor = 0;
        for (int i = 0; i < _settings.FanOuts; i++)
        {
            bool isFirst = i % 2 == 0;
            if (isFirst) plinth.Add(Plinth());
            double before = Clock.Processor(_settings.BarePid);
            bare.Add(Bare());
            bareProcessor += Clock.Processor(_settings.BarePid) - before;
            if (!isFirst) plinth.Add(Plinth());
        }
        return new FanOutReport(
            [.. plinth], [.. bare], _rooms.WallFrame.Length, PerMessage(plinthProcessor), PerMessage(bareProcessor));

        double Plinth()
        {
            double before = Clock.Processor(_settings.Pid), took = TellAll();
            plinthProcessor += Clock.Processor(_settings.Pid) - before;
            return took;
        }

        double PerMessage(double milliseconds) => milliseconds * 1000 / ((double)_settings.FanOuts * _settings.Sockets);
    }

    /// <summary>Milliseconds from sending the change to the last frame.</summary>
    double TellAll()
    {
        (_rooms.WallStamp, _rooms.WallCount) = (100_000 + ++_stamp, 0);
        bool isAnswered = false;
        double begin = Clock.Milliseconds;
        _plinth.Send("PATCH", "/api/walls/1", _settings.Editor, $$"""{"stamp":{{_rooms.WallStamp}}}""", (status, body) =>
        {
            if (status is not (200 or 204)) throw new IOException($"the wall was answered {status}: {Encoding.UTF8.GetString(body)}");
            isAnswered = true;
        });
        return Until(begin, () => isAnswered && _rooms.WallCount == _settings.Sockets, () => _rooms.WallCount);
    }

    double Bare()
    {
        _bareCount = 0;
        bool isAnswered = false;
        double begin = Clock.Milliseconds;
        _bare.Send("POST", "/broadcast", null, Encoding.UTF8.GetString(_rooms.WallFrame), (status, _) => isAnswered = status == 200);
        return Until(begin, () => isAnswered && _bareCount == _settings.Sockets, () => _bareCount);
    }

    double Until(double begin, Func<bool> isDone, Func<int> count)
    {
        while (!isDone())
        {
            _poll.Turn(5);
            _rooms.Require();
            if (Clock.Milliseconds - begin > 20_000) throw new IOException($"{count()} of {_settings.Sockets} were told");
        }
        return Clock.Milliseconds - begin;
    }
}

/// <param name="Plinth">Milliseconds until everybody had been told, of each round.</param>
/// <param name="Bare">The same of bare Kestrel.</param>
/// <param name="Bytes">Of the frame.</param>
/// <param name="PlinthProcessor">Microseconds of the server's processor time for one socket.</param>
/// <param name="BareProcessor">The same of bare Kestrel.</param>
sealed record FanOutReport(double[] Plinth, double[] Bare, int Bytes, double PlinthProcessor, double BareProcessor);
