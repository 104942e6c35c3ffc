using Plinth.Schema;

namespace Plinth.Policy;

/// <summary>
/// Who asks: the claims that rules read as <c>auth</c>, and what they read as <c>request</c>. Immutable, one per request.
/// </summary>
sealed class Caller
{
    /// <summary>The product itself (migrations, seeds, imports from the command line): passes every rule.</summary>
    public static readonly Caller System = new(Value.Null, "system", isSystem: true);

    public Caller(Value auth, string? subject, bool isSystem = false, string? address = null, string? method = null) =>
        (Auth, Subject, IsSystem, Address, Method) = (auth, subject, isSystem, address, method);

    public static Caller Anonymous(string? address = null, string? method = null) => new(Value.Null, null, false, address, method);

    /// <summary>A Map of claims shaped as the schema's auth block says, or Null for an anonymous caller.</summary>
    public Value Auth { get; }

    /// <summary>Who is recorded as the actor of events: the claim <c>id</c> as text, "system", or null when anonymous.</summary>
    public string? Subject { get; }

    public bool IsSystem { get; }

    public bool IsAnonymous => !IsSystem && Auth.IsNull;

    /// <summary><c>request.ip</c></summary>
    public string? Address { get; }

    /// <summary><c>request.method</c></summary>
    public string? Method { get; }
}
