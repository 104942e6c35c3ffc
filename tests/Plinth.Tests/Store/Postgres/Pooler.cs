using System.Diagnostics;
using System.Globalization;

namespace Plinth.Store.Postgres;

/// <summary>A PgBouncer of the test's own before a server, which gives each transaction another session.</summary>
sealed class Pooler : IDisposable
{
    readonly TempFolder _folder = new();
    readonly Process _process;
    readonly int _port = SwitchedPort.Free();

    Pooler(PostgresCluster cluster)
    {
        File.WriteAllText(_folder.File("users.txt"), "\"plinth\" \"\"\n");
        File.WriteAllText(_folder.File("pooler.ini"), string.Create(CultureInfo.InvariantCulture, $"""
            [databases]
            * = host={cluster.Folder}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {_port}
            unix_socket_dir =
            auth_type = trust
            auth_file = {_folder.File("users.txt")}
            pool_mode = transaction
            default_pool_size = 3
            """));
        foreach (string file in Directory.GetFiles(_folder.Path)) PostgresCluster.Give(file);
        PostgresCluster.Give(_folder.Path);
        _process = PostgresCluster.Serve("/usr/sbin/pgbouncer", "pgbouncer", [_folder.File("pooler.ini")]);
    }

    /// <summary>Starts one; when it returns, connections are taken.</summary>
    public static Pooler Start(PostgresCluster cluster)
    {
        Pooler pooler = new(cluster);
        Assert.True(SpinWait.SpinUntil(pooler.Answers, TimeSpan.FromSeconds(30)), "the pooler does not take connections");
        return pooler;
    }

    bool Answers()
    {
        try
        {
            using System.Net.Sockets.TcpClient client = new("127.0.0.1", _port);
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

    public string Url => PostgresCluster.UrlAt(_port, options: "sslmode=disable&connect_timeout=10");

    public void Dispose()
    {
        PostgresCluster.Kill(_process);
        _process.Dispose();
        _folder.Dispose();
    }
}
