using System.Diagnostics;
using Plinth.Expressions;

namespace Plinth.Cases;

/// <summary>Zones by name come from the package tzdata, which a bare machine lacks: fetched before the first test that asks.</summary>
static class TimeZoneData
{
    public static bool Ensure()
    {
        if (TimeZones.Find("Europe/Berlin") is not null || !OperatingSystem.IsLinux()) return true;
        foreach (string step in (string[])["update -qq", "install -qq -y tzdata"])
        {
            ProcessStartInfo apt = new("apt-get", step) { RedirectStandardOutput = true };
            apt.Environment["DEBIAN_FRONTEND"] = "noninteractive";
            using Process process = Process.Start(apt)!;
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
        }
        return TimeZones.Find("Europe/Berlin") is not null;
    }
}
