using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>A field on its way into the model: its type is resolved, its attributes are being applied.</summary>
sealed class FieldDraft(SourceText source, NameSyntax name, Field field)
{
    public SourceText Source { get; } = source;

    public NameSyntax Name { get; } = name;

    public Field Field { get; set; } = field;

    /// <summary>Something about it was reported: whatever depends on it is not judged.</summary>
    public bool IsBroken { get; set; }

    public List<BoundAttribute> Attributes { get; } = [];

    /// <summary>What a relation's name has behind it in this key field's name (<c>Id</c>): its former name had it too.</summary>
    public string KeySuffix { get; init; } = "";

    public BoundAttribute? Attribute(string name) => BoundAttribute.Find(Attributes, name);
}

/// <summary>One side of a relation on its way: first as written, then with its key fields, then joined with the other side.</summary>
sealed class RelationDraft(ModelDraft model, ModelDraft target, FieldSyntax syntax)
{
    public ModelDraft Model { get; } = model;

    public ModelDraft Target { get; } = target;

    public FieldSyntax Syntax { get; } = syntax;

    public SourceText Source => Syntax.Source;

    public string Name => Syntax.Name.Text;

    public Span Span => Syntax.Name.Span;

    public bool IsList { get; init; }

    public bool IsOptional { get; init; }

    public List<BoundAttribute> Attributes { get; } = [];

    public BoundAttribute? Attribute(string name) => BoundAttribute.Find(Attributes, name);

    /// <summary>Of <c>@relation(name: …)</c>.</summary>
    public string? PairName { get; set; }

    /// <summary>This side holds the key. Known once the two sides have been looked at.</summary>
    public bool IsOwning { get; set; }

    public bool IsResolved { get; set; }

    public bool IsBroken { get; set; }

    public ImmutableArray<string> Fields { get; set; } = [];

    public ImmutableArray<string> References { get; set; } = [];

    public RelationDraft? Inverse { get; set; }

    public ReferentialAction OnDelete { get; set; }

    public ReferentialAction OnUpdate { get; set; }
}

/// <summary>A model on its way: mixins are poured in, members are sorted into fields and relations.</summary>
sealed class ModelDraft(RecordSyntax syntax, string name)
{
    public RecordSyntax Syntax { get; } = syntax;

    public string Name { get; } = name;

    public SourceText Source => Syntax.Source;

    public Span Span => Syntax.Head;

    public string Table { get; set; } = Names.Collection(name);

    public string Route { get; set; } = Names.Collection(name);

    public List<FieldDraft> Fields { get; } = [];

    public Dictionary<string, FieldDraft> FieldsByName { get; } = new(StringComparer.Ordinal);

    public List<RelationDraft> Relations { get; } = [];

    public Dictionary<string, RelationDraft> RelationsByName { get; } = new(StringComparer.Ordinal);

    /// <summary>Names that stand for something broken: conditions and attributes that use them are not judged.</summary>
    public HashSet<string> BrokenNames { get; } = new(StringComparer.Ordinal);

    /// <summary>A part of it could not be read, or a mixin it uses is unknown: what seems to be missing may be in there.</summary>
    public bool IsIncomplete { get; set; } = syntax.IsBroken;

    public List<BoundAttribute> Attributes { get; } = [];

    public IEnumerable<BoundAttribute> All(string name) => Attributes.Where(a => string.Equals(a.Name, name, StringComparison.Ordinal));

    public BoundAttribute? Attribute(string name) => BoundAttribute.Find(Attributes, name);

    /// <summary>The field that says which tenant a record belongs to.</summary>
    public string? Tenant { get; set; }

    /// <summary>The field that leads to the record that this one is about.</summary>
    public string? Subject { get; set; }

    public KeyState KeyState { get; set; }

    public ImmutableArray<string> Key { get; set; } = [];

    public List<UniqueKey> Uniques { get; } = [];

    public List<ModelIndex> Indexes { get; } = [];

    public ImmutableArray<string> FullText { get; set; } = [];

    public List<ModelCheck> Checks { get; } = [];

    public List<AccessRule> Rules { get; } = [];

    /// <summary>Set where the block is a projection that could be bound, with the model that it is made from.</summary>
    public Projection? Projection { get; set; }

    public ModelDraft? ProjectedFrom { get; set; }

    public bool IsProjection => Syntax.Kind == RecordKind.Projection;

    public bool IsSoftDelete => Attribute("@@softDelete") is not null;

    public void Add(FieldDraft field)
    {
        Fields.Add(field);
        FieldsByName[field.Field.Name] = field;
        if (field.IsBroken) BrokenNames.Add(field.Field.Name);
    }
}

enum KeyState
{
    Unknown,
    BeingResolved,
    Resolved,
    Broken,
}
