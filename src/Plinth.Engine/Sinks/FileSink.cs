using Plinth.Text;

namespace Plinth.Sinks;

/// <summary>
/// Lines at the end of a file, on disk before the place is kept. The file is opened each time, so that it can be renamed, or removed, while
/// the product runs. A line that a crash cut short is ended before the next.
/// </summary>
sealed class FileSink(string path) : IEventSink
{
    public string Name => "sink:file";

    public async ValueTask SendAsync(IReadOnlyList<SinkLine> lines, CancellationToken cancel)
    {
        using ByteOutput output = new();
        await using FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
        if (file.Length > 0)
        {
            file.Seek(-1, SeekOrigin.End);
            if (file.ReadByte() != '\n') output.Write((byte)'\n');
        }

        foreach (SinkLine line in lines)
        {
            output.Write(line.Json);
            output.Write((byte)'\n');
        }

        file.Seek(0, SeekOrigin.End);
        await file.WriteAsync(output.WrittenMemory, cancel).ConfigureAwait(false);
        file.Flush(flushToDisk: true);
    }

    public void Dispose()
    {
    }
}
