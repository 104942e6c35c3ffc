using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>The fields that hold a relation's key: checked where they are written out, added where they are not.</summary>
sealed class KeyFieldMaker(RelationDraft relation, ImmutableArray<string> references, Findings findings)
{
    readonly ModelDraft _model = relation.Model;
    readonly ModelDraft _target = relation.Target;

    /// <summary><c>company</c> + <c>id</c> → <c>companyId</c>.</summary>
    public static string NameOf(string relation, string reference) => relation + char.ToUpperInvariant(reference[0]) + reference[1..];

    /// <summary>
    /// Named after the relation and what they refer to; the names of those found or added, in the order of the references.
    /// </summary>
    public ImmutableArray<string> FindOrAdd()
    {
        var names = ImmutableArray.CreateBuilder<string>(references.Length);
        List<string> missing = [];
        foreach (string reference in references)
        {
            string name = NameOf(relation.Name, reference);
            names.Add(name);
            if (!_model.FieldsByName.ContainsKey(name)) missing.Add(reference);
        }
        if (missing.Count == 0)
        {
            RefuseForwarded(names[0]);
            return CheckWritten(names.ToImmutable()) ? names.ToImmutable() : [];
        }
        foreach (string name in names)
        {
            if (_model.RelationsByName.ContainsKey(name))
            {
                findings.Error(relation.Source, Codes.NameCollision, relation.Span,
                    $"the key of '{relation.Name}' would be called '{name}', which is a relation");
                return [];
            }
        }
        foreach (string reference in missing) Add(reference);
        return names.ToImmutable();
    }

    void Add(string reference)
    {
        FieldDraft referred = _target.FieldsByName[reference];
        string name = NameOf(relation.Name, reference);
        Field field = new()
        {
            Name = name,
            Column = Names.SnakeCase(name),
            Type = referred.Field.Type,
            IsNullable = relation.IsOptional,
            IsImplied = true,
            Doc = relation.Syntax.Doc,
            Span = relation.Span,
        };
        FieldDraft draft = new(relation.Source, relation.Syntax.Name, field)
        {
            IsBroken = referred.IsBroken,
            KeySuffix = NameOf("", reference),
        };
        // One column per field of a composite key: what names a single column or value cannot be shared out.
        foreach (BoundAttribute attribute in relation.Attributes)
        {
            if (attribute.Name is "@relation" or "@deprecated") continue;
            if (references.Length > 1 && attribute.Name is "@default" or "@map" && references.Length > 1)
            {
                findings.Error(attribute.Source, Codes.MisplacedAttribute, attribute.Span,
                    $"{attribute.Name} cannot stand on '{relation.Name}': its key has {references.Length} fields",
                        "write the key fields out, and put it on one of them");
                continue;
            }
            // Unique and indexed are the fields together; the model's keys are made from the relation.
            if (attribute.Name is not ("@unique" or "@index")) draft.Attributes.Add(attribute);
        }
        _model.Add(draft);
    }

    void RefuseForwarded(string field)
    {
        foreach (BoundAttribute attribute in relation.Attributes)
        {
            if (attribute.Name is "@relation" or "@deprecated") continue;
            findings.Error(attribute.Source, Codes.MisplacedAttribute, attribute.Span,
                $"{attribute.Name} belongs on '{field}', which is written out", $"move it to {field}");
        }
    }

    /// <summary>Fields that are written out have the type of what they refer to, and may be null together with the relation.</summary>
    public bool CheckWritten(ImmutableArray<string> fields)
    {
        bool isGood = true;
        for (int i = 0; i < fields.Length; i++)
        {
            FieldDraft own = _model.FieldsByName[fields[i]], referred = _target.FieldsByName[references[i]];
            if (own.IsBroken || referred.IsBroken) continue;
            if (own.Field.IsList || !string.Equals(own.Field.Type.Name, referred.Field.Type.Name, StringComparison.Ordinal))
            {
                findings.Error(own.Source, Codes.TypeMismatch, own.Name.Span,
                    $"'{fields[i]}' is {own.Field.Type.Name}{(own.Field.IsList ? "[]" : "")}, "
                    + $"{_target.Name}.{references[i]} is {referred.Field.Type.Name}",
                    $"write {fields[i]} {referred.Field.Type.Name}{(relation.IsOptional ? "?" : "")}");
                isGood = false;
            }
        }
        if (!isGood) return false;
        bool mayBeNull = fields.Any(f => _model.FieldsByName[f].Field.IsNullable);
        if (mayBeNull == relation.IsOptional) return true;
        findings.Error(relation.Source, Codes.BadRelation, relation.Syntax.Type?.Span ?? relation.Span,
            mayBeNull ? $"'{relation.Name}' is required, but its key may be null"
                : $"'{relation.Name}' is optional, but its key is required",
            mayBeNull ? $"write {_target.Name}?" : $"write {_target.Name}, or make {string.Join(", ", fields)} optional");
        return false;
    }
}
