using Plinth.Auth;
using Plinth.Cli;
using Plinth.Store;

namespace Plinth.Tests.Cli;

/// <summary><c>plinth user</c> as an operator runs them.</summary>
public sealed class UserCommandTests : IDisposable
{
    readonly TempFolder _folder = new();

    public UserCommandTests()
    {
        NativeLibraries.Provide();
        File.WriteAllText(_folder.File("schema.plinth"), "extend User { team String? }");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_first_administrator_is_made_with_a_password_from_a_pipe()
    {
        (int code, string said) = await RunAsync("a long enough password\n", "user", "create", "Root@example.org", "--role", "admin",
            "--fields", "{\"team\":\"ops\"}");
        Assert.True(code == ExitCode.Done, said);
        Assert.DoesNotContain("long enough", said, StringComparison.Ordinal);
        (code, said) = await RunAsync(null, "user", "list");
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("root@example.org", said, StringComparison.Ordinal);
        Assert.Contains("admin", said, StringComparison.Ordinal);
        (code, said) = await RunAsync("a long enough password\n", "user", "create", "root@example.org");
        Assert.Equal(ExitCode.Found, code);
        Assert.Contains("email", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_comes_from_the_environment_and_a_weak_one_is_refused()
    {
        Assert.Equal(ExitCode.WrongUse, (await RunAsync(null, "user", "create", "ann@example.org")).Code);
        Assert.Equal(ExitCode.Found, (await RunAsync("short\n", "user", "create", "ann@example.org")).Code);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("x\n", "user", "create", "ann@example.org", "--fields", "[]")).Code);
        Assert.Equal(ExitCode.Done, (await RunAsync(null, ["user", "create", "ann@example.org"], "from the environment")).Code);
        Assert.Equal(ExitCode.Done, (await RunAsync("another long password\n", "user", "set-password", "ANN@example.org")).Code);
        Assert.Equal(ExitCode.Found, (await RunAsync("another long password\n", "user", "set-password", "nobody@example.org")).Code);
        Assert.Equal(ExitCode.Done, (await RunAsync(null, "user", "disable", "ann@example.org")).Code);
        Assert.Contains("(disabled)", (await RunAsync(null, "user", "list")).Said, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, (await RunAsync(null, "user", "enable", "ann@example.org")).Code);
        Assert.Contains("\"disabled\":false", (await RunAsync(null, "user", "list", "--json")).Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_are_listed_and_rotated_and_a_schema_without_users_has_none()
    {
        Assert.Equal(ExitCode.Done, (await RunAsync(null, "user", "keys", "rotate")).Code);
        Assert.Equal(ExitCode.Done, (await RunAsync(null, "user", "keys", "rotate")).Code);
        string listed = (await RunAsync(null, "user", "keys", "list")).Said;
        Assert.Contains("signs now", listed, StringComparison.Ordinal);
        Assert.Contains("until", listed, StringComparison.Ordinal);
        await File.WriteAllTextAsync(_folder.File("schema.plinth"), "model Note { id Int @id  @@allow(\"all\", true) }");
        Directory.Delete(_folder.File(".plinth"), recursive: true);
        (int code, string said) = await RunAsync(null, "user", "list");
        Assert.Equal(ExitCode.Found, code);
        Assert.Contains("extend User", said, StringComparison.Ordinal);
    }

    Task<Ran> RunAsync(string? typed, params string[] args) => Ran.OfAsync(_folder.Path, args, typed);

    Task<Ran> RunAsync(string? typed, string[] args, string password) =>
        Ran.OfAsync(_folder.Path, args, typed, ("PLINTH_USER_PASSWORD", password));
}
