using Plinth.Log;
using Plinth.Rest;
using Plinth.Store;
using Plinth.Store.Sqlite;

namespace Plinth.Auth;

/// <summary>Where other processes write to the database: what cannot be confirmed is not taken on trust.</summary>
public sealed class SharedLogTests
{
    [Fact]
    public async Task While_the_log_cannot_be_read_nobody_is_believed_and_nobody_is_called_anonymous()
    {
        FailingDatabase? database = null;
        await using AuthServer server = await AuthServer.OpenAsync(open: (options, time) =>
            database = new FailingDatabase(SqliteDatabase.Open(options, time)) { SaysShared = true });
        SignedIn ann = await server.SomeoneAsync();
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/api/publics", null, ann.Bearer)).Status);
        database!.OnRead = () => throw new StoreException(StoreFailure.Unavailable, "out of reach"); // opened above
        await Task.Delay(1100);
        Reply blind = await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer);
        Assert.Equal((503, "not_ready"), (blind.Status, blind.Code));
        Assert.NotNull(blind.Header("Retry-After"));
        database.OnRead = null;
        Reply seeing = blind;
        for (int tries = 0; tries < 400 && seeing.Status == 503; tries++)
        {
            await Task.Delay(50);
            seeing = await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer);
        }
        Assert.Equal(200, seeing.Status);
    }
}
