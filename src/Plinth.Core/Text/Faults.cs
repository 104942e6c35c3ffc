using System.Collections.Immutable;

namespace Plinth.Text;

/// <summary>Every fault the product can answer with. One list: the error reference, the problem types and the test that each has a
/// case read it.</summary>
static class Faults
{
    // Not readable: the bytes are not what the route takes.
    public static readonly FaultCode MalformedRequest = New("malformed_request", FaultKind.NotReadable, "The request cannot be read",
        "The request line or a header breaks the rules of HTTP/1.1. The message says which.");
    public static readonly FaultCode TargetTooLong = New("target_too_long", FaultKind.NotReadable, "The request line is too long",
        "The request line exceeds the server's bound. Long parameters can be sent as the body of QUERY, or of POST on …/query.");
    public static readonly FaultCode HeadersTooLarge = New("headers_too_large", FaultKind.NotReadable, "The headers are too large",
        "The request has too many headers, or too large ones. The hint names the settings.");
    public static readonly FaultCode RequestTooSlow = New("request_too_slow", FaultKind.NotReadable, "The request came too slowly",
        "The request line and the headers did not arrive within the time that the server allows.");
    public static readonly FaultCode HttpVersionUnsupported = New(
        "http_version_unsupported", FaultKind.NotReadable, "The version of HTTP is not spoken here",
        "The server speaks HTTP/1.1; a proxy before it may speak others to its clients.");
    public static readonly FaultCode MalformedBody = New("malformed_body", FaultKind.NotReadable, "The body cannot be read",
        "The body is not well-formed JSON or CBOR, or its shape is not the one the route takes. The message names the place.");
    public static readonly FaultCode MalformedParameter = New("malformed_parameter", FaultKind.NotReadable, "A parameter cannot be read",
        "A query parameter or path part has the wrong form. The message names it and the form that is taken.");
    public static readonly FaultCode MalformedFilter = New("malformed_filter", FaultKind.NotReadable, "The filter cannot be read",
        "The filter is not a CEL expression of type bool over the fields of the model. The message names the place and the reason.");
    public static readonly FaultCode MalformedCursor = New("malformed_cursor", FaultKind.NotReadable, "The cursor is not valid here",
        "A cursor belongs to the model, sort and filter it was given out for. Start again from the first page.");
    public static readonly FaultCode MalformedHeader = New("malformed_header", FaultKind.NotReadable, "A header cannot be read",
        "A request header has the wrong form. The message names it.");
    public static readonly FaultCode UnsupportedMediaType = New(
        "unsupported_media_type", FaultKind.NotReadable, "The media type is not taken",
        "Send application/json or application/cbor (application/x-ndjson for bulk creates, application/merge-patch+json for PATCH).");
    public static readonly FaultCode NotAcceptable = New("not_acceptable", FaultKind.NotReadable, "No acceptable representation",
        "The Accept header allows neither application/json nor application/cbor.");
    public static readonly FaultCode BodyTooLarge = New("body_too_large", FaultKind.NotReadable, "The body is too large",
        "The body exceeds the limit of the route. The message names the limit and its setting.");
    public static readonly FaultCode BodyTooSlow = New("body_too_slow", FaultKind.NotReadable, "The body came too slowly",
        "The body did not arrive at the least rate, or within the time limit, that the server allows. Nothing was done.");
    public static readonly FaultCode LimitExceeded = New("limit_exceeded", FaultKind.NotReadable, "A limit is exceeded",
        "The request exceeds a bound (depth, parameters, expression cost, include levels). The message names the bound and its setting.");
    public static readonly FaultCode TooManyRows = New("too_many_rows", FaultKind.NotReadable, "Too many rows",
        "The operation touches more rows than the limit allows; nothing was changed. Narrow the filter, or raise the setting.");
    public static readonly FaultCode FilterRequired = New("filter_required", FaultKind.NotReadable, "A filter is required",
        "Changing or deleting many records needs a filter that is not empty.");

    public static readonly FaultCode NotLive = New("not_live", FaultKind.NotReadable, "It cannot be kept up to date",
        "A live query takes model, filter, sort, limit, include, select and search, and its filter may not look at the clock (now).");

