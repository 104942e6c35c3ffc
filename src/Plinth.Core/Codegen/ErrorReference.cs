using System.Globalization;
using System.Text;
using Plinth.Text;

namespace Plinth.Codegen;

/// <summary>The error reference, made from the one list of faults: <c>docs/reference/errors.md</c>.</summary>
static class ErrorReference
{
    public static string Markdown()
    {
        StringBuilder page = new("""
            # Errors

            <!-- Made from the list of faults; `./dev accept` rewrites it. -->

            Every error of every route is `application/problem+json` (
                RFC 9457) with a stable `code`. `GET /errors/{code}` explains each on a running
            server. A schema may name its own code for a unique key: `@unique(code: "slug_already_exist")`.

            """);
        foreach (var kind in Faults.All.GroupBy(f => f.Kind))
        {
            page.Append(
                CultureInfo.InvariantCulture,
                    $"\n## {Heading(kind.Key)}\n\n| code | title | what it means, and what to do |\n| --- | --- | --- |\n");
            foreach (FaultCode fault in kind) page.Append(
                CultureInfo.InvariantCulture, $"| `{fault.Code}` | {fault.Title} | {fault.Explanation} |\n");
        }
        return page.ToString();
    }

    static string Heading(FaultKind kind) => kind switch
    {
        FaultKind.NotReadable => "The request cannot be read",
        FaultKind.NotInSchema => "It names what is not there",
        FaultKind.NotAllowed => "It is not allowed",
        FaultKind.RefusedByState => "The data refuses it",
        FaultKind.Ours => "It is on our side",
        _ => throw new InvalidOperationException($"no heading for {kind}"),
    };
}
