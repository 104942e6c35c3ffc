using System.Collections.Immutable;
using System.Globalization;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Syntax of all files → the schema. Passes, in order: names are declared; types, unions and the members of models are bound; relations
/// and keys are resolved; what stands on models is applied; names that meet in the database or the URL space are compared; the schema is
/// built, and every condition in it is checked. A thing that was reported is marked broken, and nothing that depends on it is judged.
/// </summary>
sealed class Binder
{
    const int PageSizeMax = 10_000;

    const int VersionMax = 1_000_000;

    readonly PlatformModels _platform;
    readonly Findings _findings;
    readonly Limits _limits;
    readonly Declarations _declarations;
    readonly FieldBinder _fields;
    readonly List<BlockSyntax> _blocks;
    readonly Dictionary<SourceText, SourceText> _expressionSources = [];

    Binder(IReadOnlyCollection<SchemaSyntax> files, PlatformModels platform, Findings findings, Limits limits)
    {
        foreach (SchemaSyntax file in files.Concat(platform.Files)) _expressionSources[file.Source] = file.WithoutBlockComments();
        (_platform, _findings, _limits) = (platform, findings, limits);
        _declarations = new Declarations(findings);
        _fields = new FieldBinder(_declarations, findings);
        _blocks = [.. platform.Blocks, .. files.SelectMany(f => f.Blocks)];
    }

    /// <summary>The schema; when errors were found, as much of it as could be made, for nobody but the checks of conditions.</summary>
    public static AppSchema? Bind(
        IReadOnlyCollection<SchemaSyntax> files, PlatformModels platform, Findings findings, Limits limits) =>
        new Binder(files, platform, findings, limits).Run();

    AppSchema? Run()
    {
        if (_blocks.Count > _limits.SchemaBlocks)
        {
            BlockSyntax first = _blocks[_limits.SchemaBlocks];
            _findings.Error(first.Source, Codes.LimitExceeded, first.Head,
                $"more than {_limits.SchemaBlocks} blocks (limits.schemaBlocks)");
            return null;
        }
        foreach (BlockSyntax block in _blocks) _declarations.Add(block);
        MixinPourer mixins = new(_declarations, _findings, _limits);
        var app = Single<AppSyntax>("app");
        var (name, version, defaults, tenancy) = app is null ? ("app", 1, new AppDefaults(), null) : BindApp(app);
        AuthShape? auth = Single<RecordSyntax>("auth", r => r.Kind == RecordKind.Auth) is { } shape ? BindAuth(shape) : null;
        TenantBinder tenants = new(auth, app?.Source, tenancy, _findings);
        var types = ImmutableArray.CreateBuilder<EmbeddedType>();
        foreach (var (typeName, syntax) in _declarations.Types) types.Add(BindType(typeName, syntax));
        new EmbeddingCheck(_declarations, types, _findings).Run();
        var unions = BindUnions(types);
        List<ModelDraft> models = [.. _declarations.Models.Values.Where(static m => !m.IsProjection)];
        foreach (ModelDraft model in models) BindMembers(model, mixins);
        mixins.CheckUnused(this);
        foreach (ModelDraft model in models) tenants.Bind(model);
        RelationBinder relations = new(_findings);
        relations.Bind(models);
        foreach (ModelDraft model in _declarations.Models.Values.Where(static m => m.IsProjection))
            new ProjectionBinder(_declarations, _fields, _findings).Bind(model, Limited(model.Syntax, model.Syntax.Members));
        foreach (ModelDraft model in _declarations.Models.Values)
        {
            foreach (FieldDraft field in model.Fields) if (field.Field.IsImplied) _fields.Apply(field);
            new ModelBinder(model, relations, _findings).Bind();
        }
        new ErasureBinder(relations, _findings).Bind(_declarations.Models.Values);
        foreach (ModelDraft model in _declarations.Models.Values) ProjectionBinder.AddIndexes(model);
        CheckClaims(auth, types);
        if (_platform.HasUsers) CheckUserClaims(auth);
        new Collisions(_declarations.Models.Values, _findings).Check();
        ChannelBinder channels = new(_declarations, _findings);
        AppSchema schema = SchemaMaker.Make(
            (name, app?.Doc, version), defaults, auth, [.. _declarations.Enums.Values], types.ToImmutable(), unions,
            _declarations.Models.Values,
            [.. _declarations.Channels.Select(c => channels.Bind(c.Key, c.Value))], tenants.IsOn, _platform.HasUsers);
        tenants.CheckRelations(schema);
        CheckConditions(schema, channels);
        // Of a schema that is sound: what rules say is read as a whole.
        if (_platform.HasUsers && !_findings.HasErrors) new UserClaimGuard(schema, _findings).Check();
        return schema;
    }

