using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Npgsql;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>What an operator puts between a node and its server, and what may happen to the server.</summary>
public class OperationsTests
{
    [Fact]
    public async Task A_standby_that_is_promoted_has_every_acknowledged_write_and_serves_without_a_restart()
    {
        int first = SwitchedPort.Free(), second = SwitchedPort.Free();
        using PostgresCluster primary = PostgresCluster.Start(Listening(first));
        using PostgresCluster standby = PostgresCluster.Follow(first, Listening(second));
        using SwitchedPort address = new(first);
        await using PostgresNodes nodes = new(PostgresCluster.UrlAt(address.Port));

        // A commit counts when the standby has it as well.
        nodes.Execute("alter system set synchronous_standby_names = '*'");
        nodes.Execute("select pg_reload_conf()");
        Engine engine = await nodes.StartAsync();
        ConcurrentBag<int> acknowledged = [];
        using CancellationTokenSource stop = new();
        Task[] writing = [.. Enumerable.Range(1, 4).Select(writer => WriteAsync(engine, writer, acknowledged, stop.Token))];
        await UntilAsync(() => acknowledged.Count > 50);

        primary.Stop("immediate");
        standby.Promote();
        address.LeadTo(second);
        int before = acknowledged.Count;
        await UntilAsync(() => acknowledged.Count > before + 50);
        await stop.CancelAsync();
        await Task.WhenAll(writing);

        foreach (int id in acknowledged)
        {
            string key = id.ToString(CultureInfo.InvariantCulture);
            Assert.True(await PostgresNodes.ReadAsync(engine, key) is null, $"{key} was acknowledged and is not there");
        }

        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
    }

