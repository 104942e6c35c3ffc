using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Live;

enum NoticeKind
{
    /// <summary>A message for all members of a channel.</summary>
    Publish,

    /// <summary>A member has come, or shows something else, or is told again to a node that asked.</summary>
    Enter,
    Leave,

    /// <summary>A node asks for the members of another, or of all.</summary>
    Ask,

    /// <summary>A node is there, and says by <see cref="ChannelNotice.Member"/> what its members come to.</summary>
    Beat,

    /// <summary>A node goes, and its members with it.</summary>
    Gone,

    /// <summary>The leader's node gives a member its slot.</summary>
    Slot,
}

/// <summary>What nodes tell one another of channels.</summary>
sealed record ChannelNotice(NoticeKind Kind, string Node)
{
    /// <summary>Of the channel; of <see cref="NoticeKind.Ask"/> the node that is asked, or empty for all.</summary>
    public string To { get; init; } = "";

    public string Member { get; init; } = "";

    public string? User { get; init; }

    public long Order { get; init; }

    /// <summary>Of the member; 0 for none.</summary>
    public long Slot { get; init; }

    /// <summary>The highest slot that the channel has given, whoever has left since.</summary>
    public long Given { get; init; }

    /// <summary>The message, or what the member shows, as JSON.</summary>
    public byte[] Body { get; init; } = [];

    public byte[] Write()
    {
        using ByteOutput output = new(Body.Length + 256);
        output.Write((byte)'[');
        JsonText.WriteInt(output, (int)Kind);
        foreach (string text in new[] { Node, To, Member })
        {
            output.Write((byte)',');
            JsonText.WriteString(output, text);
        }
        output.Write((byte)',');
        if (User is null) JsonText.WriteNull(output);
        else JsonText.WriteString(output, User);
        foreach (long number in (ReadOnlySpan<long>)[Order, Slot, Given])
        {
            output.Write((byte)',');
            JsonText.WriteInt(output, number);
        }
        output.Write((byte)',');
        output.Write(Body.Length == 0 ? "null"u8 : Body);
        output.Write((byte)']');
        return output.ToArray();
    }

    /// <exception cref="JsonException">It is none; a node of another version wrote it.</exception>
    public static ChannelNotice Read(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Array || root.GetArrayLength() != 9) throw new JsonException("not nine items");
        return new ChannelNotice((NoticeKind)root[0].GetInt32(), Text(root[1]))
        {
            To = Text(root[2]), Member = Text(root[3]), User = root[4].GetString(), Order = root[5].GetInt64(),
            Slot = root[6].GetInt64(), Given = root[7].GetInt64(), Body = Encoding.UTF8.GetBytes(root[8].GetRawText()),
        };

        static string Text(JsonElement item) => item.GetString() ?? "";
    }
}

/// <summary>
/// Notices as texts of the bus: sealed with a key that all nodes of the same data have, since whoever may open a session of the database
/// hears them, and could tell something as well.
/// </summary>
sealed class NoticeSeal(byte[] key) : IDisposable
{
    const int NonceBytes = 12, TagBytes = 16;

    // One at a time: a cipher has a state of its own while it works.
    readonly AesGcm _box = new(key, TagBytes);
    bool _isDisposed;

    /// <summary>Null once it was disposed of: whoever still leaves then, on a thread of their own, has nobody to tell.</summary>
    public string? Close(ReadOnlySpan<byte> notice)
    {
        byte[] bytes = new byte[NonceBytes + TagBytes + notice.Length];
        Span<byte> nonce = bytes.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        lock (_box)
        {
            if (_isDisposed) return null;
            _box.Encrypt(nonce, notice, bytes.AsSpan(NonceBytes + TagBytes), bytes.AsSpan(NonceBytes, TagBytes));
        }
        string text = Convert.ToBase64String(bytes);
        return text.Length <= Bus.TextMax ? text
            : throw new InvalidOperationException($"a notice of {text.Length} characters: its bounds are too wide");
    }

    /// <summary>Null when it is not of our nodes, or nobody listens any more.</summary>
    public byte[]? Open(string text)
    {
        try
        {
            byte[] bytes = Convert.FromBase64String(text);
            if (bytes.Length < NonceBytes + TagBytes) return null;
            byte[] notice = new byte[bytes.Length - NonceBytes - TagBytes];
            lock (_box)
            {
                if (_isDisposed) return null;
                _box.Decrypt(
                    bytes.AsSpan(0, NonceBytes), bytes.AsSpan(NonceBytes + TagBytes), bytes.AsSpan(NonceBytes, TagBytes), notice);
            }
            return notice;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        lock (_box)
        {
            _isDisposed = true;
            _box.Dispose();
        }
    }
}
