using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Plinth.Examples.Nodes;

/// <summary>
/// Someone of one branch who writes contacts and reads them back, by whichever node answers. Knows what was acknowledged, and throws at the
/// first answer that does not fit it. A request whose answer does not come is sent again, a write with the key that it had.
/// </summary>
sealed class CrmClient(Uri address, string token, int number, string branch) : IDisposable
{
    const int ChangesEach = 2;
    const int ListMax = 40;

    readonly HttpClient _http =
        new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(20) };
    readonly List<(string Id, int Changes)> _contacts = [];
    long _position;
    int _acknowledged, _sent;
    string? _directory;

    /// <summary>Writes that were acknowledged.</summary>
    public int Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>Requests that had to be sent again.</summary>
    public int Repeated { get; private set; }

    /// <summary>Each contact, and how many changes of it were acknowledged.</summary>
    public IReadOnlyList<(string Id, int Changes)> Contacts => _contacts;

    string Mail(int contact) => string.Create(CultureInfo.InvariantCulture, $"c{number}-{contact}@example.org");

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            int contact = _contacts.Count;
            string id = string.Create(CultureInfo.InvariantCulture, $"0197b000-{number:x4}-7000-8000-{contact:x12}");
            await WriteAsync(HttpMethod.Post, "/api/contacts", 201, $$"""
                {"id":"{{id}}","firstName":"Client","lastName":"Number {{number}}","email":"{{Mail(contact)}}","jobTitle":"0",
                 "companyId":"0197a000-0001-7000-8000-000000000001"}
                """);
            _contacts.Add((id, 0));
            for (int change = 1; change <= ChangesEach; change++)
            {
                await WriteAsync(HttpMethod.Patch, "/api/contacts/" + id, 200, $$"""{"jobTitle":"{{change}}"}""");
                _contacts[contact] = (id, change);
                await ReadAsync(contact);
            }
            await ListAsync();
            await DirectoryAsync();
        }
    }

    /// <summary>Reads everything that was acknowledged once more.</summary>
    public async Task ReadAllAsync()
    {
        for (int i = 0; i < _contacts.Count; i++) await ReadAsync(i);
    }

    public void Dispose() => _http.Dispose();

    async Task ReadAsync(int contact)
    {
        using JsonDocument answer = await AnswerAsync($"/api/contacts/{_contacts[contact].Id}?include=company");
        Require(answer.RootElement, contact);
        Assert.Equal("Nordlicht Software", answer.RootElement.GetProperty("company").GetProperty("name").GetString());
    }

    /// <summary>The newest of this client's contacts: all of them are there, in order, each as it was acknowledged.</summary>
    async Task ListAsync()
    {
        using JsonDocument answer = await AnswerAsync(
            $"/api/contacts?email[starts]=c{number}-&sort=-id&limit={ListMax}&include=company");
        JsonElement[] items = [.. answer.RootElement.GetProperty("items").EnumerateArray()];
        Assert.Equal(Math.Min(ListMax, _contacts.Count), items.Length);
        for (int i = 0; i < items.Length; i++) Require(items[i], _contacts.Count - 1 - i);
    }

    /// <summary>What nobody changes is answered alike by all.</summary>
    async Task DirectoryAsync()
    {
        using JsonDocument answer = await AnswerAsync("/api/companies?sort=name&limit=20");
        string text = answer.RootElement.GetRawText();
        _directory ??= text;
        Assert.Equal(_directory, text);
    }

    void Require(JsonElement found, int contact)
    {
        var (id, changes) = _contacts[contact];
        Assert.Equal(id, found.GetProperty("id").GetString());
        Assert.Equal(branch, found.GetProperty("branch").GetString());
        Assert.Equal(Mail(contact), found.GetProperty("email").GetString());
        Assert.Equal($"Client Number {number}", found.GetProperty("displayName").GetString());
        Assert.Equal(changes.ToString(CultureInfo.InvariantCulture), found.GetProperty("jobTitle").GetString());
    }

    async Task WriteAsync(HttpMethod method, string path, int expected, string body)
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"client-{number}-write-{_acknowledged}");
        var (status, text) = await SendAsync(() => new HttpRequestMessage(method, path)
        {
            Content = new StringContent(body, new MediaTypeHeaderValue("application/json")),
            Headers = { { "Idempotency-Key", key } },
        });
        Assert.True(status == expected, $"{method} {path} answered {status}: {text}");
        Interlocked.Increment(ref _acknowledged);
    }

    async Task<JsonDocument> AnswerAsync(string path)
    {
        long seen = _position;
        var (status, text) = await SendAsync(() => new HttpRequestMessage(HttpMethod.Get, path)
        {
            Headers = { { "Plinth-Min-Position", seen.ToString(CultureInfo.InvariantCulture) } },
        });
        Assert.True(status == 200, $"{path} answered {status}: {text}");
        Assert.True(_position >= seen, $"{path} was answered at {_position} after {seen} had been seen");
        return JsonDocument.Parse(text);
    }

    /// <summary>Sends until there is an answer that is one. Connections end soon, so that the next request meets another node.</summary>
    async Task<(int Status, string Text)> SendAsync(Func<HttpRequestMessage> make)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        for (; ; Repeated++)
        {
            using HttpRequestMessage request = make();
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            request.Headers.ConnectionClose = ++_sent % 3 == 0;
            try
            {
                using HttpResponseMessage response = await _http.SendAsync(request, enough.Token);
                string text = await response.Content.ReadAsStringAsync(enough.Token);
                bool isLater = response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
                    || text.Contains("\"idempotency_in_flight\"", StringComparison.Ordinal);
                if (!isLater)
                {
                    if (response.Headers.TryGetValues("Plinth-Position", out IEnumerable<string>? positions))
                        _position = long.Parse(positions.Single(), CultureInfo.InvariantCulture);
                    return ((int)response.StatusCode, text);
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException && !enough.IsCancellationRequested)
            {
                // The node has gone, in the middle of it.
            }
            await Task.Delay(20, enough.Token);
        }
    }
}
