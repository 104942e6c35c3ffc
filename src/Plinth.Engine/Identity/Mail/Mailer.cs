using System.Globalization;
using System.Net;
using System.Net.Mail;

namespace Plinth.Identity.Mail;

/// <summary>One message in plain text.</summary>
sealed record Letter(string To, string Subject, string Text);

/// <summary>How mail leaves the product.</summary>
abstract class Mailer
{
    /// <exception cref="MailException">It did not leave; the message says why, without the letter's content.</exception>
    public abstract Task SendAsync(Letter letter, CancellationToken cancel);
}

/// <summary>A letter did not leave.</summary>
sealed class MailException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Trying again changes nothing.</summary>
    public bool IsFinal { get; init; }
}

/// <summary>No mail leaves: whoever asks for a letter is answered as always, and the operator is told.</summary>
sealed class NoMailer : Mailer
{
    public override Task SendAsync(Letter letter, CancellationToken cancel) =>
        throw new MailException("mail.by sends none") { IsFinal = true };
}

/// <summary>For development: the letter is written where a person sees it.</summary>
sealed class ConsoleMailer(TextWriter output) : Mailer
{
    public override Task SendAsync(Letter letter, CancellationToken cancel) =>
        output.WriteLineAsync($"mail to {letter.To}: {letter.Subject}\n{letter.Text}".AsMemory(), cancel);
}

/// <summary>For development and tests: each letter is a file (<c>.eml</c>) of a folder.</summary>
sealed class FileMailer(string folder, string from, TimeProvider time) : Mailer
{
    int _count;

    public override async Task SendAsync(Letter letter, CancellationToken cancel)
    {
        try
        {
            Directory.CreateDirectory(folder);
            string name = string.Create(CultureInfo.InvariantCulture,
                $"{time.GetUtcNow():yyyyMMdd-HHmmss-ffffff}-{Interlocked.Increment(ref _count)}.eml");
            string path = Path.Combine(folder, name), made = path + ".tmp";
            await File.WriteAllTextAsync(made, $"From: {from}\nTo: {letter.To}\nSubject: {letter.Subject}\n\n{letter.Text}\n", cancel)
                .ConfigureAwait(false);
            File.Move(made, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MailException(e.Message, e);
        }
    }
}

/// <param name="Url"><c>smtps://user:password@host:587</c> asks for STARTTLS and leaves without it; <c>smtp</c> does not.</param>
sealed record SmtpServer(Uri Url)
{
    /// <summary>What is wrong with the address of a server; null when it can be one.</summary>
    public static string? Refuse(string text)
    {
        bool isServer = Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "smtp" or "smtps" && url.Host.Length > 0;
        if (!isServer || url is null) return "smtp://user:password@host:port, or smtps for a server that speaks STARTTLS";
        bool isOpen = url.Scheme == "smtp" && url.UserInfo.Length > 0 && !url.IsLoopback;
        return isOpen ? "smtps:// where there is a password: without TLS everybody on the way reads it" : null;
    }
}

sealed class SmtpMailer(SmtpServer server, string from) : Mailer
{
    const int TimeoutMs = 20_000;

    public override async Task SendAsync(Letter letter, CancellationToken cancel)
    {
        Uri url = server.Url;
        using SmtpClient client = new(url.Host, url.IsDefaultPort || url.Port < 0 ? 587 : url.Port)
        {
            EnableSsl = url.Scheme == "smtps", Timeout = TimeoutMs,
        };
        string[] user = url.UserInfo.Split(':', 2);
        if (user is [var name, var password]) client.Credentials = new NetworkCredential(Uri.UnescapeDataString(name),
            Uri.UnescapeDataString(password));
        using CancellationTokenSource bounded = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        bounded.CancelAfter(TimeoutMs);
        try
        {
            using MailMessage message = new(from, letter.To, letter.Subject, letter.Text);
            await client.SendMailAsync(message, bounded.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SmtpException or FormatException or IOException
            || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new MailException($"{url.Host}: {e.Message}", e);
        }
    }
}
