using Plinth.Cli.Commands;
using Plinth.Cli.Settings;
using Plinth.Identity;
using Plinth.Identity.Hashing;
using Plinth.Identity.Mail;
using Plinth.Identity.Oidc;
using Plinth.Identity.Tokens;

namespace Plinth.Cli.Hosting;

/// <summary>Where settings become the options of identities, by hand.</summary>
static class IdentityComposition
{
    /// <exception cref="IOException">The list of known passwords, or the key for Apple, cannot be read.</exception>
    public static IdentityOptions Options(Shell shell, OpenedProject opened)
    {
        ResolvedSettings settings = opened.Settings;
        return new()
        {
            Issuer = settings.Text(IdentityKeys.Issuer),
            TokensKept = settings.Limits().Tokens,
            Audience = settings.Text(IdentityKeys.Audience),
            Algorithm = Enum.Parse<TokenAlgorithm>(settings.Text(IdentityKeys.Algorithm)),
            AccessLifetime = TimeSpan.FromMinutes(settings.Integer(IdentityKeys.AccessMinutes)),
            RefreshLifetime = TimeSpan.FromDays(settings.Integer(IdentityKeys.RefreshDays)),
            KeyLifetime = TimeSpan.FromDays(settings.Integer(IdentityKeys.KeyDays)),
            MayRegister = settings.Switch(IdentityKeys.Register),
            RegisterRole = settings.Text(IdentityKeys.RegisterRole) is { Length: > 0 } role ? role : null,
            RegisterTenant = settings.Text(IdentityKeys.RegisterTenant),
            RequiresVerified = settings.Switch(IdentityKeys.RequireVerified),
            PasswordCost = new Argon2Cost(settings.Integer(IdentityKeys.PasswordMemoryKb), settings.Integer(IdentityKeys.PasswordPasses),
                settings.Integer(IdentityKeys.PasswordLanes)),
            PasswordLength = settings.Integer(IdentityKeys.PasswordLength),
            Breached = Breached(opened),
            Attempts = settings.Integer(IdentityKeys.Attempts),
            AttemptsPerAddress = settings.Integer(IdentityKeys.AttemptsPerAddress),
            AttemptsPerAccount = settings.Integer(IdentityKeys.AttemptsPerAccount),
            AttemptWindow = TimeSpan.FromMinutes(settings.Integer(IdentityKeys.AttemptMinutes)),
            CodeLifetime = TimeSpan.FromMinutes(settings.Integer(IdentityKeys.CodeMinutes)),
            ResetUrl = settings.Text(IdentityKeys.ResetUrl),
            VerifyUrl = settings.Text(IdentityKeys.VerifyUrl),
            PublicUrl = settings.Text(IdentityKeys.PublicUrl),
            Decoders = shell.Extensions.TokenDecoders,
            External = External(settings),
            OAuth = OAuth(opened),
        };
    }

    static ExternalOptions External(ResolvedSettings settings) => new(
        settings.List(OAuthKeys.Issuers),
        settings.Text(OAuthKeys.IssuerAudience),
        [.. settings.List(OAuthKeys.IssuerClaims).Select(pair => pair.Split('=', 2)).Select(pair => (pair[0], pair[1]))]);

    static OAuthOptions OAuth(OpenedProject opened)
    {
        ResolvedSettings settings = opened.Settings;
        return new(
            [.. OAuthKeys.Providers.Where(p => settings.Text(p.ClientId).Length > 0).Select(p => Provider(opened, p))],
            settings.Text(IdentityKeys.PublicUrl),
            settings.List(OAuthKeys.Redirects),
            settings.Switch(OAuthKeys.Register),
            settings.Text(IdentityKeys.RegisterRole) is { Length: > 0 } role ? role : null);
    }

    static OAuthProvider Provider(OpenedProject opened, OAuthProviderKeys keys)
    {
        ResolvedSettings settings = opened.Settings;
        string secret = keys.ClientSecret is { } own ? settings.Text(own) : "";
        string issuer = keys.Issuer is { } named ? settings.Text(named) : "";
        OAuthProvider provider = OAuthProvider.Preset(keys.Name, settings.Text(keys.ClientId), secret, issuer);
        return keys.Name == "apple" && settings.Text(OAuthKeys.AppleKeyFile) is { Length: > 0 } file
            ? provider with { AppleKey = Apple(opened, file) } : provider;
    }

