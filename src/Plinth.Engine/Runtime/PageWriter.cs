using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Writes what stands around the records of a page: <c>{"items":[ … ],"page":{ … }}</c>.</summary>
readonly struct PageWriter(Page page, PlannedRead read, ReadOnlyMemory<byte> secret)
{
    public Page Page => page;

    public static void Open(ByteOutput output) => output.Write("{\"items\":["u8);

    /// <param name="output">Where the records stand already.</param>
    /// <param name="total">How many records the whole list has, where that was asked for.</param>
    public void Close(ByteOutput output, long? total)
    {
        output.Write("],\"page\":{\"next\":"u8);
        WriteCursor(output, page.Next);
        output.Write(",\"previous\":"u8);
        WriteCursor(output, page.Previous);
        output.Write(",\"limit\":"u8);
        JsonText.WriteInt(output, read.Limit);
        if (total is { } records)
        {
            output.Write(",\"total\":"u8);
            JsonText.WriteInt(output, records);
        }
        output.Write("}}"u8);
    }

    void WriteCursor(ByteOutput output, Value[]? place)
    {
        if (place is null)
        {
            JsonText.WriteNull(output);
            return;
        }
        output.Write((byte)'"');
        Cursor.Write(secret.Span, read.Binding, place, output);
        output.Write((byte)'"');
    }
}