    // Not in the schema: names that do not exist (for this caller).
    public static readonly FaultCode UnknownPath = New("unknown_path", FaultKind.NotInSchema, "No such route",
        "No route has this path. /openapi.json lists the routes.");
    public static readonly FaultCode MethodNotAllowed = New("method_not_allowed", FaultKind.NotInSchema, "The method is not taken here",
        "The route exists but not with this method; the Allow header lists those it takes.");
    public static readonly FaultCode ReadOnlyModel = New("read_only_model", FaultKind.NotInSchema, "Nobody writes to it",
        "The model is a projection: the engine keeps its records, and nobody else does. Change the records that it is made from.");
    public static readonly FaultCode UnknownModel = New("unknown_model", FaultKind.NotInSchema, "No such model",
        "The schema has no model of that name.");
    public static readonly FaultCode UnknownChannel = New("unknown_channel", FaultKind.NotInSchema, "No such channel",
        "The schema has no channel of that name.");
    public static readonly FaultCode UnknownField = New("unknown_field", FaultKind.NotInSchema, "No such field",
        "The model has no field of that name, or the caller may not know of it.");
    public static readonly FaultCode UnknownParameter = New("unknown_parameter", FaultKind.NotInSchema, "No such parameter",
        "The route does not take this query parameter. No parameter is ever ignored.");
    public static readonly FaultCode NotFound = New("not_found", FaultKind.NotInSchema, "No such record",
        "No record has this key, or the caller may not read it: the two are not told apart.");

    // Not allowed.
    public static readonly FaultCode Unauthorized = New("unauthorized", FaultKind.NotAllowed, "Sign in first",
        "The operation needs an identity, or the one presented is not valid.");
    public static readonly FaultCode InvalidCredentials = New(
        "invalid_credentials", FaultKind.NotAllowed, "Not the right credentials",
        "Nobody signs in with this e-mail address and password. Which of the two is wrong is not told.");
    public static readonly FaultCode FactorRequired = New("factor_required", FaultKind.NotAllowed, "A second step is needed",
        "The account has a second step: send the code of the authenticator, or a recovery code, as code beside the password.");
    public static readonly FaultCode EmailNotVerified = New("email_not_verified", FaultKind.NotAllowed, "The address is not verified",
        "Signing in needs an e-mail address that was proved: follow the link that was sent, or ask for another at /auth/verify/request.");
    public static readonly FaultCode RegistrationClosed = New("registration_closed", FaultKind.NotAllowed, "Nobody can register here",
        "Accounts are made by an administrator: auth.register is off.");
    public static readonly FaultCode CsrfRequired = New("csrf_required", FaultKind.NotAllowed, "The page's token is missing",
        "A write that is known by a cookie needs the header X-CSRF-Token with the value of the cookie plinth-csrf.");
    public static readonly FaultCode Forbidden = New("forbidden", FaultKind.NotAllowed, "Not allowed",
        "The caller's identity is known and no rule allows the operation.");
    public static readonly FaultCode MissingClaim = New("missing_claim", FaultKind.NotAllowed, "A claim is missing",
        "A default takes its value from the identity (auth.x), and the identity does not carry it.");

    // Refused by the state of the data.
    public static readonly FaultCode ValidationFailed = New("validation_failed", FaultKind.RefusedByState, "Validation failed",
        "One or more fields are not acceptable; details names each.");
    public static readonly FaultCode InvalidCode = New("invalid_code", FaultKind.RefusedByState, "The code is not good",
        "The code was used, has expired, is another's, or never was one. Ask for another.");
    public static readonly FaultCode UnknownReference = New("unknown_reference", FaultKind.RefusedByState, "A reference leads nowhere",
        "A field refers to a record that does not exist, or that the caller may not read.");
    public static readonly FaultCode Conflict = New("conflict", FaultKind.RefusedByState, "Already taken",
        "Another record holds the same unique key. details names the fields of the constraint.");
    public static readonly FaultCode VersionConflict = New("version_conflict", FaultKind.RefusedByState, "Changed in between",
        "The record kept changing while the command was decided. Read it again and retry.");
    public static readonly FaultCode PreconditionFailed = New(
        "precondition_failed", FaultKind.RefusedByState, "The precondition does not hold",
        "If-Match names another version than the record has. Read it again and retry.");
    public static readonly FaultCode PreconditionRequired = New(
        "precondition_required", FaultKind.RefusedByState, "A precondition is required",
        "The model has @version: send If-Match with the ETag, or the version field in the body.");
    public static readonly FaultCode RestrictedByReference = New("restricted_by_reference", FaultKind.RefusedByState, "Still referred to",
        "Other records refer to this one and their relation does not cascade.");
    public static readonly FaultCode CascadeTooLarge = New("cascade_too_large", FaultKind.RefusedByState, "The cascade is too large",
        "Deleting this record would change more rows than the limit allows; nothing was changed.");
    public static readonly FaultCode LastAdministrator = New(
        "last_administrator", FaultKind.RefusedByState, "The last administrator stays",
        "The command would leave no user who is an administrator and not disabled, or none to a tenant that has users. "
            + "Make another one first, even in the same batch.");
    public static readonly FaultCode ReservedId = New("reserved_id", FaultKind.RefusedByState, "A reserved id",
        "The id equals a collection verb (aggregate, query) and could never be addressed.");
    public static readonly FaultCode AsOfTooOld = New("as_of_too_old", FaultKind.RefusedByState, "Too long ago",
        "More has changed since the moment that asOf names than the server undoes for one request, or the log of that time was removed.");
    public static readonly FaultCode IdempotencyMismatch = New(
        "idempotency_mismatch", FaultKind.RefusedByState, "The key was used for another request",
        "The Idempotency-Key was already used with a different request. Use a fresh key for each distinct operation.");
    public static readonly FaultCode IdempotencyInFlight = New(
        "idempotency_in_flight", FaultKind.RefusedByState, "The first request is still running",
        "A request with the same Idempotency-Key is in progress. Retry after it has ended.");

