using Plinth.Schema;

namespace Plinth.Plan;

/// <summary>What a command takes from its surroundings, once: the time, ids, and the claims of the caller.</summary>
/// <param name="Now">Microseconds since the epoch.</param>
/// <param name="Auth">The caller's claims (a Map), or Null.</param>
sealed record Moment(long Now, IdSource Ids, Value Auth);
