using System.Buffers.Binary;
using System.Text;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Decided records on their way from the request to the writer, in a file of the data folder that goes away with its handle: a bulk create
/// takes as long as its sender needs, and must hold neither the writer nor the memory for that time. Written once, then read from the start
/// as often as is asked for.
/// </summary>
sealed class StagedRows : IDisposable
{
    const int BufferBytes = 64 << 10;
    const int FixedBytes = 18;

    const string FolderName = "staging";

    readonly FileStream _file;
    readonly ByteOutput _buffer = new(BufferBytes * 2);
    byte[] _read = [];
    int _at;
    int _filled;

    /// <param name="dataFolder">The folder of the database; the file goes into one inside it.</param>
    public StagedRows(string dataFolder)
    {
        string folder = Path.Combine(dataFolder, FolderName);
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, $"bulk-{Guid.NewGuid():N}.staged");
        _file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 0,
            Options = FileOptions.DeleteOnClose,
        });
    }

    public long Count { get; private set; }

    /// <summary>Bytes of the records read so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Removes what processes that did not end by themselves have left behind; files in use stay.</summary>
    public static void Sweep(string dataFolder)
    {
        string folder = Path.Combine(dataFolder, FolderName);
        if (!Directory.Exists(folder)) return;
        foreach (string path in Directory.EnumerateFiles(folder, "bulk-*.staged"))
        {
            try
            {
                using FileStream left = new(path, new FileStreamOptions
                {
                    Mode = FileMode.Open,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                    Options = FileOptions.DeleteOnClose,
                });
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another process stages its records there, or has just gone: it is not ours to remove.
            }
        }
    }

    public async ValueTask AddAsync(Input input, CancellationToken cancel)
    {
        for (int i = 0; i < input.Values.Length; i++) Write((byte)input.Given[i], input.Values[i]);
        Count++;
        if (_buffer.Length < BufferBytes) return;
        await _file.WriteAsync(_buffer.WrittenMemory, cancel);
        _buffer.Clear();
    }

    /// <summary>Ends writing.</summary>
    public async ValueTask CloseAsync(CancellationToken cancel)
    {
        await _file.WriteAsync(_buffer.WrittenMemory, cancel);
        _buffer.Clear();
        _read = new byte[BufferBytes];
    }

    /// <summary>Stands at the first record: whoever is run again reads them again.</summary>
    public void Rewind()
    {
        _file.Position = 0;
        (_at, _filled, BytesRead) = (0, 0, 0);
    }

    /// <summary>The next record; called <see cref="Count"/> times.</summary>
    public Input Next(int fields)
    {
        Input input = new(new Value[fields], new Given[fields]);
        for (int i = 0; i < fields; i++)
        {
            input.Given[i] = (Given)Take(1)[0];
            input.Values[i] = Read();
        }
        return input;
    }

    public void Dispose()
    {
        _file.Dispose();
        _buffer.Dispose();
    }

    void Write(byte given, in Value value)
    {
        Span<byte> head = _buffer.GetSpan(FixedBytes);
        head[0] = given;
        head[1] = (byte)value.Kind;
        _buffer.Advance(2);
        switch (value.Kind)
        {
            case ValueKind.Null: break;
            case ValueKind.String: WriteText(value.String); break;
            case ValueKind.Bytes: WriteBytes(value.Bytes); break;
            case ValueKind.Json: WriteBytes(value.Json); break;
            case ValueKind.Uuid:
                value.WriteUuid(_buffer.GetSpan(16));
                _buffer.Advance(16);
                break;
            case ValueKind.Decimal:
                WriteLong(value.DecimalUnits);
                _buffer.Write((byte)value.DecimalScale);
                break;
            case ValueKind.Boolean: WriteLong(value.Boolean ? 1 : 0); break;
            case ValueKind.Int: WriteLong(value.Int); break;
            case ValueKind.Double: WriteLong(BitConverter.DoubleToInt64Bits(value.Double)); break;
            case ValueKind.DateTime or ValueKind.Date or ValueKind.Time or ValueKind.Duration: WriteLong(value.Ticks); break;
            default: throw new InvalidOperationException($"a value of kind {value.Kind} is not stored");
        }
    }

    Value Read()
    {
        ValueKind kind = (ValueKind)Take(1)[0];
        return kind switch
        {
            ValueKind.Null => Value.Null,
            ValueKind.String => Value.From(Encoding.UTF8.GetString(Take(ReadLength()))),
            ValueKind.Bytes => Value.FromBytes(Take(ReadLength()).ToArray()),
            ValueKind.Json => Value.FromJson(Take(ReadLength()).ToArray()),
            ValueKind.Uuid => Value.FromUuid(Take(16)),
            ValueKind.Decimal => Value.FromDecimal(ReadLong(), Take(1)[0]),
            ValueKind.Boolean => Value.From(ReadLong() != 0),
            ValueKind.Int => Value.From(ReadLong()),
            ValueKind.Double => Value.From(BitConverter.Int64BitsToDouble(ReadLong())),
            ValueKind.DateTime => Value.FromDateTime(ReadLong()),
            ValueKind.Date => Value.FromDate(ReadLong()),
            ValueKind.Time => Value.FromTime(ReadLong()),
            ValueKind.Duration => Value.FromDuration(ReadLong()),
            _ => throw new InvalidOperationException($"a value of kind {kind} is not stored"),
        };
    }

    void WriteText(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        WriteInt(length);
        _buffer.Advance(Encoding.UTF8.GetBytes(text, _buffer.GetSpan(Math.Max(1, length))));
    }

    void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        WriteInt(bytes.Length);
        _buffer.Write(bytes);
    }

    void WriteInt(int number)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.GetSpan(4), number);
        _buffer.Advance(4);
    }

    void WriteLong(long number)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_buffer.GetSpan(8), number);
        _buffer.Advance(8);
    }

    int ReadLength() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    long ReadLong() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    /// <summary>The next bytes of the file; they stand until the next call.</summary>
    ReadOnlySpan<byte> Take(int count)
    {
        if (_filled - _at < count) Fill(count);
        ReadOnlySpan<byte> taken = _read.AsSpan(_at, count);
        _at += count;
        BytesRead += count;
        return taken;
    }

    void Fill(int count)
    {
        int left = _filled - _at;
        byte[] to = count > _read.Length ? new byte[Math.Max(count, _read.Length * 2)] : _read;
        _read.AsSpan(_at, left).CopyTo(to);
        (_read, _at, _filled) = (to, 0, left);
        while (_filled < count)
        {
            int read = _file.Read(_read.AsSpan(_filled));
            if (read == 0) throw new EndOfStreamException("a staged record is cut short");
            _filled += read;
        }
    }
}
