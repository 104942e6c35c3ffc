using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// <c>tenancy = row</c>: gives every model the field that says whose its records are, hidden unless the model names one of its own. Runs
/// before relations and keys are bound, since rules, keys and indexes may name the field.
/// </summary>
sealed class TenantBinder
{
    const string None = "none";

    readonly Field? _claim;
    readonly Findings _findings;

    public TenantBinder(AuthShape? auth, SourceText? app, Span? tenancy, Findings findings)
    {
        (_findings, IsOn) = (findings, tenancy is not null);
        if (tenancy is not { } span || app is null) return;
        _claim = auth?.Claim(Model.TenantId);
        string? wrong = _claim is null ? "takes the tenant from auth.tenantId, which is no claim"
            : _claim.IsList || _claim.IsJsonStored || _claim.StoredKind is ValueKind.Double or ValueKind.Boolean or ValueKind.Bytes
                ? "takes the tenant from auth.tenantId, which is not a single value that could name one"
            : null;
        if (wrong is null) return;
        findings.Error(app, Codes.UnknownClaim, span, $"tenancy = row {wrong}", "add to auth: tenantId Uuid?");
        _claim = null;
    }

    public bool IsOn { get; }

    public void Bind(ModelDraft model)
    {
        BoundAttribute? attribute = model.Attribute("@@tenant");
        if (!IsOn)
        {
            if (attribute is not null)
                _findings.Error(attribute.Source, Codes.NoEffect, attribute.Span, "@@tenant has no effect without tenancy = row",
                    "write app { tenancy = row }");
            return;
        }
        // Who signs in is found before it is known for which tenant.
        if (_claim is null || PlatformModels.IsOurs(model.Source)) return;
        var named = attribute?.Fields("field") ?? [];
        if (attribute is not null && named is not [_])
        {
            _findings.Error(attribute.Source, Codes.BadArgument, attribute.Span,
                "a record belongs to one tenant: @@tenant names one field");
            return;
        }
        // A field of that name is kept as it is written out, as the key fields of relations are.
        string name = attribute is null ? Model.TenantId : named[0].Name;
        if (model.FieldsByName.TryGetValue(name, out FieldDraft? declared)) Declare(model, declared);
        else if (attribute is null) Imply(model, _claim);
        else if (name != None && !model.BrokenNames.Contains(name))
            _findings.Error(attribute.Source, Codes.UnknownField, named[0].Span, $"{model.Name} has no field '{name}'",
                _findings.DidYouMean(name, model.FieldsByName.Keys) ?? "@@tenant(none) shares the records among all tenants");
    }

    void Declare(ModelDraft model, FieldDraft draft)
    {
        if (draft.IsBroken || _claim is null) return;
        Field field = draft.Field;
        string? wrong = !string.Equals(field.Type.Name, _claim.Type.Name, StringComparison.Ordinal)
                ? $"is {field.Type.Name}, and auth.tenantId is {_claim.Type.Name}"
            : field.IsList || field.IsNullable ? "is not one value that is always there"
            : field.Default is not (null or ClaimDefault { Path: [Model.TenantId] })
                ? "has a default of its own, and its value is the identity's"
            : !field.Rules.IsEmpty ? "has rules of its own, and every record of a tenant shows whose it is"
            : field.Computed is not null || field.IsVersion || field.IsUpdatedAt ? "has a value of its own"
            : null;
        if (wrong is not null)
        {
            _findings.Error(draft.Source, Codes.BadKey, draft.Name.Span, $"'{field.Name}' cannot say whose a record is: it {wrong}");
            return;
        }
        draft.Field = field with { Default = new ClaimDefault([Model.TenantId]), IsReadonly = true };
        model.Tenant = field.Name;
    }

    static void Imply(ModelDraft model, Field claim)
    {
        Field field = new()
        {
            Name = Model.TenantId,
            Column = Names.SnakeCase(Model.TenantId),
            Type = claim.Type,
            Default = new ClaimDefault([Model.TenantId]),
            IsServerOnly = true,
            IsImplied = true,
            Span = model.Span,
        };
        model.Add(new FieldDraft(model.Source, new NameSyntax(Model.TenantId, model.Span), field));
        model.Tenant = Model.TenantId;
    }

    /// <summary>
    /// A record that belongs to no tenant cannot point at one that does: nothing would say which of several records of that key is meant.
    /// </summary>
    public void CheckRelations(AppSchema schema)
    {
        if (!IsOn) return;
        foreach (Model model in schema.Models.Where(static m => m.Tenant is null))
        {
            foreach (Relation relation in model.Relations.Where(static r => r.IsOwning))
            {
                Model target = schema.TargetOf(relation);
                if (target.StoredKey.SequenceEqual(target.KeyFields)) continue;
                _findings.Error(model.Source, Codes.BadRelation, relation.Span,
                    $"{model.Name} belongs to no tenant, and {target.Name} does: a record of all cannot refer to one of a tenant's");
            }
        }
    }
}
