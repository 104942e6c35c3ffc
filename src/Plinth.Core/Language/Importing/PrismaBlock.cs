using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Language.Importing;

/// <summary>One block of a Prisma schema, its members not yet understood.</summary>
sealed record PrismaBlock(string Keyword, string Name, Span Span, string? Doc, ImmutableArray<PrismaMember> Members)
{
    public IEnumerable<PrismaAttribute> Attributes(string name) =>
        Members.Where(m => m.Name.Length == 0).SelectMany(m => m.Attributes).Where(a => a.Name == name);
}

/// <param name="Name">Empty for a line of attributes of the block (<c>@@id</c>).</param>
/// <param name="Type">Empty for values of enums.</param>
sealed record PrismaMember(
    string Name, string Type, ImmutableArray<PrismaValue> TypeArguments, bool IsOptional, bool IsList,
    ImmutableArray<PrismaAttribute> Attributes, string? Doc, Span Span)
{
    public PrismaAttribute? Attribute(string name) => Attributes.FirstOrDefault(a => a.Name == name);
}

/// <param name="Name">Without its @: <c>id</c>, <c>db.VarChar</c>.</param>
sealed record PrismaAttribute(string Name, ImmutableArray<PrismaArgument> Arguments, Span Span)
{
    /// <summary>By its label, or by its position among those without one.</summary>
    public PrismaValue? Argument(string label, int position = -1)
    {
        foreach (PrismaArgument argument in Arguments)
        {
            if (argument.Label == label) return argument.Value;
            if (argument.Label is null && position-- == 0) return argument.Value;
        }
        return null;
    }
}

sealed record PrismaArgument(string? Label, PrismaValue Value);

enum PrismaValueKind
{
    Text,
    Number,
    Word,
    Call,
    List,
}

/// <param name="Text">Of a string its text, else as written; of a call the function's name.</param>
sealed record PrismaValue(PrismaValueKind Kind, string Text, ImmutableArray<PrismaArgument> Items)
{
    /// <summary>Words of a list, or the one word.</summary>
    public IEnumerable<PrismaValue> All => Kind == PrismaValueKind.List ? Items.Select(i => i.Value) : [this];
}
