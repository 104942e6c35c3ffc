using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// What stands on a model as a whole, and what its fields' attributes mean for it: keys, uniques, indexes, checks, rules.
/// </summary>
sealed class ModelBinder(ModelDraft model, RelationBinder relations, Findings findings)
{
    const int RouteLengthMax = 100;

    public void Bind()
    {
        if (model.Attribute("@@map") is { } map && FieldBinder.DatabaseName(map, "table", findings) is { } table) model.Table = table;
        if (model.Attribute("@@route") is { } route) BindRoute(route);
        AddSoftDelete();
        CheckKey();
        CheckEngineFields();
        foreach (FieldDraft draft in model.Fields)
        {
            if (draft.IsBroken) continue;
            if (!model.IsProjection) WarnOfUnsettable(draft);
            new DefaultCheck(findings).Check(draft);
        }
        BindUniques();
        BindIndexes();
        BindFullText();
        BindChecks();
        BindRules();
        CheckRenames();
    }

    void BindRoute(BoundAttribute attribute)
    {
        string segment = attribute.Text("segment") ?? "";
        bool isGood = segment.Length is > 0 and <= RouteLengthMax && char.IsAsciiLetterOrDigit(segment[0])
            && segment.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');
        if (isGood) model.Route = segment;
        else findings.Error(attribute.Source, Codes.BadName, attribute.SpanOf("segment"), $"'{segment}' is no path segment",
            "ASCII letters, digits, _ and -, as in \"people\"");
    }

    void AddSoftDelete()
    {
        if (model.Attribute("@@softDelete") is not { } attribute) return;
        if (model.FieldsByName.TryGetValue(Model.DeletedAt, out FieldDraft? taken))
        {
            findings.Error(taken.Source, Codes.NameCollision, taken.Name.Span, $"@@softDelete adds the field '{Model.DeletedAt}' itself",
                "remove the field");
            return;
        }
        Field field = new()
        {
            Name = Model.DeletedAt,
            Column = Names.SnakeCase(Model.DeletedAt),
            Type = new ScalarFieldType(DateTimeType.It),
            IsNullable = true,
            IsReadonly = true,
            IsImplied = true,
            Span = attribute.Span,
        };
        model.Add(new FieldDraft(attribute.Source, attribute.Syntax.Name, field));
    }

    void CheckKey()
    {
        foreach (string name in model.Key)
        {
            FieldDraft draft = model.FieldsByName[name];
            if (draft.IsBroken) continue;
            Field field = draft.Field;
            string? wrong = field.IsList || field.IsJsonStored ? "is not a single value"
                : field.IsNullable ? "may be null"
                : field.Type is ScalarFieldType { Scalar.Kind: ValueKind.Double or ValueKind.Bytes }
                    ? $"is {field.Type.Name}, which has no exact form in a URL"
                : field.IsServerOnly ? "is @serverOnly, so nobody could name the record"
                : field.IsRuled(FieldAccess.Read) ? "has a rule for reading, and a key is always answered"
                : field.Computed is not null ? "is computed, and could change"
                : field.IsVersion || field.IsUpdatedAt ? "changes with every write"
                : null;
            if (wrong is null && draft.Attribute("@immutable") is { } immutable)
                findings.Error(draft.Source, Codes.NoEffect, immutable.Span, "@immutable has no effect: a key never changes", "remove it");
            if (wrong is not null)
                findings.Error(draft.Source, Codes.BadKey, draft.Name.Span, $"'{name}' cannot be part of the key: it {wrong}",
                    "a key is of String, Int, BigInt, Uuid, Cuid, NanoId …");
        }
    }

    void CheckEngineFields()
    {
        FieldDraft? version = null;
        foreach (FieldDraft draft in model.Fields)
        {
            bool isWholeKey = model.Key is [var only] && string.Equals(only, draft.Field.Name, StringComparison.Ordinal);
            if (draft.Field.Default is AutoincrementDefault && model.KeyState == KeyState.Resolved && !isWholeKey)
            {
                findings.Error(draft.Source, Codes.BadArgument, draft.Attribute("@default")?.Span ?? draft.Name.Span,
                    "autoincrement() is for the one field of a key");
            }
            if (!draft.Field.IsVersion) continue;
            if (version is not null) findings.Error(draft.Source, Codes.DuplicateAttribute, draft.Name.Span,
                $"{model.Name} has two @version fields");
            version = draft;
        }
    }

    /// <summary>Required, in no input, and nothing makes its value: whoever creates a record is told that it is missing.</summary>
    void WarnOfUnsettable(FieldDraft draft)
    {
        Field field = draft.Field;
        bool isMade = field.Default is not null || field.Computed is not null || field.IsVersion || field.IsUpdatedAt || field.IsList;
        if (field.IsCreatable || isMade || field.IsNullable) return;
        findings.Warning(draft.Source, Codes.UnsettableField, draft.Name.Span,
            $"'{field.Name}' is required and in no input: no caller can create a record", "give it a default, or make it optional");
    }

