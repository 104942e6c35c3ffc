using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Sinks;

/// <summary>Copies of the log elsewhere, at real receivers: a file, an HTTP server, syslog over UDP and TCP.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class SinkTests
{
    const string Schema = """
        model Note { id Int @id  text String  phone String? @pii  key String? @serverOnly  @@allow("all", true) }
        """;

    static readonly SinkOptions s_quick = new()
    {
        FailuresMax = 3, FirstPause = TimeSpan.FromMilliseconds(1), PauseMax = TimeSpan.FromMilliseconds(10),
        Lease = TimeSpan.FromMilliseconds(600),
    };

    [Fact]
    public async Task A_file_gets_a_line_for_each_event_from_then_on_without_secrets_and_goes_on_after_a_crash()
    {
        using WriteFixture fixture = new(Schema);
        await Create(fixture, 1);
        // Followers are told of an event after its writer is answered.
        await UntilAsync(() => fixture.Store.Tail.Head == 1);
        string path = Path.Combine(fixture.Folder, "events.ndjson");
        await using (EventSinks sinks = new(fixture.Engine, s_quick with { File = path }))
        {
            await Begun(sinks);
            await Create(fixture, 2);
            await Create(fixture, 3);
            await UntilAsync(() => sinks.Status[0].Position == 3);
        }
        Assert.Equal([2, 3], HttpReceiver.PositionsOf(await File.ReadAllTextAsync(path)));
        string text = await File.ReadAllTextAsync(path);
        Assert.Contains("\"redacted\":[\"phone\"]", text, StringComparison.Ordinal);
        Assert.DoesNotContain("+41", text, StringComparison.Ordinal);

        // The process ended in the middle of a line, and before it kept its place: the line is ended, and the event sent again.
        await File.WriteAllTextAsync(path, text[..^10]);
        await Create(fixture, 4);
        await fixture.Store.Committer.RunAsync(new WriteAction<Plinth.Text.Done>(tx =>
        {
            using Statement back = tx.Prepare($"update {LogTables.Followers} set position = 2");
            back.Run();
            return Plinth.Text.Done.It;
        }), CancellationToken.None);
        await using (EventSinks again = new(fixture.Engine, s_quick with { File = path }))
            await UntilAsync(() => again.Status[0].Position == 4);
        string[] lines = (await File.ReadAllTextAsync(path)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal([3, 4], HttpReceiver.PositionsOf(string.Join('\n', lines[^2..])));
        Assert.Equal(4, lines.Length);
    }

    [Fact]
    public async Task An_http_receiver_gets_all_in_order_and_one_that_refuses_parks_the_sink_until_it_is_told_to_go_on()
    {
        using WriteFixture fixture = new(Schema);
        await using HttpReceiver receiver = new();
        SinkOptions options = s_quick with { Url = receiver.Url, Token = "a-token" };
        await using EventSinks sinks = new(fixture.Engine, options);
        await Begun(sinks);
        for (int i = 1; i <= 20; i++) await Create(fixture, i);
        await UntilAsync(() => sinks.Status[0].Position == 20);
        Assert.Equal(Enumerable.Range(1, 20).Select(static i => (long)i), receiver.Positions.Distinct());
        Assert.All(receiver.Tokens, static token => Assert.Equal("Bearer a-token", token));

        receiver.Status = 400;
        await Create(fixture, 21);
        await UntilAsync(() => sinks.Status[0].State == FollowerState.Parked);
        Assert.Equal((20, 21), (sinks.Status[0].Position, sinks.Status[0].FailedAt));
        Assert.Contains("answered 400", sinks.Status[0].Error, StringComparison.Ordinal);
        Assert.DoesNotContain("a-token", sinks.Status[0].Error, StringComparison.Ordinal);
        await UntilAsync(() => Row(fixture).Error is not null);

        receiver.Status = 204;
        foreach (bool wasParked in new[] { true, false })
        {
            var unparked = await fixture.Store.Committer.RunAsync(FollowerTable.Unpark("sink:http", skips: true), CancellationToken.None);
            Assert.Equal(wasParked, unparked.Value);
        }
        await Create(fixture, 22);
        await UntilAsync(() => sinks.Status[0].Position == 22);
        Assert.Equal(22, receiver.Accepted[^1]);
        Assert.DoesNotContain(21, receiver.Accepted);
    }

    [Fact]
    public async Task While_clients_write_and_old_values_are_taken_away_a_sink_gets_every_event_with_its_values()
    {
        using WriteFixture fixture = new(Schema + "projection ByText from Note { key text  n Int = count()  @@allow(\"read\", true) }");
        string path = Path.Combine(fixture.Folder, "events.ndjson");
        List<string> told = [];
        await using EventSinks sinks = new(fixture.Engine, s_quick with { File = path });
        await Begun(sinks);
        // Keeps nothing longer than it has to, and looks all the time.
        await using Retention retention = new(
            fixture.Store, new RetentionSpans(TimeSpan.Zero, null), TimeSpan.FromMilliseconds(1), told.Add);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async writer =>
        {
            for (int i = 0; i < 100; i++) await Create(fixture, (writer * 1000) + i);
        }));
        await UntilAsync(() => sinks.Status[0].Position == 400);
        await UntilAsync(() => Cut(fixture) == 400);
        string[] lines = (await File.ReadAllTextAsync(path)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Enumerable.Range(1, 400).Select(static i => (long)i), lines.SelectMany(HttpReceiver.PositionsOf));
        Assert.All(lines, static line => Assert.Contains("\"after\":{\"id\":", line, StringComparison.Ordinal));
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
        AppSchema schema = fixture.Engine.Current.Schema;
        Assert.Empty(fixture.Engine.Projections.Verify(schema, schema.Model("ByText"), null, CancellationToken.None).Differences);
    }

    static long Cut(WriteFixture fixture)
    {
        using Connection reader = fixture.Store.Database.OpenReader();
        return LogCut.Position(reader);
    }

    [Theory]
    [InlineData("udp")]
    [InlineData("tcp")]
    public async Task A_syslog_receiver_gets_a_message_for_each_event(string scheme)
    {
        using WriteFixture fixture = new(Schema);
        using SyslogReceiver receiver = new(scheme);
        await using EventSinks sinks = new(fixture.Engine, s_quick with { Syslog = receiver.Url });
        await Begun(sinks);
        for (int i = 1; i <= 5; i++) await Create(fixture, i);
        await UntilAsync(() => receiver.Messages.Count >= 5);
        string first = receiver.Messages.First();
        Assert.StartsWith("<110>1 ", first, StringComparison.Ordinal);
        Assert.Contains(" created [plinth@32473 position=\"1\" model=\"Note\"] {\"position\":\"1\"", first, StringComparison.Ordinal);
        Assert.DoesNotContain("+41", string.Join('\n', receiver.Messages), StringComparison.Ordinal);
    }

    static Task<string> Create(WriteFixture fixture, int id) => fixture.Do(CommandKind.Create, "Note",
        string.Create(CultureInfo.InvariantCulture, $$"""{"id":{{id}},"text":"note {{id}}","phone":"+41"}"""));

    static FollowerRow Row(WriteFixture fixture)
    {
        using Connection reader = fixture.Store.Database.OpenReader();
        return Assert.Single(FollowerTable.All(reader));
    }

    static Task Begun(EventSinks sinks) => UntilAsync(() => sinks.Status.All(static s => s.State == FollowerState.Running));

    static async Task UntilAsync(Func<bool> holds)
    {
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(60));
        while (!holds()) await Task.Delay(10, bound.Token);
    }

    sealed class SyslogReceiver : IDisposable
    {
        readonly UdpClient? _udp;
        readonly TcpListener? _tcp;

        public SyslogReceiver(string scheme)
        {
            int port;
            if (scheme == "udp")
            {
                _udp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
                port = ((IPEndPoint)_udp.Client.LocalEndPoint!).Port;
                _ = ReceiveAsync(_udp);
            }
            else
            {
                _tcp = new TcpListener(IPAddress.Loopback, 0);
                _tcp.Start();
                port = ((IPEndPoint)_tcp.LocalEndpoint).Port;
                _ = AcceptAsync(_tcp);
            }
            Url = new Uri(string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{port}"));
        }

        public Uri Url { get; }

        public ConcurrentQueue<string> Messages { get; } = new();

        public void Dispose()
        {
            _udp?.Dispose();
            _tcp?.Dispose();
        }

        async Task ReceiveAsync(UdpClient udp)
        {
            try
            {
                while (true) Messages.Enqueue(Encoding.UTF8.GetString((await udp.ReceiveAsync()).Buffer));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Stopped.
            }
        }

        async Task AcceptAsync(TcpListener listener)
        {
            try
            {
                using TcpClient client = await listener.AcceptTcpClientAsync();
                Stream stream = client.GetStream();
                while (true)
                {
                    // Octets counted: "123 <110>1 …".
                    int length = 0;
                    for (int read = stream.ReadByte(); read is >= '0' and <= '9'; read = stream.ReadByte())
                        length = (length * 10) + read - '0';
                    if (length == 0) return;
                    byte[] message = new byte[length];
                    await stream.ReadExactlyAsync(message);
                    Messages.Enqueue(Encoding.UTF8.GetString(message));
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
            {
                // Stopped.
            }
        }
    }
}
