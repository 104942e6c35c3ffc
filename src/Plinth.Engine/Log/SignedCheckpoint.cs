using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// What the log was at a position, signed: kept elsewhere, it proves later that nothing up to there was changed, by someone who could
/// rewrite the database, chain and all. The key is made from the data folder's master key; its public half is in the text, so that whoever
/// noted it needs nothing of the data folder.
/// </summary>
/// <param name="Position">The last event of a transaction.</param>
/// <param name="At">Its time, microseconds since the epoch.</param>
/// <param name="Hash">The chain's hash there.</param>
/// <param name="Key">The public key: SubjectPublicKeyInfo of a key on P-256.</param>
/// <param name="Signature">ECDSA with SHA-256, as IEEE P1363 writes it.</param>
sealed record SignedCheckpoint(long Position, long At, byte[] Hash, byte[] Key, byte[] Signature)
{
    public static SignedCheckpoint Sign(LogKeys keys, LogHead head)
    {
        using ECDsa key = KeyOf(keys);
        byte[] signature = key.SignData(Signed(head.Position, head.At, head.Hash), HashAlgorithmName.SHA256);
        return new SignedCheckpoint(head.Position, head.At, head.Hash, key.ExportSubjectPublicKeyInfo(), signature);
    }

    /// <summary>The public key that this data folder signs with.</summary>
    public static byte[] PublicKey(LogKeys keys)
    {
        using ECDsa key = KeyOf(keys);
        return key.ExportSubjectPublicKeyInfo();
    }

    /// <summary>Whether the text was signed by its own key and not changed since. Whose the key is, is for the caller to know.</summary>
    public bool IsSigned()
    {
        try
        {
            using ECDsa key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(Key, out _);
            return key.VerifyData(Signed(Position, At, Hash), Signature, HashAlgorithmName.SHA256);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>One line of JSON.</summary>
    public string Text()
    {
        using ByteOutput output = new();
        output.Write("{\"position\":"u8);
        JsonText.WriteIntString(output, Position);
        output.Write(",\"at\":"u8);
        DateTimeType.WriteJson(output, At);
        foreach (var (name, bytes) in new[] { ("hash", Hash), ("key", Key), ("signature", Signature) })
        {
            output.Write((byte)',');
            JsonText.WriteName(output, name);
            JsonText.WriteString(output, Convert.ToBase64String(bytes));
        }
        output.Write((byte)'}');
        return Encoding.UTF8.GetString(output.Written);
    }

    /// <summary>Null when the text is no checkpoint.</summary>
    public static SignedCheckpoint? Read(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            bool isWhole = long.TryParse(root.GetProperty("position").GetString(), CultureInfo.InvariantCulture, out long position)
                & DateTimeType.It.TryParse(root.GetProperty("at").GetString(), out Schema.Value at);
            return isWhole ? new SignedCheckpoint(position, at.Ticks, Bytes("hash"), Bytes("key"), Bytes("signature")) : null;

            byte[] Bytes(string name) => root.GetProperty(name).GetBytesFromBase64();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    static byte[] Signed(long position, long at, byte[] hash) => Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"plinth checkpoint 1\n{position}\n{at}\n{Convert.ToBase64String(hash)}\n"));

    static ECDsa KeyOf(LogKeys keys) => ECDsa.Create(new ECParameters
    {
        Curve = ECCurve.NamedCurves.nistP256,
        // Any 32 bytes but one in four thousand million are a private key of the curve.
        D = keys.Derive("audit checkpoints"),
    });
}
