using System.CommandLine;
using System.Text;
using System.Text.Json;
using Plinth.Cli.Hosting;
using Plinth.Cli.Transfer;
using Plinth.Identity;
using Plinth.Identity.Mail;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>
/// <c>plinth user</c>: making the first administrator, and what only an operator may do. A password comes from a prompt, from standard
/// input or from <c>PLINTH_USER_PASSWORD</c>, never from the command line, which every process of the machine can read.
/// </summary>
static class UserCommand
{
    const string Variable = "PLINTH_USER_PASSWORD";

    const int ListMax = 10_000;

    public static Command Build(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Argument<string> email = new("email") { Description = "The user's e-mail address" };
        Option<string?> role = new("--role") { Description = "The user's role, such as admin", HelpName = "role" };
        Option<string?> name = new("--name") { Description = "The user's name", HelpName = "name" };
        Option<string?> fields = new("--fields") { Description = "Fields that the schema adds, as JSON", HelpName = "json" };
        Command create = new("create", "Make a user") { email, folder, role, name, fields, CommonOptions.Data, CommonOptions.Set };
        create.SetAction((parsed, cancel) => RunAsync(shell, parsed, parsed.GetValue(folder), (identities, _) => CreateAsync(
            shell, identities, parsed.GetRequiredValue(email), parsed.GetValue(role), parsed.GetValue(name), parsed.GetValue(fields),
                cancel),
            cancel));
        Command password = new("set-password", "Give a user a new password; every session ends")
        {
            email, folder, CommonOptions.Data, CommonOptions.Set,
        };
        password.SetAction((parsed, cancel) => RunAsync(shell, parsed, parsed.GetValue(folder), (identities, _) =>
            SetPasswordAsync(shell, identities, parsed.GetRequiredValue(email), cancel), cancel));
        Command disable = new("disable", "Let a user sign in no more; every session ends") { email, folder, CommonOptions.Data };
        disable.SetAction((parsed, cancel) => RunAsync(shell, parsed, parsed.GetValue(folder), (identities, _) =>
            DisableAsync(shell, identities, parsed.GetRequiredValue(email), disabled: true, cancel), cancel));
        Command enable = new("enable", "Let a user sign in again") { email, folder, CommonOptions.Data };
        enable.SetAction((parsed, cancel) => RunAsync(shell, parsed, parsed.GetValue(folder), (identities, _) =>
            DisableAsync(shell, identities, parsed.GetRequiredValue(email), disabled: false, cancel), cancel));
        Command list = new("list", "List users") { folder, CommonOptions.Data };
        list.SetAction((parsed, cancel) => RunAsync(shell, parsed, parsed.GetValue(folder), (identities, _) =>
            ListAsync(shell, identities, parsed.GetValue(CommonOptions.Json), cancel), cancel));
        return new("user", "The users of the project") { create, password, disable, enable, list, UserKeysCommand.Build(shell) };
    }

    /// <summary>Opens the project's identities for one command.</summary>
    public static Task<int> RunAsync(
        Shell shell, ParseResult parsed, string? folder, Func<Identities, Engine, Task<int>> work, CancellationToken cancel) =>
        EngineSession.RunAsync(shell, parsed, folder, async (opened, engine) =>
        {
            if (!engine.Current.Schema.HasUsers)
            {
                await shell.Error.WriteLineAsync("plinth: the schema has no users");
                await shell.Error.WriteLineAsync("  hint: add `extend User { }` to it");
                return ExitCode.Found;
            }
            IdentityOptions options = IdentityComposition.Options(shell, opened);
            if (Identities.Refusal(options, engine.Current.Schema) is { } refusal)
            {
                await shell.Error.WriteLineAsync($"plinth: {refusal}");
                return ExitCode.Found;
            }
            await using Identities identities = new(engine, options, new ConsoleMailer(shell.Out), shell.Error.WriteLine);
            return await work(identities, engine);
        }, cancel);

