using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Primitives;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// The entity tag of a record, <c>"&lt;version&gt;.&lt;schema version&gt;"</c>: with <c>-c</c> for CBOR, and with a hash of the body where
/// the representation depends on more than the record. Writers compare the version alone, since it alone says whether the record changed.
/// </summary>
static class EntityTag
{
    public static string Of(long version, long schemaVersion, bool cbor, ReadOnlySpan<byte> hashedBody = default)
    {
        string hash = "";
        if (!hashedBody.IsEmpty)
        {
            Span<byte> digest = stackalloc byte[32];
            SHA256.HashData(hashedBody, digest);
            hash = "-" + Convert.ToHexStringLower(digest[..8]);
        }
        return string.Create(CultureInfo.InvariantCulture, $"\"{version}.{schemaVersion}{hash}{(cbor ? "-c" : "")}\"");
    }

    /// <summary>Whether <c>If-None-Match</c> names this tag, compared weakly (RFC 9110, 13.1.2).</summary>
    public static bool Matches(StringValues header, string tag)
    {
        foreach (string? value in header)
        {
            ReadOnlySpan<char> list = value;
            foreach (Range range in list.Split(','))
            {
                ReadOnlySpan<char> item = list[range].Trim();
                if (item.StartsWith("W/", StringComparison.Ordinal)) item = item[2..];
                if (item is "*" || item.SequenceEqual(tag)) return true;
            }
        }
        return false;
    }

    /// <summary>The version that <c>If-Match</c> demands: null and false without the header, null and true for <c>*</c>.</summary>
    public static Result<(long? Version, bool Any)> Precondition(StringValues header)
    {
        if (header.Count == 0) return (null, false);
        string text = header.ToString().Trim();
        if (text is "*") return (null, true);
        ReadOnlySpan<char> tag = text;
        // A weak tag never matches strongly; no version is below 1, so 0 fails the comparison as it must.
        if (tag.StartsWith("W/\"", StringComparison.Ordinal)) return (0, false);
        if (tag.Length < 3 || tag[0] != '"' || tag[^1] != '"') return Wrong();
        tag = tag[1..^1];
        int end = tag.IndexOfAnyExceptInRange('0', '9');
        if (end < 0) end = tag.Length;
        bool wellFormed = end > 0 && (end == tag.Length || tag[end] == '.') && tag[end..].IndexOfAny('"', ',') < 0;
        return wellFormed && long.TryParse(tag[..end], NumberStyles.None, CultureInfo.InvariantCulture, out long version)
            ? (version, false)
            : Wrong();
    }

    static Fault Wrong() => Faults.MalformedHeader.Says("If-Match: one entity tag, as ETag has it, or * was expected");
}