    public static readonly FaultCode ChannelClosed = New("channel_closed", FaultKind.RefusedByState, "The channel is closed",
        "Its leader has left, and the channel ends with him (leader: close). Whoever joins it now leads it.");

    public static readonly FaultCode MigrationRefused = New("migration_refused", FaultKind.RefusedByState, "The schema change is refused",
        "The data does not allow the change of the schema, or it could lose or bend data. The message names the place, the hint "
            + "the way to do it.");

    // Ours.
    public static readonly FaultCode RateLimited = New("rate_limited", FaultKind.Ours, "Too many requests",
        "The caller sent more requests than its budget allows. Retry-After says when to try again.");
    public static readonly FaultCode Overloaded = New("overloaded", FaultKind.Ours, "Overloaded",
        "The queue is full. Retry-After says when to try again.");
    public static readonly FaultCode NotReady = New("not_ready", FaultKind.Ours, "Not ready",
        "The server is starting or draining, or the position asked for has not been reached.");
    public static readonly FaultCode StorageUnavailable = New("storage_unavailable", FaultKind.Ours, "The storage cannot take this",
        "The disk is full, read-only or not answering. Nothing was written.");
    public static readonly FaultCode Timeout = New("timeout", FaultKind.Ours, "Took too long",
        "The request exceeded its time limit and was stopped.");
    public static readonly FaultCode Lagged = New("lagged", FaultKind.Ours, "The client reads too slowly",
        "More waited for the client than realtime.queueBytes allows. It was dropped, others noticed nothing; subscribe again with resume.");
    public static readonly FaultCode LogBroken = New("log_broken", FaultKind.Ours, "The place in the log was lost",
        "The database was put back, or a copy took over that lacked the end of the log. What was told may hold what is not there any more: "
        + "subscribe again, and begin with the items that come.");
    public static readonly FaultCode Internal = New("internal", FaultKind.Ours, "Something broke on our side",
        "An unexpected error. The traceId finds it in the logs.");

    /// <summary>Every code, for the error reference and the tests over it.</summary>
    public static ImmutableArray<FaultCode> All { get; } =
    [
        MalformedRequest, TargetTooLong, HeadersTooLarge, RequestTooSlow, HttpVersionUnsupported,
        MalformedBody, MalformedParameter, MalformedFilter, MalformedCursor, MalformedHeader, UnsupportedMediaType, NotAcceptable,
            BodyTooLarge,
        BodyTooSlow, LimitExceeded, TooManyRows, FilterRequired, NotLive, UnknownPath, MethodNotAllowed, ReadOnlyModel, UnknownModel,
            UnknownChannel,
            UnknownField, UnknownParameter, NotFound,
        Unauthorized, InvalidCredentials, FactorRequired, EmailNotVerified, RegistrationClosed, CsrfRequired, Forbidden, MissingClaim,
        ValidationFailed, InvalidCode, UnknownReference, Conflict, VersionConflict, PreconditionFailed,
        PreconditionRequired, RestrictedByReference, CascadeTooLarge, LastAdministrator, ReservedId, AsOfTooOld, IdempotencyMismatch,
            IdempotencyInFlight, ChannelClosed, MigrationRefused,
        RateLimited,
        Overloaded, NotReady, StorageUnavailable, Timeout, Lagged, LogBroken, Internal,
    ];

    static FaultCode New(string code, FaultKind kind, string title, string explanation) => new(code, kind, title, explanation);

    /// <summary>A fault of this code with one sentence that names the place and the remedy.</summary>
    public static Fault Says(this FaultCode code, string message, string? hint = null) => new(code, message) { Hint = hint };

    public static Fault Says(this FaultCode code, string message, params ReadOnlySpan<FaultDetail> details) =>
        new(code, message) { Details = [.. details] };
}