    /// <summary>
    /// An access token carries of a user what the block <c>auth</c> names: the fields of these names. An optional claim may also be one
    /// that only the tokens of another issuer carry.
    /// </summary>
    void CheckUserClaims(AuthShape? auth)
    {
        if (Single<RecordSyntax>("auth", r => r.Kind == RecordKind.Auth) is not { } block) return;
        ModelDraft user = _declarations.Models[PlatformModels.User];
        if (auth?.Claim("id") is not { IsNullable: false, IsList: false, Type.Name: "Uuid" })
            _findings.Error(block.Source, Codes.UnknownClaim, block.Head, "users are known by auth.id, which 'auth' does not declare",
                "add: id Uuid");
        foreach (Field claim in auth?.Claims ?? [])
        {
            if (claim.Name == "id" || _declarations.BrokenMembers.Contains(("auth", claim.Name))) continue;
            if (!user.FieldsByName.TryGetValue(claim.Name, out FieldDraft? field))
            {
                if (claim.IsNullable) continue;
                _findings.Error(block.Source, Codes.UnknownClaim, claim.Span,
                    $"users have no field '{claim.Name}' that could be this claim",
                    _findings.DidYouMean(claim.Name, user.FieldsByName.Keys) ?? $"add it: extend User {{ {claim.Name} … }}");
            }
            else if (!field.IsBroken && (field.Field.IsServerOnly || field.Field.IsList != claim.IsList
                || !string.Equals(field.Field.Type.Name, claim.Type.Name, StringComparison.Ordinal)))
            {
                _findings.Error(block.Source, Codes.TypeMismatch, claim.Span, field.Field.IsServerOnly
                    ? $"'{claim.Name}' is @serverOnly in User, and a claim is told to whoever has the token"
                    : $"auth.{claim.Name} is {Spelling(claim)}, User.{claim.Name} is {Spelling(field.Field)}");
            }
        }
    }

    void CheckConditions(AppSchema schema, ChannelBinder channels)
    {
        HashSet<string> broken = new(StringComparer.Ordinal);
        foreach (ModelDraft draft in _declarations.Models.Values) broken.UnionWith(draft.BrokenNames);
        broken.UnionWith(_declarations.BrokenMembers.Select(m => m.Name));
        broken.UnionWith(channels.BrokenNames);
        ConditionChecker checker = new(schema, broken, _expressionSources, _findings, _limits);
        foreach (Model model in schema.Models)
        {
            checker.Check(model, name => _declarations.Models[name].IsIncomplete);
        }
        foreach (Channel channel in schema.Channels)
        {
            checker.Check(schema.ShapeOf(channel), _ => _declarations.Channels[channel.Name].IsBroken);
        }
    }

    T? Single<T>(string keyword, Func<T, bool>? where = null)
        where T : BlockSyntax
    {
        T? first = null;
        foreach (T block in _blocks.OfType<T>().Where(b => where is null || where(b)))
        {
            if (first is null) first = block;
            else _findings.Error(block.Source, Codes.DuplicateName, block.Head, $"a schema has one block '{keyword}'");
        }
        return first;
    }

