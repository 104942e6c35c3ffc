using System.Diagnostics;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Plinth.Auth;

/// <summary>
/// npm's <c>oidc-provider</c>, a certified implementation, on a port of this machine: a person named by the form signs in and consents.
/// Installed once into <c>artifacts/npm</c>.
/// </summary>
sealed partial class OidcProvider : IAsyncDisposable
{
    const string Version = "9.13.3";

    readonly Process _process;

    OidcProvider(Process process, string issuer) => (_process, Issuer) = (process, issuer);

    public string Issuer { get; }

    /// <param name="redirect">Where it may send browsers back to, exactly.</param>
    public static async Task<OidcProvider> StartAsync(string redirect)
    {
        string folder = await NpmPackage.InstallAsync("oidc-provider", Version);
        int port = FreePort();
        Process process = await NpmPackage.StartAsync(
            folder, "provider.mjs", Script, port.ToString(System.Globalization.CultureInfo.InvariantCulture), redirect);
        string? line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        if (line != "ready") throw new InvalidOperationException(line + await process.StandardError.ReadToEndAsync());
        _ = process.StandardError.ReadToEndAsync();
        return new OidcProvider(process, $"http://127.0.0.1:{port}");
    }

    /// <summary>What a person does in a browser: follows, types a name, consents; gives the address that the browser is sent back
    /// to.</summary>
    public static async Task<string> SignInAsync(string location, string person)
    {
        using HttpClient browser = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
        for (int step = 0; step < 20; step++)
        {
            using HttpResponseMessage answer = await browser.GetAsync(location);
            if (answer.Headers.Location is { } next)
            {
                location = new Uri(new Uri(location), next).ToString();
                if (location.Contains("/callback", StringComparison.Ordinal)) return location;
                continue;
            }
            string page = await answer.Content.ReadAsStringAsync();
            string action = Action().Match(page).Groups[1].Value;
            Assert.True(action.Length > 0, $"{(int)answer.StatusCode} {page}");
            using FormUrlEncodedContent form = new(new Dictionary<string, string>
            {
                ["prompt"] = Prompt().Match(page).Groups[1].Value, ["login"] = person, ["password"] = "x",
            });
            using HttpResponseMessage posted = await browser.PostAsync(new Uri(new Uri(location), action), form);
            Assert.NotNull(posted.Headers.Location);
            location = new Uri(new Uri(location), posted.Headers.Location).ToString();
            if (location.Contains("/callback", StringComparison.Ordinal)) return location;
        }
        throw new InvalidOperationException("the provider led nowhere");
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    static int FreePort()
    {
        using TcpListener listener = new(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    const string Script = """
        import Provider from 'oidc-provider';
        const [port, redirect] = process.argv.slice(2);
        const issuer = `http://127.0.0.1:${port}`;
        const provider = new Provider(issuer, {
          clients: [{ client_id: 'plinth', client_secret: 'a-secret-of-the-client', redirect_uris: [redirect],
            token_endpoint_auth_method: 'client_secret_post' }],
          claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
          pkce: { required: () => true },
          features: { devInteractions: { enabled: true } },
          findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: id.replace(/^unproved-/, '') + '@example.org',
            email_verified: !id.startsWith('unproved-'), name: 'Person ' + id }) }),
          cookies: { keys: ['one', 'two'] },
        });
        provider.proxy = true;
        provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
        """;

    [GeneratedRegex("action=\"([^\"]+)\"")]
    private static partial Regex Action();

    [GeneratedRegex("name=\"prompt\" value=\"(\\w+)\"")]
    private static partial Regex Prompt();
}
