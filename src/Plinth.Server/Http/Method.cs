namespace Plinth.Http;

/// <summary>The methods that any route takes, as bits, so that a route's set is one number.</summary>
[Flags]
enum Method
{
    None = 0,
    Get = 1,
    Head = 2,
    Query = 4,
    Post = 8,
    Put = 16,
    Patch = 32,
    Delete = 64,
    Options = 128,
    Read = Get | Head | Options,
}

static class Methods
{
    static readonly (Method Method, string Name)[] s_names =
    [
        (Method.Get, "GET"), (Method.Head, "HEAD"), (Method.Query, "QUERY"), (Method.Post, "POST"), (Method.Put, "PUT"),
        (Method.Patch, "PATCH"), (Method.Delete, "DELETE"), (Method.Options, "OPTIONS"),
    ];

    /// <summary>Case matters in methods (RFC 9110, 9.1). Anything unknown is <see cref="Method.None"/>, which no route takes.</summary>
    public static Method Parse(string name)
    {
        foreach (var (method, known) in s_names)
        {
            if (string.Equals(name, known, StringComparison.Ordinal)) return method;
        }
        return Method.None;
    }

    /// <summary>The value of <c>Allow</c>.</summary>
    public static string Allow(Method methods) =>
        string.Join(", ", s_names.Where(n => methods.HasFlag(n.Method)).Select(n => n.Name));
}
