using Plinth.Identity;
using Plinth.Identity.Tokens;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>The keys that sign tokens, asked by many at once.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class SigningKeysTests
{
    [Fact]
    public async Task Of_many_who_ask_a_node_that_has_just_started_each_gets_the_one_key()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        string? first = null;
        for (int round = 0; round < 50; round++)
        {
            using SigningKeys keys = new(server.Engine, identities.Records, server.Options);
            // Others read them meanwhile, again and again, as when another node has changed something.
            Task[] readers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                for (int i = 0; i < 10; i++)
                {
                    keys.Reload();
                    keys.List();
                }
            }))];
            Result<TokenKey>[] all = await Task.WhenAll(Enumerable.Range(0, 4).Select(
                _ => Task.Run(async () => await keys.CurrentAsync(default))));
            await Task.WhenAll(readers);
            Assert.All(all, key => Assert.Null(key.Fault?.Message));
            first ??= all[0].Value.Id;
            Assert.All(all, key => Assert.Equal(first, key.Value.Id));
            Assert.Single(keys.List());
        }
    }
}
