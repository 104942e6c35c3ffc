using System.Text.Json;
using Plinth.Identity;
using Plinth.Identity.Tokens;
using Plinth.Rest;

namespace Plinth.Auth;

/// <summary>Our tokens as another implementation reads them, and its tokens as we do: npm's <c>jose</c>.</summary>
public sealed class IndependentVerifierTests
{
    const string Version = "6.2.18";

    [Fact]
    public async Task Tokens_of_each_algorithm_verify_elsewhere_by_the_published_keys()
    {
        string folder = await NpmPackage.InstallAsync("jose", Version);
        List<object> tokens = [];
        List<AuthServer> servers = [];
        try
        {
            foreach (TokenAlgorithm algorithm in Enum.GetValues<TokenAlgorithm>())
            {
                AuthServer server = await AuthServer.OpenAsync(o => o with { Algorithm = algorithm, Audience = "https://api.example.org" });
                servers.Add(server);
                SignedIn ann = await server.SomeoneAsync();
                await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
                // What is shared is published nowhere: whoever verifies was given it.
                TokenKey key = (await identities.Keys.CurrentAsync(default)).Value;
                string? secret = algorithm == TokenAlgorithm.HS256 ? Convert.ToBase64String(key.Private()) : null;
                Uri jwks = new(server.Server.Url, "/.well-known/jwks.json");
                string name = algorithm.ToString(), user = ann.UserId, session = ann.SessionId;
                tokens.Add(new { algorithm = name, token = ann.Access, user, session, secret, jwks });
            }
            string said = await NpmPackage.RunAsync(folder, "verify.mjs", """
                import * as jose from 'jose';
                for (const one of JSON.parse(process.argv[2])) {
                  const key = one.secret ? new Uint8Array(Buffer.from(one.secret, 'base64')) : jose.createRemoteJWKSet(new URL(one.jwks));
                  const strict = { issuer: 'plinth', audience: 'https://api.example.org', typ: 'at+jwt', algorithms: [one.algorithm] };
                  const { payload, protectedHeader } = await jose.jwtVerify(one.token, key, strict);
                  const isAnn = payload.sub === one.user && payload.sid === one.session && payload.claims.role === 'viewer';
                  if (!isAnn) throw new Error('claims');
                  if (payload.exp - payload.iat !== 900 || protectedHeader.alg !== one.algorithm) throw new Error('form');
                  for (const wrong of [{ audience: 'other' }, { issuer: 'other' }, { typ: 'JWT' }]) {
                    const taken = await jose.jwtVerify(one.token, key, { ...strict, ...wrong }).then(() => true, () => false);
                    if (taken) throw new Error('took it');
                  }
                  console.log(one.algorithm);
                }
                """, JsonSerializer.Serialize(tokens));
            Assert.Equal(Enum.GetNames<TokenAlgorithm>(), said.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            foreach (AuthServer server in servers) await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_another_implementation_forges_with_what_is_public_is_refused_and_what_it_signs_with_our_key_is_taken()
    {
        string folder = await NpmPackage.InstallAsync("jose", Version);
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        TokenKey key = (await identities.Keys.CurrentAsync(default)).Value;
        string said = await NpmPackage.RunAsync(folder, "forge.mjs", """
            import * as jose from 'jose';
            const [token, jwks, pkcs8] = process.argv.slice(2);
            const [jwk] = (await (await fetch(jwks)).json()).keys;
            const payload = jose.decodeJwt(token), header = jose.decodeProtectedHeader(token);
            const ours = await jose.importPKCS8('-----BEGIN PRIVATE KEY-----\n' + pkcs8 + '\n-----END PRIVATE KEY-----', 'ES256');
            const sign = (claims, head, key) => new jose.SignJWT(claims).setProtectedHeader(head).sign(key);
            const admin = { ...payload, claims: { ...payload.claims, role: 'admin' } };
            const spki = await jose.exportSPKI(await jose.importJWK(jwk, 'ES256', { extractable: true }));
            const text = new TextEncoder();
            const { privateKey, publicKey } = await jose.generateKeyPair('ES256', { extractable: true });
            const forged = {
              'the public key as PEM for a secret': await sign(admin, { ...header, alg: 'HS256' }, text.encode(spki)),
              'the public key as JWK for a secret': await sign(admin, { ...header, alg: 'HS256' }, text.encode(JSON.stringify(jwk))),
              'a key in the header': await sign(admin, { ...header, jwk: await jose.exportJWK(publicKey) }, privateKey),
              'a key elsewhere': await sign(admin, { ...header, jku: jwks }, privateKey),
              'another key': await sign(admin, header, privateKey),
              'unsecured': new jose.UnsecuredJWT(admin).encode(),
              'detached': token.split('.')[0] + '..' + token.split('.')[2],
            };
            console.log(JSON.stringify({ good: await sign(payload, header, ours), forged }));
            """, ann.Access, new Uri(server.Server.Url, "/.well-known/jwks.json").ToString(), Convert.ToBase64String(key.Private()));
        JsonElement made = JsonDocument.Parse(said).RootElement;
        foreach (JsonProperty forged in made.GetProperty("forged").EnumerateObject())
        {
            Reply reply = await server.Client.SendAsync("GET", "/auth/me", null, "Authorization: Bearer " + forged.Value.GetString());
            Assert.True(reply.Status == 401, $"{forged.Name}: {reply.Status}");
        }
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, "Authorization: Bearer "
            + made.GetProperty("good").GetString())).Status);
    }
}
