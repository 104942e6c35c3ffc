using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Plinth.Text;

namespace Plinth.Cli.Settings;

/// <summary>
/// The settings in force and where each comes from. Later wins: default, <c>plinth.yaml</c>, <c>plinth.&lt;environment&gt;.yaml</c>,
/// environment (<c>.env</c> below the real one), flags. Every problem of every source is reported at once.
/// </summary>
sealed partial class ResolvedSettings
{
    static readonly ImmutableArray<string> s_environments = ["local", "staging", "production"];

    readonly Dictionary<string, SettingValue> _values;

    ResolvedSettings(Dictionary<string, SettingValue> values, string environment) => (_values, Environment) = (values, environment);

    /// <summary><c>PLINTH_ENV</c>: local, staging or production.</summary>
    public string Environment { get; }

    /// <param name="folder">The project folder.</param>
    /// <param name="environment">The process environment; the caller's copy, into which <c>.env</c> is filled.</param>
    /// <param name="flags">Setting name to text, as given on the command line, with the flag's spelling as origin.</param>
    public static (ResolvedSettings? Settings, ImmutableArray<SettingProblem> Problems) Resolve(
        string folder, IDictionary<string, string> environment, IReadOnlyDictionary<string, SettingValue> flags)
    {
        List<SettingProblem> problems = [];
        string dotEnv = Path.Combine(folder, ".env");
        if (File.Exists(dotEnv)) EnvFile.Read(dotEnv, ".env", environment, problems);

        string env = environment.TryGetValue("PLINTH_ENV", out string? named) && named.Length > 0 ? named : "local";
        if (!s_environments.Contains(env))
            problems.Add(new("environment PLINTH_ENV", $"unknown environment '{env}'", "one of " + string.Join(", ", s_environments)));

        Dictionary<string, SettingValue> values = SettingKeys.All
            .ToDictionary(k => k.Name, k => new SettingValue(k.Default, "default"), StringComparer.Ordinal);
        foreach (string file in (ReadOnlySpan<string>)["plinth.yaml", $"plinth.{env}.yaml"])
        {
            string path = Path.Combine(folder, file);
            if (File.Exists(path)) SettingsFile.Read(path, file, values, problems);
        }
        ReadEnvironment(environment, values, problems);
        foreach (var (name, value) in flags) values[name] = value;

        Dictionary<string, SettingValue> resolved = new(StringComparer.Ordinal);
        foreach (SettingKey key in SettingKeys.All)
        {
            SettingValue value = Substitute(values[key.Name], environment, problems);
            resolved[key.Name] = value;
            string? expected = value.Text.Length == 0 && key.Default.Length == 0 ? null : key.Form.Refuse(value.Text);
            if (expected is null) continue;
            string shown = key.IsSecret ? "the value" : $"'{value.Text}'";
            problems.Add(new(value.Origin, $"{key.Name}: {shown} is not acceptable", "expected " + expected));
        }
        return problems.Count == 0 ? (new(resolved, env), []) : (null, [.. problems]);
    }

    public SettingValue Of(SettingKey key) => _values[key.Name];

    public string Text(SettingKey key) => _values[key.Name].Text;

    public int Integer(SettingKey key) => int.Parse(Text(key), CultureInfo.InvariantCulture);

    public bool Switch(SettingKey key) => Text(key) is "on" or "true";

    long CacheBytes() => Text(SettingKeys.CacheBytes) == BytesForm.Auto
        ? Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8, 32L << 20, 1L << 30)
        : Bytes(SettingKeys.CacheBytes);

    public long Bytes(SettingKey key) => BytesForm.TryRead(Text(key), out long bytes) ? bytes : 0;

    public ImmutableArray<string> List(SettingKey key) => ListForm.Split(Text(key));

    /// <summary>The bounds, as set.</summary>
    public Limits Limits()
    {
        Limits limits = Plinth.Text.Limits.Default with
        {
            CacheBytes = Switch(SettingKeys.CacheRecords) ? CacheBytes() : 0,
            IdempotencyHours = Integer(SettingKeys.IdempotencyHours),
        };
        foreach (LimitKey limit in LimitKeys.All)
        {
            string text = Text(limit.Key);
            long value = BytesForm.TryRead(text, out long bytes) ? bytes : long.Parse(text, CultureInfo.InvariantCulture);
            limits = limit.With(limits, value);
        }
        return limits;
    }

    static void ReadEnvironment(
        IDictionary<string, string> environment, Dictionary<string, SettingValue> values, List<SettingProblem> problems)
    {
        foreach (var (variable, text) in environment.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            if (!variable.StartsWith("PLINTH_", StringComparison.Ordinal) || !variable.Contains("__", StringComparison.Ordinal)) continue;
            string origin = "environment " + variable;
            if (SettingKeys.FindVariable(variable) is { } key)
            {
                values[key.Name] = new(text, origin);
            }
            else if (variable.EndsWith("_FILE", StringComparison.Ordinal) && SettingKeys.FindVariable(variable[..^5]) is { } fileKey)
            {
                if (File.Exists(text)) values[fileKey.Name] = new(File.ReadAllText(text).Trim(), origin);
                else problems.Add(new(origin, "names a file that does not exist"));
            }
            else
            {
                problems.Add(new(origin, "unknown setting", Names.DidYouMean(variable, SettingKeys.All.Select(k => k.Variable))));
            }
        }
    }

    /// <summary>Replaces <c>${NAME}</c> by the environment's value; one that is not set is a problem, never an empty text.</summary>
    static SettingValue Substitute(SettingValue value, IDictionary<string, string> environment, List<SettingProblem> problems)
    {
        if (!value.Text.Contains("${", StringComparison.Ordinal)) return value;
        string text = Reference().Replace(value.Text, match =>
        {
            if (environment.TryGetValue(match.Groups[1].Value, out string? found)) return found;
            problems.Add(new(value.Origin, $"refers to {match.Value}, which the environment does not set"));
            return "";
        });
        return value with { Text = text };
    }

    [GeneratedRegex(@"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();
}