    static async Task<int> CreateAsync(
        Shell shell, Identities identities, string email, string? role, string? name, string? fields, CancellationToken cancel)
    {
        JsonDocument? document = null;
        try
        {
            if (fields is not null) document = JsonDocument.Parse(fields);
        }
        catch (JsonException broken)
        {
            await shell.Error.WriteLineAsync($"plinth: --fields: not a JSON object: {broken.Message}");
            return ExitCode.WrongUse;
        }
        using (document)
        {
            if (document is { RootElement.ValueKind: not JsonValueKind.Object })
            {
                await shell.Error.WriteLineAsync("plinth: --fields: not a JSON object");
                return ExitCode.WrongUse;
            }
            if (await PasswordAsync(shell) is not { } password) return ExitCode.WrongUse;
            Registration registration = new(email, password, name, document?.RootElement);
            var made = await identities.Accounts.CreateAsync(
                Guid.CreateVersion7(shell.Time.GetUtcNow()), registration, role, tenant: null, isVerified: true, cancel);
            if (made.Failed(out Fault? fault, out PlatformRow? user)) return Refused(shell, fault);
            await shell.Out.WriteLineAsync($"{user.Text("email")} is user {user.Id}, role {user.Text("role")}");
            return ExitCode.Done;
        }
    }

    static async Task<int> SetPasswordAsync(Shell shell, Identities identities, string email, CancellationToken cancel)
    {
        if (Find(shell, identities, email, cancel) is not { } user) return ExitCode.Found;
        if (await PasswordAsync(shell) is not { } password) return ExitCode.WrongUse;
        Fault? fault = await identities.Accounts.SetPasswordAsync(user, password, except: null, [], cancel);
        if (fault is not null) return Refused(shell, fault);
        await shell.Out.WriteLineAsync($"{user.Text("email")} has a new password; what was signed in has ended");
        return ExitCode.Done;
    }

    static async Task<int> DisableAsync(Shell shell, Identities identities, string email, bool disabled, CancellationToken cancel)
    {
        if (Find(shell, identities, email, cancel) is not { } user) return ExitCode.Found;
        if (await identities.Accounts.DisableAsync(user, disabled, cancel) is { } fault) return Refused(shell, fault);
        await shell.Out.WriteLineAsync($"{user.Text("email")} {(disabled ? "cannot sign in any more" : "can sign in again")}");
        return ExitCode.Done;
    }

    static async Task<int> ListAsync(Shell shell, Identities identities, bool json, CancellationToken cancel)
    {
        foreach (PlatformRow user in identities.Records.All(PlatformRecords.User, ListMax, cancel)
            .OrderBy(u => u.Text("email"), StringComparer.Ordinal))
        {
            string id = user.Id.ToString(), address = user.Text("email") ?? "", role = user.Text("role") ?? "";
            string line = json ? $"{{\"id\":\"{id}\",\"email\":{JsonLine.Text(address)},\"role\":{JsonLine.Text(role)},"
                + $"\"disabled\":{(user.Is("disabled") ? "true" : "false")}}}"
                : $"{id}  {role,-10}  {address}{(user.Is("disabled") ? "  (disabled)" : "")}";
            await shell.Out.WriteLineAsync(line);
        }
        return ExitCode.Done;
    }

    static PlatformRow? Find(Shell shell, Identities identities, string email, CancellationToken cancel)
    {
        if (identities.Accounts.Find(email, cancel) is { } user) return user;
        shell.Error.WriteLine($"plinth: no user has the address '{email}'");
        return null;
    }

    static int Refused(Shell shell, Fault fault)
    {
        SchemaLoading.Show(shell, fault);
        return ExitCode.Found;
    }

    /// <summary>From the environment, from a pipe, or typed unseen; null (and said) when there is none.</summary>
    static async Task<string?> PasswordAsync(Shell shell)
    {
        if (shell.Environment.TryGetValue(Variable, out string? set) && set.Length > 0) return set;
        if (shell.Input is { } input)
        {
            if (await input.ReadLineAsync() is { Length: > 0 } line) return line;
        }
        else if (shell.ReadSecret is { } read && read("Password: ") is { Length: > 0 } typed)
        {
            return typed;
        }
        await shell.Error.WriteLineAsync($"plinth: a password is needed: typed, on standard input, or in {Variable}");
        return null;
    }

    /// <summary>What is typed, without showing it.</summary>
    public static string ReadUnseen(string prompt)
    {
        Console.Error.Write(prompt);
        StringBuilder typed = new();
        while (true)
        {
            ConsoleKeyInfo key = Console.ReadKey(intercept: true);
            if (key.Key == ConsoleKey.Enter) break;
            if (key.Key == ConsoleKey.Backspace && typed.Length > 0) typed.Length--;
            else if (!char.IsControl(key.KeyChar)) typed.Append(key.KeyChar);
        }
        Console.Error.WriteLine();
        return typed.ToString();
    }
}
