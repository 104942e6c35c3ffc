using System.Reflection;
using System.Reflection.Metadata;
using System.Text.RegularExpressions;

namespace Plinth.Tidy;

/// <summary>
/// The shape of the assemblies that this test project stands on: functions are short, names say something, classes are sealed and
/// closed hierarchies closed.
/// </summary>
public partial class ShapeTests
{
    const int FunctionMax = 70;

    [Fact]
    public void No_function_is_longer_than_70_lines_but_those_of_the_ratchet()
    {
        List<(string, int)> lengths = [];
        foreach (BuiltAssembly assembly in BuiltAssembly.Present())
        {
            using BuiltAssembly open = assembly;
            lengths.AddRange(open.FunctionLengths());
        }
        Assert.NotEmpty(lengths);
        string[] wrong = [.. Ratchet.Read("function", FunctionMax).Complaints(lengths)];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void No_type_hides_behind_a_name_that_says_nothing()
    {
        List<string> wrong = [];
        foreach (BuiltAssembly assembly in BuiltAssembly.Present())
        {
            using BuiltAssembly open = assembly;
            wrong.AddRange(open.Types().Select(h => open.NameOf(h).Type).Where(name => EmptyName().IsMatch(name)));
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("Plinth.X.RequestManager", true)]
    [InlineData("Plinth.X.StringUtils", true)]
    [InlineData("Plinth.X.Helper`1", true)]
    [InlineData("Plinth.X.Metadata", false)]
    [InlineData("Plinth.X.Database", false)]
    [InlineData("Plinth.X.Utility.Plan", false)]
    public void Empty_names_are_recognised(string name, bool empty) => Assert.Equal(empty, EmptyName().IsMatch(name));

    [Fact]
    public void A_class_is_sealed_unless_something_of_ours_derives_from_it()
    {
        List<string> wrong = [];
        HashSet<string> bases = new(StringComparer.Ordinal);
        List<(string Name, TypeAttributes Attributes)> classes = [];
        foreach (BuiltAssembly assembly in BuiltAssembly.Present())
        {
            using BuiltAssembly open = assembly;
            foreach (TypeDefinitionHandle handle in open.Types())
            {
                TypeDefinition type = open.Metadata.GetTypeDefinition(handle);
                if (BaseOf(open, type) is { } from) bases.Add(from);
                if ((type.Attributes & TypeAttributes.Interface) == 0) classes.Add((open.NameOf(handle).Type, type.Attributes));
            }
        }
        wrong.AddRange(classes.Where(c => (c.Attributes & (TypeAttributes.Sealed | TypeAttributes.Abstract)) == 0)
            .Where(c => !bases.Contains(c.Name) && c.Name is not "Program")
            .Select(c => $"{c.Name}: nothing derives from it, so it is sealed"));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void An_abstract_record_is_a_closed_set_of_sealed_ones()
    {
        List<string> wrong = [];
        foreach (BuiltAssembly assembly in BuiltAssembly.Present())
        {
            using BuiltAssembly open = assembly;
            HashSet<string> records = [.. open.Types().Where(h => IsRecord(open, h)).Select(h => open.NameOf(h).Type)];
            foreach (TypeDefinitionHandle handle in open.Types().Where(h => IsRecord(open, h)))
            {
                TypeDefinition type = open.Metadata.GetTypeDefinition(handle);
                string name = open.NameOf(handle).Type;
                bool isAbstract = (type.Attributes & TypeAttributes.Abstract) != 0;
                if (!isAbstract && (type.Attributes & TypeAttributes.Sealed) == 0) wrong.Add($"{name}: a record is sealed, or abstract");
                if (isAbstract && IsVisible(type) && !IsClosed(open, type))
                    wrong.Add($"{name}: a public abstract record is closed by a private protected constructor");
                if (BaseOf(open, type) is { } from && from.StartsWith("Plinth.", StringComparison.Ordinal) && !records.Contains(from))
                    wrong.Add($"{name}: the set of {from} is closed in its own assembly");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    static bool IsVisible(TypeDefinition type) =>
        (type.Attributes & TypeAttributes.VisibilityMask) is TypeAttributes.Public or TypeAttributes.NestedPublic;

    static bool IsRecord(BuiltAssembly assembly, TypeDefinitionHandle handle) => assembly.Metadata.GetTypeDefinition(handle).GetMethods()
        .Any(m => assembly.Metadata.GetString(assembly.Metadata.GetMethodDefinition(m).Name) == "<Clone>$");

    /// <summary>No constructor, but the one that copies, can be called from another assembly or is left open.</summary>
    static bool IsClosed(BuiltAssembly assembly, TypeDefinition type) => type.GetMethods().Select(assembly.Metadata.GetMethodDefinition)
        .Where(m => assembly.Metadata.GetString(m.Name) == ".ctor")
        .Any(m => (m.Attributes & MethodAttributes.MemberAccessMask) == MethodAttributes.FamANDAssem);

    static string? BaseOf(BuiltAssembly assembly, TypeDefinition type)
    {
        if (type.BaseType.IsNil) return null;
        if (type.BaseType.Kind != HandleKind.TypeSpecification) return assembly.NameOf(type.BaseType).Type;
        UseCollector uses = new(assembly.Metadata);
        uses.Add(type.BaseType);
        return uses.Take()[0].Type;
    }

    [GeneratedRegex(@"(Manager|Helpers?|Utils?|Utility|Utilities|Common|Base|Data|Info|Processor)(`\d+)?$")]
    private static partial Regex EmptyName();
}
