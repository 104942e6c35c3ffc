using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OwnTokens;
using Plinth.Cases;
using Plinth.Identity;
using Plinth.Rest;

namespace Plinth.Auth;

/// <summary>Credentials that a program of one's own reads: the example of the guide, and what a decoder may not do.</summary>
public sealed class TokenDecoderTests
{
    static readonly byte[] s_key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    [Fact]
    public async Task The_example_of_the_guide_signs_people_in()
    {
        await using AuthServer server = await OpenAsync(OldTokens.Decoder(s_key));
        string user = (await server.UserAsync("old@example.org")).ToString();
        Reply made = await server.Client.SendAsync("POST", "/api/notes", """{"text":"mine"}""", Bearer(Old(user)));
        Assert.True(made.Status == 201, made.Body);
        Assert.Equal(user, made.Json.GetProperty("ownerId").GetString());
        Reply history = await server.Client.SendAsync("GET", $"/api/notes/{made.Json.GetProperty("id")}/history", null, Bearer(Old(user)));
        Assert.Contains(user, history.Body, StringComparison.Ordinal);
        // It has no session of ours: what only who signed in may do stays closed.
        Assert.Equal(403, (await server.Client.SendAsync("POST", "/auth/tokens", """{"name":"x","scopes":["read"]}""",
            Bearer(Old(user)))).Status);
        foreach (string bad in new[] { Old(user)[..^1] + "x", "old." + user, "old.." + new string('0', 64), Old("no id"), "abc", "" })
            Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/publics", null, Bearer(bad))).Status);
        SignedIn ann = await server.SomeoneAsync();
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
    }

    [Fact]
    public void The_guide_shows_the_example_that_is_compiled()
    {
        string source = File.ReadAllText(Path.Combine(Corpus.Root, "tests/Plinth.Tests/Docs/Examples/OldTokens.cs"));
        string shown = source.Split("    // begin\n")[1].Split("    // end")[0];
        string guide = File.ReadAllText(Path.Combine(Corpus.Root, "docs/guides/authentication.md"));
        string block = guide.Split("```csharp\n")[1].Split("```")[0];
        Assert.Equal(string.Join('\n', shown.Split('\n').Select(l => l.StartsWith("    ", StringComparison.Ordinal) ? l[4..] : l)), block);
    }

    [Fact]
    public async Task What_we_gave_out_is_never_handed_over()
    {
        List<string> seen = [];
        await using AuthServer server = await OpenAsync((credential, _) =>
        {
            lock (seen) seen.Add(credential);
            return ValueTask.FromResult<DecodedToken?>(Known(Guid.Empty.ToString()));
        });
        SignedIn ann = await server.SomeoneAsync();
        Reply key = await server.Client.SendAsync("POST", "/auth/tokens", """{"name":"x","scopes":["read"]}""", ann.Bearer);
        string text = key.Json.GetProperty("token").GetString()!; // it was made
        Assert.Equal(204, (await server.Client.SendAsync("DELETE", "/auth/tokens/" + key.Json.GetProperty("id"), null, ann.Bearer)).Status);
        Assert.Equal(204, (await server.Client.SendAsync("POST", "/auth/logout", null, ann.Bearer)).Status);
        foreach (string ended in new[] { ann.Access, ann.Refresh, text, ann.Access[..^4] + "AAAA" })
            Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/publics", null, Bearer(ended))).Status);
        Assert.Empty(seen);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/api/publics", null, Bearer("anything else"))).Status);
        Assert.Equal(["anything else"], seen);
    }

    [Fact]
    public async Task Decoders_are_asked_in_turn_one_that_fails_cannot_tell_and_claims_that_do_not_fit_are_a_bad_token()
    {
        await using AuthServer server = await OpenAsync(
            (credential, _) => credential == "broken" ? throw new InvalidOperationException("broken") : default,
            (credential, _) => ValueTask.FromResult(credential switch
            {
                "half" => new DecodedToken("x", JsonSerializer.SerializeToElement(new { id = Guid.Empty })),
                "king" => new DecodedToken("x", JsonSerializer.SerializeToElement(new { id = Guid.Empty, role = "king" })),
                "list" => new DecodedToken("x", JsonSerializer.SerializeToElement(new[] { 1 })),
                "nobody" => Known(""),
                "good" => Known("x"),
                _ => null,
            }));
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/api/publics", null, Bearer("good"))).Status);
        foreach (string bad in new[] { "half", "king", "list", "nobody", "unknown", new string('a', 20_000) })
            Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/publics", null, Bearer(bad))).Status);
        Reply broken = await server.Client.SendAsync("GET", "/api/publics", null, Bearer("broken"));
        Assert.Equal((503, "not_ready"), (broken.Status, broken.Code));
    }

    [Fact]
    public async Task A_program_of_ones_own_is_the_program_with_what_it_brings()
    {
        using CancellationTokenSource cancel = new();
        Assert.Equal(2, await OldTokens.RunAsync(["no-such-command"], s_key, cancel.Token));
        Assert.Equal(0, await OldTokens.RunAsync(["version"], s_key, cancel.Token));
    }

    static DecodedToken Known(string subject) =>
        new(subject, JsonSerializer.SerializeToElement(new { id = Guid.Empty, role = "viewer" }));

    static string Old(string user) => $"old.{user}.{Convert.ToHexStringLower(HMACSHA256.HashData(s_key, Encoding.UTF8.GetBytes(user)))}";

    static string Bearer(string credential) => "Authorization: Bearer " + credential;

    static Task<AuthServer> OpenAsync(params TokenDecoder[] decoders) => AuthServer.OpenAsync(o => o with { Decoders = [.. decoders] });
}
