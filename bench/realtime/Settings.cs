namespace Plinth.RealtimeLoad;

/// <summary>What the harness asks for, as JSON in a file.</summary>
/// <param name="Port">Of Plinth.</param>
/// <param name="Pid">Of Plinth, for its processor time.</param>
/// <param name="BarePort">Of bare Kestrel.</param>
/// <param name="BarePid">Of bare Kestrel.</param>
/// <param name="Operator">The token that lets one read the metrics.</param>
/// <param name="Editor">The access token of who changes records.</param>
/// <param name="Teams">The access tokens of those who follow them, by team.</param>
/// <param name="Shapes">The query of each board, as JSON, and the same for REST.</param>
/// <param name="CardsEach">Cards of one board and team.</param>
/// <param name="Sockets">WebSockets.</param>
/// <param name="ChangesPerSecond">What is aimed at.</param>
/// <param name="Windows">Stretches of time that are measured.</param>
/// <param name="Seconds">Of each.</param>
/// <param name="FanOuts">Changes that everybody is told of, and as many broadcasts.</param>
sealed record Settings(
    int Port, int Pid, int BarePort, int BarePid, string Operator, string Editor, string[] Teams, Shape[] Shapes, int CardsEach,
    int Sockets, int ChangesPerSecond, int Windows, int Seconds, int FanOuts)
{
    /// <summary>Sockets that follow the same query with the same rights, and so are touched by one change.</summary>
    public int SocketsEach => Sockets / (Shapes.Length * Teams.Length);
}

/// <summary>One live query, and how REST asks the same.</summary>
sealed record Shape(string Query, string Path);
