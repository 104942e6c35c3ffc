using Plinth.Schema;

namespace Plinth.Policy;

/// <summary>
/// Who asks: the claims that rules read as <c>auth</c>, and what they read as <c>request</c>. Immutable, one per request.
/// </summary>
sealed class Caller
{
    /// <summary>The product itself (migrations, seeds, imports from the command line): passes every rule.</summary>
    public static readonly Caller System = new(Value.Null, "system", isSystem: true);

    /// <summary>The product itself on behalf of one tenant: passes every rule, and touches no other tenant's records.</summary>
    public static Caller SystemOf(Value tenant) =>
        new(Value.FromMap(new ValueMap([KeyValuePair.Create(Model.TenantId, tenant)])), "system", isSystem: true);

    public Caller(Value auth, string? subject, bool isSystem = false, string? address = null, string? method = null) =>
        (Auth, Subject, IsSystem, Address, Method) = (auth, subject, isSystem, address, method);

    public static Caller Anonymous(string? address = null, string? method = null) => new(Value.Null, null, false, address, method);

    /// <summary>A Map of claims shaped as the schema's auth block says, or Null for an anonymous caller.</summary>
    public Value Auth { get; }

    /// <summary>Who is recorded as the actor of events: the claim <c>id</c> as text, "system", or null when anonymous.</summary>
    public string? Subject { get; }

    /// <summary>Whose budget and whose idempotency keys a request uses: the subject within its tenant; null when anonymous.</summary>
    public string? Account => Subject is null || Tenant.IsNull ? Subject : $"{Tenant} {Subject}";

    public bool IsSystem { get; }

    /// <summary>The claim <c>tenantId</c>; Null where the identity carries none.</summary>
    public Value Tenant => Auth.Kind == ValueKind.Map && Auth.Map.TryGet(Model.TenantId, out Value tenant) ? tenant : Value.Null;

    public bool IsAnonymous => !IsSystem && Auth.IsNull;

    /// <summary>The session that the caller signed in by; null for keys of programs, and where nobody signed in.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>What the caller's key is for; null when it is for everything that its user may do.</summary>
    public TokenScopes? Scopes { get; init; }

    /// <summary>A key of a program asks, for what it is for and no more.</summary>
    public bool IsKey => Scopes is not null;

    /// <summary><c>request.ip</c></summary>
    public string? Address { get; }

    /// <summary><c>request.method</c></summary>
    public string? Method { get; }
}
