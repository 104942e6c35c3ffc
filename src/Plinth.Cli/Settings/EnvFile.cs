namespace Plinth.Cli.Settings;

/// <summary>A <c>.env</c> file: NAME=value per line, # comments, optional quotes. It fills in what the real environment does not
/// set.</summary>
static class EnvFile
{
    public static void Read(string path, string shown, IDictionary<string, string> environment, List<SettingProblem> problems)
    {
        string[] lines = File.ReadAllLines(path);
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            if (line.StartsWith("export ", StringComparison.Ordinal)) line = line[7..].TrimStart();
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? "" : line[..equals].Trim();
            if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            {
                problems.Add(new(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{shown}:{i + 1}:1"),
                    "expected NAME=value"));
                continue;
            }
            environment.TryAdd(name, Unquote(line[(equals + 1)..].Trim()));
        }
    }

    static string Unquote(string value) =>
        value.Length >= 2 && value[0] == value[^1] && (value[0] is '"' or '\'') ? value[1..^1] : value;
}
