using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// Resolves the names of one request against the schema and holds it to the bounds: a <see cref="ReadShape"/>, or the first fault. It
/// looks at no value and at no caller: the schema is as the caller sees it, so whatever they may not know of is unknown here already.
/// </summary>
sealed class ReadResolver
{
    readonly AppSchema _schema;
    readonly Limits _limits;
    readonly ReadRequest _request;
    readonly ImmutableArray<FilterForm> _forms;
    readonly List<RuleNeed> _needs = [];
    int _formsTaken;
    int _includes;

    ReadResolver(AppSchema schema, Limits limits, ReadRequest request, ImmutableArray<FilterForm> forms) =>
        (_schema, _limits, _request, _forms) = (schema, limits, request, forms);

    /// <param name="schema">Whose names they are.</param>
    /// <param name="limits">Bounds of the shape: hops, sort keys, includes.</param>
    /// <param name="model">The model that the request names.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="forms">Its CEL texts, checked: the root's, then those of the includes in the order they are written.</param>
    public static Result<ReadShape> Resolve(
        AppSchema schema, Limits limits, Model model, ReadRequest request, ImmutableArray<FilterForm> forms) =>
        new ReadResolver(schema, limits, request, forms).Shape(model);

    Result<ReadShape> Shape(Model model)
    {
        if (Unfit() is { } unfit) return unfit;
        int need = Need(model, _request.Kind == ReadKind.Get ? Operation.Get : Operation.List);
        bool isList = _request.Kind == ReadKind.List;
        if (_request.Trashed != TrashMode.Without && !model.IsSoftDelete)
        {
            return Malformed("trashed", $"{model.Name} is deleted at once, it has no trash");
        }
        if (_request.Search is not null && model.FullText.IsEmpty)
        {
            return Malformed("search", $"{model.Name} has no @@fulltext fields to search");
        }

        if (Select(model, _request.Select, _request.Trashed != TrashMode.Without).Failed(out Fault? fault, out var fields)) return fault;
        FilterForm? form = TakeForm(_request.Filter);
        if (Terms(model).Failed(out fault, out var terms)) return fault;
        if (Sort(model, _request.Sort, complete: isList).Failed(out fault, out var sort)) return fault;
        if (Includes(model, _request.Include, depth: 1).Failed(out fault, out var includes)) return fault;
        if (Aggregate(model).Failed(out fault, out var aggregate)) return fault;

        LevelShape root = new()
        {
            Model = model,
            Fields = fields,
            IsWhole = _request.Select.IsEmpty && !model.Fields.Any(static f => f.IsUnreadable),
            Need = need,
            TrashNeeds = _request.Trashed == TrashMode.Without ? null : (Need(model, Operation.Restore), Need(model, Operation.Purge)),
            Trashed = _request.Trashed,
            Filter = ShortTerms.Merge(_schema, model, terms, form),
            FilterSlots = terms.Sum(static t => t.Values) + (form?.Literals.Length ?? 0),
            ShortTerms = terms,
            Sort = isList ? sort : [],
            Search = _request.Search is not null,
            Includes = includes,
        };
        return new ReadShape
        {
            Kind = _request.Kind,
            Root = root,
            Start = _request.After is not null ? PageStart.After
                : _request.Before is not null ? PageStart.Before
                : _request.Offset is not null ? PageStart.Offset : PageStart.First,
            Count = isList && model.IsPaged && _request.Count == CountMode.None ? CountMode.Exact : _request.Count,
            Aggregate = aggregate.Columns.IsDefault ? null : aggregate,
            IsPast = _request.AsOf is not null,
            Needs = [.. _needs],
            Includes = _includes,
        };
    }

