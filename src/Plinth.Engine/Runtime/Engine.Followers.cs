using Plinth.Log;
using Plinth.Projections;
using Plinth.Text;

namespace Plinth.Runtime;

sealed partial class Engine
{
    /// <summary>
    /// Lets a follower that is parked go on: it is taken up at the next look, here or on another node, by who may lead it.
    /// </summary>
    /// <param name="follower">Its name.</param>
    /// <param name="skips">Behind the event that it failed over, instead of with it.</param>
    /// <param name="cancel">Gives up waiting.</param>
    /// <returns>Why it does not: none of this name is parked, or it cannot leave an event out.</returns>
    public async ValueTask<Fault?> GoOnAsync(string follower, bool skips, CancellationToken cancel)
    {
        if (skips && follower.StartsWith(ProjectionFollower.NamePrefix, StringComparison.Ordinal))
        {
            return Faults.MalformedParameter.Says("a projection cannot leave an event out",
                hint: "plinth projections rebuild counts its records anew, whatever happened to them");
        }
        Result<bool> done = await Store.Committer.RunAsync(FollowerTable.Unpark(follower, skips), cancel).ConfigureAwait(false);
        if (done.Failed(out Fault? fault, out bool wasParked)) return fault;
        return wasParked ? null
            : Faults.NotFound.Says($"no follower '{follower}' is parked", hint: "plinth followers list, or GET /followers, names them");
    }
}
