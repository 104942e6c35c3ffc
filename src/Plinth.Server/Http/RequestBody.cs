using System.Buffers;
using System.IO.Pipelines;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// Reads a whole body, bounded. The bytes are an array of their own, not a pooled one: a command may still be looked at by the writer
/// after its request was given up, and a buffer that went back to a pool would then hold someone else's record.
/// </summary>
static class RequestBody
{
    const int BelievedBytes = 64 << 10;

    public static async ValueTask<Result<ReadOnlyMemory<byte>>> ReadAsync(
        Exchange exchange, int bytesMax, string setting, CancellationToken cancel)
    {
        long? length = exchange.Headers.ContentLength;
        if (length > bytesMax) return TooLarge(bytesMax, setting);
        if (exchange.Headers.ContentEncoding.Count > 0 && exchange.Headers.ContentEncoding is not ["identity"])
            return Faults.UnsupportedMediaType.Says("Content-Encoding: only identity is taken");
        PipeReader reader = exchange.Body;
        // A length is a promise: for a large one memory is taken as the bytes come, or connections that send nothing could take it all.
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)Math.Min(length ?? Math.Min(4096, bytesMax), BelievedBytes));
        int filled = 0;
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancel);
            ReadOnlySequence<byte> buffer = read.Buffer;
            int next = filled + (int)Math.Min(buffer.Length, int.MaxValue / 2);
            if (next > bytesMax)
            {
                reader.AdvanceTo(buffer.End);
                return TooLarge(bytesMax, setting);
            }
            if (next > bytes.Length) Array.Resize(ref bytes, Math.Min(Math.Max(bytes.Length * 2, next), bytesMax));
            buffer.CopyTo(bytes.AsSpan(filled));
            filled = next;
            reader.AdvanceTo(buffer.End);
            if (read.IsCompleted) return new ReadOnlyMemory<byte>(bytes, 0, filled);
        }
    }

    public static Fault TooLarge(long bytesMax, string setting) =>
        Faults.BodyTooLarge.Says($"the body has more than {bytesMax} bytes", hint: $"{setting} is the setting");
}
