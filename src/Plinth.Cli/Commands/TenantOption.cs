using System.CommandLine;
using Plinth.Policy;
using Plinth.Schema;

namespace Plinth.Cli.Commands;

/// <summary><c>--tenant</c>: whose records a command of the product itself is about.</summary>
static class TenantOption
{
    public static readonly Option<string?> It = new("--tenant")
    {
        Description = "Whose records, where the schema has tenants",
        HelpName = "id",
    };

    /// <summary>Null when the model needs a tenant and none was named, or what was named is none; then it was said.</summary>
    public static Caller? Caller(Shell shell, ParseResult parsed, AppSchema schema, Model model)
    {
        if (parsed.GetValue(It) is { } text)
        {
            if (Tenant(schema, text) is { } tenant) return Policy.Caller.SystemOf(tenant);
            shell.Error.WriteLine(schema.IsTenanted ? $"plinth: '{text}' names no tenant"
                : "plinth: the schema has no tenants (tenancy = row)");
            return null;
        }
        if (model.Tenant is null) return Policy.Caller.System;
        shell.Error.WriteLine($"plinth: records of {model.Name} belong to tenants: say --tenant <id>");
        return null;
    }

    /// <summary>The text as a value of <c>auth.tenantId</c>; null when it is none.</summary>
    public static Value? Tenant(AppSchema schema, string text)
    {
        if (!schema.IsTenanted || schema.Auth?.Claim(Model.TenantId) is not { } claim) return null;
        if (claim.Type is not ScalarFieldType { Scalar: var scalar }) return Value.From(text);
        return scalar.TryParse(text, out Value tenant) ? tenant : null;
    }
}
