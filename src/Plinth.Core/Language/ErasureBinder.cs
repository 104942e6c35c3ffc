using Plinth.Schema;

namespace Plinth.Language;

/// <summary>
/// What erasing a person needs to know of a schema: whom records are about (<c>@@subject</c>), and that something may stand where a
/// <c>@pii</c> value was. It is said at load, rather than to whoever has a month's time to answer a person who asks to be forgotten.
/// </summary>
sealed class ErasureBinder(RelationBinder relations, Findings findings)
{
    public void Bind(IReadOnlyCollection<ModelDraft> models)
    {
        foreach (ModelDraft model in models)
        {
            if (model.Attribute("@@subject") is { } attribute) BindSubject(model, attribute);
            foreach (FieldDraft field in model.Fields)
            {
                if (field is { IsBroken: false, Field.IsPii: true }) Check(model, field);
            }
        }
        foreach (ModelDraft model in models) CheckChain(model);
    }

    void BindSubject(ModelDraft model, BoundAttribute attribute)
    {
        var named = relations.ExpandNames(model, attribute, attribute.Fields("field"));
        if (named.Any(model.BrokenNames.Contains) || attribute.Fields("field").Any(f => model.BrokenNames.Contains(f.Name))) return;
        RelationDraft? relation = named is [var key]
            ? model.Relations.Find(r => r is { IsOwning: true, Fields: [var only] } && string.Equals(only, key, StringComparison.Ordinal))
            : null;
        if (relation is { IsBroken: true } || (relation is null && (model.IsIncomplete || named.IsEmpty))) return;
        if (relation is null || relation.Target.Key is not [var id] || !string.Equals(id, relation.References[0], StringComparison.Ordinal))
        {
            findings.Error(attribute.Source, Codes.BadArgument, attribute.SpanOf("field"),
                $"@@subject names a field that leads to one record: '{string.Join(", ", named)}' is not the key of such a relation",
                "declare the relation: customer Customer @relation @immutable");
        }
        else if (!model.Fields.Exists(static f => f.Field.IsPii))
        {
            findings.Error(attribute.Source, Codes.NoEffect, attribute.Span, $"@@subject has no effect: no field of {model.Name} is @pii",
                "mark what is about the person with @pii");
        }
        else if (model.FieldsByName[named[0]] is { IsBroken: false, Field.IsUpdatable: true })
        {
            // Values of one person would stand in an event beside those of another.
            findings.Error(attribute.Source, Codes.BadArgument, attribute.SpanOf("field"),
                $"whom a record is about does not change: '{attribute.Fields("field")[0].Name}' can be updated",
                "mark it @immutable (or @readonly)");
        }
        else model.Subject = named[0];
    }

    /// <summary>A subject is whoever is erased: it is about itself.</summary>
    void CheckChain(ModelDraft model)
    {
        if (model.Subject is not { } name || model.Attribute("@@subject") is not { } attribute) return;
        RelationDraft relation = model.Relations.First(r => r.IsOwning && r.Fields is [var key] && key == name);
        if (relation.Target.Attribute("@@subject") is null) return;
        findings.Error(attribute.Source, Codes.BadArgument, attribute.SpanOf("field"),
            $"records of {relation.Target.Name} are about somebody else themselves", "name the field that leads to the person");
    }

    void Check(ModelDraft model, FieldDraft draft)
    {
        Field field = draft.Field;
        if (model.Key.Contains(field.Name, StringComparer.Ordinal) || string.Equals(model.Tenant, field.Name, StringComparison.Ordinal))
        {
            findings.Error(draft.Source, Codes.ConflictingAttributes, draft.Name.Span,
                $"'{field.Name}' is part of the key, which stands in URLs and in every event: it cannot be @pii",
                "give the record a key of its own, such as id Uuid @id @default(uuid7())");
            return;
        }
        FieldDraft? key = model.Key is [var only] ? model.FieldsByName.GetValueOrDefault(only) : null;
        if (key is { IsBroken: true } || ErasedValue.Obstacle(field, key?.Field) is not { } obstacle) return;
        findings.Error(draft.Source, Codes.ConflictingAttributes, draft.Name.Span,
            $"'{field.Name}' is @pii, and nothing could stand in its place when its person is erased: it {obstacle}",
            $"make it optional: {field.Name} {field.Type.Name}?");
    }
}
