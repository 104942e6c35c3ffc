using System.Reflection;
using System.Text;
using Plinth.Cases;

namespace Plinth.Tidy;

/// <summary>The public surface is a text that is reviewed: <c>api.txt</c>.</summary>
public class ApiTests
{
    static readonly Assembly[] s_ours =
        [typeof(Text.Faults).Assembly, Assembly.Load("Plinth.Engine"), Assembly.Load("Plinth.Server"), Assembly.Load("plinth")];

    [Fact]
    public void The_public_surface_is_the_reviewed_one()
    {
        StringBuilder text = new("# The public surface, a member a line; all else is internal. ./dev accept rewrites it.\n");
        foreach (Assembly assembly in s_ours)
        {
            text.Append('\n').Append(assembly.GetName().Name).Append('\n');
            foreach (Type type in assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal)) Write(text, type);
        }
        Golden.FileHolds("api.txt", text.ToString());
    }

    static void Write(StringBuilder text, Type type)
    {
        string kind = type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct" : "class";
        text.Append("  ").Append(kind).Append(' ').Append(type.FullName).Append('\n');
        const BindingFlags seen = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static
            | BindingFlags.DeclaredOnly;
        foreach (string member in type.GetMembers(seen).Where(IsSeen).Select(m => $"    {m}\n").Order(StringComparer.Ordinal))
            text.Append(member);
    }

    static bool IsSeen(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
        FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsSeen),
        EventInfo => true,
        Type nested => nested.IsNestedPublic,
        _ => false,
    };
}
