using System.Buffers;
using System.IO.Pipelines;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// What a client sends of headers that were refused for their size. The server has stopped to read: nobody else looks at the input now.
/// </summary>
static class UnreadHeaders
{
    /// <summary>Bytes that are read away, at most: a client gets so far to read its refusal.</summary>
    const int BytesMax = 8 << 20;

    /// <summary>How long that may take: less than the five seconds after which the server breaks off an answer that stays.</summary>
    static readonly TimeSpan s_time = TimeSpan.FromSeconds(4);

    /// <summary>The name and the scheme beside the credential itself.</summary>
    const int NameBytes = 32;

    /// <summary>Whether <c>Authorization</c> is among them and longer than any credential.</summary>
    public static bool HasEndlessCredential(PipeReader input)
    {
        ReadResult read;
        try
        {
            // Else a pipe does not give again what was examined before.
            input.CancelPendingRead();
            if (!input.TryRead(out read)) return false;
        }
        catch (InvalidOperationException)
        {
            // The connection has ended meanwhile.
            return false;
        }
        SequenceReader<byte> lines = new(read.Buffer);
        bool isFound = false;
        while (!isFound && !lines.End)
        {
            if (!lines.TryReadTo(out ReadOnlySequence<byte> line, (byte)'\n'))
            {
                line = lines.UnreadSequence;
                lines.AdvanceToEnd();
            }
            isFound = line.Length > Limits.CredentialLength + NameBytes && IsAuthorization(line);
        }
        input.AdvanceTo(read.Buffer.Start);
        return isFound;
    }

    static bool IsAuthorization(in ReadOnlySequence<byte> line)
    {
        ReadOnlySpan<byte> expected = "authorization:"u8;
        Span<byte> name = stackalloc byte[expected.Length];
        line.Slice(0, expected.Length).CopyTo(name);
        return System.Text.Ascii.EqualsIgnoreCase(name, expected);
    }

    /// <summary>Reads on until the headers end, the client stops, or it is enough.</summary>
    public static async Task ReadAwayAsync(PipeReader input, CancellationToken cancel)
    {
        using CancellationTokenSource bound = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        bound.CancelAfter(s_time);
        try
        {
            input.CancelPendingRead();
            uint last = 0;
            for (long bytes = 0; bytes < BytesMax;)
            {
                ReadResult read = await input.ReadAsync(bound.Token);
                bytes += read.Buffer.Length;
                last = Last(read.Buffer, last);
                input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || last == HeadersEnd) return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
        {
            // The client is gone, or too slow.
        }
    }

    /// <summary>CR LF CR LF</summary>
    const uint HeadersEnd = 0x0D0A_0D0A;

    /// <summary>The last four bytes, of this part or of it and those before.</summary>
    static uint Last(in ReadOnlySequence<byte> part, uint before)
    {
        foreach (ReadOnlyMemory<byte> segment in part.Slice(Math.Max(0, part.Length - 4)))
        {
            foreach (byte next in segment.Span) before = (before << 8) | next;
        }
        return before;
    }
}
