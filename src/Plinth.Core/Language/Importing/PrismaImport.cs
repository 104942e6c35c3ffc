using System.Collections.Immutable;
using Plinth.Language.Yaml;
using Plinth.Text;

namespace Plinth.Language.Importing;

/// <summary>
/// A Prisma schema → a native one. Models, enums, relations, keys, uniques and indexes come over; a list on both sides becomes the model
/// between them that Prisma keeps out of sight. Rules do not exist in Prisma: nobody can reach a model until it has one.
/// Two files: this one reads blocks, <c>PrismaField</c> one scalar field.
/// </summary>
sealed class PrismaImport
{
    static readonly string[] s_lateNative = ["id", "unique", "index", "map", "fulltext"];

    const int KeyChainMax = 20;

    readonly ImportedSchema _schema;
    readonly ImmutableArray<PrismaBlock> _blocks;
    readonly Dictionary<string, string> _blockNames = new(StringComparer.Ordinal);
    readonly Dictionary<string, PrismaBlock> _models = new(StringComparer.Ordinal);
    readonly HashSet<string> _enums = new(StringComparer.Ordinal);
    readonly HashSet<string> _types = new(StringComparer.Ordinal);
    readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    /// <summary>(model, list field) → the model between, for lists on both sides.</summary>
    readonly Dictionary<(string Model, string Field), string> _between = [];

    /// <summary>(model, field as in Prisma) → its name here.</summary>
    readonly Dictionary<(string Model, string Field), string> _fields = [];

    PrismaImport(ImmutableArray<PrismaBlock> blocks, Limits limits) => (_blocks, _schema) = (blocks, new ImportedSchema(limits));

    public static Imported Import(SourceText source, Limits limits)
    {
        Findings findings = new(limits.SchemaFindings);
        ImmutableArray<PrismaBlock> blocks = PrismaParser.Parse(source, findings, limits);
        if (!findings.HasErrors && !blocks.Any(b => b.Keyword is "model" or "type" or "enum"))
            findings.Error(source, Codes.EmptyBlock, default, "the file declares no model", "a Prisma schema has blocks: model User { … }");
        if (findings.HasErrors) return new Imported(null, [], findings.InOrder([source]));
        return new PrismaImport(blocks, limits).Run(source.Path);
    }

    Imported Run(string origin)
    {
        foreach (PrismaBlock block in _blocks)
        {
            if (block.Keyword is not ("model" or "enum" or "type")) continue;
            if (block.Attributes("ignore").Any())
            {
                _schema.Note(block.Name, "left out: @@ignore");
                continue;
            }
            if (_blockNames.ContainsKey(block.Name))
            {
                _schema.Note(block.Name, "left out: it is declared twice");
                continue;
            }
            _blockNames[block.Name] = ImportedNames.Block(block.Name, _taken);
            if (_blockNames[block.Name] != block.Name) _schema.Note(block.Name,
                $"called {_blockNames[block.Name]}: its name is taken here");
            if (block.Keyword == "model") _models[block.Name] = block;
            else (block.Keyword == "enum" ? _enums : _types).Add(block.Name);
        }
        foreach (PrismaBlock model in _models.Values) NameFields(model);
        foreach (PrismaBlock type in _blocks.Where(b => _types.Contains(b.Name))) NameFields(type);
        foreach (PrismaBlock model in _models.Values) FindBetween(model);
        HashSet<string> written = new(StringComparer.Ordinal);
        foreach (PrismaBlock block in _blocks) Block(block, written);
        foreach (string between in _between.Values.Distinct().ToArray()) Between(between);
        if (_models.Count > 0)
            _schema.Note("", "Prisma has no access rules: add @@allow to each model that callers may reach");
        return _schema.Settle(origin);
    }

    void Block(PrismaBlock block, HashSet<string> written)
    {
        switch (block.Keyword)
        {
            case "datasource" or "generator": break;
            case "model" or "enum" or "type" when !_blockNames.ContainsKey(block.Name) || !written.Add(block.Name): break;
            case "model": Model(block); break;
            case "enum": Enum(block); break;
            case "type": Type(block); break;
            default: _schema.Note(block.Name, $"left out: a {block.Keyword} is not available in this version"); break;
        }
    }

    void NameFields(PrismaBlock block)
    {
        HashSet<string> taken = new(StringComparer.Ordinal);
        foreach (PrismaMember member in block.Members.Where(m => m.Name.Length > 0))
        {
            if (_fields.ContainsKey((block.Name, member.Name)))
            {
                _schema.Note($"{block.Name}.{member.Name}", "left out: it is declared twice");
                continue;
            }
            string name = _fields[(block.Name, member.Name)] = ImportedNames.Field(member.Name, taken);
            if (name != member.Name) _schema.Note($"{block.Name}.{member.Name}", $"called '{name}': its name is taken here");
        }
    }

