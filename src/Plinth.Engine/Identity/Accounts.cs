using System.Collections.Immutable;
using System.Text.Json;
using Plinth.Identity.Hashing;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>What a person gives to have an account.</summary>
/// <param name="Profile">Fields that the schema added to <c>User</c>: never one that is a claim, nor the role.</param>
sealed record Registration(string Email, string? Password, string? Name, JsonElement? Profile);

/// <summary>
/// Accounts: making them, signing in with a password, changing it. Whoever has no account is answered after as much work, and in the same
/// words, as whoever has one and mistypes. Thread-safe.
/// </summary>
sealed class Accounts(
    PlatformRecords records, Sessions sessions, SignInGuards guards, Factors factors, PasswordHashes hashes, PasswordKinds kinds,
    IdentityOptions options)
{
    readonly PasswordRules _rules = new(options.PasswordLength, options.Breached);

    static Fault Refused { get; } = Faults.InvalidCredentials.Says("the e-mail address or the password is not right");

    /// <summary>An address as it is stored: every spelling of it is one account.</summary>
    public static string Normalised(string email) => email.Trim().ToLowerInvariant();

    public async ValueTask<Result<TokenPair>> SignInAsync(
        string email, string password, string? code, Client client, CancellationToken cancel)
    {
        string account = Normalised(email);
        PlatformRow? user = Find(account, cancel);
        bool IsKnown() => user is not null && sessions.IsKnown(user.Id, client.Address, cancel);
        if (guards.Begin("password", account, client.Address, IsKnown, cancel).Failed(out Fault? blocked,
            out SignInGuards.Attempt? attempt))
            return blocked;
        using (attempt)
        {
            if (password.Length > PasswordRules.BytesMax) password = ""; // nobody's, and not worth the work
            kinds.Find(cancel);
            var compared = await hashes.VerifyAsync(user?.Text("passwordHash"), password, cancel).ConfigureAwait(false);
            if (!compared.IsOk) return compared.Fault;
            if (user is null || !compared.Value.IsMatch || user.Is("disabled"))
                return await guards.FailedAsync(attempt, cancel).ConfigureAwait(false) ?? Refused;
            var second = await factors.CheckAsync(user.Id, code, cancel).ConfigureAwait(false);
            if (!second.IsOk) return second.Fault;
            if (!second.Value) return await guards.FailedAsync(attempt, cancel).ConfigureAwait(false) ?? Refused;
            await guards.SucceededAsync(attempt, cancel).ConfigureAwait(false);
            if (compared.Value.IsOutdated && await RehashAsync(user, password, cancel).ConfigureAwait(false) is { } fault) return fault;
            return await OpenAsync(user.Id, "password", client, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Opens a session of someone who has proved to be the user, by the record as it is now.</summary>
    public async ValueTask<Result<TokenPair>> OpenAsync(Guid userId, string method, Client client, CancellationToken cancel)
    {
        long position = records.Position(cancel);
        if (Get(userId, cancel) is not { } user || user.Is("disabled")) return Refused;
        if (options.RequiresVerified && !user.Is("emailVerified"))
            return Faults.EmailNotVerified.Says("the e-mail address was not verified yet",
                "POST /auth/verify/request sends the link again");
        return await sessions.OpenAsync(user, position, method, client, cancel).ConfigureAwait(false);
    }

    /// <summary>Makes the account of someone who came by; refused where that is off.</summary>
    public async ValueTask<Result<PlatformRow>> RegisterAsync(Registration registration, CancellationToken cancel)
    {
        if (!options.MayRegister) return Faults.RegistrationClosed.Says("nobody can register here");
        if (registration.Password is null)
            return Faults.ValidationFailed.Says("1 field is not acceptable", new FaultDetail("password", "required", "is required"));
        if (Misused(registration.Profile) is { } detail) return Faults.ValidationFailed.Says("1 field is not acceptable", detail);
        Guid id = Guid.CreateVersion7();
        string? tenant = options.RegisterTenant switch
        {
            "none" => null,
            "own" => id.ToString(),
            var fixedTenant => fixedTenant,
        };
        return await CreateAsync(id, registration, options.RegisterRole, tenant, isVerified: false, cancel).ConfigureAwait(false);
    }

    /// <summary>Makes an account; two of one address cannot be, however fast they come.</summary>
    /// <param name="id">The key that it gets.</param>
    /// <param name="registration">What is known of the person; without a password nobody signs in with one.</param>
    /// <param name="role">Null leaves the schema's default.</param>
    /// <param name="tenant">Null leaves it unset.</param>
    /// <param name="isVerified">The address was proved already.</param>
    public async ValueTask<Result<PlatformRow>> CreateAsync(
        Guid id, Registration registration, string? role, string? tenant, bool isVerified, CancellationToken cancel)
    {
        string? hash = null;
        if (registration.Password is { } password)
        {
            if (_rules.Refuse(password, Normalised(registration.Email)) is { } weak)
                return Faults.ValidationFailed.Says("the password is not acceptable", weak);
            var made = await hashes.HashAsync(password, cancel).ConfigureAwait(false);
            if (!made.IsOk) return made.Fault;
            hash = made.Value;
        }
        Command create = PlatformRecords.Create(PlatformRecords.User, json =>
        {
            json.WriteString("id", id.ToString());
            json.WriteString("email", registration.Email);
            if (registration.Name is { } name) json.WriteString("name", name);
            if (hash is not null) json.WriteString("passwordHash", hash);
            if (role is not null) json.WriteString("role", role);
            if (tenant is not null) json.WriteString("tenantId", tenant);
            if (isVerified) json.WriteBoolean("emailVerified", true);
            if (registration.Profile is { } profile) foreach (JsonProperty member in profile.EnumerateObject()) member.WriteTo(json);
        });
        if (await records.RunAsync(id.ToString(), create, cancel).ConfigureAwait(false) is { } fault) return fault;
        return records.Get(PlatformRecords.User, id, cancel) is { } user ? user
            : Faults.NotReady.Says("the account is not readable yet") with { RetryAfterSeconds = 1 };
    }

    /// <summary>Changes the password of someone who knows the one before; every other session ends, this one gets new tokens.</summary>
    public async ValueTask<Result<TokenPair>> ChangePasswordAsync(
        Guid userId, Guid sessionId, string current, string wanted, Client client, CancellationToken cancel)
    {
        if (records.Get(PlatformRecords.User, userId, cancel) is not { } user) return Sessions.Unauthorized;
        string account = user.Text("email") ?? "";
        if (guards.Begin("password", account, client.Address, static () => true, cancel)
            .Failed(out Fault? blocked, out SignInGuards.Attempt? attempt)) return blocked;
        using (attempt)
        {
            var compared = await hashes.VerifyAsync(user.Text("passwordHash"), current, cancel).ConfigureAwait(false);
            if (!compared.IsOk) return compared.Fault;
            if (!compared.Value.IsMatch) return await guards.FailedAsync(attempt, cancel).ConfigureAwait(false)
                ?? Faults.InvalidCredentials.Says("the current password is not right");
        }
        Fault? fault = await SetPasswordAsync(user, wanted, except: sessionId, [], cancel).ConfigureAwait(false);
        return fault is null ? await sessions.RenewAsync(sessionId, cancel).ConfigureAwait(false) : fault;
    }

    /// <summary>Gives the account a new password and ends its sessions, in one commit.</summary>
    /// <param name="with">What happens together with it: the code that allowed it is used up.</param>
    public async ValueTask<Fault?> SetPasswordAsync(
        PlatformRow user, string wanted, Guid? except, ImmutableArray<Command> with, CancellationToken cancel)
    {
        if (_rules.Refuse(wanted, user.Text("email") ?? "") is { } weak)
            return Faults.ValidationFailed.Says("the password is not acceptable", weak);
        var made = await hashes.HashAsync(wanted, cancel).ConfigureAwait(false);
        if (!made.IsOk) return made.Fault;
        Command set = PlatformRecords.Update(PlatformRecords.User, user.Id.ToString(), ifVersion: null, json =>
            json.WriteString("passwordHash", made.Value));
        return await records.RunAllAsync(user.Id.ToString(),
            [.. with, set, sessions.EndingAll(user.Id, except, "password")], cancel).ConfigureAwait(false);
    }

    public PlatformRow? Find(string email, CancellationToken cancel) =>
        records.First(PlatformRecords.User, "email", Value.From(Normalised(email)), cancel);

    public PlatformRow? Get(Guid id, CancellationToken cancel) => records.Get(PlatformRecords.User, id, cancel);

    /// <summary>A user who may not sign in any more, or may again; what was signed in ends.</summary>
    public async ValueTask<Fault?> DisableAsync(PlatformRow user, bool disabled, CancellationToken cancel)
    {
        Command set = PlatformRecords.Update(PlatformRecords.User, user.Id.ToString(), ifVersion: null, json =>
            json.WriteBoolean("disabled", disabled));
        return await records.RunAllAsync(null, disabled ? [set, sessions.EndingAll(user.Id, null, "disabled")] : [set], cancel)
            .ConfigureAwait(false);
    }

    async ValueTask<Fault?> RehashAsync(PlatformRow user, string password, CancellationToken cancel)
    {
        var made = await hashes.HashAsync(password, cancel).ConfigureAwait(false);
        if (!made.IsOk) return made.Fault;
        return await records.RunAsync(user.Id.ToString(), PlatformRecords.Update(PlatformRecords.User, user.Id.ToString(), null, json =>
            json.WriteString("passwordHash", made.Value)), cancel).ConfigureAwait(false);
    }

    /// <summary>A field that nobody gives himself: what rules decide by, and what the product keeps.</summary>
    FaultDetail? Misused(JsonElement? profile)
    {
        if (profile is not { } given) return null;
        if (given.ValueKind != JsonValueKind.Object) return new("profile", "type", "expected an object");
        foreach (JsonProperty member in given.EnumerateObject())
        {
            Field? field = records.Schema.Model(PlatformRecords.User).Field(member.Name);
            bool isOurs = member.Name is "id" or "email" or "name" or "role" or "disabled" or "tenantId"
                || records.Schema.Auth?.Claim(member.Name) is not null || field is { IsCreatable: false };
            if (isOurs) return new("profile." + member.Name, "readonly", "is not for whoever registers to say");
        }
        return null;
    }
}
