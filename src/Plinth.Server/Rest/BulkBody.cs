using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Plinth.Http;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>The body of a bulk create cannot be read on; the transaction that was reading it comes to nothing.</summary>
sealed class BulkBodyException(Fault fault) : Exception(fault.Message)
{
    public Fault Fault { get; } = fault;
}

/// <summary>
/// The records of a bulk create, one at a time and without holding the body: lines of NDJSON, or the elements of a JSON array that is
/// too long for a body. Bounded per record and in all.
/// </summary>
sealed class BulkBody(Exchange exchange, Limits limits)
{
    long _consumed;
    long _records;

    /// <summary>Lines always are; JSON when its length says that it is no ordinary body. Chunked JSON without a length is an ordinary
    /// body.</summary>
    public static bool IsBulk(Exchange exchange, Limits limits)
    {
        Result<BodyFormat> format = Negotiation.Body(exchange.Headers.ContentType);
        return exchange.HasBody && format.IsOk
            && (format.Value == BodyFormat.NdJson
                || (format.Value == BodyFormat.Json && exchange.Headers.ContentLength > limits.BodyBytes));
    }

    public Fault? Refuse()
    {
        if (exchange.Headers.ContentLength > limits.BulkBytes) return RequestBody.TooLarge(limits.BulkBytes, "limits.bulkBytes");
        return exchange.Headers.ContentEncoding.Count > 0 && exchange.Headers.ContentEncoding is not ["identity"]
            ? Faults.UnsupportedMediaType.Says("Content-Encoding: only identity is taken")
            : null;
    }

    /// <summary>Each record is valid until the next is asked for.</summary>
    /// <exception cref="BulkBodyException">The body is malformed or too large, at the record at hand.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> RecordsAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        bool lines = Negotiation.Body(exchange.Headers.ContentType).Value == BodyFormat.NdJson;
        PipeReader reader = exchange.Body;
        bool opened = lines;
        long wanted = 0;
        SequencePosition? held = null;
        try
        {
            while (true)
            {
                ReadResult read = await reader.ReadAsync(cancel);
                ReadOnlySequence<byte> buffer = read.Buffer;
                held = buffer.End;
                bool ended = false;
                // A record that is not whole yet is looked at again only when twice as much is there, so that the work stays linear, or
                // when there is more than one may have: that may be its end, and others.
                if (buffer.Length >= wanted || buffer.Length > limits.RecordBytes || read.IsCompleted)
                {
                    wanted = 0;
                    while (!ended && Next(ref buffer, lines, ref opened, read.IsCompleted, out ReadOnlySequence<byte> record, out ended))
                    {
                        if (record.IsEmpty) continue;
                        if (record.Length > limits.RecordBytes) throw TooLong();
                        _records++;
                        yield return record.IsSingleSegment ? record.First : record.ToArray();
                    }
                    wanted = Math.Max(4096, buffer.Length * 2);
                }
                if (buffer.Length > limits.RecordBytes) throw TooLong();
                Count(read.Buffer.Length - buffer.Length);
                held = null;
                if (ended || read.IsCompleted)
                {
                    reader.AdvanceTo(ended ? read.Buffer.End : buffer.Start, read.Buffer.End);
                    if (!lines && !ended) throw Wrong(Faults.MalformedBody, "is not whole: the array has no end");
                    yield break;
                }
                reader.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        finally
        {
            // Who stops early must give back what was read, or the connection waits for its body to be drained, and is cut off.
            if (held is { } end) reader.AdvanceTo(end);
        }
    }

    void Count(long bytes)
    {
        _consumed += bytes;
        if (_consumed > limits.BulkBytes) throw new BulkBodyException(RequestBody.TooLarge(limits.BulkBytes, "limits.bulkBytes"));
    }

    bool Next(ref ReadOnlySequence<byte> buffer, bool lines, ref bool opened, bool completed, out ReadOnlySequence<byte> record,
        out bool ended) =>
        lines ? NextLine(ref buffer, completed, out record, out ended)
            : NextElement(ref buffer, ref opened, completed, out record, out ended);

    static bool NextLine(ref ReadOnlySequence<byte> buffer, bool completed, out ReadOnlySequence<byte> record, out bool ended)
    {
        record = default;
        ended = false;
        if (buffer.PositionOf((byte)'\n') is { } end)
        {
            record = Trimmed(buffer.Slice(0, end));
            buffer = buffer.Slice(buffer.GetPosition(1, end));
            return true;
        }
        if (!completed || buffer.IsEmpty) return false;
        record = Trimmed(buffer);
        buffer = buffer.Slice(buffer.End);
        return true;
    }

    bool NextElement(ref ReadOnlySequence<byte> buffer, ref bool opened, bool completed, out ReadOnlySequence<byte> record, out bool ended)
    {
        record = default;
        ended = false;
        SequenceReader<byte> skip = new(buffer);
        skip.AdvancePastAny(" \t\r\n"u8);
        if (!skip.TryPeek(out byte first)) return false;
        if (!opened)
        {
            // It came here because it is larger than a body may be that is no array of records.
            if (first != '[') throw new BulkBodyException(RequestBody.TooLarge(limits.BodyBytes, "limits.bodyBytes"));
            opened = true;
            buffer = buffer.Slice(skip.Position).Slice(1);
            return true;
        }
        if (first == ']')
        {
            skip.Advance(1);
            skip.AdvancePastAny(" \t\r\n"u8);
            if (!skip.End) throw Wrong(Faults.MalformedBody, "was followed by more than the end of the array");
            buffer = buffer.Slice(buffer.End);
            ended = true;
            return true;
        }
        if (first == ',')
        {
            if (_records == 0) throw Wrong(Faults.MalformedBody, "was expected before a comma");
            skip.Advance(1);
            skip.AdvancePastAny(" \t\r\n"u8);
            if (!skip.TryPeek(out first)) return false;
        }
        else if (_records > 0)
        {
            throw Wrong(Faults.MalformedBody, "must be joined to the one before by a comma");
        }
        return Element(ref buffer, buffer.Slice(skip.Position), completed, out record);
    }

    bool Element(ref ReadOnlySequence<byte> buffer, ReadOnlySequence<byte> element, bool completed, out ReadOnlySequence<byte> record)
    {
        record = default;
        try
        {
            Utf8JsonReader json = new(element, isFinalBlock: false,
                new JsonReaderState(new JsonReaderOptions { MaxDepth = limits.JsonDepth }));
            if (!json.Read()) return completed ? throw Wrong(Faults.MalformedBody, "is not whole") : false;
            if (json.TokenType != JsonTokenType.StartObject) throw Wrong(Faults.MalformedBody, "is not an object");
            if (!json.TrySkip()) return completed ? throw Wrong(Faults.MalformedBody, "is not whole") : false;
            record = element.Slice(0, json.Position);
            buffer = element.Slice(json.Position);
            return true;
        }
        catch (JsonException)
        {
            throw Wrong(Faults.MalformedBody, "is not JSON");
        }
    }

    static ReadOnlySequence<byte> Trimmed(ReadOnlySequence<byte> line)
    {
        SequenceReader<byte> reader = new(line);
        reader.AdvancePastAny(" \t\r"u8);
        return line.Slice(reader.Position);
    }

    BulkBodyException TooLong() => Wrong(Faults.BodyTooLarge,
        $"has more than {limits.RecordBytes} bytes (limits.recordBytes is the setting)");

    BulkBodyException Wrong(FaultCode code, string what) =>
        new(code.Says(string.Create(CultureInfo.InvariantCulture, $"record {_records + 1} {what}")));
}
