using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Relations: which side holds the key, which fields it is, which two sides belong together. Keys and relations need each other (a key
/// may contain a relation, whose fields are of the type of the other model's key), so both are resolved on demand, with cycles found.
/// </summary>
sealed class RelationBinder(Findings findings)
{
    const int KeyChainMax = 50;

    int _keyChain;

    public void Bind(IReadOnlyCollection<ModelDraft> models)
    {
        foreach (ModelDraft model in models)
        {
            foreach (RelationDraft relation in model.Relations) ReadAttribute(relation);
        }
        foreach (ModelDraft model in models)
        {
            foreach (RelationDraft relation in model.Relations) relation.IsOwning |= !relation.IsList && SaysItHoldsTheKey(relation);
        }
        foreach (ModelDraft model in models) ResolveKey(model);
        foreach (ModelDraft model in models)
        {
            foreach (RelationDraft relation in model.Relations) if (relation.IsOwning) ResolveFields(relation);
        }
        // The rest of the to-one sides: the other end of a one-to-one, or plain owners.
        foreach (ModelDraft model in models)
        {
            foreach (RelationDraft relation in model.Relations)
            {
                if (relation.IsList || relation.IsOwning || relation.IsBroken || IsOtherEnd(relation)) continue;
                relation.IsOwning = true;
                ResolveFields(relation);
            }
        }
        foreach (ModelDraft model in models)
        {
            foreach (RelationDraft relation in model.Relations) if (!relation.IsOwning && !relation.IsBroken) Pair(relation);
        }
        foreach (ModelDraft model in models) RefuseNameThatPairsNothing(model);
    }

    /// <summary>The names of a model's key fields; empty when the model has no usable key, which is reported once.</summary>
    public ImmutableArray<string> ResolveKey(ModelDraft model)
    {
        if (model.KeyState is KeyState.Resolved or KeyState.Broken) return model.Key;
        if (model.KeyState == KeyState.BeingResolved || _keyChain > KeyChainMax)
        {
            findings.Error(model.Source, Codes.Cycle, model.Span, $"the key of {model.Name} depends on itself",
                "give one of the models a key of its own");
            model.KeyState = KeyState.Broken;
            return [];
        }
        model.KeyState = KeyState.BeingResolved;
        _keyChain++;
        var key = ReadKey(model);
        _keyChain--;
        if (model.KeyState == KeyState.Broken) return [];
        model.KeyState = key.IsEmpty ? KeyState.Broken : KeyState.Resolved;
        return model.Key = key;
    }

    ImmutableArray<string> ReadKey(ModelDraft model)
    {
        List<FieldDraft> marked = model.Fields.FindAll(f => f.Attribute("@id") is not null);
        BoundAttribute? composite = model.Attribute("@@id");
        if (composite is not null && marked.Count > 0)
        {
            findings.Error(composite.Source, Codes.BadKey, composite.Span, $"{model.Name} has @id and @@id", "keep one of them");
            return [];
        }
        if (marked.Count > 1)
        {
            findings.Error(marked[1].Source, Codes.BadKey, marked[1].Name.Span, $"{model.Name} has @id twice",
                $"a key of several fields is written @@id([{string.Join(", ", marked.Select(f => f.Field.Name))}])");
            return [];
        }
        if (composite is not null) return ExpandNames(model, composite, composite.Fields("fields"));
        if (marked.Count == 1) return [marked[0].Field.Name];
        // A key that was refused for another reason is not missing as well.
        bool wasMeant = model.Syntax.Members.Any(m => m is ModelAttributeSyntax { Attribute.Name.Text: "id" }
            || (m is FieldSyntax f && f.Attributes.Any(a => a.Name.Text == "id"))) || model.BrokenNames.Contains("id");
        if (!wasMeant && !model.IsIncomplete)
            findings.Error(model.Source, Codes.MissingKey, model.Span, $"{model.Name} has no key", "add: id Uuid @id @default(uuid7())");
        return [];
    }

    /// <summary>
    /// Names as attributes write them: a to-one relation stands for its key fields. Empty when one is wrong, which is reported.
    /// </summary>
    public ImmutableArray<string> ExpandNames(ModelDraft model, BoundAttribute attribute, ImmutableArray<FieldName> names)
    {
        var fields = ImmutableArray.CreateBuilder<string>();
        bool allGood = true;
        foreach (FieldName name in names)
        {
            if (Expand(model, attribute, name) is not { } expanded)
            {
                allGood = false;
                continue;
            }
            foreach (string field in expanded)
            {
                if (!fields.Contains(field))
                {
                    fields.Add(field);
                    continue;
                }
                findings.Error(attribute.Source, Codes.DuplicateName, name.Span, $"'{field}' stands twice in {attribute.Name}");
                allGood = false;
            }
        }
        return allGood ? fields.ToImmutable() : [];
    }

    public ImmutableArray<string>? Expand(ModelDraft model, BoundAttribute attribute, FieldName name)
    {
        if (model.FieldsByName.ContainsKey(name.Name)) return [name.Name];
        if (model.RelationsByName.TryGetValue(name.Name, out RelationDraft? relation))
        {
            if (relation.IsBroken) return null;
            if (relation.IsList)
            {
                findings.Error(attribute.Source, Codes.BadArgument, name.Span,
                    $"'{name.Name}' is a list of {relation.Target.Name}: it has no column");
                return null;
            }
            relation.IsOwning = true;
            ResolveFields(relation);
            return relation.Fields.IsEmpty ? null : relation.Fields;
        }
        if (!model.BrokenNames.Contains(name.Name))
        {
            findings.Error(attribute.Source, Codes.UnknownField, name.Span, $"{model.Name} has no field '{name.Name}'",
                findings.DidYouMean(name.Name, model.FieldsByName.Keys.Concat(model.RelationsByName.Keys)));
        }
        return null;
    }

    void ReadAttribute(RelationDraft relation)
    {
        if (relation.Attribute("@relation") is not { } attribute) return;
        relation.PairName = attribute.Text("name");
        relation.OnDelete = Action(attribute.Word("onDelete"));
        relation.OnUpdate = Action(attribute.Word("onUpdate"));
        if (!relation.IsList) return;
        foreach (string argument in (ReadOnlySpan<string>)["fields", "references", "onDelete", "onUpdate"])
        {
            if (attribute.Has(argument))
            {
                findings.Error(relation.Source, Codes.MisplacedAttribute, attribute.SpanOf(argument),
                    $"'{argument}:' belongs to the side that holds the key, in {relation.Target.Name}");
            }
        }
    }

    static ReferentialAction Action(string? word) => word switch
    {
        "cascade" => ReferentialAction.Cascade,
        "setNull" => ReferentialAction.SetNull,
        _ => ReferentialAction.Restrict,
    };

    bool SaysItHoldsTheKey(RelationDraft relation)
    {
        if (relation.Attributes.Exists(a => a.Name is not ("@relation" or "@deprecated"))) return true;
        if (relation.Attribute("@relation") is { } own)
            return own.Syntax.Arguments.IsEmpty || own.Has("fields") || own.Has("references") || own.Has("onDelete") || own.Has("onUpdate");
        return ResolveKey(relation.Target).Any(key => relation.Model.FieldsByName.ContainsKey(KeyFieldMaker.NameOf(relation.Name, key)));
    }

    bool IsOtherEnd(RelationDraft relation)
    {
        List<RelationDraft> ends = relation.Target.Relations.FindAll(r => r.IsOwning && r != relation && r.Target == relation.Model
            && string.Equals(r.PairName, relation.PairName, StringComparison.Ordinal) && IsUnique(r));
        if (ends.Count > 1 && !relation.IsBroken)
        {
            relation.IsBroken = true;
            Ambiguous(relation, ends);
        }
        return ends.Count > 0;
    }

    /// <summary>At most one record can hold a given key.</summary>
    bool IsUnique(RelationDraft relation)
    {
        if (relation.Attribute("@unique") is not null) return true;
        if (relation.Fields.IsEmpty) return false;
        ModelDraft model = relation.Model;
        if (SameFields(relation.Fields, ResolveKey(model))) return true;
        if (relation.Fields is [var only] && model.FieldsByName.TryGetValue(only, out FieldDraft? field)
            && field.Attribute("@unique") is not null) return true;
        return model.All("@@unique").Any(u => !u.Has("where") && SameNames(model, u.Fields("fields"), relation));
    }

    static bool SameNames(ModelDraft model, ImmutableArray<FieldName> names, RelationDraft relation)
    {
        if (names is [var one] && string.Equals(one.Name, relation.Name, StringComparison.Ordinal)) return true;
        return SameFields([.. names.Select(n => n.Name)], relation.Fields);
    }

    static bool SameFields(ImmutableArray<string> a, ImmutableArray<string> b) =>
        a.Length == b.Length && !a.Except(b, StringComparer.Ordinal).Any();

    /// <summary>The key fields of an owning side: named, written out, or added.</summary>
    public void ResolveFields(RelationDraft relation)
    {
        if (relation.IsResolved || relation.IsBroken) return;
        relation.IsResolved = true;
        BoundAttribute? attribute = relation.Attribute("@relation");
        ImmutableArray<string> references = References(relation, attribute);
        if (references.IsEmpty)
        {
            relation.IsBroken = true;
            relation.Model.BrokenNames.Add(relation.Name);
            relation.Model.BrokenNames.Add(relation.Name + "Id");
            return;
        }
        KeyFieldMaker maker = new(relation, references, findings);
        ImmutableArray<string> fields;
        if (attribute?.Has("fields") == true)
        {
            fields = ExpandNames(relation.Model, attribute, attribute.Fields("fields"));
            if (!fields.IsEmpty && fields.Length != references.Length)
            {
                findings.Error(relation.Source, Codes.BadRelation, attribute.SpanOf("fields"),
                    $"{fields.Length} field(s) cannot refer to {references.Length}: "
                    + $"{string.Join(", ", references)} of {relation.Target.Name}");
                fields = [];
            }
            else if (!fields.IsEmpty)
            {
                maker.CheckWritten(fields);
            }
        }
        else
        {
            fields = maker.FindOrAdd();
        }
        if (fields.IsEmpty)
        {
            relation.IsBroken = true;
            relation.Model.BrokenNames.Add(relation.Name);
            return;
        }
        (relation.Fields, relation.References) = (fields, references);
        CheckActions(relation, attribute);
    }

    ImmutableArray<string> References(RelationDraft relation, BoundAttribute? attribute)
    {
        ModelDraft target = relation.Target;
        var key = ResolveKey(target);
        if (attribute?.Has("references") != true) return key;
        var references = ExpandNames(target, attribute, attribute.Fields("references"));
        if (references.IsEmpty || SameFields(references, key)) return references;
        Span span = attribute.SpanOf("references");
        bool isUnique = (references is [var one] && target.FieldsByName[one].Attribute("@unique") is not null)
            || target.All("@@unique").Any(u => !u.Has("where") && SameFields([.. u.Fields("fields").Select(f => f.Name)], references));
        if (!isUnique)
        {
            findings.Error(relation.Source, Codes.BadRelation, span,
                $"{string.Join(", ", references)} is neither the key of {target.Name} nor unique, so it cannot be referred to",
                    "make it @unique, or refer to the key");
            return [];
        }
        if (!target.IsSoftDelete) return references;
        findings.Error(relation.Source, Codes.BadRelation, span,
            $"{target.Name} has @@softDelete: only its key can be referred to, because trashed records may share other values",
                "drop 'references:'");
        return [];
    }

    void CheckActions(RelationDraft relation, BoundAttribute? attribute)
    {
        if (attribute is null) return;
        bool setsNull = relation.OnDelete == ReferentialAction.SetNull || relation.OnUpdate == ReferentialAction.SetNull;
        var required = relation.Fields.Where(f => relation.Model.FieldsByName[f] is { Field.IsNullable: false, IsBroken: false }).ToList();
        if (setsNull && required.Count > 0)
        {
            findings.Error(relation.Source, Codes.BadRelation,
                attribute.SpanOf(relation.OnDelete == ReferentialAction.SetNull ? "onDelete" : "onUpdate"),
                $"setNull needs a key that may be null; '{required[0]}' is required",
                    $"write {relation.Name} {relation.Target.Name}?, or choose cascade or restrict");
        }
        if (attribute.Has("onUpdate") && SameFields(relation.References, ResolveKey(relation.Target)))
        {
            findings.Error(relation.Source, Codes.NoEffect, attribute.SpanOf("onUpdate"),
                $"onUpdate has no effect: the key of {relation.Target.Name} never changes", "remove it");
        }
    }

    /// <summary>Finds the side that holds the key for one that does not.</summary>
    void Pair(RelationDraft side)
    {
        List<RelationDraft> owners = side.Target.Relations.FindAll(r => r.IsOwning && r != side && r.Target == side.Model
            && string.Equals(r.PairName, side.PairName, StringComparison.Ordinal));
        if (owners.Exists(o => o.IsBroken) || side.Target.BrokenNames.Count > 0 && owners.Count == 0)
        {
            side.IsBroken = true;
            side.Model.BrokenNames.Add(side.Name);
            return;
        }
        if (owners.Count == 1)
        {
            Join(side, owners[0]);
            return;
        }
        side.IsBroken = true;
        side.Model.BrokenNames.Add(side.Name);
        if (owners.Count > 1) Ambiguous(side, owners);
        else NoOwner(side);
    }

    void Join(RelationDraft side, RelationDraft owner)
    {
        if (owner.Inverse is { } other)
        {
            side.IsBroken = true;
            side.Model.BrokenNames.Add(side.Name);
            findings.Error(side.Source, Codes.AmbiguousRelation, side.Span,
                $"'{side.Name}' and '{other.Name}' are both the other side of {owner.Model.Name}.{owner.Name}",
                "keep one, or name two relations: @relation(name: \"…\")");
            return;
        }
        (side.Inverse, owner.Inverse) = (owner, side);
        (side.Fields, side.References) = (owner.References, owner.Fields);
        (side.OnDelete, side.OnUpdate) = (owner.OnDelete, owner.OnUpdate);
        if (side.IsList || side.IsOptional) return;
        findings.Error(side.Source, Codes.BadRelation, side.Syntax.Type?.Span ?? side.Span,
            $"no {side.Target.Name} need refer to this {side.Model.Name}: the other side of a one-to-one may be absent",
                $"write {side.Target.Name}?");
    }

    void NoOwner(RelationDraft side)
    {
        RelationDraft? back = side.Target.Relations.Find(r => r.IsList && r.Target == side.Model && r != side);
        if (back is not null)
        {
            // One mistake, seen from two sides: said once, at the first.
            back.IsBroken = true;
            back.Model.BrokenNames.Add(back.Name);
            findings.Error(side.Source, Codes.ManyToMany, side.Span,
                $"'{side.Name}' and {side.Target.Name}.{back.Name} are both lists: no side holds a key",
                $"put a model between them, with a relation to {side.Model.Name} and one to {side.Target.Name}");
            return;
        }
        string name = char.ToLowerInvariant(side.Model.Name[0]) + side.Model.Name[1..];
        string pair = side.PairName is { } named ? $" @relation(name: \"{named}\")" : "";
        findings.Error(side.Source, Codes.MissingOtherSide, side.Span,
            $"'{side.Name}' has no other side: nothing in {side.Target.Name} refers to {side.Model.Name}"
            + (side.PairName is null ? "" : $" under the name \"{side.PairName}\""),
                $"add to {side.Target.Name}: {name} {side.Model.Name}{pair}");
    }

    void Ambiguous(RelationDraft side, List<RelationDraft> owners) =>
        findings.Error(side.Source, Codes.AmbiguousRelation, side.Span,
            $"'{side.Name}' could be the other side of {string.Join(" or ", owners.Select(o => $"{o.Model.Name}.{o.Name}"))}",
            "give both sides the same @relation(name: \"…\")");

    /// <summary>A name is for pairing two sides: where the other side does not exist, it was meant for something that is missing.</summary>
    void RefuseNameThatPairsNothing(ModelDraft model)
    {
        foreach (RelationDraft relation in model.Relations)
        {
            if (relation.PairName is null || relation.Inverse is not null || !relation.IsOwning || relation.IsBroken) continue;
            bool isAwaited = relation.Target.Relations.Exists(r =>
                !r.IsOwning && string.Equals(r.PairName, relation.PairName, StringComparison.Ordinal));
            if (isAwaited || relation.Target.BrokenNames.Count > 0) continue;
            BoundAttribute? attribute = relation.Attribute("@relation");
            findings.Error(relation.Source, Codes.NoEffect, attribute?.SpanOf("name") ?? relation.Span,
                $"the name \"{relation.PairName}\" pairs nothing: {relation.Target.Name} has no side of that name",
                    "remove it, or add the other side");
        }
    }
}
