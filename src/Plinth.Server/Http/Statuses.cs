using System.Collections.Frozen;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>The one table from fault codes to HTTP statuses. A test holds that every code of <see cref="Faults.All"/> has a row.</summary>
static class Statuses
{
    static readonly FrozenDictionary<FaultCode, int> s_byCode = new Dictionary<FaultCode, int>
    {
        [Faults.MalformedRequest] = 400,
        [Faults.TargetTooLong] = 414,
        [Faults.HeadersTooLarge] = 431,
        [Faults.RequestTooSlow] = 408,
        [Faults.HttpVersionUnsupported] = 505,
        [Faults.MalformedBody] = 400,
        [Faults.MalformedParameter] = 400,
        [Faults.MalformedFilter] = 400,
        [Faults.MalformedCursor] = 400,
        [Faults.MalformedHeader] = 400,
        [Faults.UnsupportedMediaType] = 415,
        [Faults.NotAcceptable] = 406,
        [Faults.BodyTooLarge] = 413,
        [Faults.BodyTooSlow] = 408,
        [Faults.LimitExceeded] = 400,
        [Faults.TooManyRows] = 413,
        [Faults.FilterRequired] = 400,
        [Faults.NotLive] = 400,
        [Faults.UnknownPath] = 404,
        [Faults.MethodNotAllowed] = 405,
        [Faults.ReadOnlyModel] = 405,
        [Faults.UnknownModel] = 400,
        [Faults.UnknownChannel] = 400,
        [Faults.UnknownField] = 400,
        [Faults.UnknownParameter] = 400,
        [Faults.NotFound] = 404,
        [Faults.Unauthorized] = 401,
        [Faults.InvalidCredentials] = 401,
        [Faults.FactorRequired] = 401,
        [Faults.EmailNotVerified] = 403,
        [Faults.RegistrationClosed] = 403,
        [Faults.CsrfRequired] = 403,
        [Faults.Forbidden] = 403,
        [Faults.MissingClaim] = 403,
        [Faults.ValidationFailed] = 422,
        [Faults.InvalidCode] = 422,
        [Faults.UnknownReference] = 422,
        [Faults.Conflict] = 409,
        [Faults.VersionConflict] = 409,
        [Faults.PreconditionFailed] = 412,
        [Faults.PreconditionRequired] = 428,
        [Faults.RestrictedByReference] = 409,
        [Faults.CascadeTooLarge] = 409,
        [Faults.LastAdministrator] = 409,
        [Faults.ReservedId] = 422,
        [Faults.AsOfTooOld] = 422,
        [Faults.ChannelClosed] = 409,
        [Faults.MigrationRefused] = 409,
        [Faults.IdempotencyMismatch] = 422,
        [Faults.IdempotencyInFlight] = 409,
        [Faults.RateLimited] = 429,
        [Faults.Overloaded] = 503,
        [Faults.NotReady] = 503,
        [Faults.StorageUnavailable] = 503,
        [Faults.Timeout] = 504,
        [Faults.Lagged] = 503,
        [Faults.LogBroken] = 503,
        [Faults.Internal] = 500,
    }.ToFrozenDictionary();

    public static int Of(FaultCode code) => s_byCode[code];

    public static bool Knows(FaultCode code) => s_byCode.ContainsKey(code);
}