    void Enum(PrismaBlock block)
    {
        _schema.Open("enum " + Quoted(_blockNames[block.Name]), block.Doc);
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (PrismaMember value in block.Members.Where(m => m.Name.Length > 0))
        {
            string path = $"{block.Name}.{value.Name}";
            if (!ImportedNames.IsWord(value.Name)) _schema.Note(path, "left out: no name here");
            else if (seen.Add(value.Name)) _schema.Member(Quoted(value.Name), path);
            if (value.Attribute("map") is not null) _schema.Note(path, "@map: values are stored as they are called");
        }
        _schema.Close();
    }

    void Type(PrismaBlock block)
    {
        _schema.Open("type " + Quoted(_blockNames[block.Name]), block.Doc);
        foreach (PrismaMember member in Members(block)) Scalar(block, member, isMember: true);
        _schema.Close();
    }

    void Model(PrismaBlock block)
    {
        _schema.Open("model " + Quoted(_blockNames[block.Name]), block.Doc);
        foreach (PrismaMember member in Members(block))
        {
            if (_models.ContainsKey(member.Type)) Relation(block, member);
            else Scalar(block, member, isMember: false);
        }
        foreach (PrismaMember line in block.Members.Where(m => m.Name.Length == 0))
        {
            foreach (PrismaAttribute attribute in line.Attributes) BlockAttribute(block, attribute);
        }
        _schema.Close();
    }

