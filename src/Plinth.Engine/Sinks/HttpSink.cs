using System.Globalization;
using System.Net.Http.Headers;
using Plinth.Log;
using Plinth.Text;

namespace Plinth.Sinks;

/// <summary>
/// Events as lines of JSON (<c>application/x-ndjson</c>), posted. Any 2xx means that the receiver has them; anything else, and no answer,
/// is a failure. The positions stand in headers, so that a receiver can tell what it has seen already.
/// </summary>
sealed class HttpSink : IEventSink
{
    /// <summary>Longer than a receiver may take to answer.</summary>
    static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    readonly HttpClient _client;
    readonly Uri _url;
    readonly string? _token;

    public HttpSink(Uri url, string? token)
    {
        (_url, _token) = (url, token);
        // A token is for the address that was named, wherever that would send us.
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { Timeout = s_timeout };
    }

    public string Name => "sink:http";

    public async ValueTask SendAsync(IReadOnlyList<SinkLine> lines, CancellationToken cancel)
    {
        using ByteOutput body = new();
        foreach (SinkLine line in lines)
        {
            body.Write(line.Json);
            body.Write((byte)'\n');
        }

        using HttpRequestMessage request = new(HttpMethod.Post, _url) { Content = new ReadOnlyMemoryContent(body.WrittenMemory) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        request.Headers.Add("Plinth-First-Position", lines[0].Position.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("Plinth-Last-Position", lines[^1].Position.ToString(CultureInfo.InvariantCulture));
        if (_token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        try
        {
            using HttpResponseMessage answer =
                await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode)
            {
                throw new FollowerException(
                    string.Create(CultureInfo.InvariantCulture, $"{_url.Authority} answered {(int)answer.StatusCode}"), isPassing: false);
            }
        }
        catch (HttpRequestException e)
        {
            throw new FollowerException($"{_url.Authority} cannot be reached: {e.HttpRequestError}", isPassing: false);
        }
    }

    public void Dispose() => _client.Dispose();
}
