using System.Text.Json;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// JSON Merge Patch (RFC 7396) over UTF-8. Both documents are clean already (canonical copies), so nothing here can fail.
/// </summary>
static class JsonMerge
{
    /// <param name="target">The stored document; empty, or anything but an object, counts as an empty object.</param>
    /// <param name="patch">An object.</param>
    public static byte[] Apply(ReadOnlySpan<byte> target, ReadOnlySpan<byte> patch)
    {
        using ByteOutput output = new();
        Merge(output, target, patch);
        return output.ToArray();
    }

    static void Merge(ByteOutput output, ReadOnlySpan<byte> target, ReadOnlySpan<byte> patch)
    {
        Dictionary<string, Range> changes = Members(patch);
        output.Write((byte)'{');
        int start = output.Length;
        if (target.Length > 0 && target[0] == '{')
        {
            foreach (var (name, at) in Members(target))
            {
                if (!changes.Remove(name, out Range change)) WriteMember(output, start, name, target[at]);
                else if (patch[change][0] == '{') WriteMerged(output, start, name, target[at], patch[change]);
                else if (!IsNull(patch[change])) WriteMember(output, start, name, patch[change]);
            }
        }
        foreach (var (name, at) in changes)
        {
            if (patch[at][0] == '{') WriteMerged(output, start, name, default, patch[at]);
            else if (!IsNull(patch[at])) WriteMember(output, start, name, patch[at]);
        }
        output.Write((byte)'}');
    }

    static void WriteMember(ByteOutput output, int start, string name, ReadOnlySpan<byte> value)
    {
        if (output.Length > start) output.Write((byte)',');
        JsonText.WriteName(output, name);
        output.Write(value);
    }

    static void WriteMerged(ByteOutput output, int start, string name, ReadOnlySpan<byte> target, ReadOnlySpan<byte> patch)
    {
        if (output.Length > start) output.Write((byte)',');
        JsonText.WriteName(output, name);
        Merge(output, target, patch);
    }

    static bool IsNull(ReadOnlySpan<byte> value) => value.SequenceEqual("null"u8);

    /// <summary>The members of an object, in order, and where their values stand.</summary>
    static Dictionary<string, Range> Members(ReadOnlySpan<byte> document)
    {
        Dictionary<string, Range> members = new(StringComparer.Ordinal);
        Utf8JsonReader json = new(document, new JsonReaderOptions { MaxDepth = int.MaxValue });
        json.Read();
        while (JsonNames.NextMember(ref json))
        {
            string name = json.GetString()!; // A name is never null.
            json.Read();
            int from = (int)json.TokenStartIndex;
            json.Skip();
            members[name] = from..(int)json.BytesConsumed;
        }
        return members;
    }
}
