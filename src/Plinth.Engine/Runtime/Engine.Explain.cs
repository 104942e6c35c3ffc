using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Why the rules refuse: for the command line, and for identities that may ask over HTTP.</summary>
sealed partial class Engine
{
    /// <summary>
    /// Every rule about an operation, held against the caller and, where a key is given, that record. Rules stand aside for what is asked
    /// of the database meanwhile, tenants do not: another tenant's record is one that is not there. No value is in the answer.
    /// </summary>
    /// <param name="key">Null: no record, or of a list all that the caller's tenant has.</param>
    public async ValueTask<ExplainedOperation> ExplainAsync(
        Caller caller, Model model, Operation operation, ImmutableArray<string>? key, CancellationToken cancel)
    {
        Snapshot snapshot = Current;
        // Who has no tenant is asked nothing about: it has no records, whatever there are of others.
        bool isNobodys = model.Tenant is not null && caller.Tenant.IsNull;
        // The product itself asks, with the caller's claims.
        Caller asking = new(caller.Auth, "system", isSystem: true);
        TrashMode trash = model.IsSoftDelete && operation is Operation.Restore or Operation.Purge ? TrashMode.With : TrashMode.Without;
        AskOfRecord? ask = null;
        if (!isNobodys && key is { } named)
        {
            ImmutableArray<ShortFilter> one = [.. model.Key.Zip(named, static (name, part) => new ShortFilter(name, "eq", part))];
            if (await FindsAsync(asking, model, one, null, trash, cancel).ConfigureAwait(false) != true)
            {
                return new ExplainedOperation(operation, model.Name, "there is no such record" + (trash == TrashMode.Without
                    && model.IsSoftDelete ? ", or it is in the trash" : ""), []) { HasRecord = false };
            }
            ask = async (condition, stop) => await FindsAsync(asking, model, one, condition, trash, stop).ConfigureAwait(false) switch
            {
                true => Explanation.True,
                null => Explanation.NotAsked,
                false when await FindsAsync(asking, model, one, $"!({condition})", trash, stop).ConfigureAwait(false) == true
                    => Explanation.False,
                _ => Explanation.Unknown,
            };
        }
        else if (!isNobodys && operation == Operation.List)
        {
            ask = async (condition, stop) => await FindsAsync(asking, model, [], condition, trash, stop).ConfigureAwait(false) switch
            {
                true => Explanation.OfSome,
                false => Explanation.OfNone,
                null => Explanation.NotAsked,
            };
        }
        var rules = await Explanation.OfAsync(snapshot.Schema, model, operation, caller, Now, Limits, ask, cancel).ConfigureAwait(false);
        var (verdict, isAllowed) = Explanation.Verdict(snapshot.Schema, model, caller, rules);
        ExplainedOperation explained = new(operation, model.Name, verdict, rules) { IsAllowed = isAllowed };
        if (ask is null || key is not null) return explained;
        // The caller's own filter is never run over records that the rules hide: its answers would tell their values.
        bool isAny = await FindsAsync(asking, model, [], null, trash, cancel).ConfigureAwait(false) == true;
        bool isSeen = isAny && await FindsAsync(caller, model, [], null, trash, cancel).ConfigureAwait(false) == true;
        return explained with { Records = !isAny ? "none" : isSeen ? "left out" : "hidden" };
    }

    /// <summary>The explanations of several operations as a JSON array: the member <c>explain</c> of an answer.</summary>
    public async ValueTask<byte[]> ExplainedJsonAsync(
        Caller caller, Model model, ImmutableArray<Operation> operations, ImmutableArray<string>? key, CancellationToken cancel)
    {
        using ByteOutput json = new();
        json.Write((byte)'[');
        foreach (Operation operation in operations)
        {
            if (json.Length > 1) json.Write((byte)',');
            ImmutableArray<string>? of = operation == Operation.Create ? null : key;
            ExplanationJson.Write(json, await ExplainAsync(caller, model, operation, of, cancel).ConfigureAwait(false));
        }
        json.Write((byte)']');
        return json.ToArray();
    }

    /// <summary>Whether a record is found; null when the database cannot be asked for it in this way.</summary>
    async ValueTask<bool?> FindsAsync(
        Caller caller, Model model, ImmutableArray<ShortFilter> one, string? condition, TrashMode trash, CancellationToken cancel)
    {
        ReadRequest request = new()
        {
            Model = model.Name,
            Kind = ReadKind.List,
            ShortFilters = one,
            Filter = condition,
            Select = model.Key,
            Limit = 1,
            Trashed = trash,
        };
        Result<ReadReply> found = await ReadAsync(caller, request, cancel).ConfigureAwait(false);
        if (found.Failed(out _, out ReadReply? reply)) return null;
        using (reply) return !reply.Body.Written.StartsWith("{\"items\":[]"u8);
    }
}