    /// <summary>The place of <c>tenancy = row</c> is that of the setting's value; null without it.</summary>
    (string Name, int Version, AppDefaults Defaults, Span? Tenancy) BindApp(AppSyntax app)
    {
        Span? tenancy = null;
        int version = 1;
        AppDefaults defaults = new();
        foreach (SettingSyntax setting in app.Settings)
        {
            string value = setting.Settings.IsDefault ? app.Source.Slice(setting.Value.Span) : "";
            if (setting.Name.Text == "tenancy" && setting.Settings.IsDefault)
            {
                if (value == "row") tenancy = setting.Value.Span;
                else if (value != "none") _findings.Error(app.Source, Codes.UnknownValue, setting.Value.Span,
                    $"tenancy is none or row, not '{value}'", _findings.DidYouMean(value, ["none", "row"]));
            }
            else if (setting.Name.Text == "version" && setting.Settings.IsDefault)
            {
                if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out version) || version is < 1 or > VersionMax)
                    _findings.Error(app.Source, Codes.BadArgument, setting.Value.Span, $"version is a whole number from 1 to {VersionMax}");
            }
            else if (setting.Name.Text == "defaults" && !setting.Settings.IsDefault)
            {
                defaults = BindDefaults(app, setting);
            }
            else
            {
                _findings.Error(app.Source, Codes.UnknownSetting, setting.Name.Span, $"'app' has no setting '{setting.Name.Text}'",
                    _findings.DidYouMean(setting.Name.Text, ["tenancy", "version", "defaults"])
                        ?? "it has tenancy = …, version = … and defaults { … }");
            }
        }
        return (app.Name?.Text ?? "app", version, defaults, tenancy);
    }

    AppDefaults BindDefaults(AppSyntax app, SettingSyntax block)
    {
        AppDefaults defaults = new();
        foreach (SettingSyntax setting in block.Settings)
        {
            if (setting.Name.Text is not ("pageSize" or "maxPageSize") || !setting.Settings.IsDefault)
            {
                _findings.Error(app.Source, Codes.UnknownSetting, setting.Name.Span, $"'defaults' has no setting '{setting.Name.Text}'",
                    _findings.DidYouMean(setting.Name.Text, ["pageSize", "maxPageSize"]) ?? "it has pageSize and maxPageSize");
            }
            else if (!int.TryParse(app.Source.Slice(setting.Value.Span), NumberStyles.None, CultureInfo.InvariantCulture, out int size)
                || size is < 1 or > PageSizeMax)
            {
                _findings.Error(app.Source, Codes.BadArgument, setting.Value.Span,
                    $"{setting.Name.Text} is a whole number from 1 to {PageSizeMax}");
            }
            else
            {
                defaults = setting.Name.Text == "pageSize" ? defaults with { PageSize = size } : defaults with { MaxPageSize = size };
            }
        }
        if (defaults.PageSize > defaults.MaxPageSize)
        {
            _findings.Error(app.Source, Codes.BadArgument, block.Name.Span,
                $"pageSize ({defaults.PageSize}) is larger than maxPageSize ({defaults.MaxPageSize})");
        }
        return defaults;
    }

    AuthShape BindAuth(RecordSyntax syntax)
    {
        var claims = BindPlainFields(syntax, "auth", target: 0);
        foreach (Field claim in claims.Where(static c => c.Type is UnionFieldType))
        {
            _findings.Error(syntax.Source, Codes.AttributeType, claim.Span, $"a claim has one shape, and {claim.Type.Name} has several",
                "write a type, or a claim for each of its fields");
        }
        return new AuthShape(syntax.Name?.Text ?? "Auth", claims);
    }

    EmbeddedType BindType(string name, RecordSyntax syntax)
    {
        var fields = BindPlainFields(syntax, name, AttributeTargets.Member);
        if (fields.IsEmpty && syntax.Members.IsEmpty) _findings.Error(syntax.Source, Codes.EmptyBlock, syntax.Head,
            $"the type {name} has no fields");
        return new EmbeddedType(name, fields) { Doc = syntax.Doc, Span = syntax.Head };
    }

    /// <summary>Fields without columns: of embedded types and of <c>auth</c>.</summary>
    ImmutableArray<Field> BindPlainFields(RecordSyntax syntax, string owner, AttributeTargets target)
    {
        var fields = ImmutableArray.CreateBuilder<Field>();
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (MemberSyntax member in Limited(syntax, syntax.Members))
        {
            if (member is ModelAttributeSyntax { Attribute: var misplaced })
            {
                _findings.Error(syntax.Source, Codes.MisplacedAttribute, misplaced.Span,
                    $"{misplaced.Spelling} does not stand in '{owner}'", "it stands in a model");
            }
            else if (member is UseSyntax use)
            {
                _findings.Error(syntax.Source, Codes.MisplacedAttribute, use.Mixin.Span, "'use' stands in a model or a mixin");
            }
            else if (member is FieldSyntax field && BindPlainField(field, owner, target) is { } bound && IsNew(seen, field, owner))
            {
                fields.Add(bound.Field with { Ordinal = fields.Count, Column = "" });
                if (bound.IsBroken) _declarations.BrokenMembers.Add((owner, bound.Field.Name));
            }
        }
        return fields.ToImmutable();
    }

    FieldDraft? BindPlainField(FieldSyntax field, string owner, AttributeTargets target)
    {
        bool isGood = _declarations.CheckMemberName(field.Source, field.Name);
        Named? named = field.Type is null ? null : _declarations.Resolve(field.Source, field.Type);
        if (named is Named.Related { Model: var model })
        {
            _findings.Error(field.Source, Codes.BadRelation, field.Type!.Span, $"'{owner}' holds values, and {model.Name} is a model",
                "hold its key instead");
        }
        if (named is not Named.Stored { Type: var type })
        {
            _declarations.BrokenMembers.Add((owner, field.Name.Text));
            return null;
        }
        FieldDraft draft = NewField(field, field.Type!, type);
        draft.IsBroken = !isGood;
        if (target == 0)
        {
            foreach (AttributeSyntax attribute in field.Attributes)
                _findings.Error(field.Source, Codes.MisplacedAttribute, attribute.Span,
                    $"claims take no attributes: {attribute.Spelling} has no meaning here", "remove it");
            return draft;
        }
        _fields.ReadAttributes(field, target, draft.Attributes, type, draft.Field.IsList);
        _fields.Apply(draft);
        if (draft.Field.Default is not (null or LiteralDefault))
        {
            _findings.Error(field.Source, Codes.MisplacedAttribute, draft.Attribute("@default")!.Span,
                "the default of a value's field is a literal: now(), ids and claims belong to records");
        }
        return draft;
    }

    bool IsNew(HashSet<string> seen, FieldSyntax field, string owner)
    {
        if (seen.Add(field.Name.Text)) return true;
        _findings.Error(field.Source, Codes.DuplicateName, field.Name.Span, $"'{field.Name.Text}' is a field of {owner} already");
        return false;
    }

    /// <summary>Members up to the limit; that there are more is reported.</summary>
    IEnumerable<MemberSyntax> Limited(RecordSyntax syntax, IReadOnlyCollection<MemberSyntax> members)
    {
        if (members.Count <= _limits.SchemaFields) return members;
        _findings.Error(syntax.Source, Codes.LimitExceeded, syntax.Head,
            $"more than {_limits.SchemaFields} members (limits.schemaFields)");
        return members.Take(_limits.SchemaFields);
    }

    static FieldDraft NewField(FieldSyntax syntax, TypeSyntax written, FieldType type) => new(syntax.Source, syntax.Name, new Field
    {
        Name = syntax.Name.Text,
        Column = Names.SnakeCase(syntax.Name.Text),
        Type = type,
        IsNullable = written.IsOptional,
        IsList = written.IsList,
        Doc = syntax.Doc,
        Span = syntax.Name.Span,
    });

    ImmutableArray<UnionType> BindUnions(ImmutableArray<EmbeddedType>.Builder types)
    {
        var unions = ImmutableArray.CreateBuilder<UnionType>();
        Dictionary<string, EmbeddedType> byName = types.ToDictionary(t => t.Name, StringComparer.Ordinal);
        foreach (var (name, syntax) in _declarations.Unions)
        {
            var variants = ImmutableArray.CreateBuilder<string>();
            HashSet<string> seen = new(StringComparer.Ordinal);
            foreach (NameSyntax variant in syntax.Variants)
            {
                if (!byName.TryGetValue(variant.Text, out EmbeddedType? type))
                    _findings.Error(syntax.Source, Codes.UnknownType, variant.Span, $"a union joins types; '{variant.Text}' is none",
                        _findings.DidYouMean(variant.Text, byName.Keys));
                else if (!seen.Add(variant.Text))
                    _findings.Error(syntax.Source, Codes.DuplicateName, variant.Span, $"'{variant.Text}' stands twice in {name}");
                else if (type.Field("type") is not null)
                    _findings.Error(syntax.Source, Codes.NameCollision, variant.Span,
                        $"{variant.Text} has a field 'type', which is where a union keeps the name of the variant", "rename the field");
                else
                    variants.Add(variant.Text);
            }
            unions.Add(new UnionType(name, variants.ToImmutable()) { Doc = syntax.Doc, Span = syntax.Head });
        }
        return unions.ToImmutable();
    }

    /// <summary>Sorts the members of a model, mixins poured in, into fields, relations and attributes.</summary>
    public void BindMembers(ModelDraft model, MixinPourer mixins)
    {
        List<MemberSyntax> members = mixins.Members(model);
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (MemberSyntax member in Limited(model.Syntax, members))
        {
            if (member is FieldSyntax field)
            {
                if (!IsNew(seen, field, model.Name)) continue;
                BindModelField(model, field);
            }
            else if (member is ModelAttributeSyntax { Attribute: var attribute }
                && FieldBinder.Find(attribute, AttributeTargets.Model, _findings) is { } spec)
            {
                if (!spec.Repeats && model.Attribute(spec.Name) is not null)
                    _findings.Error(attribute.Source, Codes.DuplicateAttribute, attribute.Span,
                        $"{spec.Name} stands twice on {model.Name}");
                else if (ArgumentReader.Read(spec, attribute, _findings) is { } bound)
                    model.Attributes.Add(bound);
            }
        }
    }

    void BindModelField(ModelDraft model, FieldSyntax syntax)
    {
        bool isGood = _declarations.CheckFieldName(syntax.Source, syntax.Name);
        Named? named = syntax.Type is null ? null : _declarations.Resolve(syntax.Source, syntax.Type);
        switch (named)
        {
            case Named.Stored { Type: var type }:
                FieldDraft draft = NewField(syntax, syntax.Type!, type);
                draft.IsBroken = !isGood;
                _fields.ReadAttributes(syntax, AttributeTargets.Field, draft.Attributes, type, draft.Field.IsList);
                _fields.Apply(draft);
                model.Add(draft);
                break;
            case Named.Related { Model: var target }:
                RelationDraft relation = new(model, target, syntax) { IsList = syntax.Type!.IsList, IsOptional = syntax.Type.IsOptional };
                _fields.ReadAttributes(syntax, relation.IsList ? AttributeTargets.OtherSide
                    : AttributeTargets.Relation | AttributeTargets.OtherSide,
                    relation.Attributes, type: null, isList: false);
                model.Relations.Add(relation);
                model.RelationsByName[relation.Name] = relation;
                break;
            default:
                // Its attributes are judged all the same: they are mistakes of their own.
                _fields.ReadAttributes(syntax, AttributeTargets.Field | AttributeTargets.Relation, [], type: null, isList: false);
                model.BrokenNames.Add(syntax.Name.Text);
                model.BrokenNames.Add(syntax.Name.Text + "Id");
                break;
        }
    }

    void CheckClaims(AuthShape? auth, ImmutableArray<EmbeddedType>.Builder types)
    {
        foreach (PendingClaim claim in _declarations.PendingClaims)
        {
            ImmutableArray<Field> scope = auth?.Claims ?? [];
            string path = "auth." + string.Join('.', claim.Path);
            Field? found = null;
            foreach (string part in claim.Path)
            {
                found = scope.FirstOrDefault(c => string.Equals(c.Name, part, StringComparison.Ordinal));
                if (found is null) break;
                scope = found.Type is EmbeddedFieldType { TypeName: var name } ? types.First(t => t.Name == name).Fields : [];
            }
            if (found is null && auth is not null && _declarations.BrokenMembers.Contains(("auth", claim.Path[0]))) continue;
            if (found is null)
            {
                _findings.Error(claim.Source, Codes.UnknownClaim, claim.Span,
                    auth is null ? $"{path}: the schema has no block 'auth'" : $"'auth' has no claim '{path[5..]}'",
                    auth is null ? "add: auth { id Uuid … }" : _findings.DidYouMean(claim.Path[^1], scope.Select(c => c.Name)));
            }
            else if (found.IsList != claim.Field.IsList || !string.Equals(found.Type.Name, claim.Field.Type.Name, StringComparison.Ordinal))
            {
                string own = Spelling(claim.Field), theirs = Spelling(found);
                _findings.Error(claim.Source, Codes.TypeMismatch, claim.Span, $"{path} is {theirs}, '{claim.Field.Name}' is {own}");
            }
        }
    }

    static string Spelling(Field field) => field.IsList ? field.Type.Name + "[]" : field.Type.Name;
}
