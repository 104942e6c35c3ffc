// The load of bench/run realtime: thousands of WebSockets and a stream of changes, on one thread over epoll. It decodes no more of a frame
// than the number of the change that it tells of. Settings in a file of JSON, the outcome as one line of JSON.
using System.Text.Json;
using Plinth.RealtimeLoad;

JsonSerializerOptions json = new(JsonSerializerDefaults.Web);
Settings settings = JsonSerializer.Deserialize<Settings>(File.ReadAllText(args[0]), json)
    ?? throw new InvalidDataException("the settings are null");
Poll poll = new();
double begin = Clock.Milliseconds;
Rooms rooms = new(settings, poll);
rooms.FollowBoards(poll);
double opened = Clock.Milliseconds - begin;
await MetricsAsync(settings, "joined");
Console.Error.WriteLine($"{settings.Sockets} sockets follow {rooms.Queries} queries after {opened / 1000:f1} s");

Changes changes = new(settings, poll, rooms);
changes.Run(settings.Seconds);
var before = await MetricsAsync(settings, "warm");
List<ChangeReport> windows = [];
for (int i = 0; i < settings.Windows; i++)
{
    windows.Add(changes.Run(settings.Seconds));
    Console.Error.WriteLine($"{i + 1}/{settings.Windows}: {JsonSerializer.Serialize(windows[^1], json)}");
}
var after = await MetricsAsync(settings, "changed");
int compared = await rooms.CompareAsync();

rooms.FollowWall(poll);
FanOutReport fanOut = new FanOut(settings, poll, rooms).Run();
Console.WriteLine(JsonSerializer.Serialize(
    new { opened, queries = rooms.Queries, compared, windows, fanOut, before, after, residentMegabytes = Resident(settings.Pid) }, json));

// What the server counts of itself.
static async Task<Dictionary<string, double>> MetricsAsync(Settings settings, string when)
{
    using HttpClient http = new();
    http.DefaultRequestHeaders.Add("Authorization", "Bearer " + settings.Operator);
    string text = await http.GetStringAsync($"http://127.0.0.1:{settings.Port}/metrics");
    string[] names = ["plinth_realtime_runs", "plinth_realtime_queries", "plinth_database_statements", "plinth_realtime_connections"];
    Dictionary<string, double> found = [];
    foreach (string line in text.Split('\n'))
    {
        if (names.FirstOrDefault(name => line.StartsWith(name, StringComparison.Ordinal)) is { } known)
            found[known] = double.Parse(line[(line.LastIndexOf(' ') + 1)..]);
    }
    Console.Error.WriteLine($"{when}: {string.Join(", ", found.Select(static f => $"{f.Key} {f.Value}"))}");
    return found;
}

static double Resident(int pid) => File.ReadLines($"/proc/{pid}/status").First(static l => l.StartsWith("VmRSS", StringComparison.Ordinal))
    .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1] is { } kilobytes ? double.Parse(kilobytes) / 1024 : 0;
