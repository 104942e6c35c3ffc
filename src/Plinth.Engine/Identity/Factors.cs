using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>What a person enrols an authenticator with; shown once.</summary>
/// <param name="Secret">Base32, for typing.</param>
/// <param name="Uri"><c>otpauth://</c>, for a QR code.</param>
/// <param name="RecoveryCodes">Each good once, in place of a code.</param>
sealed record Enrolment(string Secret, string Uri, ImmutableArray<string> RecoveryCodes);

/// <summary>
/// The second step of signing in: codes of an authenticator (TOTP, RFC 6238: SHA-1, 30 s, six digits, one step of slack) and recovery
/// codes. A code counts once; the secret is sealed by the key of the data folder. Thread-safe.
/// </summary>
sealed class Factors(PlatformRecords records, LogKeys keys, string issuer)
{
    const int SecretBytes = 20, StepSeconds = 30, Digits = 6, RecoveryCodeCount = 10;

    const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    static readonly byte[] s_bound = Encoding.UTF8.GetBytes("second factor");

    /// <summary>True when the user has no second step, or this is its code; <c>factor_required</c> when it was not given.</summary>
    public async ValueTask<Result<bool>> CheckAsync(Guid userId, string? code, CancellationToken cancel)
    {
        if (Of(userId, cancel) is not { } factor || factor.Time("confirmedAt") is null) return true;
        if (code is null) return Faults.FactorRequired.Says("the account has a second step", "send code beside the password");
        return await TakeAsync(factor, code, confirms: false, cancel).ConfigureAwait(false);
    }

    /// <summary>Begins to enrol; it counts once a code has confirmed it. One that counts already must be removed first.</summary>
    public async ValueTask<Result<Enrolment>> EnrolAsync(PlatformRow user, CancellationToken cancel)
    {
        PlatformRow? before = Of(user.Id, cancel);
        if (before?.Time("confirmedAt") is not null)
            return Faults.Conflict.Says("the account has a second step already", "remove it first: POST /auth/totp/remove");
        byte[] secret = RandomNumberGenerator.GetBytes(SecretBytes);
        string[] recovery = [.. Enumerable.Range(0, RecoveryCodeCount).Select(_ => RecoveryCode())];
        Command create = PlatformRecords.Create(PlatformRecords.UserFactor, json =>
        {
            json.WriteString("userId", user.Id.ToString());
            json.WriteBase64String("secret", keys.Seal(secret, s_bound));
            json.WriteString("sealedBy", keys.CurrentId);
            json.WriteString("lastStep", "0");
            WriteCodes(json, recovery.Select(Hash));
        });
        ImmutableArray<Command> commands = before is null ? [create] : [PlatformRecords.Delete(PlatformRecords.UserFactor, before.Id),
            create];
        if (await records.RunAllAsync(user.Id.ToString(), commands, cancel).ConfigureAwait(false) is { } fault) return fault;
        string text = Text(secret), label = Uri.EscapeDataString($"{issuer}:{user.Text("email")}");
        return new Enrolment(text, $"otpauth://totp/{label}?secret={text}&issuer={Uri.EscapeDataString(issuer)}", [.. recovery]);
    }

    /// <summary>The authenticator shows the right code: from now on every sign-in asks for one.</summary>
    public async ValueTask<Fault?> ConfirmAsync(Guid userId, string code, CancellationToken cancel)
    {
        if (Of(userId, cancel) is not { } factor || factor.Time("confirmedAt") is not null)
            return Faults.NotFound.Says("nothing waits to be confirmed", "POST /auth/totp/enrol begins");
        var taken = await TakeAsync(factor, code, confirms: true, cancel).ConfigureAwait(false);
        return !taken.IsOk ? taken.Fault : taken.Value ? null : Faults.InvalidCode.Says("the code is not the one that is shown now");
    }

    /// <summary>Removes the second step, which takes one of its codes.</summary>
    public async ValueTask<Fault?> RemoveAsync(Guid userId, string code, CancellationToken cancel)
    {
        if (Of(userId, cancel) is not { } factor) return Faults.NotFound.Says("the account has no second step");
        var taken = await TakeAsync(factor, code, confirms: false, cancel).ConfigureAwait(false);
        if (!taken.IsOk) return taken.Fault;
        if (!taken.Value) return Faults.InvalidCode.Says("the code is not the one that is shown now");
        return await records.RunAsync(userId.ToString(), PlatformRecords.Delete(PlatformRecords.UserFactor, factor.Id), cancel)
            .ConfigureAwait(false);
    }