    /// <summary>Parameters that mean nothing for this kind of read, or contradict each other, are refused: none is ever ignored.</summary>
    Fault? Unfit()
    {
        if (_request.Kind != ReadKind.List)
        {
            string? foreign = _request switch
            {
                { Sort.IsEmpty: false } => "sort",
                { Limit: not null } => "limit",
                { After: not null } => "after",
                { Before: not null } => "before",
                { Offset: not null } => "offset",
                { Count: not CountMode.None } => "count",
                { Kind: ReadKind.Get, Search: not null } => "search",
                { Kind: ReadKind.Get, Filter: not null } => "filter",
                { Kind: ReadKind.Get, ShortFilters.IsEmpty: false } => _request.ShortFilters[0].Field,
                { Kind: ReadKind.Aggregate, Select.IsEmpty: false } => "select",
                { Kind: ReadKind.Aggregate, Include.IsEmpty: false } => "include",
                { Kind: ReadKind.Aggregate, AsOf: not null } => "asOf",
                _ => null,
            };
            if (foreign is not null)
            {
                return Faults.UnknownParameter.Says(
                    $"'{foreign}' is not a parameter of {(_request.Kind == ReadKind.Get ? "one record" : "aggregate")}");
            }
        }
        if (_request is { AsOf: not null, Include.IsEmpty: false })
        {
            return Malformed("include", "asOf answers the records of one model as they were, so include cannot be combined with it");
        }
        int starts = (_request.After is null ? 0 : 1) + (_request.Before is null ? 0 : 1) + (_request.Offset is null ? 0 : 1);
        return starts > 1 ? Malformed("after", "only one of after, before and offset can say where the page starts") : null;
    }

    Result<ImmutableArray<Field>> Select(Model model, ImmutableArray<string> names, bool trashed)
    {
        if (names.IsEmpty) return DefaultFields(model, trashed);
        bool[] chosen = new bool[model.Fields.Length];
        foreach (string name in names)
        {
            if (FieldNames.Field(model, name).Failed(out Fault? fault, out Field? field)) return fault;
            chosen[field.Ordinal] = true;
        }
        foreach (Field key in model.KeyFields) chosen[key.Ordinal] = true;
        return model.Fields.Where(f => chosen[f.Ordinal]).ToImmutableArray();
    }

    static ImmutableArray<Field> DefaultFields(Model model, bool trashed) =>
        [.. FieldNames.Known(model).Where(f => trashed || !IsTrashMark(model, f))];

    static bool IsTrashMark(Model model, Field field) =>
        model.IsSoftDelete && field.IsImplied && string.Equals(field.Name, Model.DeletedAt, StringComparison.Ordinal);

    /// <summary>The form of the next CEL text, in the order of the request; its hops come under the caller's rules.</summary>
    FilterForm? TakeForm(string? text)
    {
        if (text is null) return null;
        FilterForm form = _forms[_formsTaken++];
        foreach (Model entered in form.Entered) Need(entered, Operation.List);
        return form;
    }

    Result<ImmutableArray<ShortTerm>> Terms(Model model)
    {
        ImmutableArray<ShortTerm>.Builder terms = ImmutableArray.CreateBuilder<ShortTerm>(_request.ShortFilters.Length);
        foreach (ShortFilter filter in _request.ShortFilters)
        {
            if (FieldNames.Path(_schema, model, filter.Field, _limits.Hops).Failed(out Fault? fault, out FieldPath? path)) return fault;
            if (ShortOperators.Find(filter).Failed(out fault, out ShortOperator op)) return fault;
            if (ShortOperators.Refusal(filter, op, path.Field) is { } refused) return refused;
            NeedHops(path);
            int values = op is ShortOperator.IsNull or ShortOperator.IsNotNull ? 0
                : ShortOperators.TakesList(op) ? ShortOperators.Slots(filter.Text.AsSpan().Count(',') + 1) : 1;
            terms.Add(new ShortTerm(path, op, values));
        }
        return terms.ToImmutable();
    }

    Result<ImmutableArray<SortTerm>> Sort(Model model, ImmutableArray<SortKey> keys, bool complete)
    {
        if (keys.Length > _limits.SortKeys)
        {
            return Faults.LimitExceeded.Says($"{keys.Length} sort keys, {_limits.SortKeys} are allowed (limits.sortKeys)");
        }
        ImmutableArray<SortTerm>.Builder terms = ImmutableArray.CreateBuilder<SortTerm>(keys.Length + 1);
        foreach (SortKey key in keys)
        {
            if (FieldNames.Path(_schema, model, key.Field, _limits.Hops).Failed(out Fault? fault, out FieldPath? path)) return fault;
            if (path.Field.IsJsonStored) return Malformed("sort", $"{key.Field} holds {path.Field.Type.Name} values, which have no order");
            if (key.Locale is not null)
            {
                return Malformed("sort", $"sort={key.Field}:{key.Locale}: sorting by a locale is not available in this version");
            }
            if (terms.Any(t => Same(t.Path, path))) return Malformed("sort", $"{key.Field} is named twice");
            NeedHops(path);
            terms.Add(new SortTerm(path, key.Descending));
        }
        if (complete) AppendKey(model, terms);
        return terms.ToImmutable();
    }

