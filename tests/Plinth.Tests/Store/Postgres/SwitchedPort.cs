using System.Net;
using System.Net.Sockets;

namespace Plinth.Store.Postgres;

/// <summary>An address that leads to one server and then to another, as a service's address does when a standby takes over.</summary>
sealed class SwitchedPort : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly Lock _gate = new();
    readonly List<TcpClient> _open = [];
    int _target;

    public SwitchedPort(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>A port that nobody listens on now.</summary>
    public static int Free()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Ends what is open; what comes goes to the other one.</summary>
    public void LeadTo(int target)
    {
        Volatile.Write(ref _target, target);
        lock (_gate)
        {
            foreach (TcpClient client in _open) client.Dispose();
            _open.Clear();
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        LeadTo(0);
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true) _ = CarryAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    async Task CarryAsync(TcpClient client)
    {
        using TcpClient server = new();
        try
        {
            lock (_gate) _open.Add(client);
            await server.ConnectAsync(IPAddress.Loopback, Volatile.Read(ref _target));
            lock (_gate) _open.Add(server);
            Task there = client.GetStream().CopyToAsync(server.GetStream()), back = server.GetStream().CopyToAsync(client.GetStream());
            await Task.WhenAny(there, back);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // One side is gone, so the other goes.
        }
        finally
        {
            client.Dispose();
        }
    }
}
