using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>
/// A schema as a YAML file, in the words of Alyx where it has one. Written from the model, so that what a mixin or an implied key says
/// is said where it counts; comments are no part of a model. Whether the file says the same is held by who asks
/// (<see cref="YamlConversion"/>), not believed. Two files: this one writes blocks, <c>YamlFieldText</c> what stands on a line.
/// </summary>
sealed partial class YamlWriter(AppSchema schema)
{
    readonly StringBuilder _text = new();
    readonly Dictionary<string, string> _collections = new(StringComparer.Ordinal);

    public static string Write(AppSchema schema) => new YamlWriter(schema).Run();

    string Run()
    {
        Line("version: 1");
        App();
        Auth();
        Section("enums", schema.Enums, e => Words(e.Name, e.Values, "values", e.Doc));
        Section("types", schema.Types, Type);
        Section("unions", schema.Unions, u => Words(u.Name, u.Variants, "of", u.Doc));
        HashSet<string> taken = new(StringComparer.Ordinal);
        foreach (Model model in schema.Models) _collections[model.Name] = CollectionName(model, taken);
        if (schema.Models.IsEmpty) Line("collections: {}");
        else Section("collections", schema.Models, Collection);
        return _text.ToString();
    }

    void App()
    {
        YamlFlow app = new();
        AppDefaults usual = new();
        if (schema.Name != "app") app.Add("name", YamlText.Scalar(schema.Name));
        if (schema.Doc is { } doc) app.Add("description", YamlText.Scalar(doc));
        if (schema.Defaults.PageSize != usual.PageSize) app.Add("pageSize", Number(schema.Defaults.PageSize));
        if (schema.Defaults.MaxPageSize != usual.MaxPageSize) app.Add("maxPageSize", Number(schema.Defaults.MaxPageSize));
        if (schema.IsTenanted) app.Add("tenancy", "row");
        if (!app.IsEmpty) Line($"app: {app}");
    }

    void Auth()
    {
        if (schema.Auth is not { } auth)
        {
            Line("auth: none");
            return;
        }
        Line("auth:");
        if (auth.Name != "Auth") Line("  name: " + YamlText.Scalar(auth.Name));
        if (auth.Claims.IsEmpty) Line("  claims: {}");
        else Line("  claims:");
        foreach (Field claim in auth.Claims) Line($"    {claim.Name}: {Fields().Spec(claim)}");
    }

    static YamlFieldText Fields() => new();

    void Section<T>(string name, ImmutableArray<T> items, Action<T> write)
    {
        if (items.IsEmpty) return;
        Line($"\n{name}:");
        foreach (T item in items) write(item);
    }

    void Words(string name, ImmutableArray<string> words, string key, string? doc)
    {
        string list = YamlText.List(words);
        Line(doc is null ? $"  {name}: {list}" : $"  {name}: {{ description: {YamlText.Scalar(doc)}, {key}: {list} }}");
    }

    void Type(EmbeddedType type)
    {
        Line($"  {type.Name}:");
        if (type.Doc is { } doc) Line("    description: " + YamlText.Scalar(doc));
        Line(type.Fields.IsEmpty ? "    fields: {}" : "    fields:");
        foreach (Field field in type.Fields) Line($"      {field.Name}: {Fields().Spec(field)}");
    }

    /// <summary>Named after its route, which is how it is asked for, where that can be a name.</summary>
    static string CollectionName(Model model, HashSet<string> taken)
    {
        string name = CollectionForm().IsMatch(model.Route) ? model.Route : Names.Collection(model.Name);
        while (!taken.Add(name)) name += "_";
        return name;
    }

