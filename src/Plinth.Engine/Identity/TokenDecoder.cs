using System.Text.Json;

namespace Plinth.Identity;

/// <summary>
/// Reads a credential that is none of the product's own: a token of another system, a session of an application that is being replaced.
/// It is asked for each request that brings such a credential in <c>Authorization: Bearer</c> (or a socket's frame <c>auth</c>), never for
/// one that we gave out, however wrong; what is costly about it is its own to keep. While sockets are open it is asked again every 600 to
/// 850 ms, once for all that show the same credential. It may be called by many requests at once.
/// </summary>
/// <param name="credential">As it was sent, 1 to 16,384 characters.</param>
/// <param name="cancel">The request has ended, or ten seconds have passed.</param>
/// <returns>
/// Who presents it; null when it is not good, or not of this decoder: then the next is asked, then the issuers that are set, and who is
/// known to none is answered 401. One that throws cannot tell: 503, and a line in the server's log without the credential.
/// </returns>
public delegate ValueTask<DecodedToken?> TokenDecoder(string credential, CancellationToken cancel);

/// <summary>Whom a token is of.</summary>
/// <param name="Subject">Recorded as the actor of what this caller changes; not empty.</param>
/// <param name="Claims">
/// An object. Its members become the claims of the schema's block <c>auth</c>; others are left out, and one that is missing or of another
/// type makes the token a bad one.
/// </param>
public sealed record DecodedToken(string Subject, JsonElement Claims);
