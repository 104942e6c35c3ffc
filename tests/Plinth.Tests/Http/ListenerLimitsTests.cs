using System.Diagnostics;
using System.Net;

namespace Plinth.Http;

public class ListenerLimitsTests
{
    [Fact]
    public async Task A_request_that_does_not_end_holds_the_drain_no_longer_than_its_bound()
    {
        TaskCompletionSource held = new();
        await using PipelineServer server = await PipelineServer.StartAsync(
            async exchange =>
            {
                held.SetResult();
                await Task.Delay(Timeout.Infinite, exchange.Cancel);
                return null;
            },
            options => options with { DrainBound = TimeSpan.FromMilliseconds(300) });
        Task<HttpResponseMessage> request = server.Client.GetAsync("/api/notes/1");
        await held.Task;
        long start = Stopwatch.GetTimestamp();
        await server.StopAsync();
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0.2, 20);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => request);
    }

    [Fact]
    public async Task More_callers_than_are_counted_apart_share_one_budget()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{}"), options => options with
        {
            RatePerAddress = new RateLimit(PerSecond: 0.001, Burst: 2),
            RateEntries = 2,
            TrustedProxies = [IPNetwork.Parse("127.0.0.0/8")],
        });
        Assert.Equal("200 200 429", await ThriceAsync("10.0.0.1"));
        Assert.Equal("200 200 429", await ThriceAsync("10.0.0.2"));
        Assert.Equal("200 200 429", await ThriceAsync("10.0.0.3"));
        Assert.Equal("429 429 429", await ThriceAsync("10.0.0.4"));

        async Task<string> ThriceAsync(string address)
        {
            List<int> statuses = [];
            for (int i = 0; i < 3; i++)
            {
                using HttpRequestMessage request = new(HttpMethod.Get, "/api/notes/1");
                request.Headers.TryAddWithoutValidation("X-Forwarded-For", address);
                using HttpResponseMessage response = await server.Client.SendAsync(request);
                statuses.Add((int)response.StatusCode);
            }
            return string.Join(' ', statuses);
        }
    }
}
