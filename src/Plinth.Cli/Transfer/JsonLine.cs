using System.Text;
using Plinth.Text;

namespace Plinth.Cli.Transfer;

/// <summary>Bits of JSON for the program's own output.</summary>
static class JsonLine
{
    public static string Text(string text)
    {
        using ByteOutput output = new();
        JsonText.WriteString(output, text);
        return Encoding.UTF8.GetString(output.Written);
    }
}
