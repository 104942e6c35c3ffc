using System.Net;

namespace Plinth.Text;

/// <summary>
/// What bounds of clients count by. A network of one customer is one address: an IPv6 client has 2^64 of its own to choose from (RFC 6177).
/// </summary>
static class ClientNetwork
{
    const int PrefixBytes = 8, Version6Bytes = 16;

    /// <param name="address">As a connection, or a proxy that is trusted, says it.</param>
    /// <returns>The first 64 bits of an IPv6 address, in hexadecimal; anything else as it is.</returns>
    public static string Of(string address)
    {
        // Without a colon it is not of version 6, and most are not.
        if (!address.Contains(':', StringComparison.Ordinal) || !IPAddress.TryParse(address, out IPAddress? parsed)) return address;
        if (parsed.IsIPv4MappedToIPv6) return parsed.MapToIPv4().ToString();
        byte[] bytes = parsed.GetAddressBytes();
        return bytes.Length == Version6Bytes ? Convert.ToHexString(bytes, 0, PrefixBytes) : address;
    }
}
