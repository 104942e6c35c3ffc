using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Plinth.Realtime.Nodes;

/// <summary>
/// Someone who makes, changes and deletes deals of their own by whichever node answers, and knows what was acknowledged. A write whose
/// answer does not come is sent again with the key that it had.
/// </summary>
sealed class LiveWriter(Uri address, string token, int number, int seed) : IDisposable
{
    const int DealsEach = 12;

    static readonly string[] s_stages = ["new", "won", "lost", "public"], s_regions = ["north", "south"];

    readonly HttpClient _http =
        new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(20) };
    readonly Random _random = new(unchecked(seed * 31 + number));
    readonly Dictionary<int, string> _there = [];
    int _acknowledged;

    public int Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>What must be there: the deals of this one, by id, each with the title that was acknowledged last.</summary>
    public IReadOnlyDictionary<int, string> There => _there;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            int id = number * 100 + _random.Next(DealsEach);
            string title = string.Create(CultureInfo.InvariantCulture, $"t{_random.Next(10)} {number}-{_acknowledged}");
            bool isThere = _there.ContainsKey(id);
            if (!isThere) await WriteAsync(HttpMethod.Post, "/api/deals", 201, Body(id, title));
            else if (_random.Next(6) == 0) await WriteAsync(HttpMethod.Delete, Path(id), 204, null);
            else await WriteAsync(HttpMethod.Patch, Path(id), 200, Body(null, title));
            if (isThere && _deleted) _there.Remove(id);
            else _there[id] = title;
            Interlocked.Increment(ref _acknowledged);
        }
    }

    public void Dispose() => _http.Dispose();

    bool _deleted;

    static string Path(int id) => string.Create(CultureInfo.InvariantCulture, $"/api/deals/{id}");

    string Body(int? id, string title)
    {
        string secret = _random.Next(2) == 0 ? "null" : "\"x\"";
        return string.Create(CultureInfo.InvariantCulture, $$"""
            {{{(id is null ? "" : $"\"id\":{id},")}}"title":"{{title}}","stage":"{{s_stages[_random.Next(4)]}}","value":{{_random.Next(100)}},
             "region":"{{s_regions[_random.Next(2)]}}","secret":{{secret}}}
            """);
    }

    async Task WriteAsync(HttpMethod method, string path, int expected, string? body)
    {
        _deleted = method == HttpMethod.Delete;
        string key = string.Create(CultureInfo.InvariantCulture, $"writer-{number}-{_acknowledged}");
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        while (true)
        {
            using HttpRequestMessage request = new(method, path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            request.Headers.Add("Idempotency-Key", key);
            // The next one meets another node.
            request.Headers.ConnectionClose = _random.Next(3) == 0;
            if (body is not null) request.Content = new StringContent(body, new MediaTypeHeaderValue("application/json"));
            try
            {
                using HttpResponseMessage response = await _http.SendAsync(request, enough.Token);
                string text = await response.Content.ReadAsStringAsync(enough.Token);
                bool isLater = response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
                    || text.Contains("\"idempotency_in_flight\"", StringComparison.Ordinal);
                Assert.True(isLater || (int)response.StatusCode == expected, $"{method} {path} {(int)response.StatusCode}: {text}");
                if (!isLater) return;
            }
            catch (Exception e) when (e is HttpRequestException or IOException && !enough.IsCancellationRequested)
            {
                // The node has gone, in the middle of it.
            }
            await Task.Delay(20, enough.Token);
        }
    }
}