    /// <summary>The code of a step (RFC 4226).</summary>
    public static string Code(ReadOnlySpan<byte> secret, long step, int digits = Digits)
    {
        Span<byte> counter = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
#pragma warning disable CA5350 // RFC 6238 and every authenticator say SHA-1; as an HMAC it is sound.
        byte[] mac = HMACSHA1.HashData(secret, counter);
#pragma warning restore CA5350 // as above
        uint number = BinaryPrimitives.ReadUInt32BigEndian(mac.AsSpan(mac[^1] & 15)) & 0x7fffffff;
        long modulus = 1;
        for (int i = 0; i < digits; i++) modulus *= 10;
        return (number % modulus).ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0');
    }

    async ValueTask<Result<bool>> TakeAsync(PlatformRow factor, string code, bool confirms, CancellationToken cancel)
    {
        string given = code.Replace(" ", "", StringComparison.Ordinal);
        if (keys.Open(factor.Text("sealedBy")!, factor.Bytes("secret"), s_bound) is not { } secret) // a required field
            return Faults.NotReady.Says("the key that the second step was sealed by is not here");
        long? step = Step(secret, given, factor.Of("lastStep").Int);
        List<string> left = [.. factor.Texts("recoveryCodes")];
        bool isRecovery = step is null && !confirms && left.Remove(Hash(given.ToUpperInvariant()));
        if (step is null && !isRecovery) return false;
        string now = PlatformRecords.Time(records.Now);
        Command take = PlatformRecords.Update(PlatformRecords.UserFactor, factor, json =>
        {
            if (step is { } used) json.WriteString("lastStep", used.ToString(CultureInfo.InvariantCulture));
            if (isRecovery) WriteCodes(json, left);
            if (confirms) json.WriteString("confirmedAt", now);
        });
        Fault? fault = await records.RunAsync(factor.Uuid("userId").ToString(), take, cancel).ConfigureAwait(false);
        // Someone was faster with a code of the same record: this one is a second use.
        bool isRace = fault is not null && (fault.Kind == Faults.PreconditionFailed || fault.Kind == Faults.VersionConflict);
        return fault is null ? true : isRace ? false : fault;
    }

    /// <summary>The step that the code is of: this one or a neighbour, and none that was taken before.</summary>
    long? Step(byte[] secret, string code, long lastStep)
    {
        long now = records.Now / 1_000_000 / StepSeconds;
        long? found = null;
        for (long step = now - 1; step <= now + 1; step++)
        {
            bool isIt = CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Code(secret, step)), Encoding.UTF8.GetBytes(code));
            if (isIt && step > lastStep) found = step;
        }
        return found;
    }

    PlatformRow? Of(Guid userId, CancellationToken cancel) =>
        records.First(PlatformRecords.UserFactor, "userId", Value.From(userId), cancel);

    static void WriteCodes(Utf8JsonWriter json, IEnumerable<string> hashes)
    {
        json.WriteStartArray("recoveryCodes");
        foreach (string hash in hashes) json.WriteStringValue(hash);
        json.WriteEndArray();
    }

    /// <summary>80 bits: enough that its hash needs no salt and no cost.</summary>
    static string RecoveryCode() => Text(RandomNumberGenerator.GetBytes(10)).Insert(8, "-");

    static string Hash(string code) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        code.Replace("-", "", StringComparison.Ordinal))));

    /// <summary>RFC 4648, without padding.</summary>
    static string Text(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new();
        int bits = 0, held = 0;
        foreach (byte b in bytes)
        {
            held = (held << 8) | b;
            for (bits += 8; bits >= 5; bits -= 5) text.Append(Base32[(held >> (bits - 5)) & 31]);
            held &= (1 << bits) - 1;
        }
        if (bits > 0) text.Append(Base32[(held << (5 - bits)) & 31]);
        return text.ToString();
    }
}
