using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>An event as operators and auditors are told of it: where it stands, and when it happened.</summary>
/// <param name="Position">0 for none.</param>
/// <param name="At">Microseconds since the epoch.</param>
readonly record struct LogPoint(long Position, long At)
{
    /// <summary>Writes <c>{"position":"…","at":"…"}</c>, or <c>null</c> for none.</summary>
    public void Write(ByteOutput output)
    {
        if (Position == 0)
        {
            JsonText.WriteNull(output);
            return;
        }
        output.Write("{\"position\":"u8);
        JsonText.WriteIntString(output, Position);
        output.Write(",\"at\":"u8);
        DateTimeType.WriteJson(output, At);
        output.Write((byte)'}');
    }
}
