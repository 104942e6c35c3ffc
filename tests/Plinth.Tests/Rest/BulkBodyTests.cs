using System.Net;
using System.Text;
using Plinth.Http;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Rest;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class BulkBodyTests
{
    static readonly Limits s_limits = Limits.Default with { BodyBytes = 10, RecordBytes = 200, BulkBytes = 100_000, JsonDepth = 4 };

    /// <summary>The records that the body reads as, joined; or the fault's message.</summary>
    static Task<string> ReadAsync(string type, byte[] body, int chunkBytes) =>
        ReadAsync(type, new StreamContent(new Slow(body, chunkBytes)), static () => { });

    static async Task<string> ReadAsync(string type, HttpContent body, Action onRecord)
    {
        StringBuilder records = new();
        await using PipelineServer server = await PipelineServer.StartAsync(async e =>
        {
            BulkBody bulk = new(e, s_limits);
            try
            {
                await foreach (ReadOnlyMemory<byte> record in bulk.RecordsAsync(e.Cancel))
                {
                    records.Append(records.Length > 0 ? "|" : "").Append(Encoding.UTF8.GetString(record.Span));
                    onRecord();
                }
            }
            catch (BulkBodyException refused)
            {
                return refused.Fault;
            }
            return await PipelineServer.Answers("{}")(e);
        });
        using HttpRequestMessage request = new(HttpMethod.Post, "/api/notes") { Content = body };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        using HttpResponseMessage response = await server.Client.SendAsync(request);
        return response.StatusCode == HttpStatusCode.OK ? records.ToString() : await response.Content.ReadAsStringAsync();
    }

    /// <summary>Its second part leaves when the first has been read.</summary>
    sealed class TwoParts(byte[] first, Task isRead, byte[] second) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(first);
            await stream.FlushAsync();
            await isRead;
            await stream.WriteAsync(second);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    /// <summary>Gives a few bytes at a time, so that records fall apart at every place.</summary>
    sealed class Slow(byte[] bytes, int chunkBytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, chunkBytes)], cancellationToken);
    }

    [Theory]
    [InlineData("application/x-ndjson", "{\"a\":1}\n\n {\"a\":2}\r\n{\"a\":3}", "{\"a\":1}|{\"a\":2}\r|{\"a\":3}")]
    [InlineData("application/x-ndjson", "", "")]
    [InlineData("application/json", " [ {\"a\":\"],[\"} , {\"b\":[1,{}]}\n,{}] \n", "{\"a\":\"],[\"}|{\"b\":[1,{}]}|{}")]
    [InlineData("application/json", "[]", "")]
    public async Task Records_come_one_at_a_time_however_the_bytes_arrive(string type, string body, string expected)
    {
        foreach (int chunk in (int[])[1, 3, 7, 1000]) Assert.Equal(expected, await ReadAsync(type, Encoding.UTF8.GetBytes(body), chunk));
    }

    [Theory]
    [InlineData("{\"a\":1}", "body_too_large")]
    [InlineData("[{\"a\":1}", "record 2 is not whole")]
    [InlineData("[{\"a\":1},", "record 2 is not whole")]
    [InlineData("[{\"a\":1}{\"a\":2}]", "record 2 must be joined")]
    [InlineData("[,{}]", "record 1 was expected before a comma")]
    [InlineData("[{},1]", "record 2 is not an object")]
    [InlineData("[{},{]", "record 2 is not JSON")]
    [InlineData("[{}] x", "record 2 was followed by more")]
    [InlineData("[{\"a\":[[[[1]]]]}]", "record 1 is not JSON")]
    public async Task A_broken_array_is_named_by_its_record(string body, string message) =>
        Assert.Contains(message, await ReadAsync("application/json", Encoding.UTF8.GetBytes(body), 5), StringComparison.Ordinal);

    [Theory]
    [InlineData("application/json", "[{\"a\":\"", "\"}]")]
    [InlineData("application/x-ndjson", "{\"a\":\"", "\"}")]
    public async Task A_record_and_the_whole_are_bounded(string type, string before, string after)
    {
        byte[] large = Encoding.UTF8.GetBytes(before + new string('x', 5000) + after);
        Assert.Contains("limits.recordBytes", await ReadAsync(type, large, 1000), StringComparison.Ordinal);
        StringBuilder many = new();
        for (int i = 0; i < 3000; i++) many.Append("{\"a\":\"").Append('y', 40).Append("\"}\n");
        Assert.Contains("limits.bulkBytes", await ReadAsync("application/x-ndjson", Encoding.UTF8.GetBytes(many.ToString()), 10_000),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/json", "[", ",", "]")]
    [InlineData("application/x-ndjson", "", "\n", "")]
    public async Task Records_that_come_together_with_the_end_of_one_are_not_one_that_is_too_long(
        string type, string before, string between, string after)
    {
        string[] records = [.. Enumerable.Range(0, 12).Select(static i => $$"""{"a":"{{i}} {{new string('y', 40)}}"}""")];
        string body = before + string.Join(between, records) + after;
        TaskCompletionSource isRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
        // The first record, and the beginning of the next.
        int cut = before.Length + records[0].Length + between.Length + 10;
        using TwoParts parts = new(Encoding.UTF8.GetBytes(body[..cut]), isRead.Task, Encoding.UTF8.GetBytes(body[cut..]));
        string read = await ReadAsync(type, parts, () => isRead.TrySetResult()).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(string.Join('|', records), read);
    }
}
