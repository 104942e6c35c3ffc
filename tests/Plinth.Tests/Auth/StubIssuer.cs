using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Plinth.Identity.Tokens;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>An issuer on this machine whose keys and tokens a test makes as it likes.</summary>
sealed class StubIssuer : IDisposable
{
    readonly HttpListener _listener = new();

    public StubIssuer()
    {
        using System.Net.Sockets.TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        Url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}";
        probe.Stop();
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _ = ServeAsync();
    }

    public string Url { get; }

    public List<TokenKey> Keys { get; } = [];

    /// <summary>What the discovery document says the issuer is.</summary>
    public string? SpeaksFor { get; set; }

    /// <summary>Times that the keys were asked for.</summary>
    public int KeysAsked { get; private set; }

    public TokenKey Add(string id, TokenAlgorithm algorithm)
    {
        TokenKey key = TokenKey.Create(id, algorithm);
        Keys.Add(key);
        return key;
    }

    /// <summary>A token of this issuer, for the API, good for an hour.</summary>
    public string Token(TokenKey key, JsonObject members, string type = "at+jwt")
    {
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        JsonObject payload = new() { ["iss"] = Url, ["aud"] = "the-api", ["iat"] = now, ["exp"] = now + 3600 };
        foreach (var (name, value) in members)
        {
            payload.Remove(name);
            if (value is not null) payload[name] = value.DeepClone();
        }
        return JsonWebToken.Write(key, type, Encoding.UTF8.GetBytes(payload.ToJsonString()));
    }

    public void Dispose() => _listener.Close();

    async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                byte[] body = context.Request.Url!.AbsolutePath.EndsWith("/keys", StringComparison.Ordinal) ? KeysDocument()
                    : Encoding.UTF8.GetBytes($$"""{"issuer":"{{SpeaksFor ?? Url}}","jwks_uri":"{{Url}}/keys"}""");
                context.Response.ContentType = "application/json";
                await context.Response.OutputStream.WriteAsync(body);
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Closed with the test.
        }
    }

    byte[] KeysDocument()
    {
        KeysAsked++;
        using ByteOutput json = new();
        json.Write("{\"keys\":["u8);
        for (int i = 0; i < Keys.Count; i++)
        {
            if (i > 0) json.Write((byte)',');
            json.Write("{\"use\":\"sig\""u8);
            TokenKey.Member(json, "kid", Keys[i].Id);
            Keys[i].TryWritePublic(json);
            json.Write((byte)'}');
        }
        json.Write("]}"u8);
        return json.ToArray();
    }
}
