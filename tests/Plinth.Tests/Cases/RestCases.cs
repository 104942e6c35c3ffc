using Plinth.Runtime;
using Plinth.Store;

namespace Plinth.Cases;

/// <summary>
/// <c>cases/rest</c>, <c>policy</c>, <c>plan</c> and <c>evolution</c>: whole stories over HTTP, against the real server on a loopback
/// port and a database of its own.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class RestCases
{
    /// <summary>The folders whose cases are stories.</summary>
    internal static readonly string[] Kinds = ["rest", "policy", "plan", "evolution"];

    public static TheoryData<string> Paths => Corpus.Of(Kinds);

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Holds(string path)
    {
        CaseFile file = Corpus.Read(path);
        RestStory.CheckSections(file);
        await PlayAsync(file, CancellationToken.None);
    }

    /// <param name="served">Told each schema before its first request.</param>
    internal static async Task PlayAsync(CaseFile file, CancellationToken cancel, Action<Snapshot>? served = null)
    {
        await using CaseHost host = await CaseHost.StartAsync(file, cancel, served);
        await new RestStory(file, host).PlayAsync(cancel);
    }
}
