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
        string name = operation.ToString().ToLowerInvariant();
        AskOfRecord? ask = null;
        // Who has no tenant is asked nothing about: it has no records, whatever there are of others.
        bool isNobodys = model.Tenant is not null && caller.Tenant.IsNull;
        TrashMode trash = model.IsSoftDelete && operation is Operation.Restore or Operation.Purge ? TrashMode.With : TrashMode.Without;
        if (!isNobodys && key is { } named)
        {
            ask = await AskOfAsync(caller, model, named, trash, cancel).ConfigureAwait(false);
            if (ask is null)
            {
                string trashed = trash == TrashMode.Without && model.IsSoftDelete ? ", or it is in the trash" : "";
                return new ExplainedOperation(name, model.Name, "there is no such record" + trashed, []) { HasRecord = false };
            }
        }
        else if (!isNobodys && operation == Operation.List)
        {
            ask = AskOfAny(caller, model);
        }
        var rules = await Explanation.OfAsync(snapshot.Schema, model, operation, caller, Now, Limits, ask, cancel).ConfigureAwait(false);
        var (verdict, isAllowed) = Explanation.Verdict(snapshot.Schema, model, caller, rules);
        ExplainedOperation explained = new(name, model.Name, verdict, rules) { IsAllowed = isAllowed };
        if (ask is null || key is not null) return explained;
        // The caller's own filter is never run over records that the rules hide: its answers would tell their values.
        bool isAny = await FindsAsync(Asking(caller), model, [], null, trash, cancel).ConfigureAwait(false) == true;
        bool isSeen = isAny && await FindsAsync(caller, model, [], null, trash, cancel).ConfigureAwait(false) == true;
        return explained with { Records = !isAny ? "none" : isSeen ? "left out" : "hidden" };
    }

    /// <summary>The rules of a field, for who may not know of it, or may not write it.</summary>
    async ValueTask<ExplainedOperation> ExplainFieldAsync(
        Caller caller, Model model, Field field, FieldAccess access, ImmutableArray<string>? key, CancellationToken cancel)
    {
        bool isNobodys = model.Tenant is not null && caller.Tenant.IsNull;
        AskOfRecord? ask = key is { } named && !isNobodys
            ? await AskOfAsync(caller, model, named, TrashMode.Without, cancel).ConfigureAwait(false) : null;
        var rules = await Explanation.OfAsync(Current.Schema, model, field, access, caller, Now, Limits, ask, cancel).ConfigureAwait(false);
        var (verdict, isAllowed) = Explanation.Verdict(rules, isOpen: true);
        return new ExplainedOperation(access.ToString().ToLowerInvariant(), model.Name, verdict, rules)
            { Field = field.Name, IsAllowed = isAllowed };
    }

    /// <summary>The product itself, with the caller's claims and within the caller's tenant.</summary>
    static Caller Asking(Caller caller) => new(caller.Auth, "system", isSystem: true);

    /// <summary>Asks of one record; null when it is not there.</summary>
    async ValueTask<AskOfRecord?> AskOfAsync(
        Caller caller, Model model, ImmutableArray<string> key, TrashMode trash, CancellationToken cancel)
    {
        Caller asking = Asking(caller);
        ImmutableArray<ShortFilter> one = [.. model.Key.Zip(key, static (name, part) => new ShortFilter(name, "eq", part))];
        if (await FindsAsync(asking, model, one, null, trash, cancel).ConfigureAwait(false) != true) return null;
        return async (condition, stop) => await FindsAsync(asking, model, one, condition, trash, stop).ConfigureAwait(false) switch
        {
            true => Explanation.True,
            null => Explanation.NotAsked,
            false when await FindsAsync(asking, model, one, $"!({condition})", trash, stop).ConfigureAwait(false) == true
                => Explanation.False,
            _ => Explanation.Unknown,
        };
    }

    /// <summary>Asks of all that the caller's tenant has.</summary>
    AskOfRecord AskOfAny(Caller caller, Model model) => async (condition, stop) =>
        await FindsAsync(Asking(caller), model, [], condition, TrashMode.Without, stop).ConfigureAwait(false) switch
        {
            true => Explanation.OfSome,
            false => Explanation.OfNone,
            null => Explanation.NotAsked,
        };

    /// <summary>
    /// The explanations of several operations, and of fields that were named and have rules, as a JSON array: the member <c>explain</c> of
    /// an answer.
    /// </summary>
    public async ValueTask<byte[]> ExplainedJsonAsync(
        Caller caller, Model model, ImmutableArray<Operation> operations, IEnumerable<string> fields, bool writes,
        ImmutableArray<string>? key, CancellationToken cancel)
    {
        using ByteOutput json = new();
        json.Write((byte)'[');
        foreach (Operation operation in operations)
        {
            if (json.Length > 1) json.Write((byte)',');
            ImmutableArray<string>? of = operation == Operation.Create ? null : key;
            ExplanationJson.Write(json, await ExplainAsync(caller, model, operation, of, cancel).ConfigureAwait(false));
        }
        // The model as it is: the caller's own view does not have what is closed to them.
        Model whole = Current.Schema.FindModel(model.Name) ?? model;
        foreach (Field field in fields.Distinct(StringComparer.Ordinal).Select(whole.Field).OfType<Field>())
        {
            foreach (FieldAccess access in writes ? new[] { FieldAccess.Read, FieldAccess.Write } : [FieldAccess.Read])
            {
                if (!field.IsRuled(access)) continue;
                if (json.Length > 1) json.Write((byte)',');
                ExplanationJson.Write(json, await ExplainFieldAsync(caller, whole, field, access, key, cancel).ConfigureAwait(false));
            }
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
