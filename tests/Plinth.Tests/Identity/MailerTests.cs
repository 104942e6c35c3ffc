using System.Net;
using System.Net.Sockets;
using System.Text;
using Plinth.Identity.Mail;
using Plinth.Store;

namespace Plinth.Identity;

public sealed class MailerTests
{
    static readonly Letter s_letter = new("ann@example.org", "Reset your password", "The code: plc_1");

    [Fact]
    public async Task A_letter_becomes_a_file()
    {
        using TempFolder folder = new();
        FileMailer mailer = new(folder.File("mail"), "plinth@example.org", TimeProvider.System);
        await mailer.SendAsync(s_letter, default);
        await mailer.SendAsync(s_letter, default);
        string[] files = Directory.GetFiles(folder.File("mail"), "*.eml");
        Assert.Equal(2, files.Length);
        string text = await File.ReadAllTextAsync(files[0]);
        Assert.Contains("To: ann@example.org", text, StringComparison.Ordinal);
        Assert.Contains("The code: plc_1", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_letter_is_written_where_a_person_sees_it()
    {
        StringWriter output = new();
        await new ConsoleMailer(output).SendAsync(s_letter, default);
        Assert.Contains("The code: plc_1", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_letter_is_given_to_a_mail_server()
    {
        using TcpListener server = new(IPAddress.Loopback, 0);
        server.Start();
        Task<string> heard = HearAsync(server);
        int port = ((IPEndPoint)server.LocalEndpoint).Port;
        await new SmtpMailer(new SmtpServer(new Uri($"smtp://127.0.0.1:{port}")), "plinth@example.org").SendAsync(s_letter, default);
        string said = await heard.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Contains("MAIL FROM:<plinth@example.org>", said, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("RCPT TO:<ann@example.org>", said, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Subject: Reset your password", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_away_is_told_without_the_letter()
    {
        SmtpMailer mailer = new(new SmtpServer(new Uri("smtp://user:secret@127.0.0.1:9")), "plinth@example.org");
        MailException away = await Assert.ThrowsAsync<MailException>(() => mailer.SendAsync(s_letter, default));
        foreach (string secret in new[] { "secret", "plc_1" }) Assert.DoesNotContain(secret, away.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("smtp://mail.example.org", null)]
    [InlineData("smtps://user:pw@mail.example.org:465", null)]
    [InlineData("http://mail.example.org", "smtp")]
    [InlineData("mail.example.org", "smtp")]
    public void An_address_of_a_server_is_checked(string text, string? expected)
    {
        string? refusal = SmtpServer.Refuse(text);
        if (expected is null) Assert.Null(refusal);
        else Assert.Contains(expected, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_letter_that_does_not_leave_is_told_and_the_next_one_leaves()
    {
        List<string> warnings = [];
        KeptLetters kept = new();
        await using (PostOffice office = new(kept, warnings.Add))
        {
            Assert.True(office.TryOrder(_ => throw new MailException("no such person")));
            Assert.True(office.TryOrder(_ => new((Letter?)null)));
            Assert.True(office.TryOrder(_ => new(s_letter)));
        }
        Assert.Equal([s_letter], kept.Letters);
        Assert.Contains("no such person", Assert.Single(warnings), StringComparison.Ordinal);
    }

    sealed class KeptLetters : Mailer
    {
        public List<Letter> Letters { get; } = [];

        public override Task SendAsync(Letter letter, CancellationToken cancel)
        {
            Letters.Add(letter);
            return Task.CompletedTask;
        }
    }

    /// <summary>Just enough of SMTP to be given one letter.</summary>
    static async Task<string> HearAsync(TcpListener server)
    {
        using TcpClient client = await server.AcceptTcpClientAsync();
        using StreamReader reader = new(client.GetStream(), Encoding.ASCII);
        await using StreamWriter writer = new(client.GetStream(), Encoding.ASCII) { NewLine = "\r\n", AutoFlush = true };
        StringBuilder said = new();
        await writer.WriteLineAsync("220 here");
        bool isData = false;
        while (await reader.ReadLineAsync() is { } line)
        {
            said.Append(line).Append('\n');
            if (isData && line != ".") continue;
            string answer = line == "DATA" ? "354 go on" : line == "QUIT" ? "221 bye" : "250 fine";
            isData = line == "DATA";
            await writer.WriteLineAsync(answer);
            if (line == "." || line == "QUIT") break;
        }
        return said.ToString();
    }
}
