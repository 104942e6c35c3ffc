using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// <c>projection Name from Model { … }</c> → a model that the engine keeps: the keys and what is kept become its fields, and beside them
/// hidden ones that the engine counts by. Runs when the fields of models are known; what the expressions say is checked with all others
/// (<see cref="ConditionChecker"/>).
/// </summary>
sealed class ProjectionBinder(Declarations declarations, FieldBinder fields, Findings findings)
{
    static readonly Dictionary<string, ProjectedFunction> s_functions = new(StringComparer.Ordinal)
    {
        ["count"] = ProjectedFunction.Count,
        ["sum"] = ProjectedFunction.Sum,
        ["min"] = ProjectedFunction.Min,
        ["max"] = ProjectedFunction.Max,
        ["avg"] = ProjectedFunction.Average,
    };

    readonly List<ProjectedKey> _keys = [];
    readonly List<ProjectedAggregate> _aggregates = [];

    /// <param name="model">The projection.</param>
    /// <param name="members">Its members, as many as may be.</param>
    public void Bind(ModelDraft model, IEnumerable<MemberSyntax> members)
    {
        ModelDraft? source = SourceOf(model);
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (MemberSyntax member in members)
        {
            if (member is FieldSyntax field) BindField(model, source, field, seen);
            else if (member is ModelAttributeSyntax { Attribute: var attribute }) BindAttribute(model, attribute);
            else if (member is UseSyntax use)
                findings.Error(use.Source, Codes.MisplacedAttribute, use.Mixin.Span, "'use' stands in a model or a mixin");
        }
        bool wasKeyMeant = model.Syntax.Members.Any(static m => m is FieldSyntax { IsKey: true }) || model.IsIncomplete;
        if (_keys.Count == 0 && !wasKeyMeant)
        {
            findings.Error(model.Source, Codes.MissingKey, model.Span, $"{model.Name} has no key: nothing says what is counted together",
                "add: key and a field of the model, as in key stage");
        }
        model.KeyState = _keys.Count > 0 ? KeyState.Resolved : KeyState.Broken;
        model.Key = [.. _keys.Select(static k => k.Field)];
        if (source is null || model.KeyState == KeyState.Broken) return;
        BindTenant(model, source);
        foreach (ProjectedAggregate aggregate in _aggregates) AddHidden(model, aggregate);
        Hide(model, Projection.Records, new ScalarFieldType(BigIntType.It));
        model.ProjectedFrom = source;
        model.Projection = new Projection(source.Name, model.Attribute("@@where")?.Expression("condition"), [.. _keys], [.. _aggregates],
            IsInline: model.Attribute("@@inline") is not null);
    }

    /// <summary>
    /// What is smallest or largest is looked up anew when the record that held it goes: along an index of the model, which the projection
    /// brings with it.
    /// </summary>
    public static void AddIndexes(ModelDraft model)
    {
        if (model is not { Projection: { } projection, ProjectedFrom: { } source }) return;
        ImmutableArray<string> keys = [.. projection.Keys.Select(k => k.Value.Text).Where(source.FieldsByName.ContainsKey)];
        foreach (ProjectedAggregate aggregate in projection.Aggregates)
        {
            bool isExtreme = aggregate.Function is ProjectedFunction.Min or ProjectedFunction.Max;
            if (!isExtreme || aggregate.Value is not { Text: var name } || !source.FieldsByName.ContainsKey(name)) continue;
            ImmutableArray<string> indexed = [.. keys.Add(name).Distinct(StringComparer.Ordinal)];
            if (indexed.Any(f => source.FieldsByName[f].Field.IsJsonStored)) continue;
            bool isThere = source.Indexes.Exists(i => i.Where is null
                && i.Fields.Take(indexed.Length).Select(static f => f.Field).SequenceEqual(indexed));
            if (isThere) continue;
            string columns = string.Join('_', indexed.Select(f => source.FieldsByName[f].Field.Column));
            source.Indexes.Add(new ModelIndex(DatabaseNames.Fit($"{source.Table}_{columns}_projected"),
                [.. indexed.Select(static f => new IndexedField(f, false))]));
        }
    }

    ModelDraft? SourceOf(ModelDraft model)
    {
        if (model.Syntax.From is not { } from)
        {
            model.IsIncomplete = true;
            return null;
        }
        if (declarations.Models.TryGetValue(from.Text, out ModelDraft? source) && !source.IsProjection) return source;
        model.IsIncomplete = true;
        bool isProjection = source is not null;
        findings.Error(model.Source, Codes.UnknownType, from.Span, isProjection
            ? $"'{from.Text}' is a projection, and projections are made from models" : $"there is no model '{from.Text}' to project",
            isProjection ? $"write from {source!.Syntax.From?.Text}" : findings.DidYouMean(from.Text,
                declarations.Models.Values.Where(static m => !m.IsProjection).Select(static m => m.Name)));
        return null;
    }

