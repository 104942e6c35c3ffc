using System.Collections.Immutable;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Plinth.Http;

/// <summary>
/// Who is at the other end. <c>Forwarded</c> (RFC 7239) and <c>X-Forwarded-For</c> are read from configured proxies only, from the
/// right: the first address that is no trusted proxy is the client, and what stands left of it may be invented.
/// </summary>
sealed class ClientAddress(ImmutableArray<IPNetwork> trusted)
{
    const int HopsMax = 16;

    public IPAddress Of(IPAddress? remote, IHeaderDictionary headers)
    {
        IPAddress address = Normal(remote ?? IPAddress.None);
        if (trusted.IsEmpty || !IsTrusted(address)) return address;
        List<string> hops = headers.TryGetValue("Forwarded", out StringValues forwarded)
            ? ForwardedFor(forwarded)
            : XForwardedFor(headers["X-Forwarded-For"]);
        for (int i = hops.Count - 1, seen = 0; i >= 0 && seen < HopsMax; i--, seen++)
        {
            // An obfuscated or broken hop ends the chain: the last address that is known stands.
            if (!TryParse(hops[i], out IPAddress? hop)) return address;
            address = hop;
            if (!IsTrusted(hop)) return hop;
        }
        return address;
    }

    bool IsTrusted(IPAddress address)
    {
        foreach (IPNetwork network in trusted)
        {
            if (network.Contains(address)) return true;
        }
        return false;
    }

    static List<string> XForwardedFor(StringValues values)
    {
        List<string> hops = [];
        foreach (string? value in values) hops.AddRange(
            (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        return hops;
    }

    static List<string> ForwardedFor(StringValues values)
    {
        List<string> hops = [];
        foreach (string? value in values)
        {
            foreach (string element in (value ?? "").Split(',', StringSplitOptions.TrimEntries))
            {
                string? node = element.Split(';', StringSplitOptions.TrimEntries)
                    .FirstOrDefault(pair => pair.StartsWith("for=", StringComparison.OrdinalIgnoreCase))?[4..].Trim('"');
                hops.Add(node ?? "");
            }
        }
        return hops;
    }

    /// <summary>An address, with or without brackets and port.</summary>
    static bool TryParse(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPAddress? address)
    {
        if (text.StartsWith('[') && text.IndexOf(']', StringComparison.Ordinal) is > 0 and var close) text = text[1..close];
        else if (text.Count(c => c == ':') == 1) text = text[..text.IndexOf(':', StringComparison.Ordinal)];
        bool parsed = IPAddress.TryParse(text, out address);
        if (parsed) address = Normal(address!); // Parsed, so it is there.
        return parsed;
    }

    static IPAddress Normal(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
