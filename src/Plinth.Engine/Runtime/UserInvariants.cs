using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// What holds of users whoever writes them, and however (a batch, a filtered write, a cascade, the program itself).
/// One administrator stays: who demotes, disables or deletes the last one has locked everybody out, himself first. It is asked at the end
/// of a command, so that a batch may replace one by another. And an address that changes is not a proved one: else whoever may change his
/// own would take the address of someone who comes by an identity provider later, and be given that person's sign-ins.
/// </summary>
sealed class UserInvariants
{
    const string Administrator = "admin";

    static readonly Value s_administrator = Value.From(Administrator);

    readonly RecordTable _users;
    readonly Field? _role, _disabled, _email, _emailVerified;
    readonly bool _hasAdministrators;

    UserInvariants(AppSchema schema, RecordTable users)
    {
        _users = users;
        (_role, _disabled) = (users.Model.Field("role"), users.Model.Field("disabled"));
        (_email, _emailVerified) = (users.Model.Field("email"), users.Model.Field("emailVerified"));
        // With tenants, which administrators a tenant has is for the schema to say.
        bool canSay = schema.Auth?.Claim("role") is { } claim
            && (claim.Type is not EnumFieldType { Enum: var words } || words.Values.Contains(Administrator));
        _hasAdministrators = canSay && !schema.IsTenanted;
    }

    /// <summary>Null where the schema has no users.</summary>
    public static UserInvariants? Of(AppSchema schema, Func<string, RecordTable> table) =>
        schema.HasUsers ? new(schema, table("User")) : null;

    /// <summary>By name: a plan may have the model as its caller sees it.</summary>
    public bool AreOf(string model) => string.Equals(model, _users.Model.Name, StringComparison.Ordinal);

    /// <summary>The decided row of an update, whose address counts as proved no longer where it changes by other hands than ours.</summary>
    public Value[] Decided(WritePlan plan, StoredRow before, Value[] after)
    {
        if (!AreOf(plan.Shape.Name) || plan.Command.AsServer || _email is null || _emailVerified is null) return after;
        if (before.Values[_email.Ordinal] == after[_email.Ordinal] || !after[_emailVerified.Ordinal].IsTrue) return after;
        Value[] unproved = [.. after];
        unproved[_emailVerified.Ordinal] = Value.From(false);
        return unproved;
    }

    /// <summary>The record was an administrator who could sign in, and is none any more.</summary>
    /// <param name="table">Of the record.</param>
    /// <param name="before">As it was.</param>
    /// <param name="after">As it is; null when it is gone.</param>
    public bool LosesAdministrator(RecordTable table, StoredRow before, StoredRow? after) =>
        _hasAdministrators && ReferenceEquals(table, _users) && IsAdministrator(before) && !(after is not null && IsAdministrator(after));

    /// <summary>The fault when no administrator is left. On a shared database those found are locked: none is demoted meanwhile.</summary>
    public Fault? Missing(WriteTransaction transaction)
    {
        if (_role is null) return null;
        foreach (StoredRow user in _users.FindAll(
            transaction, _users.Statements.SelectBy([_role], locks: true), [s_administrator], int.MaxValue))
        {
            if (IsAdministrator(user)) return null;
        }
        return Faults.LastAdministrator.Says(
            "no administrator would be left who can sign in", "make another user an administrator first, even in the same batch");
    }

    bool IsAdministrator(StoredRow user) => _role is not null && user.Values[_role.Ordinal] == s_administrator
        && !(_disabled is not null && user.Values[_disabled.Ordinal].IsTrue) && !user.IsTrashed(_users.Model);
}