    /// <summary>
    /// The key makes the order total, so that a page has one place to go on from. It runs in the direction of the last key named.
    /// </summary>
    static void AppendKey(Model model, ImmutableArray<SortTerm>.Builder terms)
    {
        bool descending = terms.Count > 0 && terms[^1].Descending;
        foreach (Field field in model.KeyFields)
        {
            if (IsUnique(model, terms)) return;
            if (terms.Any(t => t.Path.IsOwn && t.Path.Field.Ordinal == field.Ordinal)) continue;
            terms.Add(new SortTerm(new FieldPath([], field), descending));
        }
    }

    /// <summary>The terms hold the whole key, or a unique key whose fields are never null: no two records are equal in them.</summary>
    static bool IsUnique(Model model, ImmutableArray<SortTerm>.Builder terms)
    {
        bool Holds(string name) => terms.Any(t => t.Path.IsOwn && string.Equals(t.Path.Field.Name, name, StringComparison.Ordinal));
        if (model.Key.All(Holds)) return true;

        // Unique keys of models with a trash hold among live records only, and a page may show both.
        return !model.IsSoftDelete && model.Uniques.Any(
            u => u.Where is null
                && u.Fields.All(name => Holds(name) && model.Field(name) is { IsNullable: false } f && !f.IsRuled(FieldAccess.Read)));
    }

    static bool Same(FieldPath a, FieldPath b) =>
        a.Field.Ordinal == b.Field.Ordinal && a.Relations.Length == b.Relations.Length
        && a.Relations.Zip(b.Relations).All(static p => ReferenceEquals(p.First, p.Second));

    Result<ImmutableArray<IncludeShape>> Includes(Model model, ImmutableArray<IncludeRequest> requested, int depth)
    {
        if (requested.IsEmpty) return ImmutableArray<IncludeShape>.Empty;
        if (depth > _limits.IncludeDepth)
        {
            return Faults.LimitExceeded.Says($"includes nest {_limits.IncludeDepth} levels at most (limits.includeDepth)");
        }
        ImmutableArray<IncludeShape>.Builder includes = ImmutableArray.CreateBuilder<IncludeShape>(requested.Length);
        foreach (IncludeRequest include in requested)
        {
            if (Include(model, include, depth).Failed(out Fault? fault, out IncludeShape? shape)) return fault;
            if (includes.Any(i => ReferenceEquals(i.Relation, shape.Relation)))
            {
                return Malformed("include", $"{include.Relation} is named twice");
            }
            includes.Add(shape);
        }
        return includes.ToImmutable();
    }

    Result<IncludeShape> Include(Model model, IncludeRequest include, int depth)
    {
        if (FieldNames.Relation(model, include.Relation).Failed(out Fault? fault, out Relation? relation)) return fault;
        int number = _includes++;
        if (_includes > _limits.Includes)
        {
            return Faults.LimitExceeded.Says($"one request includes {_limits.Includes} relations at most (limits.includes)");
        }
        bool single = relation.IsToOne;
        if (single && (include.Limit is not null || !include.Sort.IsEmpty || include.Filter is not null))
        {
            return Malformed("include", $"{include.Relation} leads to one record: limit, sort and filter are for relations to many");
        }

        Model target = _schema.TargetOf(relation);
        if (Select(target, include.Select, trashed: false).Failed(out fault, out var fields)) return fault;
        FilterForm? form = TakeForm(include.Filter);
        if (Sort(target, include.Sort, complete: !single).Failed(out fault, out var sort)) return fault;
        if (Includes(target, include.Include, depth + 1).Failed(out fault, out var nested)) return fault;
        LevelShape level = new()
        {
            Model = target,
            Fields = fields,
            IsWhole = include.Select.IsEmpty && !target.Fields.Any(static f => f.IsUnreadable),
            Need = Need(target, single ? Operation.Get : Operation.List),
            Filter = ShortTerms.Merge(_schema, target, [], form),
            FilterSlots = form?.Literals.Length ?? 0,
            Sort = sort,
            Includes = nested,
        };
        return new IncludeShape(relation, level, number, single)
        {
            ParentFields = [.. relation.Fields.Select(name => Known(model, name))],
            TargetFields = [.. relation.References.Select(name => Known(target, name))],
        };
    }