    void Collection(Model model)
    {
        string name = _collections[model.Name];
        Line($"  {name}:");
        string derived = YamlCollections.ModelName(name);
        if (model.Doc is { } doc) Line("    description: " + YamlText.Scalar(doc));
        if (derived != model.Name || YamlTypes.IsNative(derived)) Line("    model: " + YamlText.Scalar(model.Name));
        if (name.Replace('-', '_') != model.Table) Line("    table: " + YamlText.Scalar(model.Table));
        if (name != model.Route) Line("    route: " + YamlText.Scalar(model.Route));
        if (model.RenamedFrom is { } old) Line("    renamedFrom: " + YamlText.Scalar(old));
        bool isUsual = model.Tenant is { } tenant && model.Field(tenant) is { IsImplied: true };
        if (schema.IsTenanted && !isUsual) Line("    tenant: " + (model.Tenant ?? "none"));
        if (model.Subject is { } subject) Line("    subject: " + YamlText.Scalar(subject));
        if (model.AuditsReads) Line("    audit: true");
        if (model.IsPaged) Line("    paged: true");
        if (model.IsSoftDelete) Line("    softDelete: true");
        int uniques = InlineUniques(model), indexes = InlineIndexes(model);
        bool isKeyInline = model.Key is [var only] && model.Field(only) is { IsImplied: false };
        Line("    fields:");
        foreach (Field field in model.Fields.Where(f => !f.IsImplied))
        {
            YamlFieldText text = Fields();
            text.IsPrimary = isKeyInline && model.Key[0] == field.Name;
            text.Unique = model.Uniques.Take(uniques).FirstOrDefault(u => u.Fields[0] == field.Name) is { } unique
                ? Inline(unique.Code, unique.Name, IndexName(model, unique.Fields, "unique")) : null;
            text.Index = model.Indexes.Take(indexes).FirstOrDefault(i => i.Fields[0].Field == field.Name) is { } index
                ? Inline(null, index.Name, IndexName(model, [field.Name], "index")) : null;
            Line($"      {field.Name}: {text.Spec(field)}");
        }
        if (!isKeyInline) Line("    key: " + YamlText.List(Spelled(model, model.Key)));
        if (!model.Relations.IsEmpty) Line("    relations:");
        foreach (Relation relation in model.Relations) Line($"      {relation.Name}: {RelationText(model, relation)}");
        if (uniques < model.Uniques.Length || indexes < model.Indexes.Length) Line("    indexes:");
        foreach (UniqueKey unique in model.Uniques.Skip(uniques)) Line($"      - {UniqueText(model, unique)}");
        foreach (ModelIndex index in model.Indexes.Skip(indexes)) Line($"      - {IndexText(model, index)}");
        if (!model.FullText.IsEmpty) Line("    search: " + YamlText.List(model.FullText));
        Checks(model);
        Rules(model);
    }

    static string Inline(string? code, string name, string derived)
    {
        YamlFlow flow = new();
        if (code is not null) flow.Add("code", YamlText.Scalar(code));
        if (name != derived) flow.Add("name", YamlText.Scalar(name));
        return flow.IsEmpty ? "true" : flow.ToString();
    }

    /// <summary>How many uniques can stand on their fields: the binder reads those first, in the order of the fields.</summary>
    static int InlineUniques(Model model) =>
        Prefix(model, model.Uniques.Length, i => model.Uniques[i] is { Where: null, Fields: [var f] } ? f : null);

    static int InlineIndexes(Model model) =>
        Prefix(model, model.Indexes.Length, i => model.Indexes[i] is { Where: null, Fields: [{ Descending: false,
            Field: var f }] } ? f : null);

    static int Prefix(Model model, int count, Func<int, string?> fieldAt)
    {
        int last = -1, taken = 0;
        for (; taken < count; taken++)
        {
            if (fieldAt(taken) is not { } name || model.Field(name) is not { IsImplied: false } field || field.Ordinal <= last) break;
            last = field.Ordinal;
        }
        return taken;
    }

    static string IndexName(Model model, ImmutableArray<string> fields, string suffix) =>
        DatabaseNames.Fit($"{model.Table}_{string.Join('_', fields.Select(f => model.Field(f)!.Column))}_{suffix}");

    static string UniqueText(Model model, UniqueKey unique)
    {
        YamlFlow flow = new();
        flow.Add("fields", YamlText.List(unique.Fields));
        flow.Add("unique", "true");
        if (unique.Code is { } code) flow.Add("code", YamlText.Scalar(code));
        if (unique.Where is { } where) flow.Add("where", YamlText.Expression(where));
        if (unique.Name != IndexName(model, unique.Fields, "unique")) flow.Add("name", YamlText.Scalar(unique.Name));
        return flow.ToString();
    }

    static string IndexText(Model model, ModelIndex index)
    {
        YamlFlow flow = new();
        flow.Add("fields", "[" + string.Join(", ", index.Fields.Select(f => f.Descending ? $"{{ {f.Field}: desc }}" : f.Field)) + "]");
        if (index.Where is { } where) flow.Add("where", YamlText.Expression(where));
        string suffix = "index" + string.Concat(index.Fields.Select(f =>
            f.Descending ? "_desc" : "")) + (index.Where is null ? "" : "_where");
        if (index.Name != IndexName(model, [.. index.Fields.Select(f => f.Field)], suffix)) flow.Add("name", YamlText.Scalar(index.Name));
        return flow.ToString();
    }

