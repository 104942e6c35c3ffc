using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cli.Transfer;

/// <summary>Brings a file of records into the engine: all of them or none.</summary>
static class Importing
{
    /// <param name="caller">The product itself, or on behalf of one tenant.</param>
    /// <param name="progress">Called with the bytes read so far.</param>
    /// <returns>The answer of the bulk create, <c>{"created": n}</c>; or the fault with at most 100 errors.</returns>
    public static async Task<Result<WriteReply>> RunAsync(
        Engine engine, Caller caller, Model model, string path, RecordFormat format, Action<long>? progress, CancellationToken cancel)
    {
        await using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 64 << 10, useAsync: true);
        await using CountedStream counted = new(file, progress);
        RecordReader reader = new(model, format);
        return await engine.BulkCreateAsync(caller, model.Name, reader.ReadAsync(counted, cancel), key: null, cancel);
    }

    /// <summary>Counts what is read, for the progress bar.</summary>
    sealed class CountedStream(Stream inner, Action<long>? progress) : Stream
    {
        long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => inner.Length;

        public override long Position { get => _read; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Counted(inner.Read(buffer, offset, count));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Counted(await inner.ReadAsync(buffer, cancellationToken));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        int Counted(int count)
        {
            _read += count;
            progress?.Invoke(_read);
            return count;
        }
    }
}
