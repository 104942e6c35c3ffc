using System.Collections.Immutable;
using Plinth.Log;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Erasing a person: for administrators alone, and for good.</summary>
sealed partial class Engine
{
    /// <summary>
    /// Empties the <c>@pii</c> fields of a record and of all records about it (<c>@@subject</c>), and makes unreadable what the log, the
    /// search and kept answers have of them. What happened, when and by whom stays, and the chain of hashes still holds.
    /// </summary>
    /// <param name="caller">The product itself, or somebody whose role is one of <see cref="EngineOptions.ErasureRoles"/>.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="key">The parts of the key as the URL has them, decoded.</param>
    /// <param name="scrubs">
    /// Also take what was overwritten out of the database's files, which holds up all writing for as long as it takes.
    /// </param>
    /// <param name="cancel">Takes it out of the queue; once it runs, it runs to its end.</param>
    /// <returns>What it came to; again, if it was erased before. Or the fault, and then nothing was changed.</returns>
    public async ValueTask<Result<ErasureReport>> EraseAsync(
        Caller caller, string model, ImmutableArray<string> key, bool scrubs, CancellationToken cancel)
    {
        if (ErasureRefusal(caller) is { } refused) return refused;
        if ((await _writes.EraseAsync(caller, model, key, cancel)).Failed(out Fault? fault, out ErasureReport? erased)) return fault;
        if (!scrubs) return erased with { IsScrubbed = Store.Database.IsShared ? null : false };
        // It is erased by now, whatever becomes of the request.
        Result<bool?> scrubbed = await Store.Committer.RunAsync(new Scrubbing(Store.Database, erased.FullText), CancellationToken.None);
        return erased with { IsScrubbed = scrubbed.IsOk ? scrubbed.Value : false };
    }

    /// <summary>Null for those who may erase. A key of a program may not: its scopes are about models.</summary>
    public Fault? ErasureRefusal(Caller caller)
    {
        if (caller.IsSystem) return null;
        if (caller.IsAnonymous) return Faults.Unauthorized.Says("to erase a person needs an identity");
        return HasRole(caller, _options.ErasureRoles) ? null : Faults.Forbidden.Says(
            "erasing a person is for administrators", "erasure.roles names the roles that may");
    }

    static bool HasRole(Caller caller, ImmutableArray<string> roles) =>
        caller.Scopes is null && caller.Auth.Kind == ValueKind.Map && caller.Auth.Map.TryGet("role", out Value role)
        && role.Kind == ValueKind.String && roles.Contains(role.String);

    sealed class Scrubbing(Database database, ImmutableArray<string> fullText) : WriteUnit<bool?>
    {
        protected internal override bool IsExclusive => true;

        protected internal override bool RunsOutside => true;

        protected override Result<bool?> Execute(WriteTransaction transaction) => database.Scrub(fullText);
    }
}