    /// <summary>Each name once, without what Prisma itself ignores.</summary>
    IEnumerable<PrismaMember> Members(PrismaBlock block)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (PrismaMember member in block.Members.Where(m => m.Name.Length > 0))
        {
            if (!seen.Add(member.Name)) continue;
            if (member.Attribute("ignore") is null) yield return member;
            else _schema.Note($"{block.Name}.{member.Name}", "left out: @ignore");
        }
    }

    void Scalar(PrismaBlock block, PrismaMember member, bool isMember)
    {
        string path = $"{block.Name}.{member.Name}";
        string? type = _enums.Contains(member.Type) || _types.Contains(member.Type) ? Quoted(_blockNames[member.Type])
            : member.Type == "String" && IsUuid(block.Name, member, depth: 0) ? "Uuid" : null;
        PrismaField field = new(_schema, path, member, _enums.Contains(member.Type), isMember);
        if (field.Text(Quoted(_fields[(block.Name, member.Name)]), type, ColumnOf(block, member)) is { } text)
            _schema.Member(text, path, member.Doc);
    }

    /// <summary>
    /// Prisma keeps UUIDs as text unless told; here they are a type of their own, and so are the keys that refer to them.
    /// </summary>
    bool IsUuid(string model, PrismaMember member, int depth)
    {
        bool isMade = member.Attribute("default")?.Argument("value", 0) is { Kind: PrismaValueKind.Call, Text: "uuid" };
        if (isMade || member.Attribute("db.Uuid") is not null) return true;
        if (depth > KeyChainMax || !_models.TryGetValue(model, out PrismaBlock? block)) return false;
        foreach (PrismaMember relation in block.Members)
        {
            if (relation.Attribute("relation") is not { } attribute || !_models.TryGetValue(relation.Type,
                out PrismaBlock? target)) continue;
            PrismaValue[] fields = [.. attribute.Argument("fields")?.All ?? []],
                references = [.. attribute.Argument("references")?.All ?? []];
            int at = Array.FindIndex(fields, f => f.Text == member.Name);
            if (at < 0 || at >= references.Length) continue;
            PrismaMember? referred = target.Members.FirstOrDefault(m => m.Name == references[at].Text && m.Type == "String");
            if (referred is not null) return IsUuid(relation.Type, referred, depth + 1);
        }
        return false;
    }

    /// <summary>Prisma calls a column as the field, unless told: what our own rule would call otherwise is said.</summary>
    string? ColumnOf(PrismaBlock block, PrismaMember member)
    {
        string column = member.Attribute("map")?.Argument("name", 0)?.Text ?? member.Name;
        return column == Names.SnakeCase(_fields[(block.Name, member.Name)]) ? null : column;
    }

    void Relation(PrismaBlock block, PrismaMember member)
    {
        string path = $"{block.Name}.{member.Name}", name = _fields[(block.Name, member.Name)];
        PrismaAttribute? attribute = member.Attribute("relation");
        if (_between.TryGetValue((block.Name, member.Name), out string? between))
        {
            _schema.Member($"{Quoted(name)} {Quoted(between)}[] @relation({NativeText.Quoted(path)})", path, member.Doc);
            _schema.Note(path, $"a list on both sides: the model {between} stands between them, as its table does in Prisma");
            return;
        }
        string type = Quoted(_blockNames[member.Type]) + (member.IsList ? "[]" : member.IsOptional ? "?" : "");
        List<string> arguments = [];
        if (attribute?.Argument("name", 0) is { Kind: PrismaValueKind.Text } pair) arguments.Add(NativeText.Quoted(pair.Text));
        if (attribute?.Argument("fields") is { } fields)
        {
            arguments.Add($"fields: [{Fields(block.Name, fields)}]");
            if (attribute.Argument("references") is { } references) arguments.Add($"references: [{Fields(member.Type, references)}]");
            // What Prisma does when nothing is said.
            arguments.Add("onDelete: " + Action(path, "onDelete", attribute, member.IsOptional ? "SetNull" : "Restrict"));
            if (attribute.Argument("onUpdate") is { Text: not "Cascade" } update)
                _schema.Note(path, $"onUpdate: {update.Text} says nothing: keys do not change");
        }
        if (attribute?.Argument("map") is not null) _schema.Note(path, "map: names of foreign keys are made, not given");
        string relation = arguments.Count > 0 ? $" @relation({string.Join(", ", arguments)})" : "";
        _schema.Member($"{Quoted(name)} {type}{relation}", path, member.Doc);
        foreach (PrismaAttribute other in member.Attributes.Where(a => a.Name != "relation"))
            _schema.Note(path, $"@{other.Name} is not known here");
    }

    string Action(string path, string argument, PrismaAttribute attribute, string usual)
    {
        string word = attribute.Argument(argument)?.Text ?? usual;
        if (word is "Cascade" or "SetNull" or "Restrict") return char.ToLowerInvariant(word[0]) + word[1..];
        _schema.Note(path, $"{argument}: {word} became restrict");
        return "restrict";
    }

    string Fields(string model, PrismaValue names) => string.Join(", ", names.All.Select(v => FieldName(model, v.Text)));

    string FieldName(string model, string field) => _fields.GetValueOrDefault((model,
        field)) ?? (ImportedNames.IsWord(field) ? field : "unknown");

    void BlockAttribute(PrismaBlock block, PrismaAttribute attribute)
    {
        string path = $"{block.Name} @@{attribute.Name}";
        if (!s_lateNative.Contains(attribute.Name))
        {
            _schema.Note(path, attribute.Name == "schema" ? "left out: a database has one schema here" : "left out: it is not known here");
            return;
        }
        if (attribute.Name == "map")
        {
            if (attribute.Argument("name", 0) is { } table) _schema.Member($"@@map({NativeText.Quoted(table.Text)})", path);
            return;
        }
        if (attribute.Argument("fields", 0) is not { } fields)
        {
            _schema.Note(path, "left out: it names no fields");
            return;
        }
        bool isSorted = attribute.Name == "index";
        string names = string.Join(", ", fields.All.Select(v => FieldName(block.Name, v.Text)
            + (isSorted && v.Items.Any(i => i is { Label: "sort", Value.Text: "Desc" }) ? "(desc)" : "")));
        string name = attribute.Name is "unique" or "index" && attribute.Argument("map") is { } map
            ? $", name: {NativeText.Quoted(map.Text)}" : "";
        foreach (PrismaArgument other in attribute.Arguments.Where(a => a.Label is not (null or "fields" or "map")))
            _schema.Note(path, $"{other.Label}: is not carried");
        _schema.Member($"@@{attribute.Name}([{names}]{name})", path);
    }

    /// <summary>A list whose other side is a list too, and no model stands between them.</summary>
    void FindBetween(PrismaBlock model)
    {
        foreach (PrismaMember member in model.Members.Where(m => m is { IsList: true, Name.Length: > 0 } && _models.ContainsKey(m.Type)))
        {
            if (_between.ContainsKey((model.Name, member.Name)) || member.Attribute("ignore") is not null) continue;
            string? pair = PairOf(member);
            PrismaMember? back = _models[member.Type].Members.FirstOrDefault(m => m.IsList && m.Type == model.Name && PairOf(m) == pair
                && !(member.Type == model.Name && m.Name == member.Name) && m.Attribute("ignore") is null);
            if (back is null) continue;
            string first = _blockNames[model.Name], second = _blockNames[member.Type];
            string name = ImportedNames.Block(pair ?? $"{first}To{second}", _taken);
            _between[(model.Name, member.Name)] = name;
            _between[(member.Type, back.Name)] = name;
        }
    }

    static string? PairOf(PrismaMember member) => member.Attribute("relation")?.Argument("name", 0) is { Kind: PrismaValueKind.Text } pair
        ? pair.Text : null;

    void Between(string name)
    {
        (string Model, string Field)[] ends = [.. _between.Where(b => b.Value == name).Select(b => b.Key)];
        _schema.Open("model " + Quoted(name), null);
        HashSet<string> taken = new(StringComparer.Ordinal);
        List<string> keys = [];
        foreach (var (model, field) in ends)
        {
            string target = _blockNames[model];
            string end = ImportedNames.Field(char.ToLowerInvariant(target[0]) + target[1..], taken);
            keys.Add(end);
            _schema.Member($"{Quoted(end)} {Quoted(target)} @relation({NativeText.Quoted($"{model}.{field}")}, onDelete: cascade)", name);
        }
        _schema.Member($"@@id([{string.Join(", ", keys)}])", name);
        _schema.Close();
    }

    public static string Quoted(string name) => $"`{name}`";
}