    /// <summary>Names as a key or a reference writes them: fields that a relation adds are called by the relation.</summary>
    static ImmutableArray<string> Spelled(Model model, ImmutableArray<string> fields)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        foreach (string field in fields)
        {
            string name = field;
            if (model.Field(field) is { IsImplied: true })
                name = model.Relations.FirstOrDefault(r => r.IsOwning && r.Fields.Contains(field))?.Name ?? field;
            if (!names.Contains(name)) names.Add(name);
        }
        return names.ToImmutable();
    }

    string RelationText(Model model, Relation relation)
    {
        YamlFlow flow = new();
        Model target = schema.TargetOf(relation);
        flow.Add("to", YamlText.Scalar(_collections[target.Name]));
        if (!relation.IsOwning) flow.Add(relation.IsToOne ? "one" : "many", "true");
        else if (relation.IsOptional) flow.Add("optional", "true");
        if (PairName(model, relation, target) is { } pair) flow.Add("name", YamlText.Scalar(pair));
        if (relation.IsOwning) Owning(model, relation, target, flow);
        if (relation.Doc is { } doc) flow.Add("description", YamlText.Scalar(doc));
        if (relation.Deprecated is { } why) flow.Add("deprecated", YamlText.Scalar(why));
        return flow.ToString();
    }

    static void Owning(Model model, Relation relation, Model target, YamlFlow flow)
    {
        string[] usual = [.. relation.References.Select(r => KeyFieldMaker.NameOf(relation.Name, r))];
        Field? implied = relation.Fields.Select(f => model.Field(f)!).FirstOrDefault(f => f.IsImplied);
        if (implied is null || !usual.SequenceEqual(relation.Fields)) flow.Add("fields", YamlText.List(relation.Fields));
        else YamlFieldText.Shared(implied, relation, flow);
        if (!relation.References.SequenceEqual(target.Key)) flow.Add("references", YamlText.List(Spelled(target, relation.References)));
        if (relation.OnDelete != ReferentialAction.Restrict) flow.Add("onDelete", ActionText(relation.OnDelete));
        if (relation.OnUpdate != ReferentialAction.Restrict) flow.Add("onUpdate", ActionText(relation.OnUpdate));
    }

    static string ActionText(ReferentialAction action) => action switch
    {
        ReferentialAction.Cascade => "cascade",
        ReferentialAction.SetNull => "set null",
        ReferentialAction.Restrict => "restrict",
        _ => throw new InvalidOperationException($"no word for {action}"),
    };

    /// <summary>A name where two models are joined more than once: the model keeps which sides belong together, not what they were
    /// called.</summary>
    string? PairName(Model model, Relation relation, Model target)
    {
        if (relation.Inverse is null) return null;
        int joins = Owners(model, target) + (model == target ? 0 : Owners(target, model));
        if (joins < 2) return null;
        return relation.IsOwning ? $"{model.Name}_{relation.Name}" : $"{target.Name}_{relation.Inverse}";
    }

    static int Owners(Model from, Model to) => from.Relations.Count(r => r.IsOwning && r.Target == to.Name);

    void Checks(Model model)
    {
        if (!model.Checks.IsEmpty) Line("    checks:");
        for (int i = 0; i < model.Checks.Length; i++)
        {
            ModelCheck check = model.Checks[i];
            string derived = DatabaseNames.Fit(string.Create(CultureInfo.InvariantCulture, $"{model.Table}_check_{i + 1}"));
            string condition = YamlText.Expression(check.Condition);
            Line(check.Name == derived ? $"      - {condition}" : $"      - {{ check: {condition}, name: {YamlText.Scalar(check.Name)} }}");
        }
    }

    void Rules(Model model)
    {
        if (model.Rules.IsEmpty) return;
        Line("    rules:");
        bool isSimple = model.Rules.All(r => r is { Effect: RuleEffect.Allow, When: not null, After: null, Message: null }
            && SimpleWord(r.Operations) is not null) && model.Rules.Select(r =>
                SimpleWord(r.Operations)).Distinct().Count() == model.Rules.Length;
        foreach (AccessRule rule in model.Rules)
        {
            if (isSimple) Line($"      {SimpleWord(rule.Operations)}: {YamlText.Expression(rule.When!)}");
            else Line("      - " + RuleText(rule));
        }
    }

    static string RuleText(AccessRule rule)
    {
        YamlFlow flow = new();
        string operations = SimpleWord(rule.Operations) ?? YamlText.List([.. rule.Operations.Select(Word)]);
        flow.Add(rule.Effect == RuleEffect.Allow ? "allow" : "deny", operations);
        if (rule.When is { } when) flow.Add("when", YamlText.Expression(when));
        if (rule.After is { } after) flow.Add("after", YamlText.Expression(after));
        if (rule.Message is { } message) flow.Add("message", YamlText.Scalar(message));
        return flow.ToString();
    }

    static string? SimpleWord(ImmutableArray<Operation> operations) => operations switch
    {
        [Operation.List, Operation.Get] => "read",
        [Operation.List, Operation.Get, Operation.Create, Operation.Update, Operation.Delete, Operation.Restore] => "all",
        [var one] => Word(one),
        _ => null,
    };

    static string Word(Operation operation) => operation.ToString().ToLowerInvariant();

    static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    void Line(string line) => _text.Append(line).Append('\n');

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_-]*\z")]
    private static partial Regex CollectionForm();
}