    static AppleKey Apple(OpenedProject opened, string file) => AppleKey.Read(
        opened.Settings.Text(OAuthKeys.AppleTeamId), opened.Settings.Text(OAuthKeys.AppleKeyId),
        File.ReadAllText(Path.GetFullPath(Path.Combine(opened.Project.Folder, file))))
        ?? throw new IOException(
            $"oauth.apple.keyFile: {file} holds no private key of the curve P-256; Apple gives it out as AuthKey_….p8");

    /// <param name="isServed">By <c>plinth serve</c>: what shows letters to whoever reads the output is for development.</param>
    public static Mailer Mailer(Shell shell, OpenedProject opened, bool isServed)
    {
        ResolvedSettings settings = opened.Settings;
        if (isServed && IsForDevelopment(settings)) return new NoMailer();
        string from = settings.Text(IdentityKeys.MailFrom);
        return settings.Text(IdentityKeys.MailBy) switch
        {
            "smtp" => new SmtpMailer(new SmtpServer(new Uri(settings.Text(IdentityKeys.MailServer))), from),
            "file" => new FileMailer(Path.GetFullPath(Path.Combine(opened.DataFolder, settings.Text(IdentityKeys.MailFolder))), from,
                shell.Time),
            "none" => new NoMailer(),
            _ => new ConsoleMailer(shell.Out),
        };
    }

    /// <summary>What an operator should hear at the start of <c>plinth serve</c>; null when there is nothing.</summary>
    public static string? Advice(ResolvedSettings settings) => IsForDevelopment(settings)
        ? $"mail.by {settings.Text(IdentityKeys.MailBy)} is for development: no mail leaves, and nobody can reset a password. "
            + "Set mail.by smtp, or none to say that it is meant so." : null;

    /// <summary>Letters with codes in them would be where operators and programs read along, on a machine that is not one's own.</summary>
    static bool IsForDevelopment(ResolvedSettings settings) =>
        settings.Environment != "local" && settings.Text(IdentityKeys.MailBy) is "console" or "file";

    /// <summary>What of the settings cannot go together; null when they can.</summary>
    public static string? Refusal(ResolvedSettings settings, bool isServed)
    {
        string by = settings.Text(IdentityKeys.MailBy);
        if (by == "smtp" && settings.Text(IdentityKeys.MailServer).Length == 0) return "mail.by smtp needs mail.server";
        if (settings.List(OAuthKeys.Issuers).Length > 0 && settings.Text(OAuthKeys.IssuerAudience).Length == 0)
            return "issuers.urls needs issuers.audience: a token for somebody else is not for us";
        foreach (OAuthProviderKeys provider in OAuthKeys.Providers)
        {
            if (settings.Text(provider.ClientId).Length == 0) continue;
            SettingKey[] needed = provider.ClientSecret is { } secret ? [secret]
                : [OAuthKeys.AppleTeamId, OAuthKeys.AppleKeyId, OAuthKeys.AppleKeyFile];
            if (needed.FirstOrDefault(k => settings.Text(k).Length == 0) is { } missing)
                return $"{provider.ClientId.Name} needs {missing.Name}";
            bool namesIssuer = provider.Issuer is not { } issuer || provider.Name == "microsoft"
                || RemoteDocuments.IsSafe(settings.Text(issuer));
            if (!namesIssuer) return $"{provider.Issuer?.Name} must be a URL with https";
        }
        bool needsMail = settings.Switch(IdentityKeys.Register) || settings.Switch(IdentityKeys.RequireVerified);
        return isServed && needsMail && IsForDevelopment(settings)
            ? $"mail.by {by} shows codes to whoever reads the output; set mail.by smtp where PLINTH_ENV is {settings.Environment}" : null;
    }

    static BreachedPasswords? Breached(OpenedProject opened)
    {
        if (opened.Settings.Text(IdentityKeys.BreachedFile) is not { Length: > 0 } file) return null;
        using StreamReader lines = File.OpenText(Path.GetFullPath(Path.Combine(opened.Project.Folder, file)));
        return BreachedPasswords.Read(lines);
    }
}
