namespace Plinth.Cli.Settings;

/// <summary>One value as one source gave it.</summary>
/// <param name="Origin">Where it stands: <c>plinth.yaml:3:9</c>, <c>environment PLINTH_SERVER__PORT</c>, <c>--port</c>,
/// <c>default</c>.</param>
sealed record SettingValue(string Text, string Origin);

/// <summary>What a setting is given as when a source cannot be read as it stands.</summary>
sealed record SettingProblem(string Origin, string Message, string? Hint = null)
{
    public override string ToString() => Hint is null ? $"{Origin}: {Message}" : $"{Origin}: {Message} ({Hint})";
}
