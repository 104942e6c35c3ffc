using System.Collections.Immutable;
using Plinth.Identity.Mail;

namespace Plinth.Cli.Settings;

/// <summary>The settings of users, their passwords and their mail.</summary>
static class IdentityKeys
{
    static readonly TextForm s_text = new();
    static readonly SwitchForm s_switch = new();

    public static readonly SettingKey Issuer = new("auth.issuer", s_text, "plinth",
        "Who gives out access tokens: their claim `iss`, and what an authenticator shows.");
    public static readonly SettingKey Audience = new("auth.audience", s_text, "plinth", "For whom access tokens are: their claim `aud`.");
    public static readonly SettingKey Algorithm = new("auth.algorithm", new ChoiceForm(["ES256", "EdDSA", "RS256", "HS256"]), "ES256",
        "How access tokens are signed. With HS256 nobody but this server can verify them.");
    public static readonly SettingKey AccessMinutes = new("auth.accessMinutes", new IntegerForm(1, 1440), "15",
        "Minutes for which an access token is good.");
    public static readonly SettingKey RefreshDays = new("auth.refreshDays", new IntegerForm(1, 3650), "30",
        "Days for which a session may rest before it ends.");
    public static readonly SettingKey KeyDays = new("auth.keyDays", new IntegerForm(1, 3650), "90",
        "Days for which a key signs access tokens before the next one does.");
    public static readonly SettingKey Register = new("auth.register", s_switch, "off", "Anyone may make an account at /auth/register.");
    public static readonly SettingKey RegisterRole = new("auth.registerRole", s_text, "",
        "Role of those who register; empty is the default of the field `role`. Never admin.");
    public static readonly SettingKey RegisterTenant = new("auth.registerTenant", s_text, "none",
        "`tenantId` of those who register: `none`, `own` (the user's own id), or a fixed value.");
    public static readonly SettingKey RequireVerified = new("auth.requireVerified", s_switch, "off",
        "Signing in needs an e-mail address that was proved.");
    public static readonly SettingKey Attempts = new("auth.attempts", new IntegerForm(1, 1000), "5",
        "Failed sign-ins to one account from one address before that address waits.");
    public static readonly SettingKey AttemptsPerAddress = new("auth.attemptsPerAddress", new IntegerForm(1, 100_000), "50",
        "Failed sign-ins from one address, to whatever accounts.");
    public static readonly SettingKey AttemptsPerAccount = new("auth.attemptsPerAccount", new IntegerForm(1, 100_000), "100",
        "Failed sign-ins to one account from anywhere; beyond it only addresses that signed in before may try.");
    public static readonly SettingKey AttemptMinutes = new("auth.attemptMinutes", new IntegerForm(1, 1440), "15",
        "Minutes for which a failed sign-in counts.");
    public static readonly SettingKey CodeMinutes = new("auth.codeMinutes", new IntegerForm(1, 1440), "30",
        "Minutes for which a code that was mailed is good.");
    public static readonly SettingKey PublicUrl = new("auth.publicUrl", new UrlForm(), "",
        "Where browsers reach this server, such as https://api.example.org: redirects of identity providers come back to it.");
    public static readonly SettingKey PasswordLength = new("password.length", new IntegerForm(8, 256), "10",
        "Least characters of a password.");
    public static readonly SettingKey BreachedFile = new("password.breachedFile", s_text, "",
        "File of known passwords that are refused, relative to the project folder: one per line, plain or as SHA-1 in hex.");
    public static readonly SettingKey PasswordMemoryKb = new("password.memoryKb", new IntegerForm(8192, 4 << 20), "19456",
        "KiB of memory that one password hash takes (Argon2id).");
    public static readonly SettingKey PasswordPasses = new("password.passes", new IntegerForm(1, 100), "2",
        "Passes of a password hash over its memory.");
    public static readonly SettingKey PasswordLanes = new("password.lanes", new IntegerForm(1, 16), "1",
        "Lanes of a password hash; more than one needs libargon2.");
    public static readonly SettingKey MailBy = new("mail.by", new ChoiceForm(["console", "file", "smtp", "none"]), "console",
        "How mail leaves: sent to `mail.server`; for development written to the output, or to files of `mail.folder`; or not at all.");
    public static readonly SettingKey MailServer = new("mail.server", new SmtpForm(), "",
        "The mail server: smtps://user:password@host:587, which must speak STARTTLS; smtp:// only for one on this machine, "
            + "or without a password.",
        IsSecret: true);
    public static readonly SettingKey MailFrom = new("mail.from", s_text, "plinth@localhost", "The sender of mail.");
    public static readonly SettingKey MailFolder = new("mail.folder", s_text, "mail",
        "Folder of mail that is written to files, relative to the data folder.");
    public static readonly SettingKey ResetUrl = new("mail.resetUrl", new CodeUrlForm(), "",
        "Page that takes a code to reset a password, as in https://app.example.org/reset?code={code}; empty sends the bare code.");
    public static readonly SettingKey VerifyUrl = new("mail.verifyUrl", new CodeUrlForm(), "",
        "Page that takes a code to verify an address, likewise.");

    public static ImmutableArray<SettingKey> All { get; } =
    [
        Issuer, Audience, Algorithm, AccessMinutes, RefreshDays, KeyDays, Register, RegisterRole, RegisterTenant, RequireVerified,
        Attempts, AttemptsPerAddress, AttemptsPerAccount, AttemptMinutes, CodeMinutes, PublicUrl, PasswordLength, BreachedFile,
        PasswordMemoryKb, PasswordPasses, PasswordLanes, MailBy, MailServer, MailFrom, MailFolder, ResetUrl, VerifyUrl,
    ];

    static bool IsWeb(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https";

    sealed record UrlForm : SettingForm
    {
        public override string? Refuse(string text) =>
            IsWeb(text) && !text.EndsWith('/') ? null : "a URL such as https://api.example.org, without a slash at its end";
    }

    sealed record CodeUrlForm : SettingForm
    {
        public override string? Refuse(string text) =>
            IsWeb(text) && text.Contains("{code}", StringComparison.Ordinal) ? null : "a URL with {code} in it";
    }

    sealed record SmtpForm : SettingForm
    {
        public override string? Refuse(string text) => SmtpServer.Refuse(text);
    }
}