    [Fact]
    public async Task A_statement_that_waits_past_its_time_is_a_time_out_and_the_next_one_runs()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { StatementMs = 300, CacheBytes = 0 };
        Engine engine = await nodes.StartAsync();
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"q"}"""));
        using (nodes.Hold("lock table notes in access exclusive mode"))
        {
            Assert.Equal(Faults.Timeout.Code, (await PostgresNodes.ReadAsync(engine, "1"))?.Code);
            Fault? refused = await PostgresNodes.WriteAsync(engine, CommandKind.Update, """{"text":"r"}""", "1");
            Assert.Equal(Faults.Timeout.Code, refused?.Code);
        }

        Assert.Null(await PostgresNodes.ReadAsync(engine, "1"));
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Update, """{"text":"r"}""", "1"));
    }

    [Fact]
    public async Task A_server_without_a_free_connection_is_busy_until_it_has_one()
    {
        using PostgresCluster cluster = PostgresCluster.Start("fsync=off -c max_connections=12");
        await using PostgresNodes nodes = new(cluster) { CacheBytes = 0 };
        Engine engine = await nodes.StartAsync();
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"q"}"""));
        // Who has a connection keeps it, because what it reads is locked.
        List<IDisposable> held = [nodes.Hold("lock table notes in access exclusive mode")];
        try
        {
            while (true) held.Add(nodes.Hold("select 1"));
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.TooManyConnections)
        {
            // As many as there are.
        }

        // Twenty at once need more connections than the node has.
        ReadRequest list = new() { Model = "Note", Kind = ReadKind.List };
        Task<Result<ReadReply>>[] asked = [.. Enumerable.Range(0, 20)
            .Select(_ => engine.ReadAsync(Policy.Caller.System, list, CancellationToken.None).AsTask())];
        await Task.WhenAny(asked);
        foreach (IDisposable one in held) one.Dispose();
        Result<ReadReply>[] answers = await Task.WhenAll(asked);
        string[] refusals = [.. answers.Where(static a => !a.IsOk).Select(static a => a.Fault!.Code)];
        foreach (Result<ReadReply> answer in answers.Where(static a => a.IsOk)) answer.Value.Dispose();
        Assert.NotEmpty(refusals);
        Assert.All(refusals, static code => Assert.Equal(Faults.Overloaded.Code, code));
        Assert.Null(await PostgresNodes.ReadAsync(engine, "1"));
    }

    [Fact]
    public void A_server_is_reached_by_TLS_and_one_that_is_not_who_it_says_is_not()
    {
        using TempFolder folder = new();
        WriteCertificate(folder.File("server"));
        WriteCertificate(folder.File("other"));
        PostgresCluster.Give(folder.Path);
        int port = SwitchedPort.Free();
        using PostgresCluster cluster = PostgresCluster.Start(
            $"{Listening(port)} -c ssl=on -c ssl_cert_file={folder.File("server.crt")} -c ssl_key_file={folder.File("server.key")}");

        PostgresServer known = PostgresServer.Of(Url("server"), "tests");
        using (NpgsqlDataSource source = known.Writers(new() { Folder = folder.Path }))
        using (NpgsqlCommand ask = source.CreateCommand("select ssl from pg_stat_ssl where pid = pg_backend_pid()"))
        {
            Assert.Equal(true, ask.ExecuteScalar());
        }

        StoreException refused = Assert.Throws<StoreException>(
            () => PostgresDatabase.Open(new() { Folder = folder.Path }, PostgresServer.Of(Url("other"), "tests")));
        Assert.Equal(StoreFailure.Unavailable, refused.Failure);

        string Url(string root) => PostgresCluster.UrlAt(
            port, options: "sslmode=verify-full&sslrootcert=" + Uri.EscapeDataString(folder.File(root + ".crt")));
    }

    [Fact]
    public async Task A_pooler_that_gives_each_transaction_another_session_is_fine()
    {
        using PostgresCluster cluster = PostgresCluster.Start("fsync=off");
        using TempFolder folder = new();
        using Pooler pooler = Pooler.Start(cluster);
        await ServeBehindAsync(cluster, pooler.Url, folder);
    }

    static async Task ServeBehindAsync(PostgresCluster cluster, string url, TempFolder folder)
    {
        PostgresServer server = PostgresServer.Of(url, "tests") with
        {
            PreparedMax = 0,
            Direct = PostgresServer.Of(cluster.Url(), "tests"),
        };
        Result<Engine> opened = await Engine.OpenAsync(
            new EngineOptions
            {
                Store = new StoreOptions { Folder = folder.Path, ReadTimeMax = TimeSpan.FromSeconds(1) },
                OpenDatabase = (options, _) => PostgresDatabase.Open(options, server),
                Limits = Limits.Default with { CacheBytes = 0 },
                Migrate = true,
            },
            WriteFixture.Read(PostgresNodes.Schema),
            CancellationToken.None);
        Assert.True(opened.IsOk, opened.Fault?.Message);
        await using Engine engine = opened.Value;
        ConcurrentBag<int> acknowledged = [];
        using CancellationTokenSource stop = new();
        Task[] writing = [.. Enumerable.Range(1, 4).Select(writer => WriteAsync(engine, writer, acknowledged, stop.Token))];
        await UntilAsync(() => acknowledged.Count > 100);
        await stop.CancelAsync();
        await Task.WhenAll(writing);

        // More at once than the pooler has sessions, by themselves and together, again and again.
        ReadRequest list = new() { Model = "Note", Kind = ReadKind.List, Limit = 5, Count = CountMode.Exact };
        for (int round = 0; round < 3; round++)
        {
            string[] lists = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => PostgresNodes.AnswerAsync(engine, list)));
            Assert.All(lists, one => Assert.Equal(lists[0], one));
            Fault?[] faults = await Task.WhenAll(acknowledged.Take(40)
                .Select(id => PostgresNodes.ReadAsync(engine, id.ToString(CultureInfo.InvariantCulture))));
            Assert.All(faults, Assert.Null);
        }

        // Times are held on this side.
        await using NpgsqlDataSource direct = PostgresServer.Of(cluster.Url(), "tests").Writers(new() { Folder = folder.Path });
        await using NpgsqlConnection holder = await direct.OpenConnectionAsync();
        await using NpgsqlTransaction holding = await holder.BeginTransactionAsync();
        await using (NpgsqlCommand take = new("lock table notes in access exclusive mode", holder)) await take.ExecuteNonQueryAsync();
        Assert.Equal(Faults.Timeout.Code, (await PostgresNodes.ReadAsync(engine, "1000000"))?.Code);
    }

    static string Listening(int port) =>
        string.Create(CultureInfo.InvariantCulture, $"fsync=off -c listen_addresses=127.0.0.1 -c port={port}");

    static void WriteCertificate(string path)
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(path + ".crt", certificate.ExportCertificatePem());
        File.WriteAllText(path + ".key", key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path + ".key", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        PostgresCluster.Give(path + ".key");
        PostgresCluster.Give(path + ".crt");
    }

    static async Task WriteAsync(Engine engine, int writer, ConcurrentBag<int> acknowledged, CancellationToken stop)
    {
        for (int id = writer * 1_000_000; !stop.IsCancellationRequested; id++)
        {
            Fault? fault = await PostgresNodes.WriteAsync(engine, CommandKind.Create, $$"""{"id":{{id}},"text":"{{writer}}"}""");
            if (fault is null) acknowledged.Add(id);
        }
    }

    static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        while (!isSo()) await Task.Delay(20, enough.Token);
    }
}
