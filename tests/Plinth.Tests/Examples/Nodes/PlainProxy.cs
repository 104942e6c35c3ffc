using System.Net;
using System.Net.Sockets;

namespace Plinth.Examples.Nodes;

/// <summary>
/// One address before several nodes, as the plainest load balancer is: each connection goes to the next node that takes it, and knows
/// nothing of what it carries.
/// </summary>
sealed class PlainProxy : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly int[] _nodes;
    readonly int[] _carried;
    int _next;

    public PlainProxy(int[] nodes)
    {
        (_nodes, _carried) = (nodes, new int[nodes.Length]);
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>A node was started again, on another port.</summary>
    public void Lead(int node, int port) => Volatile.Write(ref _nodes[node], port);

    /// <summary>Connections that a node has had.</summary>
    public int Carried(int node) => Volatile.Read(ref _carried[node]);

    public void Dispose() => _listener.Dispose();

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
        using (client)
        {
            using TcpClient? server = await ConnectAsync();
            if (server is null) return;
            try
            {
                client.NoDelay = true;
                Task there = client.GetStream().CopyToAsync(server.GetStream()), back = server.GetStream().CopyToAsync(client.GetStream());
                await await Task.WhenAny(there, back);
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
            {
                // One side is gone, so the other goes.
            }
        }
    }

    /// <summary>To the next node that listens; null when none does.</summary>
    async Task<TcpClient?> ConnectAsync()
    {
        for (int tried = 0; tried < _nodes.Length; tried++)
        {
            int node = (int)((uint)Interlocked.Increment(ref _next) % _nodes.Length);
            TcpClient server = new() { NoDelay = true };
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, Volatile.Read(ref _nodes[node]));
                Interlocked.Increment(ref _carried[node]);
                return server;
            }
            catch (SocketException)
            {
                server.Dispose();
            }
        }
        return null;
    }
}
