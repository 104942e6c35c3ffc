using System.Collections.Immutable;
using System.IO.Pipelines;
using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cli.Transfer;

/// <summary>
/// Records of a file as JSON objects in UTF-8, one at a time, whatever the file's format. Fields that no caller may set (computed,
/// <c>@updatedAt</c>, <c>@version</c> …) are left out, so that what was exported can be imported.
/// </summary>
sealed class RecordReader(Model model, RecordFormat format)
{
    readonly ImmutableHashSet<string> _leftOut = [.. model.Fields.Where(f => !f.IsCreatable).Select(f => f.Name)];
    readonly byte[][] _leftOutNames = [.. model.Fields.Where(f => !f.IsCreatable).Select(f => Encoding.UTF8.GetBytes('"' + f.Name + '"'))];

    /// <param name="file">Read from its beginning.</param>
    /// <exception cref="InvalidDataException">The file is not of its format; the message names the line or the record.</exception>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(Stream file, CancellationToken cancel) => format switch
    {
        RecordFormat.NdJson => LinesAsync(file, cancel),
        RecordFormat.Json => ItemsAsync(file, cancel),
        _ => RowsAsync(file, cancel),
    };

    async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(Stream file, [EnumeratorCancellation] CancellationToken cancel)
    {
        PipeReader reader = PipeReader.Create(file, new StreamPipeReaderOptions(bufferSize: 64 << 10, leaveOpen: true));
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancel);
            ReadOnlySequence<byte> rest = read.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                if (Line(rest.Slice(0, end)) is { Length: > 0 } line) yield return line;
                rest = rest.Slice(rest.GetPosition(1, end));
            }
            if (read.IsCompleted)
            {
                if (Line(rest) is { Length: > 0 } last) yield return last;
                yield break;
            }
            if (rest.Length > Limits.Default.RecordBytes) throw new InvalidDataException(
                $"a line is longer than {Limits.Default.RecordBytes} bytes");
            reader.AdvanceTo(rest.Start, rest.End);
        }
    }

    byte[]? Line(ReadOnlySequence<byte> line)
    {
        byte[] bytes = line.ToArray();
        ReadOnlySpan<byte> trimmed = bytes.AsSpan().Trim(" \r\t"u8);
        if (trimmed.Length == 0) return null;
        return MentionsLeftOut(trimmed) ? WithoutLeftOut(bytes) : bytes;
    }

    bool MentionsLeftOut(ReadOnlySpan<byte> json)
    {
        foreach (byte[] name in _leftOutNames)
        {
            if (json.IndexOf(name) >= 0) return true;
        }
        return false;
    }

    byte[] WithoutLeftOut(byte[] json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Kept(document.RootElement);
        }
        catch (JsonException)
        {
            return json; // the engine names what is wrong with it, and where
        }
    }

    byte[] Kept(JsonElement record)
    {
        ArrayBufferWriter<byte> to = new();
        using Utf8JsonWriter writer = new(to);
        if (record.ValueKind != JsonValueKind.Object)
        {
            record.WriteTo(writer);
        }
        else
        {
            writer.WriteStartObject();
            foreach (JsonProperty member in record.EnumerateObject())
            {
                if (!_leftOut.Contains(member.Name)) member.WriteTo(writer);
            }
            writer.WriteEndObject();
        }
        writer.Flush();
        return to.WrittenSpan.ToArray();
    }

    async IAsyncEnumerable<ReadOnlyMemory<byte>> ItemsAsync(Stream file, [EnumeratorCancellation] CancellationToken cancel)
    {
        await using var items = JsonSerializer.DeserializeAsyncEnumerable(file, ElementJson.Default.JsonElement, cancel).GetAsyncEnumerator(
            cancel);
        while (true)
        {
            JsonElement item;
            try
            {
                if (!await items.MoveNextAsync()) yield break;
                item = items.Current;
            }
            catch (JsonException broken)
            {
                throw new InvalidDataException("not a JSON array of records: " + broken.Message, broken);
            }
            yield return Kept(item);
        }
    }

    async IAsyncEnumerable<ReadOnlyMemory<byte>> RowsAsync(Stream file, [EnumeratorCancellation] CancellationToken cancel)
    {
        await Task.CompletedTask;
        using StreamReader text = new(file, new UTF8Encoding(false, throwOnInvalidBytes: true), leaveOpen: true);
        CsvReader csv = new(text);
        if (csv.Read() is not { } header) yield break;
        CsvRecords records = new(model, [.. header.Select(c => c.Text.Trim())], _leftOut);
        while (csv.Read() is { } row)
        {
            cancel.ThrowIfCancellationRequested();
            yield return records.Json(row, csv.Line);
        }
    }
}

[JsonSerializable(typeof(JsonElement))]
sealed partial class ElementJson : JsonSerializerContext;
