using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Language;

/// <summary>
/// A type that must contain itself has no values. Optional fields, lists and unions end the recursion: there the value may stop.
/// </summary>
sealed class EmbeddingCheck(Declarations declarations, ImmutableArray<EmbeddedType>.Builder types, Findings findings)
{
    readonly Dictionary<string, EmbeddedType> _types = types.ToDictionary(t => t.Name, StringComparer.Ordinal);
    readonly HashSet<string> _finished = new(StringComparer.Ordinal);

    public void Run()
    {
        foreach (EmbeddedType type in types) Walk(type);
    }

    /// <summary>Depth first with a stack of its own: a chain of types may be as long as the schema.</summary>
    void Walk(EmbeddedType root)
    {
        HashSet<string> open = new(StringComparer.Ordinal);
        Stack<(string Name, IEnumerator<Field> Fields)> path = new();
        Enter(root);
        while (path.Count > 0)
        {
            var (name, fields) = path.Peek();
            if (!fields.MoveNext())
            {
                path.Pop();
                open.Remove(name);
                _finished.Add(name);
                continue;
            }
            if (fields.Current is not { IsList: false, IsNullable: false, Type: EmbeddedFieldType { TypeName: var inner } } field) continue;
            if (open.Contains(inner))
            {
                findings.Error(declarations.Types[name].Source, Codes.Cycle, field.Span, $"a {inner} would have to contain a {inner}",
                    $"write {inner}? or {inner}[]");
            }
            else if (!_finished.Contains(inner))
            {
                Enter(_types[inner]);
            }
        }

        void Enter(EmbeddedType type)
        {
            if (_finished.Contains(type.Name)) return;
            open.Add(type.Name);
            path.Push((type.Name, type.Fields.AsEnumerable().GetEnumerator()));
        }
    }
}
