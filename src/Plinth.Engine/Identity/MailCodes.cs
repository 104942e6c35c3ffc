using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Plinth.Identity.Mail;
using Plinth.Plan;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>
/// Codes that prove an address: sent by mail, good once, for a while, for one purpose, and only for the address they were sent to. To
/// whom none is sent is answered alike, and as fast: whether there is an account is looked up behind the answer. Thread-safe.
/// </summary>
sealed class MailCodes(PlatformRecords records, Accounts accounts, SignInGuards guards, PostOffice office, IdentityOptions options)
{
    const int IdBytes = 16, SecretBytes = 24;
    const string Reset = "reset", Verify = "verify";

    static Fault NotGood { get; } = Faults.InvalidCode.Says("the code is not good, or not any more");

    /// <summary>Sends a code to reset the password, if anyone has this address.</summary>
    public ValueTask<Fault?> ForgotAsync(string email, Client client, CancellationToken cancel) =>
        OrderAsync(email, Reset, client, cancel);

    /// <summary>Sends a code to verify the address, if anyone has it and has not proved it.</summary>
    public ValueTask<Fault?> AskAsync(string email, Client client, CancellationToken cancel) => OrderAsync(email, Verify, client, cancel);

    /// <summary>Sends one to who has just registered.</summary>
    public void Welcome(PlatformRow user) => office.TryOrder(cancel => LetterAsync(user.Text("email") ?? "", Verify, cancel));

    /// <summary>A new password for whoever has the code; every session ends.</summary>
    public async ValueTask<Fault?> ResetAsync(string code, string password, Client client, CancellationToken cancel)
    {
        if (Find(code, Reset, cancel) is not var (row, user)) return NotGood;
        Fault? fault = await accounts.SetPasswordAsync(user, password, except: null, [Using(row), Proved(user), .. Strangers(user)],
            cancel).ConfigureAwait(false);
        if (fault is not null) return IsRace(fault) ? NotGood : fault;
        await guards.TrustAsync("password", user.Text("email") ?? "", client.Address, cancel).ConfigureAwait(false);
        return null;
    }

    public async ValueTask<Fault?> VerifyAsync(string code, CancellationToken cancel)
    {
        if (Find(code, Verify, cancel) is not var (row, user)) return NotGood;
        Fault? fault = await records.RunAllAsync(user.Id.ToString(), [Using(row), Proved(user)], cancel).ConfigureAwait(false);
        return IsRace(fault) ? NotGood : fault;
    }

    async ValueTask<Fault?> OrderAsync(string email, string purpose, Client client, CancellationToken cancel)
    {
        string account = Accounts.Normalised(email);
        if (guards.Begin("mail", account, client.Address, static () => false, cancel)
            .Failed(out Fault? tooMany, out SignInGuards.Attempt? attempt)) return tooMany;
        using (attempt)
        {
            // Every letter counts, whoever it is for.
            if (await guards.FailedAsync(attempt, cancel).ConfigureAwait(false) is { } fault) return fault;
        }
        bool isTaken = office.TryOrder(later => LetterAsync(account, purpose, later));
        return isTaken ? null : Faults.Overloaded.Says("too many letters wait to be sent") with { RetryAfterSeconds = 30 };
    }

    async ValueTask<Letter?> LetterAsync(string email, string purpose, CancellationToken cancel)
    {
        if (accounts.Find(email, cancel) is not { } user || user.Is("disabled")) return null;
        if (purpose == Verify && user.Is("emailVerified")) return null;
        byte[] content = new byte[IdBytes + SecretBytes];
        Guid id = Guid.CreateVersion7();
        id.TryWriteBytes(content, bigEndian: true, out _);
        RandomNumberGenerator.Fill(content.AsSpan(IdBytes));
        string code = TokenText.Write(TokenText.Code, content), address = user.Text("email") ?? email;
        long until = records.Now + (long)options.CodeLifetime.TotalMicroseconds;
        Fault? fault = await records.RunAsync(user.Id.ToString(), PlatformRecords.Create(PlatformRecords.UserCode, json =>
        {
            json.WriteString("id", id.ToString());
            json.WriteString("userId", user.Id.ToString());
            json.WriteString("purpose", purpose);
            json.WriteBase64String("hash", Hash(code, address));
            json.WriteString("expiresAt", PlatformRecords.Time(until));
        }), cancel).ConfigureAwait(false);
        if (fault is not null) throw new MailException(fault.Message);
        return Letter(address, purpose, code);
    }

    Letter Letter(string address, string purpose, string code)
    {
        string page = purpose == Reset ? options.ResetUrl : options.VerifyUrl;
        string way = page.Length > 0 ? page.Replace("{code}", code, StringComparison.Ordinal) : $"The code: {code}";
        string until = $"It is good once, for {(int)options.CodeLifetime.TotalMinutes} minutes.";
        return purpose == Reset
            ? new(address, "Reset your password", $"Somebody, we hope you, asked to reset the password of {address}.\n\n{way}\n\n{until} "
                + "If it was not you, there is nothing to do.")
            : new(address, "Verify your address", $"Please prove that {address} is yours.\n\n{way}\n\n{until}");
    }

    (PlatformRow Code, PlatformRow User)? Find(string code, string purpose, CancellationToken cancel)
    {
        byte[] content = new byte[IdBytes + SecretBytes];
        if (!TokenText.TryRead(TokenText.Code, code, content)) return null;
        PlatformRow? row = records.Get(PlatformRecords.UserCode, new Guid(content.AsSpan(0, IdBytes), bigEndian: true), cancel);
        if (row is null || row.Text("purpose") != purpose || row.Time("usedAt") is not null || row.Time("expiresAt") <= records.Now)
            return null;
        if (accounts.Get(row.Uuid("userId"), cancel) is not { } user || user.Is("disabled")) return null;
        return CryptographicOperations.FixedTimeEquals(Hash(code, user.Text("email") ?? ""), row.Bytes("hash")) ? (row, user) : null;
    }

    /// <summary>Used up in the same commit as what it allows: a second one finds another version.</summary>
    Command Using(PlatformRow row)
    {
        string now = PlatformRecords.Time(records.Now);
        return PlatformRecords.Update(PlatformRecords.UserCode, row, json => json.WriteString("usedAt", now));
    }

    static Command Proved(PlatformRow user) => PlatformRecords.Update(PlatformRecords.User, user.Id.ToString(), ifVersion: null, json =>
        json.WriteBoolean("emailVerified", true));

    /// <summary>
    /// Whoever had the account until now never proved that the address is his, and who holds the address does so now: other ways in, and
    /// a second step in its owner's way, are a stranger's and go.
    /// </summary>
    static ImmutableArray<Command> Strangers(PlatformRow user) => user.Is("emailVerified") ? []
        : [.. new[] { PlatformRecords.ApiToken, PlatformRecords.UserIdentity, PlatformRecords.UserFactor }
            .Select(model => PlatformRecords.DeleteOfUser(model, user.Id))];

    static bool IsRace(Fault? fault) =>
        fault is not null && (fault.Kind == Faults.PreconditionFailed || fault.Kind == Faults.VersionConflict);

    static byte[] Hash(string code, string address) => SHA256.HashData(Encoding.UTF8.GetBytes(code + "\n" + address));
}
