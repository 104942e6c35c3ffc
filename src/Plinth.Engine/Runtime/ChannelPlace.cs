using System.Security.Cryptography;
using System.Text;
using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>One channel by the values of its parameters.</summary>
/// <param name="Channel">What was declared.</param>
/// <param name="Row">The values, as a record of the channel's shape.</param>
sealed record ChannelPlace(Channel Channel, Value[] Row)
{
    /// <summary>Names it on every node alike.</summary>
    public string Id => field ??= IdOf();

    string IdOf()
    {
        StringBuilder text = new(Channel.Name);
        foreach (Value value in Row)
        {
            string written = value.IsNull ? "" : value.ToString();
            text.Append('\n').Append(value.Kind).Append(' ').Append(written.Length).Append(' ').Append(written);
        }
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 16));
    }
}
