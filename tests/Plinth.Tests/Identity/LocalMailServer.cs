using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Plinth.Auth;

namespace Plinth.Identity;

/// <summary>
/// npm's <c>smtp-server</c> on a port of this machine: it speaks STARTTLS with a certificate of the test's, takes a letter only from who
/// has signed in over TLS, and tells what it was given.
/// </summary>
sealed class LocalMailServer : IAsyncDisposable
{
    public const string User = "plinth", Password = "a secret: with /@ in it";

    const string Version = "3.21.6";

    readonly Process _process;

    LocalMailServer(Process process, int port, X509Certificate2 certificate) =>
        (_process, Port, Certificate) = (process, port, certificate);

    public int Port { get; }

    public X509Certificate2 Certificate { get; }

    public string Url(string password = Password) =>
        $"smtps://{User}:{Uri.EscapeDataString(password)}@localhost:{Port.ToString(System.Globalization.CultureInfo.InvariantCulture)}";

    public static async Task<LocalMailServer> StartAsync()
    {
        string folder = await NpmPackage.InstallAsync("smtp-server", Version);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = DateTimeOffset.UtcNow;
        X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        Process process = await NpmPackage.StartAsync(
            folder, "mail.mjs", Script, key.ExportPkcs8PrivateKeyPem(), certificate.ExportCertificatePem(), User, Password);
        string line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30))
            ?? throw new InvalidOperationException(await process.StandardError.ReadToEndAsync());
        _ = process.StandardError.ReadToEndAsync();
        return new(process, int.Parse(line, System.Globalization.CultureInfo.InvariantCulture), certificate);
    }

    /// <summary>The next thing that it tells: a letter, or an attempt to sign in that failed.</summary>
    public async Task<JsonElement> HeardAsync() => JsonDocument.Parse(
        await _process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)) ?? "null").RootElement;

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Certificate.Dispose();
    }

    const string Script = """
        import smtp from 'smtp-server';
        const [key, cert, user, password] = process.argv.slice(2);
        const tell = what => console.log(JSON.stringify(what));
        const server = new smtp.SMTPServer({
          key, cert, authMethods: ['PLAIN', 'LOGIN'], allowInsecureAuth: false, logger: false,
          onAuth(auth, session, done) {
            if (auth.username === user && auth.password === password) return done(null, { user });
            tell({ refused: auth.username, secure: session.secure });
            done(new Error('Invalid username or password'));
          },
          onData(stream, session, done) {
            let data = '';
            stream.on('data', chunk => data += chunk);
            stream.on('end', () => {
              tell({ user: session.user, secure: session.secure, from: session.envelope.mailFrom.address,
                to: session.envelope.rcptTo.map(to => to.address), data });
              done();
            });
          },
        });
        server.on('error', () => {});
        server.listen(0, '127.0.0.1', () => console.log(server.server.address().port));
        """;
}
