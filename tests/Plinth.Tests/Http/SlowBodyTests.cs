using Plinth.Text;

namespace Plinth.Http;

public class SlowBodyTests
{
    [Fact]
    public async Task A_body_that_does_not_come_is_told_so_and_let_go()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(async exchange =>
        {
            Result<ReadOnlyMemory<byte>> body = await RequestBody.ReadAsync(exchange, 1000, "limits.bodyBytes", exchange.Cancel);
            return body.Fault ?? Faults.Internal.Says("the body came after all");
        });
        string answer = await server.RawAsync(
            "POST /api/notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
        Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
        Assert.Contains($"\"code\":\"{Faults.BodyTooSlow.Code}\"", answer, StringComparison.Ordinal);
    }
}
