using Plinth.Auth;
using Plinth.Identity.Hashing;

namespace Plinth.Identity;

public sealed class HashingTests
{
    public HashingTests() => NativeLibraries.Provide();

    /// <summary>RFC 9106, 5.3.</summary>
    [Fact]
    public void Argon2id_gives_the_tag_of_RFC_9106()
    {
        byte[] password = [.. Enumerable.Repeat((byte)1, 32)], salt = [.. Enumerable.Repeat((byte)2, 16)];
        byte[] secret = [.. Enumerable.Repeat((byte)3, 8)], associated = [.. Enumerable.Repeat((byte)4, 12)];
        if (!Argon2.HasArgon2) return; // libsodium takes neither a secret nor four lanes; the fallback has a test of its own
        byte[] tag = Argon2.Argon2Hash(password, salt, secret, associated, new Argon2Cost(32, 3, 4), 32);
        Assert.Equal("0D640DF58D78766C08C037A34A8B53C9D01EF0452D75B65EB52520E96B01E659", Convert.ToHexString(tag));
    }

    [Fact]
    public void Both_libraries_make_the_same_hash()
    {
        byte[] salt = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];
        Argon2Cost cost = new(8192, 2, 1);
        byte[]? one = Argon2.HasArgon2 ? Argon2.Argon2Hash("password"u8, salt, [], [], cost, 32) : null;
        byte[]? other = Argon2.HasSodium ? Argon2.SodiumHash("password"u8, salt, cost, 32) : null;
        Assert.True(one is not null || other is not null);
        if (one is not null && other is not null) Assert.Equal(one, other);
    }

    [Fact]
    public async Task A_password_matches_its_hash_and_no_other_does()
    {
        using PasswordHashes hashes = new(new Argon2Cost(64, 1, 1));
        string hash = (await hashes.HashAsync("correct horse", default)).Value;
        Assert.StartsWith("$argon2id$v=19$m=64,t=1,p=1$", hash, StringComparison.Ordinal);
        Assert.Equal(new(true, false), (await hashes.VerifyAsync(hash, "correct horse", default)).Value);
        Assert.Equal(default, (await hashes.VerifyAsync(hash, "correct horsf", default)).Value);
        Assert.NotEqual(hash, (await hashes.HashAsync("correct horse", default)).Value);
    }

    [Fact]
    public async Task A_hash_of_another_cost_matches_and_is_outdated()
    {
        using PasswordHashes before = new(new Argon2Cost(64, 1, 1)), now = new(new Argon2Cost(128, 1, 1));
        string hash = (await before.HashAsync("correct horse", default)).Value;
        Assert.Equal(new(true, true), (await now.VerifyAsync(hash, "correct horse", default)).Value);
    }

    [Theory] // of the OpenBSD and the Spring corpora
    [InlineData("$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkY8jIucDrjc8deX1s.", "", false)]
    [InlineData("$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkY8jIucDrjc8deX1s.", "a", false)]
    [InlineData("$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", "a", true)]
    [InlineData("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i", "abc", true)]
    [InlineData("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i", "abd", false)]
    [InlineData("$2b$nonsense", "a", false)]
    [InlineData("plain", "plain", false)]
    [InlineData("$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA", "a", false)]
    public async Task Hashes_of_bcrypt_are_verified_and_outdated(string hash, string password, bool expected)
    {
        using PasswordHashes hashes = new(new Argon2Cost(64, 1, 1));
        PasswordMatch match = (await hashes.VerifyAsync(hash, password, default)).Value;
        Assert.Equal(expected, match.IsMatch);
        if (expected) Assert.True(match.IsOutdated);
    }

    [Theory]
    [InlineData("short", "too_short")]
    [InlineData("ann@example.org", "too_easy")]
    [InlineData("ANN@example.org", "too_easy")]
    [InlineData("password1234", "breached")]
    [InlineData("letmein12345", "breached")]
    [InlineData("a long enough password", null)]
    public void A_password_is_long_not_the_address_and_not_known(string password, string? expected)
    {
        // The second line is the SHA-1 of letmein12345, as Have I Been Pwned writes it.
        string digest = Convert.ToHexString(System.Security.Cryptography.SHA1.HashData("letmein12345"u8));
        PasswordRules rules = new(10, BreachedPasswords.Read(new StringReader($"password1234\n{digest}:42\n\nzzz\n")));
        Assert.Equal(expected, rules.Refuse(password, "ann@example.org")?.Code);
    }

    [Fact]
    public void A_password_of_a_thousand_bytes_is_taken_and_a_longer_one_is_not()
    {
        PasswordRules rules = new(10, null);
        Assert.Null(rules.Refuse(new string('x', PasswordRules.BytesMax), "a@b.c"));
        Assert.Equal("too_long", rules.Refuse(new string('x', PasswordRules.BytesMax + 1), "a@b.c")?.Code);
    }

    [Fact]
    public void Tokens_are_read_as_they_were_written_and_nothing_else_is()
    {
        byte[] content = [.. Enumerable.Range(0, 40).Select(i => (byte)(i * 7))];
        string text = TokenText.Write(TokenText.ApiToken, content);
        byte[] read = new byte[40];
        Assert.True(TokenText.TryRead(TokenText.ApiToken, text, read));
        Assert.Equal(content, read);
        Assert.False(TokenText.TryRead(TokenText.Refresh, text, read));
        Assert.False(TokenText.TryRead(TokenText.ApiToken, text.AsSpan(..^1), read));
        Assert.False(TokenText.TryRead(TokenText.ApiToken, text[..^1] + (text[^1] == 'a' ? 'b' : 'a'), read));
        Assert.False(TokenText.TryRead(TokenText.ApiToken, text.Remove(10, 1).Insert(10, "-"), read));
        Assert.False(TokenText.TryRead(TokenText.ApiToken, TokenText.ApiToken + new string('z', text.Length - 4), read));
        Assert.True(TokenText.TryRead(TokenText.ApiToken, TokenText.Write(TokenText.ApiToken, new byte[40]), read));
    }

    /// <summary>RFC 6238, appendix B, SHA-1.</summary>
    [Theory]
    [InlineData(59, "94287082")]
    [InlineData(1111111109, "07081804")]
    [InlineData(1111111111, "14050471")]
    [InlineData(1234567890, "89005924")]
    [InlineData(2000000000, "69279037")]
    [InlineData(20000000000, "65353130")]
    public void Codes_of_an_authenticator_are_those_of_RFC_6238(long seconds, string expected) =>
        Assert.Equal(expected, Factors.Code("12345678901234567890"u8, seconds / 30, digits: 8));
}