    void BindAttribute(ModelDraft model, AttributeSyntax attribute)
    {
        if (FieldBinder.Find(attribute, AttributeTargets.Projection, findings) is not { } spec) return;
        if (!spec.Repeats && model.Attribute(spec.Name) is not null)
            findings.Error(attribute.Source, Codes.DuplicateAttribute, attribute.Span, $"{spec.Name} stands twice on {model.Name}");
        else if (ArgumentReader.Read(spec, attribute, findings) is { } bound)
            model.Attributes.Add(bound);
    }

    void BindField(ModelDraft model, ModelDraft? source, FieldSyntax syntax, HashSet<string> seen)
    {
        if (!seen.Add(syntax.Name.Text))
        {
            findings.Error(syntax.Source, Codes.DuplicateName, syntax.Name.Span,
                $"'{syntax.Name.Text}' is a field of {model.Name} already");
            return;
        }
        // ?count= asks a list for its number; of a projection that counts, the field is filtered by in the other forms.
        bool isGood = syntax.Name.Text == "count" || declarations.CheckFieldName(syntax.Source, syntax.Name);
        FieldType? type = syntax.Type is null && syntax.IsKey ? TypeOfKey(model, source, syntax) : TypeOf(source, syntax);
        AttributeTargets target = syntax.IsKey ? AttributeTargets.CountedBy : AttributeTargets.Kept;
        if (type is null)
        {
            fields.ReadAttributes(syntax, target, [], type: null, isList: false);
            model.IsIncomplete = true;
            return;
        }
        FieldDraft draft = new(syntax.Source, syntax.Name, new Field
        {
            Name = syntax.Name.Text,
            Column = Names.SnakeCase(syntax.Name.Text),
            Type = type,
            IsNullable = syntax.Type?.IsOptional ?? false,
            IsList = syntax.Type?.IsList ?? false,
            IsReadonly = true,
            Doc = syntax.Doc,
            Span = syntax.Name.Span,
        }) { IsBroken = !isGood };
        fields.ReadAttributes(syntax, target, draft.Attributes, type, draft.Field.IsList);
        fields.Apply(draft);
        model.Add(draft);
        if (syntax.IsKey)
        {
            _keys.Add(new ProjectedKey(syntax.Name.Text, syntax.Value is { } value ? ConditionOf(syntax.Source, value.Tokens)
                : new Condition(syntax.Name.Text, syntax.Source, syntax.Name.Span)));
        }
        else if (Aggregate(syntax) is { } aggregate)
        {
            _aggregates.Add(aggregate);
        }
    }

    FieldType? TypeOf(ModelDraft? source, FieldSyntax syntax)
    {
        if (DecimalOf(source, syntax) is { } known) return known;
        Named? named = syntax.Type is null ? null : declarations.Resolve(syntax.Source, syntax.Type);
        if (named is Named.Related { Model: var related })
            findings.Error(syntax.Source, Codes.BadRelation, syntax.Type!.Span, $"a projection holds values, and {related.Name} is a model",
                "hold its key instead");
        return (named as Named.Stored)?.Type;
    }

    /// <summary>Of <c>Decimal</c> without digits, where the field that is taken says how many: as many as there is room for.</summary>
    static ScalarFieldType? DecimalOf(ModelDraft? source, FieldSyntax syntax)
    {
        if (syntax is not { IsKey: false, Type: { Name.Text: "Decimal", Parameters.IsDefault: true }, Value.Tokens: { Count: 4 } tokens })
            return null;
        FieldType? taken = source?.FieldsByName.GetValueOrDefault(syntax.Source.Slice(tokens[2].Span))?.Field.Type;
        if (taken is not ScalarFieldType { Scalar: DecimalType own } || !s_functions.TryGetValue(
            syntax.Source.Slice(tokens[0].Span), out ProjectedFunction function)) return null;
        return function switch
        {
            ProjectedFunction.Sum => new ScalarFieldType(new DecimalType(DecimalType.PrecisionMax, own.Scale)),
            ProjectedFunction.Average when own.Scale + Projection.AverageDigits <= DecimalType.PrecisionMax =>
                new ScalarFieldType(new DecimalType(DecimalType.PrecisionMax, own.Scale + Projection.AverageDigits)),
            ProjectedFunction.Min or ProjectedFunction.Max => new ScalarFieldType(own),
            _ => null,
        };
    }

