using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Plinth.Identity.Mail;

namespace Plinth.Identity;

/// <summary>Letters to a real mail server: over TLS, signed in, and nothing to a server that is not the one it says.</summary>
public sealed class MailServerTests
{
    static readonly Letter s_letter = new("ann@example.org", "Grüße", "Der Code: plc_1\nEin langer Satz, ä ö ü.");

    [Fact]
    public async Task A_server_with_TLS_and_a_password_takes_letters()
    {
        await using LocalMailServer server = await LocalMailServer.StartAsync();
#pragma warning disable SYSLIB0014 // What SmtpClient asks about certificates; here it trusts this test's, and still no other.
        ServicePointManager.ServerCertificateValidationCallback =
            (_, certificate, _, _) => certificate?.GetCertHashString() == server.Certificate.GetCertHashString();
        try
        {
            SmtpMailer mailer = new(new SmtpServer(new Uri(server.Url())), "plinth@example.org");
            await mailer.SendAsync(s_letter, default);
            JsonElement heard = await server.HeardAsync();
            Assert.Equal((LocalMailServer.User, true, "plinth@example.org"), (heard.GetProperty("user").GetString(),
                heard.GetProperty("secure").GetBoolean(), heard.GetProperty("from").GetString()));
            Assert.Equal("ann@example.org", heard.GetProperty("to")[0].GetString());
            string data = heard.GetProperty("data").GetString()!; // told with every letter
            string body = data[(data.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
            if (data.Contains("Content-Transfer-Encoding: base64", StringComparison.OrdinalIgnoreCase))
                body = Encoding.UTF8.GetString(Convert.FromBase64String(body.Replace("\r\n", "", StringComparison.Ordinal)));
            Assert.Contains("Der Code: plc_1", body, StringComparison.Ordinal);
            Assert.Contains("Subject: =?utf-8?", data, StringComparison.OrdinalIgnoreCase);

            SmtpMailer mistaken = new(new SmtpServer(new Uri(server.Url("not it"))), "plinth@example.org");
            MailException refused = await Assert.ThrowsAsync<MailException>(() => mistaken.SendAsync(s_letter, default));
            Assert.DoesNotContain("plc_1", refused.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain("not it", refused.Message, StringComparison.Ordinal);
            Assert.True((await server.HeardAsync()).GetProperty("secure").GetBoolean());
        }
        finally
        {
            ServicePointManager.ServerCertificateValidationCallback = null;
        }
#pragma warning restore SYSLIB0014 // as above
    }

    [Fact]
    public async Task A_server_without_STARTTLS_is_told_neither_the_password_nor_the_letter()
    {
        using TcpListener server = new(IPAddress.Loopback, 0);
        server.Start();
        Task<string> heard = HearAsync(server);
        int port = ((IPEndPoint)server.LocalEndpoint).Port;
        SmtpMailer mailer = new(new SmtpServer(new Uri($"smtps://plinth:secret@127.0.0.1:{port}")), "plinth@example.org");
        MailException refused = await Assert.ThrowsAsync<MailException>(() => mailer.SendAsync(s_letter, default));
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
        string said = await heard.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.DoesNotContain("AUTH", said, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("plc_1", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("smtp://mail.example.org", null)]
    [InlineData("smtp://user:password@localhost:2525", null)]
    [InlineData("smtps://user:password@mail.example.org", null)]
    [InlineData("smtp://user:password@mail.example.org", "smtps://")]
    [InlineData("http://mail.example.org", "smtp://user:password@host:port")]
    public void A_password_goes_over_TLS_or_stays_on_this_machine(string url, string? remedy)
    {
        string? refusal = SmtpServer.Refuse(url);
        if (remedy is null) Assert.Null(refusal);
        else Assert.Contains(remedy, refusal, StringComparison.Ordinal);
    }

    static async Task<string> HearAsync(TcpListener server)
    {
        using TcpClient client = await server.AcceptTcpClientAsync();
        using StreamReader lines = new(client.GetStream());
        await using StreamWriter answers = new(client.GetStream()) { NewLine = "\r\n", AutoFlush = true };
        await answers.WriteLineAsync("220 here");
        StringBuilder said = new();
        while (await lines.ReadLineAsync() is { } line)
        {
            said.AppendLine(line);
            await answers.WriteLineAsync(line.StartsWith("EHLO", StringComparison.Ordinal) ? "250-here\r\n250 SIZE 1000" : "250 ok");
        }
        return said.ToString();
    }
}
