using System.Collections.Immutable;
using System.Reflection;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// The models that the product brings, written in the schema language like everyone's: <c>User</c>, <c>Session</c> and what belongs to
/// them. They are there when a schema says <c>extend User</c>, or has a field of one of their types and no model of that name; a schema
/// that does neither is not larger for them. What a schema adds by <c>extend</c> is poured in before anything is bound.
/// </summary>
sealed class PlatformModels
{
    public const string User = "User";

    /// <summary>The field of <c>User</c> that an extension may write out itself, with a type of its own.</summary>
    const string Role = "role";

    const string Administrator = "admin";

    static readonly SourceText s_users = Load("users.plinth"), s_auth = Load("auth.plinth"), s_admins = Load("admins.plinth");

    PlatformModels(ImmutableArray<SchemaSyntax> files, ImmutableArray<BlockSyntax> blocks) => (Files, Blocks) = (files, blocks);

    /// <summary>The product's own files that take part; none when the schema has no users.</summary>
    public ImmutableArray<SchemaSyntax> Files { get; }

    /// <summary>Their blocks, extended.</summary>
    public ImmutableArray<BlockSyntax> Blocks { get; }

    public bool HasUsers => !Blocks.IsEmpty;

    public static bool IsOurs(SourceText source) =>
        ReferenceEquals(source, s_users) || ReferenceEquals(source, s_auth) || ReferenceEquals(source, s_admins);

    public static PlatformModels For(IReadOnlyCollection<SchemaSyntax> files, Findings findings)
    {
        SchemaSyntax users = Parser.Parse(s_users, findings, Limits.Default);
        HashSet<string> names = [.. users.Blocks.Select(b => b.Name!.Text)]; // Every model of ours has a name.
        ImmutableArray<RecordSyntax> records = [.. files.SelectMany(f => f.Blocks).OfType<RecordSyntax>()];
        ImmutableArray<RecordSyntax> extensions = [.. records.Where(r => r.Kind == RecordKind.Extend)];
        CheckExtensions(extensions, names, records, findings);
        bool extends = extensions.Any(e => e.Name is { } name && names.Contains(name.Text));
        if (!extends && !Mentions(records, names, Declared(files))) return new PlatformModels([], []);

        List<SchemaSyntax> own = [users];
        RecordSyntax? auth = records.FirstOrDefault(r => r.Kind == RecordKind.Auth);
        if (auth is null) own.Add(Parser.Parse(s_auth, findings, Limits.Default));
        if (!IsTenanted(files) && (auth is null || CanBeAdministrator(auth, files))) own.Add(Parser.Parse(s_admins, findings,
            Limits.Default));
        ILookup<string, RecordSyntax> byName = own.SelectMany(f => f.Blocks).OfType<RecordSyntax>()
            .Where(r => r.Kind == RecordKind.Extend).Concat(extensions).Where(e => e.Name is not null)
            .ToLookup(e => e.Name!.Text, StringComparer.Ordinal); // Not null: the line above.
        return new PlatformModels([.. own], [.. own.SelectMany(f => f.Blocks).OfType<RecordSyntax>()
            .Where(r => r.Kind != RecordKind.Extend)
            .Select(r => r.Kind == RecordKind.Model ? Extended(r, byName[r.Name!.Text]) : r)]); // A model of ours has a name.
    }

    /// <summary>The model with what its extensions add; a role that one of them declares stands in place of ours.</summary>
    static RecordSyntax Extended(RecordSyntax model, IEnumerable<RecordSyntax> extensions)
    {
        ImmutableArray<MemberSyntax> added = [.. extensions.SelectMany(e => e.Members)];
        bool hasOwnRole = model.Name?.Text == User && added.OfType<FieldSyntax>().Any(f => f.Name.Text == Role);
        return model with
        {
            Members = [.. model.Members.Where(m => !(hasOwnRole && m is FieldSyntax { Name.Text: Role })), .. added],
            Doc = extensions.Select(e => e.Doc).LastOrDefault(d => d is not null) ?? model.Doc,
            IsBroken = extensions.Any(e => e.IsBroken),
        };
    }

    static void CheckExtensions(
        ImmutableArray<RecordSyntax> extensions, HashSet<string> names, ImmutableArray<RecordSyntax> records, Findings findings)
    {
        foreach (RecordSyntax extension in extensions)
        {
            if (extension.Name is not { } name || names.Contains(name.Text)) continue;
            bool isOwn = records.Any(r => r.Kind == RecordKind.Model && r.Name?.Text == name.Text);
            findings.Error(extension.Source, Codes.UnknownType, name.Span, isOwn
                ? $"'{name.Text}' is a model of the schema's own" : $"there is no model '{name.Text}' to extend",
                isOwn ? "write the fields where it is declared" : findings.DidYouMean(name.Text, names)
                    ?? "extend is for " + string.Join(", ", names.Order(StringComparer.Ordinal)));
        }
    }

    static HashSet<string> Declared(IReadOnlyCollection<SchemaSyntax> files) =>
        [.. files.SelectMany(f => f.Blocks).Where(b => b is not (AppSyntax or RecordSyntax { Kind: RecordKind.Auth or RecordKind.Extend }))
            .Select(b => b.Name?.Text).OfType<string>()];

    /// <summary>A model (or a mixin) has a field of a type that is one of ours, and that the schema does not declare itself.</summary>
    static bool Mentions(ImmutableArray<RecordSyntax> records, HashSet<string> names, HashSet<string> declared) => records
        .Where(r => r.Kind is RecordKind.Model or RecordKind.Mixin)
        .SelectMany(r => r.Members.OfType<FieldSyntax>())
        .Any(f => f.Type is { } type && names.Contains(type.Name.Text) && !declared.Contains(type.Name.Text));

    /// <summary>The claim <c>role</c> can say <c>admin</c>: then administrators look after users.</summary>
    static bool CanBeAdministrator(RecordSyntax auth, IReadOnlyCollection<SchemaSyntax> files)
    {
        if (auth.Members.OfType<FieldSyntax>().FirstOrDefault(f => f.Name.Text == Role)?.Type is not { IsList: false } type) return false;
        return type.Name.Text == "String" || files.SelectMany(f => f.Blocks).OfType<EnumSyntax>()
            .Any(e => e.Name?.Text == type.Name.Text && e.Values.Any(v => v.Text == Administrator));
    }

    /// <summary>An administrator is then one of a tenant, and which users are his is for the schema to say.</summary>
    static bool IsTenanted(IReadOnlyCollection<SchemaSyntax> files) => files.SelectMany(f => f.Blocks).OfType<AppSyntax>()
        .Any(app => app.Settings.Any(s => s.Name.Text == "tenancy" && s.Settings.IsDefault && app.Source.Slice(s.Value.Span) == "row"));

    static SourceText Load(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("Plinth.Language.Platform." + name)
            ?? throw new InvalidOperationException($"the resource {name} is not in the assembly");
        using StreamReader reader = new(stream);
        return new SourceText("plinth:" + name, reader.ReadToEnd());
    }
}