    void BindUniques()
    {
        foreach (FieldDraft field in model.Fields)
        {
            if (field.Attribute("@unique") is { } attribute) AddUnique(attribute, [field.Field.Name]);
        }
        foreach (RelationDraft relation in model.Relations)
        {
            if (relation.Attribute("@unique") is { } attribute && !relation.Fields.IsEmpty) AddUnique(attribute, relation.Fields);
        }
        foreach (BoundAttribute attribute in model.All("@@unique"))
        {
            var fields = relations.ExpandNames(model, attribute, attribute.Fields("fields"));
            if (!fields.IsEmpty) AddUnique(attribute, fields);
        }
    }

    /// <summary>
    /// Everything that is held unique or kept in order is so within a tenant: to name the tenant as well says nothing more.
    /// </summary>
    ImmutableArray<string> WithoutTenant(ImmutableArray<string> fields) =>
        model.Tenant is { } tenant && fields.Length > 1 ? fields.Remove(tenant) : fields;

    void AddUnique(BoundAttribute attribute, ImmutableArray<string> fields)
    {
        fields = WithoutTenant(fields);
        if (!AreSingle(attribute, fields)) return;
        string? code = attribute.Text("code");
        if (code is not null && (code.Length == 0 || !char.IsAsciiLetterLower(code[0]) || !code.All(c =>
            char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_')))
        {
            findings.Error(attribute.Source, Codes.BadName, attribute.SpanOf("code"), $"'{code}' is no error code",
                "small ASCII letters, digits and _: \"slug_taken\"");
            code = null;
        }
        Condition? where = attribute.Expression("where");
        if (where is null && (fields.SequenceEqual(model.Key) || model.Uniques.Exists(u =>
            u.Where is null && u.Fields.SequenceEqual(fields))))
        {
            findings.Error(attribute.Source, Codes.NoEffect, attribute.Span, $"{string.Join(", ", fields)}: unique already", "remove it");
            return;
        }
        model.Uniques.Add(new UniqueKey(IndexName(attribute, fields, "unique"), fields, code, where));
    }

    void BindIndexes()
    {
        foreach (FieldDraft field in model.Fields)
        {
            if (field.Attribute("@index") is { } attribute) AddIndex(attribute, [new IndexedField(field.Field.Name, false)]);
        }
        foreach (RelationDraft relation in model.Relations)
        {
            if (relation.Attribute("@index") is { } attribute && !relation.Fields.IsEmpty)
                AddIndex(attribute, [.. relation.Fields.Select(f => new IndexedField(f, false))]);
        }
        foreach (BoundAttribute attribute in model.All("@@index"))
        {
            var fields = ImmutableArray.CreateBuilder<IndexedField>();
            bool isGood = !relations.ExpandNames(model, attribute, attribute.Fields("fields")).IsEmpty;
            if (!isGood) continue;
            foreach (FieldName name in attribute.Fields("fields"))
            {
                foreach (string field in relations.Expand(model, attribute, name) ?? []) fields.Add(new IndexedField(field,
                    name.Descending));
            }
            AddIndex(attribute, fields.ToImmutable());
        }
    }

    void AddIndex(BoundAttribute attribute, ImmutableArray<IndexedField> fields)
    {
        if (fields.Length > 1) fields = fields.RemoveAll(f => string.Equals(f.Field, model.Tenant, StringComparison.Ordinal));
        ImmutableArray<string> names = [.. fields.Select(f => f.Field)];
        if (!AreSingle(attribute, names)) return;
        Condition? where = attribute.Expression("where");
        if (model.Indexes.Exists(i => i.Fields.SequenceEqual(fields) && Equals(i.Where, where)))
        {
            findings.Error(attribute.Source, Codes.NoEffect, attribute.Span, $"{string.Join(", ", names)}: indexed already", "remove it");
            return;
        }
        string suffix = string.Concat(fields.Select(f => f.Descending ? "_desc" : "")) + (where is null ? "" : "_where");
        model.Indexes.Add(new ModelIndex(IndexName(attribute, names, "index" + suffix), fields, where));
    }

    bool AreSingle(BoundAttribute attribute, ImmutableArray<string> fields)
    {
        foreach (string name in fields)
        {
            if (model.FieldsByName[name] is { IsBroken: false, Field: { IsJsonStored: true } field })
            {
                findings.Error(attribute.Source, Codes.AttributeType, attribute.Span,
                    $"{attribute.Name} does not fit '{name}', which is {field.Type.Name}{(field.IsList ? "[]" : "")}",
                    "it is for single values");
                return false;
            }
        }
        return true;
    }

    string IndexName(BoundAttribute attribute, ImmutableArray<string> fields, string suffix)
    {
        if (attribute.Has("name") && FieldBinder.DatabaseName(attribute, "name", findings) is { } given) return given;
        string columns = string.Join('_', fields.Select(f => model.FieldsByName[f].Field.Column));
        return DatabaseNames.Fit($"{model.Table}_{columns}_{suffix}");
    }

    void BindFullText()
    {
        if (model.Attribute("@@fulltext") is not { } attribute) return;
        var fields = relations.ExpandNames(model, attribute, attribute.Fields("fields"));
        foreach (string name in fields)
        {
            if (model.FieldsByName[name] is { IsBroken: true }) continue;
            Field field = model.FieldsByName[name].Field;
            string? wrong = field.IsList || field.Type.Name is not ("String" or "Text")
                ? $"is {field.Type.Name}{(field.IsList ? "[]" : "")}, not String or Text"
                : field.IsServerOnly ? "is @serverOnly, and a search would tell what it holds"
                : null;
            if (wrong is not null) findings.Error(attribute.Source, Codes.AttributeType, attribute.SpanOf("fields"),
                $"'{name}' cannot be searched: it {wrong}");
        }
        int ruled = fields.Count(name => model.FieldsByName[name].Field.IsRuled(FieldAccess.Read));
        if (ruled > Limits.RuledSearchFields)
            findings.Error(attribute.Source, Codes.LimitExceeded, attribute.SpanOf("fields"),
                $"{ruled} of the fields have rules for reading; a search can follow {Limits.RuledSearchFields}",
                "leave some of them out of @@fulltext");
        model.FullText = fields;
    }

    void BindChecks()
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (BoundAttribute attribute in model.All("@@check"))
        {
            string? name = attribute.Has("name") ? FieldBinder.DatabaseName(attribute, "name", findings) : null;
            name ??= DatabaseNames.Fit(string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{model.Table}_check_{model.Checks.Count + 1}"));
            if (!names.Add(name)) findings.Error(attribute.Source, Codes.DuplicateName, attribute.Span,
                $"'{name}' is a check of {model.Name} already");
            if (attribute.Expression("condition") is { } condition) model.Checks.Add(new ModelCheck(name, condition));
        }
    }

    void BindRules()
    {
        foreach (BoundAttribute attribute in model.Attributes)
        {
            if (attribute.Name is not ("@@allow" or "@@deny")) continue;
            var operations = attribute.Operations("operations");
            Condition? when = attribute.Expression("when"), after = attribute.Expression("after");
            if (when is null && after is null)
            {
                findings.Error(attribute.Source, Codes.MissingArgument, attribute.Span, $"{attribute.Name} needs a condition",
                    "true is everyone");
                continue;
            }
            bool changes = operations.Any(o => o is Operation.Create or Operation.Update or Operation.Restore);
            if (after is not null && !changes)
                findings.Error(attribute.Source, Codes.NoEffect, attribute.SpanOf("after"),
                    "'after:' has no effect: these operations leave no row behind", "it is for create, update and restore");
            if (model.IsProjection && operations.Any(static o => o is not (Operation.List or Operation.Get)))
            {
                findings.Error(attribute.Source, Codes.NoEffect, attribute.SpanOf("operations"),
                    $"nobody writes to {model.Name}: the engine keeps it", "a projection has rules for read, list and get");
                continue;
            }
            // "all" says restore by the way, and a list of operations was meant where it is named.
            bool isNamed = operations.Contains(Operation.Purge)
                || (operations.Contains(Operation.Restore) && !operations.Contains(Operation.Delete));
            if (isNamed && !model.IsSoftDelete)
                findings.Error(attribute.Source, Codes.NoEffect, attribute.SpanOf("operations"),
                    $"{model.Name} has no @@softDelete: there is nothing to restore or purge");
            RuleEffect effect = attribute.Name == "@@allow" ? RuleEffect.Allow : RuleEffect.Deny;
            model.Rules.Add(new AccessRule(effect, operations, when, after) { Message = attribute.Text("message"), Span = attribute.Span });
        }
        bool wasMeant = model.Syntax.Members.Any(m => m is ModelAttributeSyntax { Attribute.Name.Text: "allow" });
        if (!model.Rules.Exists(r => r.Effect == RuleEffect.Allow) && !wasMeant && !model.IsIncomplete)
        {
            findings.Warning(model.Source, Codes.UnreachableModel, model.Span,
                $"{model.Name} has no @@allow: nobody but the system can reach it",
                "add a rule, as in @@allow(\"read\", auth != null)");
        }
    }

    void CheckRenames()
    {
        Dictionary<string, string> former = new(StringComparer.Ordinal);
        foreach (FieldDraft draft in model.Fields)
        {
            if (draft.Field.RenamedFrom is not { } old || draft.Attribute("@renamedFrom") is not { } attribute) continue;
            if (model.FieldsByName.ContainsKey(old))
                findings.Error(attribute.Source, Codes.NameCollision, attribute.SpanOf("old"), $"'{old}' is still a field of {model.Name}");
            else if (!former.TryAdd(old, draft.Field.Name))
                findings.Error(attribute.Source, Codes.DuplicateName, attribute.SpanOf("old"),
                    $"'{former[old]}' was renamed from '{old}' too");
        }
    }
}
