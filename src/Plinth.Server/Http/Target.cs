namespace Plinth.Http;

/// <summary>
/// The request target as it came, split but not decoded: keys are split on the raw text (a comma inside a part is <c>%2C</c>), so
/// nothing may be decoded before.
/// </summary>
readonly struct Target
{
    readonly string _raw;
    readonly int _pathStart;
    readonly int _pathEnd;

    Target(string raw, int pathStart, int pathEnd) => (_raw, _pathStart, _pathEnd) = (raw, pathStart, pathEnd);

    public ReadOnlySpan<char> Path => _raw.AsSpan(_pathStart, _pathEnd - _pathStart);

    /// <summary>Without the question mark.</summary>
    public ReadOnlySpan<char> Query => _pathEnd < _raw.Length ? _raw.AsSpan(_pathEnd + 1) : default;

    /// <summary><c>OPTIONS *</c></summary>
    public bool IsAsterisk => _raw is "*";

    public static Target Of(string raw)
    {
        int start = 0;
        // The absolute form (RFC 9112, 3.2.2), which proxies send.
        if (raw.Length > 0 && raw[0] != '/')
        {
            int authority = raw.IndexOf("://", StringComparison.Ordinal);
            if (authority > 0)
            {
                start = raw.AsSpan(authority + 3).IndexOfAny('/', '?');
                start = start < 0 ? raw.Length : start + authority + 3;
            }
        }
        int question = raw.IndexOf('?', start);
        return new Target(raw, start, question < 0 ? raw.Length : question);
    }
}
