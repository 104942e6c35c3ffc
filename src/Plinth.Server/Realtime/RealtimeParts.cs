using Plinth.Http;
using Plinth.Live;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>What every conversation stands on.</summary>
/// <param name="CredentialOf">The credential that a request came with; null when it had none.</param>
/// <param name="ShapeOf">Where bytes stand in the items of a model, for CBOR.</param>
/// <param name="TakeOnce">Takes the id of a ticket; false when it was taken before, on whatever node.</param>
sealed record RealtimeParts(
    LiveHub Hub, ChannelHub Channels, RealtimeOptions Options, Limits Limits, TimeProvider Time, ResolveCaller Resolve,
    RecheckCaller Recheck, ReadQuery Read, Func<Exchange, string?> CredentialOf, Func<Model, CborShape> ShapeOf,
    Func<string, CancellationToken, ValueTask<Result<bool>>> TakeOnce);
