using System.Net.Http.Headers;
using System.Text.Json;
using Plinth.Identity.Tokens;

namespace Plinth.Identity.Oidc;

/// <summary>A document of another server could not be had, or is not what it must be; the message is for the log, not for
/// callers.</summary>
sealed class RemoteException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The other server answered, and what it answered is no.</summary>
    public bool IsRefusal { get; init; }
}

/// <summary>
/// Documents of identity providers: fetched over TLS (or from this machine, for development), bounded in time and size, no redirect
/// followed. Thread-safe.
/// </summary>
sealed class RemoteDocuments(HttpMessageHandler handler) : IDisposable
{
    const int BytesMax = 1 << 20;
    static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(10);

    readonly HttpClient _client = new(handler) { Timeout = s_timeout, MaxResponseContentBufferSize = BytesMax };

    public static RemoteDocuments Create() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = s_timeout,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    /// <summary>Whether secrets may go there: TLS, or this machine.</summary>
    public static bool IsSafe(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) && (uri.Scheme == "https" || (uri.Scheme == "http" && uri.IsLoopback));

    /// <exception cref="RemoteException">It cannot be had.</exception>
    public Task<JsonDocument> GetAsync(string url, string? bearer, CancellationToken cancel)
    {
        HttpRequestMessage request = new(HttpMethod.Get, Checked(url));
        if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        return SendAsync(request, cancel);
    }

    /// <exception cref="RemoteException">It cannot be had.</exception>
    public Task<JsonDocument> PostFormAsync(string url, IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancel) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, Checked(url)) { Content = new FormUrlEncodedContent(form) }, cancel);

    public void Dispose() => _client.Dispose();

    async Task<JsonDocument> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        using (request)
        {
            request.Headers.Accept.ParseAdd("application/json");
            request.Headers.UserAgent.ParseAdd("plinth");
            try
            {
                using HttpResponseMessage answer = await _client.SendAsync(request, cancel).ConfigureAwait(false);
                byte[] body = await answer.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
                if (!answer.IsSuccessStatusCode)
                {
                    throw new RemoteException($"{request.RequestUri?.Host} answered {(int)answer.StatusCode}")
                    {
                        IsRefusal = (int)answer.StatusCode is >= 400 and < 500,
                    };
                }
                return Parse(body) ?? throw new RemoteException($"{request.RequestUri?.Host} answered no document");
            }
            catch (Exception e) when (e is HttpRequestException or InvalidOperationException
                || (e is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                throw new RemoteException($"{request.RequestUri?.Host} does not answer: {e.Message}", e);
            }
        }
    }

    /// <summary>An object, or a list (the addresses of a user at GitHub).</summary>
    static JsonDocument? Parse(byte[] utf8)
    {
        if (JsonWebToken.Document(utf8) is { } document) return document;
        try
        {
            return JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = 16 });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static string Checked(string url) =>
        IsSafe(url) ? url : throw new RemoteException("an address of the provider is neither https nor local");
}
