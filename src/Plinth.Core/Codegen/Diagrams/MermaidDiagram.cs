using System.Collections.Frozen;
using System.Text;
using Plinth.Schema;

namespace Plinth.Codegen.Diagrams;

/// <summary>The schema as an <c>erDiagram</c> of Mermaid, which many readers of Markdown draw.</summary>
static class MermaidDiagram
{
    /// <summary>Whoever draws it finds the ways; none is left out.</summary>
    static readonly FrozenDictionary<string, int> s_noHubs = FrozenDictionary<string, int>.Empty;

    public static string Write(AppSchema schema)
    {
        StringBuilder text = new("erDiagram\n");
        foreach (Model model in schema.Models)
        {
            text.Append("  ").Append(model.Name).Append(" {\n");
            HashSet<string> references = [.. model.Relations.Where(r => r.IsOwning).SelectMany(r => r.Fields)];
            foreach (Field field in model.Fields)
            {
                string[] marks = [.. new[] { model.Key.Contains(field.Name) ? "PK" : "", references.Contains(field.Name) ? "FK" : "",
                    model.Uniques.Any(u => u.Fields is [var only] && only == field.Name) ? "UK" : "" }.Where(m => m.Length > 0)];
                text.Append("    ").Append(TypeWord(field)).Append(' ').Append(field.Name);
                if (marks.Length > 0) text.Append(' ').Append(string.Join(", ", marks));
                if (field.IsNullable) text.Append(" \"optional\"");
                text.Append('\n');
            }
            text.Append("  }\n");
        }
        foreach (Model model in schema.Models)
        {
            foreach (DiagramRow row in DiagramBox.Of(schema, model, s_noHubs).Rows.Where(r => r.Target is not null))
            {
                string one = row.IsOptional ? "|o" : "||", many = row.IsOne ? "o|" : "o{";
                text.Append("  ").Append(row.Target).Append(' ').Append(one).Append("--").Append(many).Append(' ').Append(model.Name);
                text.Append(" : ").Append(row.Name).Append('\n');
            }
        }
        return text.ToString();
    }

    /// <summary>Mermaid takes letters, digits, _ and brackets in a type.</summary>
    static string TypeWord(Field field)
    {
        string name = field.Type.Name.Replace("(", "_", StringComparison.Ordinal).Replace(", ", "_", StringComparison.Ordinal)
            .Replace(")", "", StringComparison.Ordinal);
        return field.IsList ? name + "[]" : name;
    }
}
