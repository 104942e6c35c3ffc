using System.Collections.Immutable;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// What holds of users whoever writes them, and however (a batch, a filtered write, a cascade, the program itself).
/// One administrator stays: who demotes, disables or deletes the last one has locked everybody out, himself first. With tenants that holds
/// of each tenant, as long as it has users, and of all of them together. It is asked at the end of a command, so that a batch may replace
/// one by another. And an address that changes is not a proved one: else whoever may change his
/// own would take the address of someone who comes by an identity provider later, and be given that person's sign-ins.
/// </summary>
sealed class UserInvariants
{
    const string Administrator = "admin";

    static readonly Value s_administrator = Value.From(Administrator);

    readonly RecordTable _users;
    readonly Field? _role, _disabled, _email, _emailVerified, _tenant;
    readonly bool _hasAdministrators;

    UserInvariants(AppSchema schema, RecordTable users)
    {
        _users = users;
        (_role, _disabled) = (users.Model.Field("role"), users.Model.Field("disabled"));
        (_email, _emailVerified) = (users.Model.Field("email"), users.Model.Field("emailVerified"));
        // The claim that says whose records an identity has is the field of its user with that name, as every claim is.
        if (schema.IsTenanted) _tenant = users.Model.Field(Model.TenantId);
        _hasAdministrators = schema.Auth?.Claim("role") is { } claim
            && (claim.Type is not EnumFieldType { Enum: var words } || words.Values.Contains(Administrator));
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

    /// <summary>The record was an administrator who could sign in, and is none of the same tenant any more.</summary>
    /// <param name="table">Of the record.</param>
    /// <param name="before">As it was.</param>
    /// <param name="after">As it is; null when it is gone.</param>
    /// <param name="tenant">Whose administrator it was; null of none.</param>
    public bool LosesAdministrator(RecordTable table, StoredRow before, StoredRow? after, out Value tenant)
    {
        tenant = Value.Null;
        if (!_hasAdministrators || !ReferenceEquals(table, _users) || !IsAdministrator(before)) return false;
        tenant = TenantOf(before);
        return after is null || !IsAdministrator(after) || TenantOf(after) != tenant;
    }

    /// <summary>
    /// The fault when no administrator is left to one of the tenants, though it has users, or to all of them. On a shared database those
    /// found are locked: none is demoted meanwhile.
    /// </summary>
    /// <param name="transaction">In which they were lost.</param>
    /// <param name="tenants">Those that lost one; null where none did.</param>
    public Fault? Missing(WriteTransaction transaction, HashSet<Value>? tenants)
    {
        if (_role is null || tenants is null) return null;
        bool isAnyLeft = false;
        foreach (Value tenant in tenants)
        {
            // Who belongs to no tenant may be given one, and is missed by all tenants or by none.
            if (_tenant is null || tenant.IsNull) continue;
            if (HasAdministrator(transaction, [_role, _tenant], [s_administrator, tenant])) isAnyLeft = true;
            else if (HasUsers(transaction, _tenant, tenant)) return Refused("no administrator would be left to the tenant who can sign in");
        }
        return isAnyLeft || HasAdministrator(transaction, [_role], [s_administrator]) ? null
            : Refused("no administrator would be left who can sign in");
    }

    static Fault Refused(string why) =>
        Faults.LastAdministrator.Says(why, "make another user an administrator first, even in the same batch");

    bool HasAdministrator(WriteTransaction transaction, ImmutableArray<Field> by, ReadOnlySpan<Value> values)
    {
        foreach (StoredRow user in _users.FindAll(transaction, _users.Statements.SelectBy(by, locks: true), values, int.MaxValue))
        {
            if (IsAdministrator(user)) return true;
        }
        return false;
    }

    bool HasUsers(WriteTransaction transaction, Field by, Value tenant)
    {
        foreach (StoredRow user in _users.FindAll(
            transaction, _users.Statements.SelectBy([by], locks: false), [tenant], _users.Model.IsSoftDelete ? int.MaxValue : 1))
        {
            if (!user.IsTrashed(_users.Model)) return true;
        }
        return false;
    }

    Value TenantOf(StoredRow user) => _tenant is null ? Value.Null : user.Values[_tenant.Ordinal];

    bool IsAdministrator(StoredRow user) => _role is not null && user.Values[_role.Ordinal] == s_administrator
        && !(_disabled is not null && user.Values[_disabled.Ordinal].IsTrue) && !user.IsTrashed(_users.Model);
}