    /// <summary>Of <c>key stage</c>: that of the field.</summary>
    FieldType? TypeOfKey(ModelDraft model, ModelDraft? source, FieldSyntax syntax)
    {
        string name = syntax.Name.Text;
        if (source is null || source.BrokenNames.Contains(name)) return null;
        if (source.FieldsByName.TryGetValue(name, out FieldDraft? field))
        {
            if (field.Field.IsNullable)
            {
                findings.Error(syntax.Source, Codes.BadKey, syntax.Name.Span,
                    $"{source.Name}.{name} may be null, and a key is always there",
                    $"say what stands for null, as in key {name} {field.Field.Type.Name} = {name} == null ? \"none\" : {name}");
                return null;
            }
            return field.Field.Type;
        }
        if (source.IsIncomplete) return null;
        string? hint = source.RelationsByName.ContainsKey(name) ? $"a relation's key is a field: {name}Id"
            : findings.DidYouMean(name, source.FieldsByName.Keys);
        findings.Error(syntax.Source, Codes.UnknownField, syntax.Name.Span, $"{source.Name} has no field '{name}'",
            hint ?? $"what is not a field is written key {name} String = …");
        return null;
    }

    ProjectedAggregate? Aggregate(FieldSyntax syntax)
    {
        if (syntax.Value is not { } value) return null;
        ArraySegment<Token> tokens = value.Tokens;
        bool isCall = tokens.Count >= 3 && tokens[0].Kind == TokenKind.Name && tokens[1].Kind == TokenKind.OpenParen
            && ClosesAtTheEnd(tokens);
        string name = tokens[0].Kind == TokenKind.Name ? syntax.Source.Slice(tokens[0].Span) : "";
        if (!isCall || !s_functions.TryGetValue(name, out ProjectedFunction function))
        {
            findings.Error(syntax.Source, isCall ? Codes.UnknownFunction : Codes.BadArgument, value.Span,
                isCall ? $"there is no aggregate '{name}'" : "what is kept is one aggregate: count(), sum(…), min(…), max(…) or avg(…)",
                isCall ? findings.DidYouMean(name, s_functions.Keys) ?? "count(), sum(…), min(…), max(…), avg(…)"
                    : "what records are counted by is written with key before it");
            return null;
        }
        ArraySegment<Token> inner = tokens[2..^1];
        if (inner.Count > 0) return new ProjectedAggregate(syntax.Name.Text, function, ConditionOf(syntax.Source, inner));
        if (function == ProjectedFunction.Count) return new ProjectedAggregate(syntax.Name.Text, function, null);
        findings.Error(syntax.Source, Codes.MissingArgument, value.Span, $"{name}() of what?",
            $"write {name}(…) with a field of the model");
        return null;
    }

    /// <summary>The parenthesis behind the name is closed by the last one: <c>sum(a) + sum(b)</c> is no call.</summary>
    static bool ClosesAtTheEnd(ArraySegment<Token> tokens)
    {
        int depth = 0;
        for (int i = 1; i < tokens.Count; i++)
        {
            if (tokens[i].Kind is TokenKind.OpenParen) depth++;
            if (tokens[i].Kind is TokenKind.CloseParen && --depth == 0) return i == tokens.Count - 1;
        }
        return false;
    }

    static Condition ConditionOf(SourceText source, ArraySegment<Token> tokens) =>
        new(Spacing.Flat(source, tokens), source, Span.Between(tokens[0].Start, tokens[^1].End));

    static void BindTenant(ModelDraft model, ModelDraft source)
    {
        if (source.Tenant is not { } tenant) return;
        model.Tenant = tenant;
        if (model.FieldsByName.ContainsKey(tenant)) return;
        FieldDraft theirs = source.FieldsByName[tenant];
        Field field = theirs.Field with { IsImplied = true, IsServerOnly = true, Span = model.Span };
        model.Add(new FieldDraft(model.Source, theirs.Name, field));
    }

    static void AddHidden(ModelDraft model, ProjectedAggregate aggregate)
    {
        if (aggregate.Function is ProjectedFunction.Sum or ProjectedFunction.Average)
            Hide(model, Projection.CountOf(aggregate.Field), new ScalarFieldType(BigIntType.It));
        if (aggregate.Function != ProjectedFunction.Average) return;
        FieldType declared = model.FieldsByName[aggregate.Field].Field.Type;
        int scale = declared is ScalarFieldType { Scalar: DecimalType { Scale: var digits } } ? digits - Projection.AverageDigits : -1;
        Hide(model, Projection.SumOf(aggregate.Field),
            new ScalarFieldType(scale < 0 ? BigIntType.It : new DecimalType(DecimalType.PrecisionMax, scale)));
    }

    static void Hide(ModelDraft model, string name, FieldType type) => model.Add(new FieldDraft(
        model.Source, new NameSyntax(name, model.Span), new Field
        {
            Name = name,
            Column = Names.SnakeCase(name),
            Type = type,
            IsServerOnly = true,
            IsImplied = true,
            Span = model.Span,
        }));
}
