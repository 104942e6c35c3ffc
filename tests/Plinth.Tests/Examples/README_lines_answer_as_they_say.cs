using System.Diagnostics;
using Plinth.Store;

namespace Plinth.Examples;

/// <summary>Every example is filled and started as its README says, and every <c>curl</c> line answers with the status beside it.</summary>
public sealed class README_lines_answer_as_they_say
{
    public static TheoryData<string> Seeded => Example.Seeded;

    [Theory]
    [MemberData(nameof(Seeded))]
    public async Task In_an_example_with_seeds(string name)
    {
        Auth.NativeLibraries.Provide();
        using TempFolder folder = Copy(name);
        await RunningProgram.RunAsync(folder.Path, "db", "seed");
        await AssertReadmeAsync(name, folder.Path);
    }

    [Fact]
    public async Task In_geo_with_a_handful_of_its_places_or_all()
    {
        using TempFolder folder = Copy("geo");
        if (Counts.Soak) await FetchAsync(folder);
        else await File.WriteAllTextAsync(folder.File("cities.ndjson"), """
            {"id":2911298,"name":"Hamburg","country":"DE","feature":"PPLA","population":1845229,"latitude":53.55073,"longitude":9.99302}
            {"id":2267057,"name":"Lisbon","country":"PT","feature":"PPLC","population":517802,"latitude":38.71667,"longitude":-9.13333}
            {"id":2735943,"name":"Porto","country":"PT","feature":"PPLA","population":249633,"latitude":41.14961,"longitude":-8.61099}
            {"id":3413829,"name":"Reykjavík","country":"IS","feature":"PPLC","population":118918,"latitude":64.13548,"longitude":-21.89541}

            """);
        await RunningProgram.RunAsync(folder.Path, "import", "City", "cities.ndjson");
        await AssertReadmeAsync("geo", folder.Path);
    }

    /// <summary>The whole set, as the README brings it in.</summary>
    static async Task FetchAsync(TempFolder folder)
    {
        // Started, or throws.
        using Process fetch = Process.Start(new ProcessStartInfo("bash", [folder.File("fetch.sh")]) { RedirectStandardError = true })!;
        string said = await fetch.StandardError.ReadToEndAsync();
        await fetch.WaitForExitAsync();
        Assert.True(fetch.ExitCode == 0, said);
        int places = File.ReadLines(folder.File("cities.ndjson")).Count();
        Assert.True(places > 100_000, $"{places} places");
        Counts.Report("places of the example geo imported", places, seed: 0, "all of them");
    }

    static async Task AssertReadmeAsync(string name, string folder)
    {
        using HttpClient client = new();
        List<string> wrong = [];
        foreach (ReadmePart part in Example.Readme(name))
        {
            string[] args = part.Identity is { } claims ? ["dev", "--as", claims] : ["dev"];
            await using RunningProgram server = await RunningProgram.StartAsync(folder, args);
            foreach (ReadmeRequest request in part.Requests)
            {
                using HttpRequestMessage message = request.ToMessage(server.Address);
                using HttpResponseMessage answer = await client.SendAsync(message);
                if ((int)answer.StatusCode == request.Status) continue;
                wrong.Add($"{(int)answer.StatusCode} to {request.Line}\n  {await answer.Content.ReadAsStringAsync()}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
    }

    /// <summary>The example without what a run of it may have left behind.</summary>
    internal static TempFolder Copy(string name)
    {
        TempFolder copy = new();
        string source = Example.Folder(name);
        foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            string relative = Path.GetRelativePath(source, file);
            if (relative.StartsWith(".plinth", StringComparison.Ordinal)) continue;
            Directory.CreateDirectory(Path.GetDirectoryName(copy.File(relative))!);
            File.Copy(file, copy.File(relative));
        }
        return copy;
    }
}
