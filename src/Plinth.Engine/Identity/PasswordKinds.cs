using System.Diagnostics;
using System.Security.Cryptography;
using Plinth.Identity.Hashing;
using Plinth.Log;
using Plinth.Schema;

namespace Plinth.Identity;

/// <summary>
/// Tells the hashes which kinds of them are stored: those of an application that was imported, those of a cost before. They are looked for
/// once, when somebody first signs in, each by one pass over the users; what is written from then on is seen in the log. Thread-safe.
/// </summary>
sealed class PasswordKinds(PlatformRecords records, PasswordHashes hashes, LogKeys keys)
{
    const string Field = "passwordHash";

    /// <summary>Passes over the users at the first sign-in: texts that are no hashes are passed over, too.</summary>
    const int PassesMax = 32;

    readonly Lock _gate = new();
    volatile bool _isKnown;

    /// <summary>Looks for what is stored, the first time.</summary>
    public void Find(CancellationToken cancel)
    {
        if (_isKnown) return;
        lock (_gate)
        {
            List<string> prefixes = [];
            while (!_isKnown && prefixes.Count < PassesMax)
            {
                if (records.TextUnlike(PlatformRecords.User, Field, prefixes, cancel) is not { } hash) break;
                if (PasswordKind.TryRead(hash, out PasswordKind? kind, out string prefix)) hashes.Learn(kind);
                Debug.Assert(prefix.Length == 0 || hash.StartsWith(prefix, StringComparison.Ordinal), "a prefix of another hash");
                if (prefix.Length == 0) break;
                prefixes.Add(prefix);
            }
            _isKnown = true;
        }
    }

    /// <summary>A user was made or changed.</summary>
    public void Take(LogEvent happened)
    {
        if (happened.Data is not { } data || !Payload.FieldNames(data).Contains(Field)) return;
        if (records.Schema.FindModel(PlatformRecords.User) is not { } users) return;
        Value[] row = new Value[users.Fields.Length];
        try
        {
            if (!Payload.Read(happened, "set"u8, users, null, keys, row)) return;
        }
        catch (Exception e) when (e is InvalidDataException or CryptographicException)
        {
            // Of a schema of before, or sealed by another key: who signs in with it makes it known.
            return;
        }
        if (users.Field(Field) is { } field && row[field.Ordinal] is { Kind: ValueKind.String, String: var hash }
            && PasswordKind.TryRead(hash, out PasswordKind? kind, out _)) hashes.Learn(kind);
    }
}
