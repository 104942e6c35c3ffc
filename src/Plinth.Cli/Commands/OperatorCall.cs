using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Plinth.Cli.Settings;

namespace Plinth.Cli.Commands;

/// <summary>Asks the server that runs on a project on this machine, as its operator: by the settings that it was started with.</summary>
/// <param name="address">Where it listens.</param>
/// <param name="token">The operator's; null where none is set.</param>
sealed class OperatorCall(Uri address, string? token)
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    public Uri Address { get; } = address;

    public static OperatorCall To(OpenedProject opened)
    {
        ResolvedSettings settings = opened.Settings;
        int ops = settings.Integer(SettingKeys.OpsPort);
        string host = settings.Text(SettingKeys.Host);
        // One that listens on all addresses of the machine listens on this one, too.
        if (host == "localhost" || (IPAddress.TryParse(host, out IPAddress? any)
            && (any.Equals(IPAddress.Any) || any.Equals(IPAddress.IPv6Any)))) host = "127.0.0.1";
        UriBuilder url = new("http", host, ops == 0 ? settings.Integer(SettingKeys.Port) : ops);
        return new OperatorCall(url.Uri, settings.Text(SettingKeys.OpsToken) is { Length: > 0 } token ? token : null);
    }

    /// <returns>The status, and what the server says of a refusal.</returns>
    /// <exception cref="HttpRequestException">It does not answer.</exception>
    public async Task<(int Status, string Message)> PostAsync(string path, CancellationToken cancel)
    {
        using SocketsHttpHandler direct = new() { UseProxy = false, AllowAutoRedirect = false };
        using HttpClient client = new(direct) { BaseAddress = Address, Timeout = s_patience };
        using HttpRequestMessage request = new(HttpMethod.Post, path);
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        try
        {
            using HttpResponseMessage answer = await client.SendAsync(request, cancel);
            string body = await answer.Content.ReadAsStringAsync(cancel);
            return ((int)answer.StatusCode, Message(body) ?? string.Create(
                CultureInfo.InvariantCulture, $"the server at {Address} answers {(int)answer.StatusCode}"));
        }
        catch (TaskCanceledException late) when (!cancel.IsCancellationRequested)
        {
            throw new HttpRequestException("it takes too long", late);
        }
    }

    static string? Message(string body)
    {
        try
        {
            using JsonDocument problem = JsonDocument.Parse(body);
            return problem.RootElement.TryGetProperty("message", out JsonElement message) ? message.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