    Result<AggregateShape> Aggregate(Model model)
    {
        if (_request.Kind != ReadKind.Aggregate) return new AggregateShape([], false, default);
        AggregateRequest asked = _request.Aggregate ?? throw new InvalidOperationException("an aggregate without its terms");
        ImmutableArray<Field>.Builder groups = ImmutableArray.CreateBuilder<Field>();
        foreach (string name in asked.GroupBy)
        {
            // A relation that leads to one record stands for its key fields.
            if (model.Relation(name) is { IsOwning: true } relation)
            {
                groups.AddRange(relation.Fields.Select(f => Known(model, f)));
                continue;
            }
            if (FieldNames.Field(model, name).Failed(out Fault? fault, out Field? field)) return fault;
            if (field.IsJsonStored) return Malformed("groupBy", $"{name} holds {field.Type.Name} values, which are not grouped by");
            groups.Add(field);
        }
        if (groups.DistinctBy(static f => f.Ordinal).Count() != groups.Count) return Malformed("groupBy", "a field is named twice");
        if (groups.Count > _limits.SortKeys)
        {
            return Faults.LimitExceeded.Says($"{groups.Count} fields to group by, {_limits.SortKeys} are allowed (limits.sortKeys)");
        }
        ImmutableArray<AggregateColumn>.Builder columns = ImmutableArray.CreateBuilder<AggregateColumn>(asked.Terms.Length);
        foreach (AggregateTerm term in asked.Terms)
        {
            if (Column(model, term).Failed(out Fault? fault, out AggregateColumn? column)) return fault;
            if (!columns.Contains(column)) columns.Add(column);
        }
        if (columns.Count > _limits.Parameters)
        {
            return Faults.LimitExceeded.Says($"{columns.Count} aggregates, {_limits.Parameters} are allowed");
        }
        if (!asked.Count && columns.Count == 0) return Malformed("count", "an aggregate asks for count, sum, avg, min or max");
        return new AggregateShape(groups.ToImmutable(), asked.Count, columns.ToImmutable());
    }

    static Result<AggregateColumn> Column(Model model, AggregateTerm term)
    {
        if (FieldNames.Field(model, term.Field).Failed(out Fault? fault, out Field? field)) return fault;
        AggregateFunction function;
        switch (term.Function)
        {
            case "sum": function = AggregateFunction.Sum; break;
            case "avg": function = AggregateFunction.Average; break;
            case "min": function = AggregateFunction.Min; break;
            case "max": function = AggregateFunction.Max; break;
            default:
                return Faults.UnknownParameter.Says($"'{term.Function}' is not an aggregate; there are count, sum, avg, min and max");
        }
        ValueKind kind = field.Type is ScalarFieldType { Scalar.Kind: var scalar } ? scalar : ValueKind.String;
        bool isNumber = kind is ValueKind.Int or ValueKind.Decimal or ValueKind.Double;
        if (field.IsJsonStored || (function is AggregateFunction.Sum or AggregateFunction.Average && !isNumber))
        {
            return Malformed(term.Function, $"{term.Function} is not for {term.Field}, which holds {field.Type.Name} values");
        }
        return new AggregateColumn(function, field);
    }

    int Need(Model model, Operation operation)
    {
        int found = _needs.FindIndex(n => n.Field is null && n.Operation == operation && ReferenceEquals(n.Model, model));
        if (found >= 0) return found;
        _needs.Add(new RuleNeed(model, operation));
        int added = _needs.Count - 1;
        // Whichever of its fields the request reads, and at whatever place: it may depend on the record whether it is there.
        foreach (Field field in model.Fields)
        {
            if (field.IsRuled(FieldAccess.Read) && !_needs.Exists(n => ReferenceEquals(n.Field, field)))
                _needs.Add(new RuleNeed(model, operation, field));
        }
        return added;
    }

    /// <summary>Each model that a path enters is entered under the caller's rule for it.</summary>
    void NeedHops(FieldPath path)
    {
        foreach (Relation relation in path.Relations) Need(_schema.TargetOf(relation), Operation.List);
    }

    static Field Known(Model model, string name) =>
        model.Field(name)
        ?? throw new InvalidOperationException($"{model.Name}: the binder admitted a relation over '{name}', which is no field");

    static Fault Malformed(string parameter, string message) =>
        Faults.MalformedParameter.Says(message) with { Details = [new FaultDetail(parameter, Faults.MalformedParameter.Code, message)] };
}
