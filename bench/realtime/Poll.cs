using System.Runtime.InteropServices;

namespace Plinth.RealtimeLoad;

/// <summary>Linux's epoll, level-triggered: one thread waits for thousands of sockets, and hands nothing over to others.</summary>
sealed unsafe partial class Poll
{
    const int Add = 1;
    const uint Readable = 1;
    const int EventsMax = 2048;

    // The kernel's struct is packed on x86 alone.
    static readonly int s_size = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    readonly int _fd = epoll_create1(0);
    readonly byte[] _events = GC.AllocateArray<byte>(EventsMax * 16, pinned: true);
    readonly List<Connection> _all = [];

    public void Watch(Connection connection)
    {
        byte* wanted = stackalloc byte[16];
        *(uint*)wanted = Readable;
        *(ulong*)(wanted + s_size - 8) = (ulong)_all.Count;
        _all.Add(connection);
        if (epoll_ctl(_fd, Add, (int)connection.Socket.Handle, wanted) != 0)
            throw new IOException($"epoll_ctl: error {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>Lets every connection that has something read it; waits for one at most so many milliseconds.</summary>
    public void Turn(int millisecondsMax)
    {
        fixed (byte* events = _events)
        {
            int count = epoll_wait(_fd, events, EventsMax, millisecondsMax);
            for (int i = 0; i < count; i++) _all[(int)*(ulong*)(events + i * s_size + s_size - 8)].Read();
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int fd, byte* wanted);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int eventsMax, int milliseconds);
}
