using Plinth.Log;

namespace Plinth;

/// <summary>
/// Processes that tests start: <c>dotnet Plinth.Tests.dll &lt;what&gt; &lt;folder&gt; …</c>. Test runners load the assembly and never
/// come here.
/// </summary>
static class Program
{
    static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["store-write", var folder, var seed]:
                await StoreProcess.WriteUntilKilledAsync(folder, int.Parse(seed, System.Globalization.CultureInfo.InvariantCulture));
                return 0;
            case ["store-hold", var folder]:
                StoreProcess.Hold(folder);
                return 0;
            case ["store-sync", var folder, var durability]:
                await StoreProcess.WriteInTurnAsync(folder, Enum.Parse<Store.Durability>(durability));
                return 0;
            case ["store-replace", var folder, var from]:
                StoreProcess.Replace(folder, from);
                return 0;
            case ["keys-rotate", var folder]:
                LogKeys.Rotate(folder);
                return 0;
            case ["coverage", var folder]:
                return await Tests.Docs.CoverageReport.RunAsync(folder);
            default:
                Console.Error.WriteLine("started by tests only");
                return 2;
        }
    }
}
